"""What is over is listed, agreed to by somebody else, destroyed once, and never under a hold."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from maplebridge.cases import chain, engine, erasure
from maplebridge.cases.grades import Wish
from maplebridge.cases.kinds import Aside
from maplebridge.cases.models import Case, Destruction, Doomed, Event, Payload, Request, Seal
from maplebridge.cases.reporters import Destroyed, reporter_of_case
from maplebridge.journey import retention
from maplebridge.journey.advance import advance
from maplebridge.journey.intake import Report, take_in
from maplebridge.journey.models import DecisionRecord, Fingerprint
from maplebridge.journey.retention import RetentionRefused, Term, is_over
from maplebridge.lib.clock import now
from maplebridge.organisation.models import Account, Act, actors_for
from maplebridge.organisation.people import SYSTEM, reporter_of

PHONE, NAME = "13912345678", "甄秀英"
LONG_AGO = dt.timedelta(days=40 * 365)


def ended(town: Any, marker: str = "榆钱巷井盖松了", **more: Any) -> Case:
    """A case that a reporter sent in, sorted by the steps, and that ended long ago."""
    receipt = take_in(
        Report(
            "web", "s", uuid.uuid4().hex, f"龙游县社阳乡{marker}", name=NAME, phone=PHONE, **more
        )
    )
    advance(receipt.case_id)
    case = town.case(receipt.case_id)
    Case.objects.filter(pk=case.pk).update(
        ended=True, state="archived", changed_at=now() - LONG_AGO, closed_at=now() - LONG_AGO,
    )  # fmt: skip
    return town.case(case.pk)


def agreed(town: Any) -> Destruction:
    made = retention.draw_up(town.county)
    assert made is not None
    return retention.rule(town.leader, made.pk, agrees=True)


def everything() -> str:
    """Every row of every table as text."""
    said = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" AS t')
            said += [row[0] for row in cursor.fetchall()]
    return "\n".join(said)


def holds(case: Case) -> bool:
    return not chain.verify(list(Event.objects.filter(case_id=case.pk).order_by("sequence")))


@pytest.mark.parametrize(
    ("end", "months", "today", "over"),
    [("2026-01-31", 1, "2026-02-28", False), ("2026-01-31", 1, "2026-03-01", True),
     ("2025-12-15", 1, "2026-01-15", False), ("2025-12-15", 1, "2026-01-16", True),
     ("2024-02-29", 12, "2025-02-28", False), ("2024-02-29", 12, "2025-03-01", True),
     ("2023-11-23", 36, "2026-11-24", True)],
)  # fmt: skip
def test_a_term_ends_after_the_same_day_so_many_months_later(
    end: str, months: int, today: str, over: bool
) -> None:
    day = dt.date.fromisoformat
    assert is_over(day(end), Term(months, "x"), day(today)) is over


def test_the_most_specific_term_counts(db: None) -> None:
    terms = retention.TERMS.value()
    assert terms.of("0101").months == 120
    assert terms.of("1004").months == 36
    assert terms.of("").months == 36
    assert retention.Terms({}).of("0101") is None


def test_what_is_over_is_destroyed_and_no_table_holds_a_word_of_it(town: Any) -> None:
    case = ended(town, marker="榆钱巷井盖松了", place="榆钱巷七号后门")
    numbers = (case.number, case.area_code, case.category, case.opened_at)
    assert "榆钱巷" in everything()
    retention.ask(case.pk, reporter_of(case.pk), Wish.ACCESS, "copy")
    done = agreed(town)
    while retention.carry_out():
        pass
    said = everything()
    for word in ("榆钱巷", "井盖松", "七号后门", PHONE, NAME):
        assert word not in said, word
    case = town.case(case.pk)
    assert (case.number, case.area_code, case.category, case.opened_at) == numbers
    assert (case.lon, case.lat) == (None, None)
    assert holds(case)
    last = Event.objects.filter(case_id=case.pk).latest("sequence")
    assert (last.move, last.from_state, last.to_state) == ("destroy", "archived", "archived")
    assert not Fingerprint.objects.filter(pk=case.pk).exists()
    assert set(DecisionRecord.objects.filter(case_id=case.pk).values_list("reason", flat=True)) <= {
        ""
    }
    assert Seal.objects.filter(case_id=case.pk, wrapped__isnull=False).count() == 0
    with pytest.raises(Destroyed):
        reporter_of_case(case.pk)
    done.refresh_from_db()
    assert done.done_at is not None
    # Nothing is due any more, and the figures still count it.
    assert retention.draw_up(town.county) is None
    assert retention.carry_out() == 0


def test_a_hold_keeps_a_case_from_the_list_and_from_the_fire(town: Any) -> None:
    first, second = ended(town), ended(town, marker="槐树弄路灯不亮")
    hold = erasure.set_hold(town.town, first, "诉讼保全，法院来函")
    assert erasure.set_hold(town.town, first, "再说一次").pk == hold.pk
    made = agreed(town)
    assert made.count == 1
    # Between agreeing and carrying out somebody holds the second, too.
    erasure.set_hold(town.county, second, "正在复查")
    while retention.carry_out():
        pass
    row = Doomed.objects.get(case_id=second.pk)
    assert row.destroyed_at is None
    assert row.spared != ""
    assert "槐树弄" in everything()
    with pytest.raises(engine.MoveNotPossible):
        engine.aside(second.pk, Aside.ERASE_REPORTER, SYSTEM, key="x")
    assert erasure.lift_hold(town.county, second, "复查结束") == 1
    assert erasure.lift_hold(town.county, second, "复查结束") == 0
    again = retention.draw_up(town.county)
    assert again is not None
    assert again.count == 1


def test_only_rooms_over_the_place_hold_a_case_and_with_a_reason(town: Any) -> None:
    case = ended(town)
    for name, actor in {**town.people, "stranger": town.stranger}.items():
        if name in ("town", "county", "city"):
            continue
        with pytest.raises(erasure.HoldRefused):
            erasure.set_hold(actor, case, "诉讼保全，法院来函")
    for reason in ("", "  ", "因"):
        with pytest.raises(erasure.HoldRefused):
            erasure.set_hold(town.town, case, reason)
    assert not erasure.is_held(case.pk)


def test_a_list_takes_two_people(town: Any) -> None:
    ended(town)
    for actor in [*town.people.values(), town.stranger]:
        if actor.role not in ("dispatcher",):
            with pytest.raises(RetentionRefused):
                retention.draw_up(actor)
    made = retention.draw_up(town.county)
    for actor in [town.county, town.city, town.town, town.supervisor, town.administrator]:
        with pytest.raises(RetentionRefused):
            retention.rule(actor, made.pk, agrees=True)
    account = Account.objects.get(username="leader")
    (leader,) = actors_for(account, now().date())
    with pytest.raises(IntegrityError, match="destruction_four_eyes"), transaction.atomic():
        Destruction.objects.filter(pk=made.pk).update(agreed_by=made.made_by)
    assert retention.carry_out() == 0
    retention.rule(leader, made.pk, agrees=False, note="先查再定")
    with pytest.raises(RetentionRefused):
        retention.rule(leader, made.pk, agrees=True)
    assert retention.carry_out() == 0
    assert Payload.objects.filter(erased_at__isnull=False).count() == 0
    assert [act.done for act in Act.objects.filter(deed="destruction").order_by("number")] == [
        True, False,
    ]  # fmt: skip
    # Sent back, its cases may be listed again.
    assert retention.draw_up(town.county) is not None


def test_work_that_is_owed_and_open_twins_keep_a_case(town: Any) -> None:
    owed, parent = ended(town), ended(town, marker="槐树弄路灯不亮")
    twin = town.opened("accepted")
    Case.objects.filter(pk=twin.pk).update(merged_into=parent.pk)
    from maplebridge.cases.models import Assignment

    Assignment.objects.create(
        case_id=owed.pk, number=9, area_code=owed.area_code, unit_code="330825-utl",
        duty="assist", progress="handling", since=now(),
    )  # fmt: skip
    assert retention.draw_up(town.county) is None


def test_cut_off_in_the_middle_it_goes_on_and_twice_is_once(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = ended(town)
    made = agreed(town)

    def fail(_case_id: uuid.UUID) -> int:
        raise OSError("the disk is gone")

    monkeypatch.setattr(retention, "destroy_photos", fail)
    with pytest.raises(OSError, match="gone"):
        retention.carry_out()
    assert Doomed.objects.get(list_id=made.pk).destroyed_at is None
    monkeypatch.undo()
    while retention.carry_out():
        pass
    assert retention.destroy_case(case.pk, made.pk) == ""
    moves = list(Event.objects.filter(case_id=case.pk).values_list("move", flat=True))
    assert moves.count("destroy") == 1
    assert holds(town.case(case.pk))


def test_two_workers_destroy_each_case_once(committed_town: Any) -> None:
    cases = [ended(committed_town, marker=f"榆钱巷{n}号") for n in range(6)]
    agreed(committed_town)

    def work(_n: int) -> None:
        try:
            while retention.carry_out():
                pass
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, range(2)))
    for case in cases:
        moves = list(Event.objects.filter(case_id=case.pk).values_list("move", flat=True))
        assert moves.count("destroy") == 1
    assert Destruction.objects.get().done_at is not None
    assert "榆钱巷" not in everything()


def test_a_reporter_is_erased_at_once_after_the_end_and_else_as_soon_as_it_ends(
    town: Any,
) -> None:
    over, open_case = ended(town), town.case(town.report(reporter={"name": NAME}).case_id)
    done = retention.ask(over.pk, reporter_of(over.pk), Wish.DELETE, "k")
    assert done.done_at is not None
    with pytest.raises(Destroyed):
        reporter_of_case(over.pk)
    assert "榆钱巷" in everything()
    later = retention.ask(open_case.pk, reporter_of(open_case.pk), Wish.DELETE, "k")
    assert later.done_at is None
    assert later.answer != ""
    assert reporter_of_case(open_case.pk).name == NAME
    assert retention.carry_out() == 0
    Case.objects.filter(pk=open_case.pk).update(ended=True)
    assert retention.carry_out() == 1
    assert retention.carry_out() == 0
    with pytest.raises(Destroyed):
        reporter_of_case(open_case.pk)
    for case in (over, open_case):
        assert holds(town.case(case.pk))


def test_asking_twice_is_once_and_a_stranger_asks_for_nothing(town: Any) -> None:
    case = ended(town)
    for _n in range(3):
        retention.ask(case.pk, reporter_of(case.pk), Wish.DELETE, "k")
    assert Request.objects.count() == 1
    moves = list(Event.objects.filter(case_id=case.pk).values_list("move", flat=True))
    assert moves.count("erase_reporter") == 1
    for actor in (reporter_of(uuid.uuid4()), town.town, town.stranger):
        with pytest.raises(engine.UnknownCase):
            retention.ask(case.pk, actor, Wish.DELETE, "other")
    assert Request.objects.count() == 1


def test_a_reporter_corrects_the_own_name_and_nobody_else_does(town: Any) -> None:
    case = town.opened("handling")
    due = case.due_at
    said = {"name": "甄秀兰", "phone": "13900001111"}
    engine.aside(case.pk, Aside.CORRECT_REPORTER, reporter_of(case.pk), key="c", reporter=said)
    now_known = reporter_of_case(case.pk)
    assert (now_known.name, now_known.phone) == ("甄秀兰", "13900001111")
    after = town.case(case.pk)
    assert (after.state, after.due_at, after.unit_code) == (case.state, due, case.unit_code)
    assert holds(after)
    for actor in (town.town, town.housing, SYSTEM):
        with pytest.raises(engine.NotAllowed):
            engine.aside(
                case.pk, Aside.CORRECT_REPORTER, actor, key=uuid.uuid4().hex, reporter=said
            )
    with pytest.raises(engine.UnknownCase):
        engine.aside(case.pk, Aside.CORRECT_REPORTER, reporter_of(uuid.uuid4()), key="d")
    # The work goes on as before.
    town.move(case.pk, "feedback", town.housing, {"result": "好了"})


def test_whatever_is_erased_in_whatever_order_the_chain_holds(town: Any) -> None:
    draw = random.Random(20261123)
    for _life in range(12):
        case = ended(town)
        actor = reporter_of(case.pk)
        for n in range(6):
            what = draw.choice(["correct", "erase", "destroy", "hold", "lift"])
            try:
                if what == "correct":
                    engine.aside(
                        case.pk, Aside.CORRECT_REPORTER, actor, key=f"c{n}",
                        reporter={"name": "甄", "phone": "13900001111"},
                    )  # fmt: skip
                elif what == "erase":
                    engine.aside(case.pk, Aside.ERASE_REPORTER, SYSTEM, key=f"e{n}")
                elif what == "destroy":
                    engine.aside(case.pk, Aside.DESTROY, SYSTEM, key=f"d{n}")
                elif what == "hold":
                    erasure.set_hold(town.town, case, "诉讼保全")
                else:
                    erasure.lift_hold(town.town, case, "诉讼结束")
            except engine.Refused:
                pass
            assert holds(town.case(case.pk))
