"""The engine's three ways in: what they write, what they refuse, and that nothing else changes."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext

from maplebridge.cases import chain, engine
from maplebridge.cases.models import Assignment, Case, Event, Feed, Payload
from maplebridge.cases.reporters import Reporter, reporter_of_case
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import units
from maplebridge.organisation.models import Unit

pytestmark = pytest.mark.django_db

HOUSING = "330825-hsc"


def rows_of(case_id):
    return (
        Case.objects.get(pk=case_id).sequence,
        Event.objects.filter(case_id=case_id).count(),
        Payload.objects.filter(case_id=case_id).count(),
        Feed.objects.filter(case_id=case_id).count(),
        Assignment.objects.filter(case_id=case_id).count(),
    )


def test_opening_writes_a_case_an_event_its_payload_and_a_feed_row(town):
    receipt = town.report("路灯不亮", reporter={"name": "赵小满", "phone": "13900000000"})
    case = town.case(receipt.case_id)
    assert (case.state, case.sequence, case.unit_code) == ("reported", 1, "330825209-room")
    assert case.due_clock == "accept"
    assert case.due_at > case.opened_at
    event = Event.objects.get(case_id=case.pk)
    assert (event.move, event.from_state, event.to_state) == ("report", "", "reported")
    parts = {p.part: p.content for p in Payload.objects.filter(case_id=case.pk)}
    assert parts["words"] == {"text": "路灯不亮"}
    assert list(parts["reporter"]) == ["sealed"]
    assert reporter_of_case(case.pk) == Reporter("赵小满", "13900000000")
    assert Feed.objects.filter(case_id=case.pk, sequence=1).count() == 1
    said = repr(event.facts) + repr(event.commitments)
    assert "赵小满" not in said
    assert "路灯" not in said


def test_opening_is_one_statement(town):
    town.report()  # fills what is kept in memory
    with CaptureQueriesContext(connection) as seen:
        town.report()
    assert len(seen) == 1


def test_the_same_key_opens_nothing_twice_and_gives_the_same_receipt(town):
    first = town.report(key="again")
    second = town.report("其他的话", key="again")
    assert (first.fresh, second.fresh) == (True, False)
    assert (second.case_id, second.number, second.query_code) == (
        first.case_id,
        first.number,
        first.query_code,
    )
    assert rows_of(first.case_id) == (1, 1, 1, 1, 0)


def test_a_key_of_another_account_finds_nothing(town):
    first = town.report(key="again", account="a")
    second = town.report(key="again", account="b")
    assert second.fresh
    assert first.case_id != second.case_id


def test_a_batch_with_the_same_report_twice_opens_it_once(town):
    opening = engine.Opening(
        kind="matter",
        channel="file",
        account="f",
        key="row 1",
        area_code="3308",
        unit_code="3308-center",
        words={"text": "一"},
    )
    receipts = engine.load([opening, opening])
    assert [r.fresh for r in receipts] == [True, False]
    assert rows_of(receipts[0].case_id) == (1, 1, 1, 1, 0)


def test_the_straight_way_ends_archived_with_the_rating(town):
    case = town.opened("archived")
    assert (case.state, case.ended, case.rating, case.solved) == ("archived", True, 5, True)
    assert case.due_at is None
    events = Event.objects.filter(case_id=case.pk).order_by("sequence")
    assert [event.move for event in events] == [
        "report",
        "triage",
        "accept",
        "file_case",
        "dispatch",
        "sign_for",
        "feedback",
        "verify_pass",
        "close",
        "rate",
    ]
    assert chain.verify(Event.objects.filter(case_id=case.pk)) == []


def test_the_accountable_unit_follows_the_work(town):
    case = town.opened()
    assert case.unit_code == "330825209-room"
    assert town.walk(case.pk, "dispatched").unit_code == HOUSING


def test_a_move_costs_a_known_number_of_statements(town):
    case = town.opened("accepted")
    with CaptureQueriesContext(connection) as seen:
        town.move(case.pk, "file_case", town.town)
    # savepoint, case, events, shares, case, event, feed, release; the same clock runs on
    assert len(seen) == 8, [q["sql"][:80] for q in seen]


def test_a_move_that_changes_a_clock_costs_one_statement_more(town):
    case = town.opened("reported")
    with CaptureQueriesContext(connection) as seen:
        town.move(case.pk, "accept", town.town)
    assert len(seen) == 9, [q["sql"][:80] for q in seen]
    assert sum("cases_timer" in q["sql"] for q in seen) == 1


def test_the_same_move_key_changes_nothing_twice(town):
    case = town.opened()
    first = town.move(case.pk, "accept", town.town, key="tap")
    before = rows_of(case.pk)
    second = town.move(case.pk, "accept", town.town, key="tap")
    assert second.sequence == first.sequence
    assert rows_of(case.pk) == before


def test_a_move_key_may_not_be_used_for_another_move(town):
    case = town.opened()
    town.move(case.pk, "accept", town.town, key="tap")
    with pytest.raises(engine.KeyReused):
        town.move(case.pk, "file_case", town.town, key="tap")


def test_a_stale_look_is_refused_and_says_where_the_case_stands(town):
    case = town.opened("accepted")
    with pytest.raises(engine.StaleCase) as stale:
        town.move(case.pk, "file_case", town.town, expected_sequence=case.sequence - 1)
    assert stale.value.sequence == case.sequence
    assert town.case(case.pk).state == "accepted"


@pytest.mark.parametrize("name", ["accept", "decline", "ask_more", "log", "escalate", "supervise"])
def test_a_stranger_may_not_move_it(town, name):
    case = town.opened()
    before = rows_of(case.pk)
    with pytest.raises(engine.NotAllowed):
        town.move(case.pk, name, town.stranger, {"note": "x", "reason": "x"})
    assert rows_of(case.pk) == before


def test_an_unknown_case_or_move_is_refused(town):
    with pytest.raises(engine.UnknownCase):
        town.move(uuid.uuid4(), "accept", town.town)
    with pytest.raises(engine.UnknownMove):
        town.move(town.opened().pk, "teleport", town.town)


def test_an_unknown_unit_is_a_sentence_and_changes_nothing(town):
    case = town.opened("filed")
    before = rows_of(case.pk)
    with pytest.raises(engine.FactsError) as wrong:
        town.move(case.pk, "dispatch", town.town, {"unit": "nowhere-1"})
    assert list(wrong.value.problems) == ["unit"]
    assert "nowhere-1" in wrong.value.problems["unit"]
    assert rows_of(case.pk) == before


def test_missing_facts_are_named(town):
    case = town.opened("handling")
    with pytest.raises(engine.MissingFacts) as missing:
        town.move(case.pk, "feedback", town.housing)
    assert list(missing.value.problems) == ["result"]


def test_a_fact_nobody_declared_is_refused(town):
    case = town.opened()
    with pytest.raises(engine.FactsError) as wrong:
        town.move(case.pk, "accept", town.town, {"sla_class": "S0"})
    assert list(wrong.value.problems) == ["sla_class"]


def test_free_words_do_not_slip_into_an_event_as_photos(town):
    case = town.opened()
    with pytest.raises(engine.FactsError) as wrong:
        town.move(case.pk, "log", town.town, {"note": "x", "photos": ["赵小满"]})
    assert list(wrong.value.problems) == ["photos"]


def test_the_handler_may_not_verify(town):
    case = town.opened("feedback")
    with pytest.raises(engine.NotAllowed):
        town.move(case.pk, "verify_pass", town.housing)
    by_village = town.opened()
    town.triage(by_village.pk, area_code=town.grid_code)
    town.walk(by_village.pk, "filed")
    town.move(by_village.pk, "dispatch", town.town, {"unit": "330825209201-station"})
    town.move(by_village.pk, "sign_for", town.village)
    town.move(by_village.pk, "feedback", town.village, {"result": "好了"})
    with pytest.raises(engine.NotAllowed):
        town.move(by_village.pk, "verify_pass", town.village)
    town.move(by_village.pk, "verify_pass", town.grid)
    assert town.case(by_village.pk).state == "verified"


def test_a_failed_verification_sends_it_back_to_the_handler(town):
    case = town.opened("feedback")
    town.move(case.pk, "verify_fail", town.village, {"reason": "还在漫水"})
    case = town.case(case.pk)
    assert (case.state, case.rework_count, case.unit_code) == ("handling", 1, HOUSING)


def test_a_second_return_goes_to_the_county_which_must_rule(town):
    case = town.opened("dispatched")
    town.move(case.pk, "return_back", town.housing, {"reason": "不归我们"})
    case = town.case(case.pk)
    assert (case.state, case.unit_code) == ("filed", "330825209-room")
    town.move(case.pk, "dispatch", town.town, {"unit": "330825-utl"})
    town.move(case.pk, "return_back", town.utility, {"reason": "也不归我们"})
    case = town.case(case.pk)
    assert (case.state, case.unit_code, case.return_count) == ("filed", "330825-center", 2)
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "dispatch", town.county, {"unit": HOUSING})
    town.move(case.pk, "adjudicate", town.county, {"unit": HOUSING, "reason": "排水归住建"})
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "return_back", town.housing, {"reason": "仍不归我们"})


def test_a_parent_is_not_reported_done_before_its_assisting_units(town):
    case = town.opened("handling")
    town.move(case.pk, "whistle", town.town, {"units": ["330825-utl"], "reason": "需要抽水车"})
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "feedback", town.housing, {"result": "好了"})
    town.move(case.pk, "finish_assist", town.utility, {"result": "已抽水"})
    town.move(case.pk, "feedback", town.housing, {"result": "好了"})
    assert town.case(case.pk).state == "feedback"


def test_supervision_is_only_raised_and_then_the_county_closes(town):
    case = town.opened("verified")
    with pytest.raises(engine.NotAllowed):  # a supervisor sees only late and supervised cases
        town.move(case.pk, "supervise", town.supervisor, {"supervision": "2", "reason": "逾期"})
    town.move(case.pk, "supervise", town.county, {"supervision": "2", "reason": "逾期"})
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "supervise", town.supervisor, {"supervision": "1", "reason": "降"})
    with pytest.raises(engine.NotAllowed):
        town.move(case.pk, "close", town.town, {"reply": "好了"})
    with pytest.raises(engine.MoveNotPossible):  # the township still owes its answer
        town.move(case.pk, "close", town.county, {"reply": "好了"})
    town.move(case.pk, "answer_supervision", town.town, {"answer": "已核实"})
    town.move(case.pk, "close", town.county, {"reply": "好了"})
    assert town.case(case.pk).state == "closed"


def test_a_refused_reporter_may_object_once_to_the_tier_above(town):
    case = town.opened()
    facts = {"ground": "no_matter", "reason": "不属于政府职责", "channel": "可向法院起诉"}
    town.move(case.pk, "decline", town.town, facts)
    town.move(case.pk, "appeal", town.resident(case.pk), {"reason": "这是公共管道"})
    case = town.case(case.pk)
    assert (case.state, case.unit_code) == ("reported", "330825-center")
    town.move(case.pk, "decline", town.county, facts)
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "appeal", town.resident(case.pk), {"reason": "再来"})


def test_a_reporter_may_reopen_once_within_seven_days(town):
    case = town.opened("archived")
    late = case.closed_at + dt.timedelta(days=8)
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "reopen", town.resident(case.pk), {"reason": "又堵了"}, at=late)
    soon = case.closed_at + dt.timedelta(days=6)
    town.move(case.pk, "reopen", town.resident(case.pk), {"reason": "又堵了"}, at=soon)
    case = town.case(case.pk)
    assert (case.state, case.ended, case.rating, case.unit_code) == (
        "filed",
        False,
        None,
        "330825209-room",
    )


def test_another_reporter_may_not_rate_it(town):
    case = town.opened("closed")
    other = town.opened()
    with pytest.raises(engine.NotAllowed):
        town.move(case.pk, "rate", town.resident(other.pk), {"rating": "1", "solved": False})


def test_merging_and_unmerging_loses_nothing(town):
    kept, twin = town.opened("accepted"), town.opened("accepted")
    town.move(twin.pk, "merge", town.town, {"into": str(kept.pk)})
    merged = town.case(twin.pk)
    assert (merged.state, merged.merged_into, merged.ended) == ("merged", kept.pk, True)
    town.move(twin.pk, "unmerge", town.town, {"reason": "不是一回事"})
    back = town.case(twin.pk)
    assert (back.state, back.merged_into, back.ended, back.unit_code) == (
        "accepted",
        None,
        False,
        "330825209-room",
    )
    assert back.query_code == twin.query_code


def test_a_case_is_merged_only_into_one_that_stands_and_may_be_seen(town):
    kept, twin, third = (town.opened("accepted") for _ in range(3))
    elsewhere = town.report(area_code="330802005", unit_code="330802005-room").case_id
    for wrong in (uuid.uuid4(), elsewhere, "no id"):
        with pytest.raises(engine.FactsError) as refused:
            town.move(twin.pk, "merge", town.town, {"into": str(wrong)})
        assert list(refused.value.problems) == ["into"]
    with pytest.raises(engine.MoveNotPossible):
        town.move(twin.pk, "merge", town.town, {"into": str(twin.pk)})
    town.move(twin.pk, "merge", town.town, {"into": str(kept.pk)})
    for into_merged in (kept, third):
        with pytest.raises(engine.FactsError):
            town.move(into_merged.pk, "merge", town.town, {"into": str(twin.pk)})
    assert town.case(kept.pk).state == town.case(third.pk).state == "accepted"


def test_events_can_neither_be_changed_nor_removed_by_the_application(town):
    case = town.opened()
    for statement in (
        "UPDATE cases_event SET move = 'x' WHERE case_id = %s",
        "DELETE FROM cases_event WHERE case_id = %s",
        "DELETE FROM cases_feed WHERE case_id = %s",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as c:
            c.execute("SAVEPOINT s")
            try:
                c.execute(statement, [case.pk])
            finally:
                c.execute("ROLLBACK TO SAVEPOINT s")


def test_erasing_a_payload_leaves_the_chain_whole(town):
    case = town.opened("closed")
    Payload.objects.filter(case_id=case.pk).update(content=None, salt=None)
    assert chain.verify(Event.objects.filter(case_id=case.pk)) == []


def test_the_chain_finds_an_edited_a_removed_and_a_reordered_event(town):
    case = town.opened("closed")
    events = list(Event.objects.filter(case_id=case.pk).order_by("sequence"))
    events[3].unit_code = "somebody-else"
    assert [b.sequence for b in chain.verify(events)] == [4]
    events = list(Event.objects.filter(case_id=case.pk).order_by("sequence"))
    assert [b.why for b in chain.verify(events[:2] + events[3:])] == ["missing"]
    events[4].sequence, events[5].sequence = events[5].sequence, events[4].sequence
    assert chain.verify(events) != []


def test_a_retried_report_shows_the_number_it_has(town):
    first = town.report(key="over-midnight", at=dt.datetime(2026, 3, 3, 15, 59, tzinfo=dt.UTC))
    again = town.report(key="over-midnight", at=dt.datetime(2026, 3, 3, 16, 1, tzinfo=dt.UTC))
    assert (again.number, again.query_code, again.fresh) == (first.number, first.query_code, False)
    assert town.case(first.case_id).number == first.number


@pytest.mark.parametrize("key", ["", "x" * 121, "a\x00b", "two\nlines"])
def test_a_key_that_cannot_be_kept_is_refused(town, key):
    case = town.opened()
    with pytest.raises(engine.WrongKey):
        town.move(case.pk, "accept", town.town, key=key)
    assert town.case(case.pk).state == "reported"


def test_unseen_characters_in_a_note_are_left_out(town):
    case = town.opened("accepted")
    event = town.move(case.pk, "log", town.town, {"note": "看过\x00了\u200b\n第二行"})
    words = Payload.objects.get(case_id=case.pk, sequence=event.sequence).content
    assert words == {"note": "看过了\n第二行"}


def test_a_known_key_gives_nothing_to_somebody_else(town):
    case = town.opened()
    town.move(case.pk, "accept", town.town, key="tap")
    with pytest.raises(engine.KeyReused):
        town.move(case.pk, "accept", town.stranger, key="tap")


def test_a_unit_named_twice_has_one_share_to_finish(town):
    case = town.opened("handling")
    town.move(case.pk, "whistle", town.town, {"units": ["330825-utl"], "reason": "抽水"})
    town.move(case.pk, "add_assist", town.town, {"units": ["330825-utl", HOUSING]})
    town.move(case.pk, "finish_assist", town.utility, {"result": "已抽水"})
    town.move(case.pk, "feedback", town.housing, {"result": "好了"})
    shares = Assignment.objects.filter(case_id=case.pk).values_list("unit_code", "duty", "progress")
    assert sorted(shares) == [(HOUSING, "lead", "done"), ("330825-utl", "attend", "done")]


def test_a_copy_is_for_reading_only(town):
    case = town.opened("handling")
    town.move(case.pk, "send_copy", town.town, {"units": ["330825-utl"]})
    for name in ("log_progress", "contact", "finish_assist"):
        with pytest.raises(engine.NotAllowed):
            town.move(case.pk, name, town.utility, {"note": "x", "result": "x"})
    town.move(case.pk, "read_copy", town.utility)
    assert Assignment.objects.get(case_id=case.pk, duty="read").progress == "read"


def test_a_township_cannot_send_a_case_into_another_county(town):
    case = town.opened("filed")
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "dispatch", town.town, {"unit": "330802-hsc"})
    assert town.case(case.pk).state == "filed"


def test_more_time_is_asked_for_while_the_handling_clock_runs(town):
    case = town.opened("handling")
    later = case.due_at + dt.timedelta(hours=1)  # the contact is late, the handling is not
    assert case.due_clock == "contact"
    town.move(case.pk, "request_extend", town.housing, {"reason": "等配件"}, at=later)
    with pytest.raises(engine.NotAllowed):
        town.move(case.pk, "answer_extend", town.housing, {"granted": True})
    town.move(case.pk, "answer_extend", town.county, {"granted": True}, at=later)
    assert town.case(case.pk).extension == "granted"


def test_who_passed_it_up_may_still_read_it(town):
    case = town.opened("handling")
    town.move(case.pk, "escalate", town.housing, {"reason": "超出权限"})
    case = town.case(case.pk)
    assert case.state == "reported"
    mine = Assignment.objects.filter(case_id=case.pk, unit_code=HOUSING).values_list(
        "duty", "progress"
    )
    assert sorted(mine) == [("lead", "returned"), ("read", "read")]
    assert Case.objects.visible_to(town.housing).filter(pk=case.pk).exists()


def test_rework_goes_to_whoever_did_the_work(town):
    case = town.opened()
    town.triage(case.pk, sla_class="S2", area_code=town.village_code)
    town.walk(case.pk, "handling")
    town.move(case.pk, "escalate", town.housing, {"reason": "超出权限"})
    town.move(case.pk, "handle_on_spot", town.village, {"note": "当场疏通"})
    town.move(case.pk, "verify_fail", town.town, {"reason": "还堵"})
    assert town.case(case.pk).unit_code == "330825209201-station"


def test_a_unit_that_is_gone_leaves_its_case_to_the_room_above(town):
    case = town.opened("handling")
    Unit.objects.filter(pk=HOUSING).update(ends=dt.date(2026, 1, 1))
    units.kept.forget()
    town.move(case.pk, "call_back", town.town, {"reason": "机构撤并"})
    case = town.case(case.pk)
    assert (case.state, case.unit_code) == ("filed", "330825209-room")
    town.move(case.pk, "dispatch", town.town, {"unit": "330825-utl"})


def test_a_unit_counts_from_its_first_day_to_its_last(town):
    today = local_day(now())
    day = dt.timedelta(days=1)
    for begins, ends, known in (
        (today - day, today, True),
        (today, None, True),
        (today + day, None, False),
        (today - day, today + day, True),
        (today - 2 * day, today - day, False),
    ):
        Unit.objects.filter(pk=HOUSING).update(begins=begins, ends=ends)
        units.kept.forget()
        assert (HOUSING in units.directory()) is known, (begins, ends)


def test_only_the_tier_that_supervises_or_a_higher_one_ends_it(town):
    case = town.opened("handling")
    town.move(case.pk, "supervise", town.city, {"supervision": "3", "reason": "群众反映强烈"})
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "end_supervision", town.county, {"reason": "已整改"})
    town.move(case.pk, "end_supervision", town.city, {"reason": "已整改"})
    assert town.case(case.pk).supervision == 0


def test_a_confidential_case_is_read_by_its_handlers_only(town):
    case = town.opened()
    town.triage(case.pk, confidentiality="C2", category="0407", unit=f"{town.county_code}-center")
    for name in ("leader", "revisit", "supervisor", "town", "city"):
        actor = getattr(town, name)
        assert not Case.objects.visible_to(actor).filter(pk=case.pk).exists(), name
    assert Case.objects.visible_to(town.county).filter(pk=case.pk).exists()


def test_a_supervised_case_comes_back_to_the_county_which_closes_it(town):
    case = town.opened("feedback")
    town.move(case.pk, "supervise", town.county, {"supervision": "1", "reason": "重要"})
    town.move(case.pk, "verify_pass", town.village)
    assert town.case(case.pk).unit_code == "330825-center"
    town.move(case.pk, "answer_supervision", town.town, {"answer": "已核实"})
    town.move(case.pk, "close", town.county, {"reply": "好了"})
    assert town.case(case.pk).state == "closed"


def test_the_village_finds_what_it_has_to_verify_among_what_waits_for_it(town):
    case = town.opened("feedback")

    def waits(actor):
        return Case.objects.visible_to(actor).waiting_for(actor).filter(pk=case.pk).exists()

    assert waits(town.village)
    assert waits(town.town)  # the room answers for it
    assert not waits(town.housing)
    town.move(case.pk, "verify_pass", town.village)
    assert not waits(town.village)
    own = town.opened("filed")
    town.move(own.pk, "dispatch", town.town, {"unit": "330825209201-station"})
    town.move(own.pk, "sign_for", town.village)
    town.move(own.pk, "feedback", town.village, {"result": "好了"})
    found = Case.objects.visible_to(town.village).waiting_for(town.village)
    assert not found.filter(pk=own.pk).exists()


def test_who_is_still_not_content_after_reopening_may_object_to_the_tier_above(town):
    case = town.opened("closed")
    resident = town.resident(case.pk)
    with pytest.raises(engine.MoveNotPossible):  # first it is reopened
        town.move(case.pk, "appeal", resident, {"reason": "没有解决"})
    town.move(case.pk, "reopen", resident, {"reason": "又堵了"})
    town.walk_from(case.pk, "filed", "archived")
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "reopen", resident, {"reason": "还是堵"})
    late = town.case(case.pk).closed_at + dt.timedelta(days=8)
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "appeal", resident, {"reason": "还是堵"}, at=late)
    town.move(case.pk, "appeal", resident, {"reason": "还是堵"})
    now = town.case(case.pk)
    assert (now.state, now.unit_code, now.rating) == ("reported", "330825-center", None)
    assert (now.due_clock, now.appeal_count, now.closed_at) == ("accept", 1, None)
