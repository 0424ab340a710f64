"""Each opening of a case that is not public is noted before it is shown; auditors read the list."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import ProgrammingError, connection
from django.test import Client
from django.urls import get_resolver, reverse

from maplebridge.cases.models import Attachment, Case, Look
from maplebridge.web.command.tests.test_desk import desk_of, page

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
    assert "/desk/looks/" in page(auditor.get("/desk/"))


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
    further = re.search(r'href="\?(after=[^"]+)"', first)
    assert further
    second = page(auditor.get("/desk/looks/?" + further[1].replace("&amp;", "&")))
    assert (first.count('class="code" data-name'), second.count('class="code" data-name')) == (
        50,
        3,
    )
    assert auditor.get("/desk/looks/?after=x,y").status_code == 200
