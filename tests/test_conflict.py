"""Complaints about units go around them; leads leave the platform sealed."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import translation

from maplebridge.cases import chain, engine, leads, permissions, timers
from maplebridge.cases.engine import MissingFacts, MoveNotPossible, NotAllowed
from maplebridge.cases.models import (
    Alarm,
    Assignment,
    Case,
    Digest,
    Event,
    Look,
    Payload,
    Seal,
    Timer,
)
from maplebridge.cases.reporters import Reporter, reporter_of_case
from maplebridge.journey import advance, alarms, handoff, learn, work
from maplebridge.journey.intake import Report, take_in
from maplebridge.journey.models import DecisionRecord, Fingerprint, Step
from maplebridge.organisation.people import SYSTEM, Actor, Role
from tests.town import COUNTY, TOWN, VILLAGE

pytestmark = pytest.mark.django_db

ROOM, CENTRE, CITY = f"{TOWN}-room", f"{COUNTY}-center", "3308-center"
POLICE, DISCIPLINE = f"{COUNTY}-pol", f"{COUNTY}-dis"
CONDUCT = "乡政府的工作人员态度恶劣，互相推诿，不作为，要投诉工作作风。"
LEAD = "举报村支书贪污受贿，收受贿赂，以权谋私，中饱私囊。"
GANG = "举报一伙人是黑社会，涉黑涉恶，收保护费，欺行霸市。"


def officer(code: str, line: str) -> Actor:
    return Actor(
        Role.OFFICER, uuid4(), code, code.rsplit("-", 1)[0], line=line, name="接收机关经办人"
    )


def reported(text: str, **more) -> Case:
    """A report that went through the automatic steps."""
    more = {"area_code": VILLAGE, "name": "赵小满", "phone": "13800138000", **more}
    receipt = take_in(Report(channel="web", account="x", key=str(uuid4()), text=text, **more))
    advance.advance(receipt.case_id)
    return Case.objects.get(pk=receipt.case_id)


def everything_of(case: Case) -> str:
    """All rows of a case in every table there is, as text."""
    found = []
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in sorted(t for t in tables if t.startswith(("cases_", "journey_"))):
            names = {c.name for c in connection.introspection.get_table_description(cursor, table)}
            column = "case_id" if "case_id" in names else "id" if table == "cases_case" else ""
            if column:
                cursor.execute(
                    f"SELECT coalesce(json_agg(t)::text, '') FROM {table} t WHERE {column} = %s",
                    [case.pk],
                )
                found.append(cursor.fetchone()[0])
    return "\n".join(found)


def sees(actor: Actor, case: Case) -> bool:
    return Case.objects.visible_to(actor).filter(pk=case.pk).exists()


def has_no_part(case: Case, unit: str) -> None:
    """The unit holds nothing, has no share, is told of nothing, and its people see nothing."""
    row = Case.objects.get(pk=case.pk)
    assert unit not in (row.unit_code, row.filer_code, row.suggested_unit)
    shares = Assignment.objects.filter(case_id=case.pk).exclude(progress__in=("withdrawn",))
    assert unit not in shares.values_list("unit_code", flat=True)
    for role in permissions.WORKING | {Role.LEADER, Role.SUPERVISOR, Role.REVISITOR}:
        area = unit.rsplit("-", 1)[0]
        actor = Actor(role, uuid4(), unit, area)
        elsewhere = Actor(role, actor.account_id, "3308-pol", "3308", also=frozenset({unit}))
        for post in (actor, elsewhere):
            assert not sees(post, row)
            assert not Case.objects.visible_to(post).waiting_for(post).filter(pk=row.pk).exists()
            assert not Timer.objects.rung_for(post).filter(case_id=row.pk).exists()
            with pytest.raises(NotAllowed):
                engine.move(row.pk, "log", post, key=str(uuid4()), facts={"note": "x"})


# -- about a room ------------------------------------------------------------------------------


def test_a_complaint_about_the_town_room_is_the_county_centres(town):
    case = reported(CONDUCT)
    assert (case.about_unit, case.unit_code, case.category) == (ROOM, CENTRE, "1505")
    assert (case.confidentiality, case.asks) == ("C2", ["place", "about"])
    record = DecisionRecord.objects.get(case_id=case.pk, step=Step.ABOUT)
    assert (record.value, record.by_person) == (ROOM, False)
    has_no_part(case, ROOM)
    assert sees(town.county, case)
    assert not sees(town.town, case)


@pytest.mark.parametrize(
    ("about", "room"),
    [
        (f"{VILLAGE}-station", ROOM),
        (f"{VILLAGE}001-grid", ROOM),
        (f"{TOWN}-police", ROOM),
        (f"{COUNTY}-hsc", CENTRE),
        (CENTRE, CITY),
        ("3308-dis", CITY),
    ],
)
def test_the_room_is_the_next_that_stands_above(town, about, room):
    case = reported("那里的人办事不公", about=about)
    assert (case.about_unit, case.unit_code) == (about, room)
    assert "about" in case.asks
    has_no_part(case, about)


def test_what_the_reporter_says_holds_from_the_first_moment(town):
    receipt = take_in(Report("web", "x", str(uuid4()), "办事拖拉", about=ROOM, area_code=TOWN))
    case = Case.objects.get(pk=receipt.case_id)
    assert (case.about_unit, case.unit_code, case.sequence) == (ROOM, CENTRE, 1)
    assert Event.objects.get(case_id=case.pk).facts["about"] == ROOM
    has_no_part(case, ROOM)


def test_an_office_that_nobody_knows_is_found_by_a_person_above_all_who_may_be_it(town):
    case = reported("窗口的人办事拖拉", about="便民办事一号厅", area_code=VILLAGE)
    assert (case.about_unit, case.unit_code, case.confidentiality) == ("", CITY, "C2")
    assert "about" in case.asks
    words = Payload.objects.get(case_id=case.pk, sequence=1, part="words").content
    assert words["about"] == "便民办事一号厅"
    assert sees(town.city, case)
    for post in (town.county, town.town, town.village):
        assert not sees(post, case)


def test_about_the_citys_centre_it_leaves_for_the_discipline_organ(town):
    case = reported("市大联动中心的人态度恶劣，推诿扯皮，不作为。")
    assert (case.about_unit, case.state, case.handed_to) == (CITY, "handed_over", "dis")
    assert case.unit_code == "3308-dis"
    assert not sees(town.city, case)
    assert not sees(town.county, case)
    assert sees(officer("3308-dis", "DIS"), case)
    has_no_part(case, CITY)


# -- it becomes known later ---------------------------------------------------------------------


def name_unit(town, case: Case, unit: str, actor: Actor) -> Event:
    return town.move(case.pk, "name_unit", actor, {"about": unit, "reason": "反映的是这个单位"})


def test_it_is_taken_away_from_who_handles_it_in_the_same_event(town):
    case = town.opened("handling")
    event = name_unit(town, case, f"{COUNTY}-hsc", town.town)
    case.refresh_from_db()
    assert (event.from_state, event.to_state, case.state) == ("handling", "filed", "filed")
    assert (case.unit_code, event.facts["unit"]) == (CENTRE, CENTRE)
    assert (case.due_clock, case.due_at is None) == ("dispatch", False)
    lead = Assignment.objects.get(case_id=case.pk, duty="lead")
    assert lead.progress == "withdrawn"
    has_no_part(case, f"{COUNTY}-hsc")
    assert Timer.objects.get(case_id=case.pk).about_unit == f"{COUNTY}-hsc"


def test_its_own_verified_work_is_not_taken_for_done(town):
    case = town.opened("verified")
    name_unit(town, case, f"{COUNTY}-hsc", town.town)
    case.refresh_from_db()
    assert (case.state, case.unit_code) == ("filed", ROOM)
    has_no_part(case, f"{COUNTY}-hsc")


def test_a_room_that_filed_it_is_replaced_and_may_do_nothing_more(town):
    case = town.opened("handling")
    name_unit(town, case, ROOM, town.housing)
    case.refresh_from_db()
    assert (case.state, case.unit_code, case.filer_code) == ("handling", f"{COUNTY}-hsc", CENTRE)
    has_no_part(case, ROOM)
    # What stands under the room has no part in it either: its village may not verify.
    town.move(case.pk, "feedback", town.housing, {"result": "已处理"})
    case.refresh_from_db()
    assert case.unit_code == CENTRE
    for low in (town.village, town.grid):
        with pytest.raises((MoveNotPossible, NotAllowed)):
            town.move(case.pk, "verify_pass", low)
    town.move(case.pk, "verify_pass", town.county)
    town.move(case.pk, "close", town.county, {"reply": "已处理"})
    case.refresh_from_db()
    assert (case.state, case.filer_code) == ("closed", CENTRE)
    town.move(case.pk, "reopen", town.resident(case.pk), {"reason": "没有解决"})
    case.refresh_from_db()
    assert (case.state, case.unit_code) == ("filed", CENTRE)


def test_it_can_be_sent_to_none_of_them(town):
    case = reported(CONDUCT)
    town.move(case.pk, "overrule", town.county, {"area_code": VILLAGE, "category": "1505"})
    town.move(case.pk, "accept", town.county)
    town.move(case.pk, "file_case", town.county)
    for unit in (ROOM, f"{VILLAGE}-station", f"{TOWN}-peace", f"{VILLAGE}001-grid"):
        for name, facts in (
            ("dispatch", {"unit": unit}),
            ("whistle", {"units": [unit], "reason": "x"}),
            ("consult", {"units": [unit], "question": "x"}),
            ("delegate", {"unit": unit, "reason": "x"}),
        ):
            with pytest.raises((MoveNotPossible, engine.FactsError)):
                town.move(case.pk, name, town.county, facts)
    town.move(case.pk, "dispatch", town.county, {"unit": f"{COUNTY}-pet"})
    assert Case.objects.get(pk=case.pk).state == "dispatched"


def test_a_person_confirms_or_clears_it_and_never_the_unit_itself(town):
    case = reported(CONDUCT)
    for name, facts in (("confirm_unit", {}), ("clear_unit", {"reason": "x"})):
        with pytest.raises(NotAllowed):
            town.move(case.pk, name, town.town, facts)
    town.move(case.pk, "confirm_unit", town.county)
    assert Case.objects.get(pk=case.pk).asks == ["place"]
    with pytest.raises(MoveNotPossible):
        town.move(case.pk, "confirm_unit", town.county)
    town.move(case.pk, "clear_unit", town.county, {"reason": "反映的是另一件事"})
    case.refresh_from_db()
    assert (case.about_unit, case.unit_code) == ("", CENTRE)
    town.move(case.pk, "delegate", town.county, {"unit": ROOM, "reason": "由镇里办理"})
    assert sees(town.town, Case.objects.get(pk=case.pk))
    name_unit(town, case, ROOM, town.town)  # a unit may say it of itself
    has_no_part(case, ROOM)


def test_another_post_of_the_same_person_does_not_help(town):
    case = reported(CONDUCT)
    both = Actor(Role.DISPATCHER, uuid4(), CENTRE, COUNTY, also=frozenset({ROOM}), name="两处任职")
    assert not sees(both, case)
    with pytest.raises(NotAllowed):
        town.move(case.pk, "clear_unit", both, {"reason": "x"})


def test_no_rung_and_no_notice_tells_it(town, monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr(alarms, "send", lambda message: sent.append(message.to))
    case = town.opened("handling")
    late = (case.due_at + timedelta(days=30)).replace(hour=2, minute=0)  # ten in China
    late += timedelta(days=(2 - late.weekday()) % 7)  # a Wednesday
    timers.ring(late)
    assert Alarm.objects.filter(case_id=case.pk, told_unit=CENTRE).exists()
    timers.gather(late)  # a notice waits to be sent
    name_unit(town, case, CENTRE, town.town)
    timers.ring(late)
    alarms.tell(late)
    assert f"unit:{CENTRE}" not in sent
    assert not Digest.objects.filter(sent_at=None).exists()
    has_no_part(case, CENTRE)
    fresh = reported(CONDUCT)
    timers.ring(fresh.due_at + (fresh.due_at - fresh.opened_at) * 900)
    told = set(Alarm.objects.filter(case_id=fresh.pk).values_list("told_unit", flat=True))
    assert told == {CENTRE, CITY}


def test_cases_that_do_not_agree_on_it_are_not_merged_and_not_kept_merged(town):
    about, plain = reported(CONDUCT), town.opened("accepted")
    town.move(about.pk, "accept", town.county)
    with pytest.raises(engine.FactsError):
        town.move(about.pk, "merge", town.county, {"into": str(plain.pk)})
    other = town.opened("accepted")
    town.move(other.pk, "merge", town.town, {"into": str(plain.pk)})
    work.carry_out(news_of(other))
    name_unit(town, plain, ROOM, town.town)
    work.carry_out(news_of(plain))
    other.refresh_from_db()
    assert (other.state, other.merged_into) == ("accepted", None)


def news_of(case: Case):
    from maplebridge.cases.feed import News

    last = Event.objects.filter(case_id=case.pk).order_by("-sequence")[0]
    return News(
        case.pk, last.sequence, last.area_code, "matter", last.move, last.to_state, last.at, "1"
    )


def test_a_complaint_about_a_service_is_worked_on_and_its_reporter_not_revealed(town):
    case = reported("路灯坏了没人管，打了公用事业的电话。要投诉。", area_code=VILLAGE)
    assert (case.category, case.about_unit) == ("1002", "")
    assert (case.suggested_unit, case.nature) == (f"{COUNTY}-utl", "service")
    for name, actor, facts in (
        ("accept", town.town, {}),
        ("file_case", town.town, {}),
        ("dispatch", town.town, {"unit": f"{COUNTY}-utl"}),
        ("sign_for", town.utility, {}),
    ):
        town.move(case.pk, name, actor, facts)
    case.refresh_from_db()
    shares = list(Assignment.objects.filter(case_id=case.pk))
    assert sees(town.utility, case)
    assert permissions.reads_full(town.utility, case, shares)
    assert not permissions.may_see_reporter(town.utility, case, shares)
    town.move(case.pk, "call_back", town.county, {"reason": "x"})
    case.refresh_from_db()
    assert permissions.may_see_reporter(town.county, case, [])


# -- leads ---------------------------------------------------------------------------------------


def test_a_discipline_lead_is_sealed_for_its_organ_and_nothing_of_it_stays(town):
    case = reported(LEAD, photos=())
    assert (case.state, case.category, case.unit_code) == ("handed_over", "1506", DISCIPLINE)
    assert (case.about_unit, case.handed_to) == (f"{VILLAGE}-station", "dis")
    assert (case.confidentiality, case.due_clock) == ("C2", "accept")
    kept = everything_of(case)
    for word in ("贪污", "受贿", "村支书", "私囊"):
        assert word not in kept
        assert json.dumps(word)[1:-1] not in kept
    assert not Fingerprint.objects.filter(pk=case.pk).exists()
    assert {r.step for r in DecisionRecord.objects.filter(case_id=case.pk)} == set(Step.values)
    assert chain.verify(Event.objects.filter(case_id=case.pk)) == []
    assert [name for name, actor in town.people.items() if sees(actor, case)] == ["discipline"]
    assert sees(officer(DISCIPLINE, "DIS"), case)
    has_no_part(case, f"{VILLAGE}-station")
    with translation.override("zh-hans"):
        assert str(case.now.label) == "已密封移交"


def test_it_is_read_once_with_a_reason_that_is_noted(town):
    case, organ = reported(LEAD), officer(DISCIPLINE, "DIS")
    assert [c.pk for c in handoff.waiting_for(organ)] == [case.pk]
    with pytest.raises(MissingFacts):
        handoff.open_lead(case.pk, organ, " ", key="a")
    with pytest.raises(MoveNotPossible):
        engine.move(case.pk, "confirm_receipt", organ, key="b", facts={"receipt": "X-1"})
    with pytest.raises(engine.Refused):
        handoff.open_lead(case.pk, officer(POLICE, "POL"), "好奇", key="c")
    read = handoff.open_lead(case.pk, organ, "受理线索", key="d")
    assert [(r.sequence, r.said) for r in read] == [(1, {"text": LEAD})]
    look = Look.objects.get(case_id=case.pk)
    assert (look.reason, look.unit_code, look.account_id) == (
        "受理线索",
        DISCIPLINE,
        organ.account_id,
    )
    for key in ("d", "e"):
        with pytest.raises(MoveNotPossible):
            handoff.open_lead(case.pk, organ, "再看一次", key=key)


def test_with_the_receipt_the_key_is_destroyed_and_the_receipt_stays(town):
    case, organ = reported(LEAD), officer(DISCIPLINE, "DIS")
    handoff.open_lead(case.pk, organ, "受理线索", key="a")
    event = engine.move(case.pk, "confirm_receipt", organ, key="b", facts={"receipt": "JJ-7"})
    case.refresh_from_db()
    assert (case.state, case.ended, event.facts["receipt"]) == ("received", True, "JJ-7")
    sealed = Seal.objects.exclude(sequence=1).get(case_id=case.pk)
    assert sealed.wrapped is None
    assert leads.read(case.pk) == []
    assert not Payload.objects.filter(case_id=case.pk, content__isnull=False).exclude(
        part="reporter"
    )
    assert reporter_of_case(case.pk) == Reporter("赵小满", "13800138000")
    assert [c.pk for c in handoff.receipts_of(organ)] == [case.pk]
    # The reporter may add to it; that is sealed at once as well.
    engine.move(
        case.pk, "tell_more", town.resident(case.pk), key="c", facts={"more": "还有一笔补助款"}
    )
    case.refresh_from_db()
    assert (case.state, case.unit_code) == ("handed_over", DISCIPLINE)
    assert json.dumps("补助款")[1:-1] not in everything_of(case)
    assert "补助款" not in everything_of(case)
    read = handoff.open_lead(case.pk, organ, "补充材料", key="d")
    assert [r.said for r in read] == [{"more": "还有一笔补助款"}]


def test_an_organ_that_gives_it_back_gives_back_the_words(town):
    case, organ = reported(LEAD), officer(DISCIPLINE, "DIS")
    before = Event.objects.get(case_id=case.pk, sequence=1).commitments
    engine.move(case.pk, "return_lead", organ, key="a", facts={"reason": "属于普通信访"})
    case.refresh_from_db()
    assert (case.state, case.category, case.asks) == ("reported", "", ["kind"])
    assert (case.unit_code, case.confidentiality) == (ROOM, "C2")
    words = Payload.objects.get(case_id=case.pk, sequence=1, part="words")
    assert words.content == {"text": LEAD}
    assert chain.commitment(bytes(words.salt), words.content) == before["words"]
    assert sees(town.town, case)
    assert not sees(organ, case)
    learn.overrule(case.pk, Step.CLASSIFY, "1504", town.town, key="b")
    assert Case.objects.get(pk=case.pk).state == "reported"


def test_recognised_later_it_is_sealed_at_that_moment(town):
    case = reported("村口下水道堵了，污水漫到路上，没人管")
    town.move(case.pk, "log", town.town, {"note": "电话里说是村支书贪污"})
    assert Fingerprint.objects.filter(pk=case.pk).exists()
    learn.overrule(case.pk, Step.CLASSIFY, "1506", town.town, key="late", note="涉及贪污")
    case.refresh_from_db()
    assert (case.state, case.unit_code, case.filer_code) == ("handed_over", DISCIPLINE, "")
    kept = everything_of(case)
    for word in ("下水道", "污水", "贪污"):
        assert word not in kept
        assert json.dumps(word)[1:-1] not in kept
    assert not Fingerprint.objects.filter(pk=case.pk).exists()
    assert [name for name, actor in town.people.items() if sees(actor, case)] == ["discipline"]
    read = handoff.open_lead(case.pk, officer(DISCIPLINE, "DIS"), "受理", key="x")
    assert [r.sequence for r in read] == [1, 3, 4]


def test_an_organised_crime_lead_goes_to_the_police(town):
    case = reported(GANG)
    assert (case.category, case.state, case.handed_to) == ("0409", "handed_over", "110")
    assert case.unit_code == POLICE
    assert "保护费" not in everything_of(case)
    assert sees(officer(POLICE, "POL"), case)
    assert not sees(officer(DISCIPLINE, "DIS"), case)


def test_a_lead_about_the_receiving_organ_goes_past_it(town):
    lead = handoff.receiver
    from maplebridge.organisation.units import directory

    units = directory()
    assert lead("POL", VILLAGE, "", units).code == POLICE
    assert lead("POL", VILLAGE, f"{TOWN}-police", units).code == POLICE
    assert lead("POL", VILLAGE, POLICE, units).code == "3308-pol"
    assert lead("POL", "3308", "3308-pol", units).code == "3308-dis"
    assert lead("DIS", VILLAGE, DISCIPLINE, units).code == "3308-dis"
    assert lead("DIS", VILLAGE, CENTRE, units).code == "3308-dis"
    assert lead("DIS", "3308", "", units).code == "3308-dis"


@pytest.mark.parametrize("code", ["0401", "0402", "0403", "0405", "0407", "0408", "0409", "1404"])
def test_confidential_categories_that_go_to_110_are_leads(town, code):
    assert handoff.organ_line(learn.category_of(code)) == "POL"


@pytest.mark.parametrize("code", ["0404", "0406", "0306", "0804", "1505", "0901"])
def test_other_categories_are_not(town, code):
    assert handoff.organ_line(learn.category_of(code)) == ""


def test_only_an_organ_receives_leads(town):
    case = reported("村口下水道堵了，污水漫到路上")
    with pytest.raises(MoveNotPossible):
        engine.move(
            case.pk, "hand_over", SYSTEM, key="a",
            facts={"organ": f"{COUNTY}-hsc", "service": "110"},
        )  # fmt: skip
