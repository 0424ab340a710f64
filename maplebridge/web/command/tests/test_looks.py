"""Each opening of a case that is not public is noted before it is shown; auditors read the list."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import ProgrammingError, connection
from django.test import Client
from django.urls import get_resolver, reverse

from maplebridge.cases.models import Attachment, Case, Look
from maplebridge.lib.clock import local_day, now
from maplebridge.web.command.tests.test_desk import desk_of, page
from maplebridge.web.parts.words import unit_name

pytestmark = pytest.mark.django_db


def secret(town: Any, grade: str = "C1") -> Case:
    case_id = town.report().case_id
    town.triage(case_id, confidentiality=grade)
    found: Case = town.case(case_id)
    return found


def addresses_of(case: Case) -> list[str]:
    """Every address of the desk that names a case, with what the case has."""
    named = {
        "case": {},
        "case-photo": {"number": 1},
        "slip": {"name": "dispatch", "form": "pdf"},
        "overrule": {"step": "locate"},
        "move": {"name": "accept"},
        "case-reporter": {},
        "case-original": {"number": 1},
        "draft": {"name": "log"},
        "hold": {},
        "together": {},
        "leave-note": {},
        "worker-task": {},
        "worker-photo": {"number": 1},
        "worker-move": {"name": "accept"},
        # Of another kind: such a case answers 404 here; their ways are tried in tests/gate.
        "mediation-file": {},
        "mediation-paper": {"name": "cover", "form": "pdf"},
        "mediation-act": {"name": "begin"},
        "mediation-party": {"what": "agree"},
        "emergency": {},
        "emergency-dispatch": {},
        "emergency-report": {"number": 1, "form": "pdf"},
        "emergency-alert": {"number": 1},
        "emergency-duty": {"form": "pdf"},
        "emergency-review": {"form": "pdf"},
        "emergency-act": {"name": "log"},
        "safety-papers": {},
        "safety-paper": {"name": "notice", "form": "pdf"},
    }
    known = {
        name
        for resolver in get_resolver().url_patterns
        for pattern in getattr(resolver, "url_patterns", [])
        if "case_id" in str(pattern.pattern) and (name := pattern.name)
    }
    assert known == set(named), "an address that opens a case and is not tried here"
    return [reverse(name, kwargs={"case_id": case.pk, **more}) for name, more in named.items()]


@pytest.mark.parametrize(("grade", "noted"), [("C0", False), ("C1", True), ("C2", True)])
def test_whatever_shows_a_case_is_noted_first(town: Any, grade: str, noted: bool) -> None:
    case = secret(town, grade)
    Attachment.objects.create(
        case_id=case.pk, number=1, area_code=case.area_code, sequence=1,
        sha256="0" * 64, media_type="image/jpeg", size=1,
    )  # fmt: skip
    client = desk_of("town")
    opened = 0
    for address in addresses_of(case):
        before = Look.objects.filter(case_id=case.pk).count()
        answer = client.get(address)
        fresh = Look.objects.filter(case_id=case.pk).count() - before
        if answer.status_code == 200:
            opened += 1
            assert fresh == noted, address
    assert opened >= 2
    for look in Look.objects.filter(case_id=case.pk):
        assert (look.unit_code, look.role, look.confidentiality, look.area_code) == (
            town.town.unit_code, "clerk", grade, case.area_code,
        )  # fmt: skip
        assert look.account_id is not None


def test_what_cannot_be_noted_is_not_shown(town: Any, monkeypatch: Any) -> None:
    case = secret(town)
    client = desk_of("town")
    client.raise_request_exception = False

    def fails(*_args: Any, **_more: Any) -> None:
        raise ProgrammingError("no right to write")

    monkeypatch.setattr(Look.objects, "create", fails)
    answer = client.get(f"/desk/case/{case.pk}/")
    assert answer.status_code == 500
    assert "积水" not in page(answer)


@pytest.mark.parametrize("statement", ["UPDATE cases_look SET way = 'x'", "DELETE FROM cases_look"])
def test_a_look_can_neither_be_changed_nor_removed_by_the_application(
    town: Any, statement: str
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_case_out_of_sight_leaves_no_look(town: Any) -> None:
    case = secret(town, "C2")
    assert desk_of("county").get(f"/desk/case/{case.pk}/").status_code == 404
    assert not Look.objects.exists()


def test_the_reporter_sees_the_posts_and_no_name(client: Client, town: Any) -> None:
    case = secret(town)
    assert "还没有人打开过这份材料" in page(client.get(f"/r/{case.query_code}/"))
    for _turn in range(3):
        desk_of("town").get(f"/desk/case/{case.pk}/")
    shown = page(client.get(f"/r/{case.query_code}/"))
    section = re.search(r'id="receipt-looks".*?</section>', shown, re.DOTALL)
    assert section
    assert "指挥室" in section[0]
    assert "3 次" in section[0]
    assert town.town.name not in shown


def test_the_auditor_sees_who_looked_and_nothing_of_the_case(town: Any) -> None:
    case, other = secret(town), secret(town, "C2")
    desk_of("town").get(f"/desk/case/{case.pk}/")
    desk_of("town").get(f"/desk/case/{other.pk}/")
    auditor = desk_of("auditor")
    shown = page(auditor.get("/desk/looks/"))
    assert {case.number, other.number} <= set(re.findall(r"[\w-]+", shown))
    assert town.town.name in shown
    words = town.case(case.pk)
    assert "积水" not in shown
    only = page(auditor.get("/desk/looks/", {"number": words.number.lower()}))
    assert case.number in only
    assert other.number not in only
    assert auditor.get(f"/desk/case/{case.pk}/").status_code == 404
    assert "/desk/looks/" in page(auditor.get("/desk/", follow=True))


@pytest.mark.parametrize("name", ["town", "county", "administrator", "village", "grid", "utility"])
def test_nobody_else_reads_the_list(town: Any, name: str) -> None:
    client = desk_of(name)
    assert client.get("/desk/looks/").status_code == 403
    assert "/desk/looks/" not in page(client.get("/desk/"))


def test_a_long_list_comes_in_pages_without_gap_or_repeat(town: Any) -> None:
    case = secret(town)
    client = desk_of("town")
    for _turn in range(53):
        client.get(f"/desk/case/{case.pk}/")
    auditor = desk_of("auditor")
    first = page(auditor.get("/desk/looks/"))
    further = re.search(r'href="\?([^"]*after=[^"]+)"', first)
    assert further
    second = page(auditor.get("/desk/looks/?" + further[1].replace("&amp;", "&")))
    assert (first.count('class="code" data-name'), second.count('class="code" data-name')) == (
        50,
        3,
    )
    assert auditor.get("/desk/looks/?after=x,y").status_code == 200


def test_each_filter_narrows_what_it_names(town: Any) -> None:
    from maplebridge.cases import looks
    from maplebridge.cases.grades import Way

    case, other = secret(town), secret(town)
    looks.note(town.town, case, Way.PAGE)
    looks.note(town.county, case, Way.PHOTO)
    looks.note(town.housing, other, Way.PAPER)
    today = local_day(now()).isoformat()
    auditor = desk_of("auditor")

    def units_of(**asked: str) -> set[str]:
        shown = page(auditor.get("/desk/looks/", asked))
        body = re.search(r"<tbody>.*?</tbody>", shown, re.DOTALL)
        names = {"夏知远": "town", "龙一舟": "county", "祝安居": "housing"}
        return {code for name, code in names.items() if body and name in body[0]}

    assert units_of() == {"town", "county", "housing"}
    assert units_of(since=today, until=today) == {"town", "county", "housing"}
    assert units_of(until="2020-01-01") == set()
    assert units_of(since="2099-01-01") == set()
    assert units_of(since="nonsense", until="9999-12-31") == {"town", "county", "housing"}
    assert units_of(unit=town.town.unit_code) == {"town"}
    assert units_of(role="dispatcher") == {"county"}
    assert units_of(way="paper") == {"housing"}
    assert units_of(number=case.number.lower()) == {"town", "county"}
    assert units_of(account="housing") == {"housing"}
    assert units_of(account="夏知远") == {"town"}
    assert units_of(account="nobody") == set()
    assert units_of(number=case.number, way="photo") == {"county"}


def test_units_are_counted_by_day_and_no_person_is(town: Any) -> None:
    from maplebridge.cases import looks
    from maplebridge.cases.grades import Way

    case, other = secret(town), secret(town)
    for each in (case, case, other):
        looks.note(town.town, each, Way.PAGE)
    looks.note(town.county, case, Way.PAGE)
    shown = page(desk_of("auditor").get("/desk/looks/", {"tab": "counts"}))
    body = re.search(r"<tbody>.*?</tbody>", shown, re.DOTALL)
    assert body
    told = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in body[0].split("</tr>")[:-1]]
    today = local_day(now()).isoformat()
    assert sorted(told, key=str) == sorted(
        [[today, unit_name(town.town.unit_code), "3", "2"],
         [today, unit_name(town.county.unit_code), "1", "1"]], key=str,
    )  # fmt: skip
    assert town.town.name not in body[0]


def test_acts_of_the_officers_are_seen_by_the_auditor_and_taking_out_is_one(town: Any) -> None:
    from maplebridge.organisation import acts
    from maplebridge.organisation.models import Act, Deed

    security = town.security
    acts.note(security, Deed.SECRET_GIVEN, f"account:{town.town.account_id}", {"hours": 24})
    acts.note(town.administrator, Deed.PUBLISHED, "table:categories:2", {"rows": 3})
    case = secret(town)
    desk_of("town").get(f"/desk/case/{case.pk}/")
    auditor = desk_of("auditor")
    shown = page(auditor.get("/desk/looks/", {"tab": "acts"}))
    for said in (security.name, town.administrator.name, "table:categories:2", town.town.name):
        assert said in shown
    only = page(auditor.get("/desk/looks/", {"tab": "acts", "deed": "published"}))
    assert "table:categories:2" in only
    assert security.name not in only
    answer = auditor.post(f"/desk/looks/?number={case.number}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment;")
    lines = page(answer).lstrip("\ufeff").splitlines()
    assert len(lines) == 2
    assert case.number in lines[1]
    assert "下水道" not in page(answer)
    act = Act.objects.order_by("-number").first()
    assert act is not None
    assert (act.deed, act.on, act.account_id, act.facts) == (
        "exported", "list:looks", town.auditor.account_id, {"number": case.number, "rows": 1},
    )  # fmt: skip
    for tab in ("counts", "acts"):
        assert auditor.post(f"/desk/looks/?tab={tab}").status_code == 200
    assert page(auditor.get("/desk/looks/", {"tab": "acts"})).count("list:") == 3
    assert desk_of("town").post("/desk/looks/").status_code == 403


def test_no_cell_of_a_taken_out_list_runs_as_a_formula(town: Any) -> None:
    from maplebridge.cases import looks
    from maplebridge.cases.grades import Way

    looks.note(town.town, secret(town), Way.REVEAL, "=HYPERLINK(1)")
    answer = desk_of("auditor").post("/desk/looks/")
    assert "'=HYPERLINK(1)" in page(answer)


def test_acts_come_in_pages_without_gap_or_repeat(town: Any) -> None:
    from maplebridge.organisation import acts
    from maplebridge.organisation.models import Deed

    for n in range(53):
        acts.note(town.administrator, Deed.PUBLISHED, f"table:x:{n}")
    auditor = desk_of("auditor")
    first = page(auditor.get("/desk/looks/?tab=acts"))
    further = re.search(r'href="\?([^"]*after=\d+)"', first)
    assert further
    second = page(auditor.get("/desk/looks/?" + further[1].replace("&amp;", "&")))
    seen = [re.findall(r"table:x:(\d+)", each) for each in (first, second)]
    assert [len(seen[0]), sorted(map(int, seen[0] + seen[1]))] == [50, list(range(53))]
