"""The pages of safety show hazards to whom the gate does, and premises within the own area."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from maplebridge.applications.safety import ledger, register, visits
from maplebridge.applications.safety.models import Accident, Inspection, Premises
from maplebridge.applications.safety.papers import KIND
from maplebridge.cases import wall
from maplebridge.cases.engine import FactsError
from maplebridge.cases.models import Case, Event
from maplebridge.cases.reading import readings
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.models import Account
from maplebridge.organisation.people import SYSTEM

pytestmark = pytest.mark.django_db
EVERYBODY = ("village", "town", "county", "city", "mediator", "leader", "supervisor", "grid",
             "housing", "revisit", "auditor", "administrator", "security")  # fmt: skip
HOLDER = "演示负责人"
MONDAY = dt.date(2026, 11, 30)


def client_of(username: str) -> Client:
    client = Client(headers={"accept-language": "zh-CN"})
    client.force_login(Account.objects.get(username=username))
    return client


def place(town: Any, code: str = "A-1", **more: str) -> Premises:
    """A restaurant with gas in the village of the town."""
    said = {"code": code, "name": f"山脚饭店{code}", "trade": "gas", "risk": "1",
            "village": town.village_code, "duty_holder": HOLDER, **more}  # fmt: skip
    return register.register(town.town, said)


def visited(
    town: Any, one: Premises, broken: str = "GAS-2", key: str = "first", days_ago: int = 0
) -> Inspection:
    """A visit by the village station that found one thing not in order."""
    visit = visits.visit_early(town.village, one, local_day(now()), "群众反映有异味", key)
    answers = {item.code: "ok" for item in register.items_of("gas")} | {broken: "not"}
    at = now() - dt.timedelta(days=days_ago)
    visits.record(town.village, visit.pk, answers, {broken: "报警装置没有接电"}, at)
    visit.refresh_from_db()
    return visit


def test_the_hazards_of_a_desk_are_those_the_gate_shows(town: Any) -> None:
    visit = visited(town, place(town))
    case_id = visits.hazards_of(visit)["GAS-2"]
    with wall.standing(SYSTEM):
        case = Case.objects.get(pk=case_id)
    for username in EVERYBODY:
        with wall.standing(SYSTEM):
            actor = town.people[username]
            seen = Case.objects.visible_to(actor).filter(pk=case.pk).exists()
        answer = client_of(username).get("/safety/")
        has = answer.status_code == 200 and case.number in answer.content.decode()
        assert has == (seen and register.may_look(actor)), username


def test_premises_and_visits_are_shown_within_the_own_area(town: Any) -> None:
    one = place(town)
    visit = visited(town, one)
    seeing = set()
    for username in EVERYBODY:
        actor = town.people[username]
        may = register.may_look(actor) and one.area_code.startswith(actor.area_code)
        seeing |= {username} if may else set()
        client = client_of(username)
        for address in (f"/safety/premises/{one.pk}/", f"/safety/visit/{visit.pk}/"):
            status = client.get(address).status_code
            assert (status == 200) == may, (username, address)
        listed = client.get("/safety/premises/")
        assert (one.name in listed.content.decode()) == may, username
        assert HOLDER not in listed.content.decode(), username
        planned = client.get("/safety/plan/").content.decode()
        assert (one.name in planned) == may, username
    assert seeing == {"village", "town", "county", "city", "leader", "supervisor", "housing"}
    stranger = {"code": "B", "name": "外乡", "trade": "gas", "risk": "1", "village": "330802005001",
                "duty_holder": "某"}  # fmt: skip
    answer = client_of("town").post("/safety/premises/", stranger)
    assert (answer.status_code, list(answer.context["problems"])) == (422, ["village"])
    twice = client_of("town").post("/safety/premises/", {**stranger, "code": "A-1",
                                                         "village": town.village_code})  # fmt: skip
    assert "已在台账中：山脚饭店A-1" in twice.content.decode()
    assert client_of("leader").post("/safety/premises/", stranger).status_code == 403


def test_only_what_is_listed_is_public_and_nobody_is_named_in_it(town: Any) -> None:
    visit = visited(town, place(town))
    case_id = visits.hazards_of(visit)["GAS-2"]
    public = Client(headers={"accept-language": "zh-CN"})
    assert "山脚饭店" not in public.get("/safety/listed/").content.decode()
    today = local_day(now())
    with wall.standing(SYSTEM):
        town.move(case_id, "assign", town.town, {"unit": "330825-hsc", "category": "0205"})
        town.move(case_id, "notice", town.housing, {
            "weight": "major", "measures": "接电", "responsible": HOLDER, "money_yuan": 300,
            "dispose_on": (today + dt.timedelta(days=9)).isoformat(), "plan": "停用",
        })  # fmt: skip
        town.move(case_id, "list_publicly", town.county,
                  {"published_on": today.isoformat(), "reason": "人员密集"})  # fmt: skip
    shown = public.get("/safety/listed/").content.decode()
    assert "山脚饭店A-1" in shown
    for hidden in (HOLDER, "报警装置没有接电", str(case_id)):
        assert hidden not in shown
    # Whoever reported it mended, and the own unit, do not look at it again.
    with wall.standing(SYSTEM):
        town.move(case_id, "mend", town.housing, {"result": "已接电"})
    answer = client_of("housing").post(f"/desk/case/{case_id}/move/reinspect_pass/",
                                       {"evidence": "我看过了", "key": "own"})  # fmt: skip
    assert answer.status_code in (403, 404, 422)
    assert town.case(case_id).state == "mended"


def test_a_visit_is_written_down_once_and_the_same_item_again_is_a_repeat(town: Any) -> None:
    one = place(town)
    visit = visited(town, one, days_ago=9)
    again = visits.record(town.village, visit.pk, {}, {})
    assert [opened.case_id for opened in again] == list(visits.hazards_of(visit).values())
    with pytest.raises(FactsError, match="这次检查已有结果"):
        visits.record(town.town, visit.pk, {}, {})
    second = visited(town, one, key="second")
    other = visited(town, one, broken="GAS-5", key="third")
    found = [visits.hazards_of(v) for v in (visit, second, other)]
    with wall.standing(SYSTEM):
        told = [visits.is_repeated(case_id) for by in found for case_id in by.values()]
        assert told == [False, True, False]
        assert Case.objects.filter(kind=KIND).count() == 3
        text = Event.objects.filter(case_id=found[0]["GAS-2"], sequence=1).first()
        assert text is not None
        assert text.facts["premises"] == "A-1"
    assert Premises.objects.get(pk=one.pk).last_visit == local_day(now())
    with pytest.raises(FactsError) as refused:
        open_visit = visits.visit_early(town.village, one, local_day(now()), "复核", "fourth")
        visits.record(town.village, open_visit.pk, {"GAS-1": "not", "GAS-2": "ok"}, {})
    assert sorted(refused.value.problems) == ["GAS-1", "GAS-3", "GAS-4", "GAS-5"]


def test_a_plan_is_the_same_again_and_visits_nobody_twice(town: Any) -> None:
    for n, risk in enumerate(("1", "2", "4", "1"), start=1):
        place(town, f"P-{n}", risk=risk)
    made = visits.plan(town.town, MONDAY, 7, 1, 3)
    assert [one.planned_on for one in made] == [MONDAY + dt.timedelta(days=n) for n in range(4)]
    assert [one.premises.risk for one in made] == [1, 1, 2, 4]
    assert [one.pk for one in visits.plan(town.town, MONDAY, 7, 1, 3)] == [one.pk for one in made]
    # Another draw finds everybody waiting already.
    assert visits.plan(town.town, MONDAY, 7, 1, 4) == []
    assert Inspection.objects.count() == 4
    assert set(made[0].lines) == {"EMG", "HSC", "MKT"}
    for begins, days, most, wrong in (
        (dt.date(2026, 11, 28), 2, 1, "begins"), (MONDAY, 0, 1, "days"),
        (MONDAY, 5, 99, "visits_a_day"),
    ):  # fmt: skip
        with pytest.raises(FactsError) as refused:
            visits.plan(town.town, begins, days, most, 1)
        assert list(refused.value.problems) == [wrong]


def test_the_papers_of_a_hazard_open_to_who_reads_it(town: Any) -> None:
    visit = visited(town, place(town))
    case_id = visits.hazards_of(visit)["GAS-2"]
    due = (local_day(now()) + dt.timedelta(days=9)).isoformat()
    with wall.standing(SYSTEM):
        town.move(case_id, "assign", town.town, {"unit": "330825-hsc", "category": "0205"})
        made = town.move(case_id, "notice", town.housing, {
            "weight": "general", "measures": "接电", "responsible": HOLDER, "money_yuan": 300,
            "dispose_on": due, "plan": "停用",
        })  # fmt: skip
    page = f"/safety/hazard/{case_id}/papers/"
    for username in EVERYBODY:
        client = client_of(username)
        with wall.standing(SYSTEM):
            case = Case.objects.visible_to(town.people[username]).filter(pk=case_id).first()
            full = case is not None and readings(town.people[username], [case])[case_id].full
        assert client.get(page).status_code == (200 if full else 404), username
        printed = client.get(f"{page}order-{made.sequence}.pdf")
        assert printed.status_code == (200 if full else 404), username
    clerk = client_of("town")
    assert clerk.get(f"{page}order-{made.sequence}.pdf").content[:4] == b"%PDF"
    assert clerk.get(f"{page}stop-{made.sequence}.pdf").status_code == 404
    assert clerk.get(f"{page}order-{made.sequence}.exe").status_code == 404


def test_a_campaign_counts_what_a_reader_may_count(town: Any) -> None:
    today = local_day(now())
    said = {"title": "用气餐饮专项整治", "aim": "报警装置全覆盖", "trade": "gas", "key": "drive",
            "begins": (today - dt.timedelta(days=3)).isoformat(),
            "ends": (today + dt.timedelta(days=9)).isoformat()}  # fmt: skip
    page = "/safety/campaigns/"
    for _n in range(2):
        assert client_of("town").post(page, said).status_code == 302
    assert client_of("village").post(page, {**said, "key": "x"}).status_code == 403
    visited(town, place(town))
    visited(town, place(town, "A-2"), key="another")
    rows = client_of("town").get(page).context["rows"]
    counted = [(one.title, by.during.visits, by.during.hazards) for one, by, _c in rows]
    assert counted == [("用气餐饮专项整治", 2, 2)]
    assert rows[0][1].after is None
    # A narrower desk sees the campaign, and no count of the wider area.
    assert [effect for _one, effect, _c in client_of("village").get(page).context["rows"]] == [None]
    wrong = client_of("town").post(page, {**said, "key": "y", "ends": said["begins"][:4]})
    assert (wrong.status_code, list(wrong.context["problems"])) == (422, ["ends"])
    for username in ("auditor", "administrator", "mediator"):
        assert client_of(username).get(page).status_code in (403, 404), username


def test_the_ledger_is_written_once_corrected_and_compared(town: Any) -> None:
    page, today = "/safety/accidents/", local_day(now())
    said = {"day": today.isoformat(), "area": town.village_code, "deaths": "1", "key": "a"}
    for _n in range(2):
        assert client_of("town").post(page, said).status_code == 302
    one = Accident.objects.get()
    assert (one.deaths, one.grade) == (1, 4)
    newer = {**said, "deaths": "3", "key": "b", "corrects": str(one.pk)}
    assert list(client_of("town").post(page, newer).context["problems"]) == ["note"]
    assert client_of("town").post(page, {**newer, "note": "重伤者死亡"}).status_code == 302
    again = client_of("town").post(page, {**newer, "note": "再改", "key": "c"})
    assert "这条记录已被更正" in again.content.decode()
    total = client_of("town").get(page).context["found"].total
    assert (total.now.accidents, total.now.deaths, total.accidents_change) == (1, 3, None)
    assert client_of("leader").post(page, said).status_code == 422
    # The changes of 2018 as they were published.
    line = ledger.Line("", ledger.Counts(757, 832), ledger.Counts(1000, 1000))
    assert line.accidents_change == pytest.approx(-0.243)
    assert line.deaths_change == pytest.approx(-0.168)
