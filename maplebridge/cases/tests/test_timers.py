"""Timers: when each rung rings and for whom, once for each due time, and never out of place."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.cases import deadlines, rungs, timers
from maplebridge.cases.deadlines import Amount, Clock
from maplebridge.cases.grades import Rung
from maplebridge.cases.models import Alarm, Assignment, Digest, Event, Timer
from maplebridge.lib.clock import CHINA, now
from maplebridge.organisation import calendar
from maplebridge.organisation.calendar import USUAL_HOURS
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.units import directory

WARN, DUE, OVERDUE, LONG = Rung.WARN, Rung.DUE, Rung.OVERDUE, Rung.LONG_OVERDUE
ROOM, COUNTY, CITY = "330825209-room", "330825-center", "3308-center"
HOUSING, STATION = "330825-hsc", "330825209201-station"
MINUTE = dt.timedelta(minutes=1)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)


def clock_of(sla_class: str, name: str, amount: Amount, start: str) -> Clock:
    due, _provisional = deadlines.due_after(at(start), amount, USUAL_HOURS)
    return Clock(name, at(start), amount, due, USUAL_HOURS, sla_class=sla_class)


def ladder(clock: Clock) -> list[dt.datetime]:
    return [
        rungs.instant(
            rung,
            rungs.warn_at(clock),
            clock.due_at,
            clock.hours,
            working=rungs.counts_working_time(clock),
            hurried=rungs.is_hurried(clock),
        )
        for rung in rungs.LADDER
    ]


# By hand, from the calendars of 2026: National Day is 1 to 7 October with a make-up Saturday on
# the 10th; Spring Festival 15 to 23 February with make-up Saturdays on the 14th and the 28th.
LADDERS = [
    # Emergencies run through the holiday's night, and their overdue rungs follow in hours.
    ("S0", "accept", Amount(5, "min"), "2026-10-01 03:00",
     ["2026-10-01 03:04", "2026-10-01 03:05", "2026-10-01 04:05", "2026-10-01 07:05"]),
    ("S1", "dispose", Amount(24, "h"), "2026-10-01 20:00",
     ["2026-10-02 15:12", "2026-10-02 20:00", "2026-10-02 21:00", "2026-10-03 00:00"]),
    # Half an hour before the holiday, half an hour after it; the make-up Saturday is a workday.
    ("S2", "accept", Amount(1, "wh"), "2026-09-30 17:00",
     ["2026-10-08 08:48", "2026-10-08 09:00", "2026-10-09 09:00", "2026-10-14 09:00"]),
    # Due at closing time: rung at the next opening.
    ("S3", "accept", Amount(2, "wh"), "2026-11-23 15:30",
     ["2026-11-23 17:06", "2026-11-24 08:30", "2026-11-25 08:30", "2026-12-01 08:30"]),
    # Due on the make-up Saturday.
    ("S4", "dispose", Amount(5, "wd"), "2026-09-28 09:00",
     ["2026-10-09 09:00", "2026-10-10 09:00", "2026-10-12 09:00", "2026-10-16 09:00"]),
    ("S5", "dispose", Amount(15, "wd"), "2026-11-02 10:00",
     ["2026-11-18 10:00", "2026-11-23 10:00", "2026-11-24 10:00", "2026-11-30 10:00"]),
    # Calendar days by statute end in the holiday; urging waits for the offices.
    ("S6", "dispose", Amount(30, "d"), "2026-09-05 22:00",
     ["2026-09-29 22:00", "2026-10-05 22:00", "2026-10-09 08:30", "2026-10-14 08:30"]),
    # 5.6 working days end on the make-up Saturday before Spring Festival, at 15:12.
    ("S7", "accept", Amount(7, "wd"), "2026-02-09 09:00",
     ["2026-02-14 15:12", "2026-02-25 09:00", "2026-02-26 09:00", "2026-03-03 09:00"]),
    # The hand-over to 110 is in minutes whatever the class.
    ("S4", "handed", Amount(10, "min"), "2026-10-03 23:00",
     ["2026-10-03 23:08", "2026-10-03 23:10", "2026-10-04 00:10", "2026-10-04 03:10"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sla_class", "name", "amount", "start", "expected"), LADDERS, ids=lambda value: str(value)[:20]
)
def test_the_rungs_of_each_class(sla_class, name, amount, start, expected):
    assert ladder(clock_of(sla_class, name, amount, start)) == [at(text) for text in expected]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (STATION, [[STATION], [STATION], [STATION, ROOM], [STATION, COUNTY]]),
        (ROOM, [[ROOM], [ROOM], [ROOM, COUNTY], [ROOM, COUNTY]]),
        (HOUSING, [[HOUSING], [HOUSING, COUNTY], [HOUSING, CITY], [HOUSING, CITY]]),
        (COUNTY, [[COUNTY], [COUNTY], [COUNTY, CITY], [COUNTY, CITY]]),
        (CITY, [[CITY], [CITY], [CITY], [CITY]]),
        ("a unit that is gone", [[ROOM], [ROOM], [ROOM, COUNTY], [ROOM, COUNTY]]),
    ],
)
def test_who_is_told_of_each_rung(town, unit, expected):
    told = [rungs.told_units(rung, unit, town.village_code, directory()) for rung in rungs.LADDER]
    assert told == expected


def timer(case_id, clock: str, share: int = 0) -> Timer:
    return Timer.objects.get(case_id=case_id, clock=clock, share=share)


def rang(case_id) -> list[tuple[str, int, str]]:
    found = Alarm.objects.filter(case_id=case_id).order_by("planned_at", "rung", "told_unit")
    return [(alarm.clock, alarm.rung, alarm.told_unit) for alarm in found]


def ring_next(case_id, clock: str, share: int = 0) -> dt.datetime:
    """Rings one clock's next rung at the very instant; gives that back."""
    moment = timer(case_id, clock, share).at
    Timer.objects.exclude(case_id=case_id, clock=clock, share=share).delete()
    timers.ring(moment)
    return moment


def owed_by(case) -> dict[tuple[str, int], tuple[dt.datetime, str]]:
    clocks = deadlines.clocks_of(case, Event.objects.filter(case_id=case.pk).order_by("sequence"))
    owed = timers.standing(case, clocks, Assignment.objects.filter(case_id=case.pk))
    return {key: (what.due_at, what.unit_code) for key, what in owed.items()}


def armed(case_id) -> dict[tuple[str, int], tuple[dt.datetime, str]]:
    return {
        (t.clock, t.share): (t.due_at, t.unit_code) for t in Timer.objects.filter(case_id=case_id)
    }


@pytest.mark.django_db
def test_the_timers_are_the_clocks_that_run_after_every_move(town):
    case = town.opened()
    seen = set()
    for state in (
        "reported", "accepted", "filed", "dispatched", "handling", "feedback", "verified",
        "closed", "archived",
    ):  # fmt: skip
        case = town.walk_from(case.pk, case.state, state)
        assert armed(case.pk) == owed_by(case), state
        seen |= {clock for clock, _share in armed(case.pk)}
    assert seen == {"accept", "dispatch", "sign", "dispose", "contact", "verify", "close"}
    assert armed(case.pk) == {}


@pytest.mark.django_db
def test_each_rung_rings_once_at_its_instant(town):
    case = town.opened()
    first = timer(case.pk, "accept")
    assert (first.at, first.rung, first.told) == (first.warn_at, 0, [])
    assert timers.ring(first.at - MINUTE) == 0
    assert timers.ring(first.at) == 1
    assert timers.ring(first.at) == 0
    assert rang(case.pk) == [("accept", WARN, ROOM)]
    for rung, told in ((DUE, [ROOM]), (OVERDUE, [ROOM, COUNTY]), (LONG, [ROOM, COUNTY])):
        moment = timer(case.pk, "accept").at
        assert timers.ring(moment) == len(told)
        alarms = Alarm.objects.filter(case_id=case.pk, rung=rung)
        assert sorted(a.told_unit for a in alarms) == sorted(told)
        assert {(a.planned_at, a.unit_code, a.due_at) for a in alarms} == {
            (moment, ROOM, first.due_at)
        }
    last = timer(case.pk, "accept")
    assert (last.at, last.rung, sorted(last.told)) == (None, LONG, [COUNTY, ROOM])
    assert timers.ring(now() + dt.timedelta(days=900)) == 0


@pytest.mark.django_db
def test_a_late_worker_rings_every_rung_that_was_passed_meanwhile(town):
    case = town.opened()
    monday = calendar.next_opening(now() + dt.timedelta(days=60))
    assert timers.ring(monday) == 6
    assert [rung for _clock, rung, _unit in rang(case.pk)] == [1, 2, 3, 3, 4, 4]


@pytest.mark.django_db
def test_a_clock_in_working_time_is_silent_at_night_even_after_an_outage(town):
    case = town.opened()
    waiting = timer(case.pk, "accept")
    night = at("2027-03-10 03:00")
    assert waiting.working
    assert timers.ring(night) == 0
    assert timer(case.pk, "accept").at == at("2027-03-10 08:30")
    assert timers.ring(at("2027-03-10 08:29")) == 0
    assert timers.ring(at("2027-03-10 08:30")) > 0


@pytest.mark.django_db
def test_an_emergency_rings_in_the_night(town):
    case_id = town.report().case_id
    town.triage(case_id, sla_class="S0")
    waiting = timer(case_id, "accept")
    assert (waiting.working, waiting.hurried) == (False, True)
    assert waiting.due_at - waiting.warn_at == MINUTE
    assert timers.ring(waiting.due_at + dt.timedelta(hours=1)) > 0
    assert {rung for _clock, rung, _unit in rang(case_id)} == {WARN, DUE, OVERDUE}


@pytest.mark.django_db
def test_what_was_passed_before_the_clock_could_be_armed_rings_only_in_its_last_rung(town):
    long_ago = at("2026-10-12 09:00")
    case_id = town.report(at=long_ago).case_id
    waiting = timer(case_id, "accept")
    assert (waiting.rung, waiting.at) == (OVERDUE, at("2026-10-19 11:00"))
    timers.ring(at("2026-11-30 09:00"))
    assert rang(case_id) == [("accept", LONG, COUNTY), ("accept", LONG, ROOM)]


@pytest.mark.django_db
def test_a_paused_clock_is_silent_and_rings_anew_towards_its_new_due_time(town):
    case = town.opened()
    old = timer(case.pk, "accept")
    timers.ring(old.warn_at)
    town.move(case.pk, "ask_more", town.town, {"question": "在几号楼？"})
    assert [clock for clock, _share in armed(case.pk)] == ["answer"]
    timers.ring(old.due_at)
    assert rang(case.pk) == [("accept", WARN, ROOM)]
    later = now() + dt.timedelta(days=4)
    town.move(case.pk, "supply", town.resident(case.pk), {"answer": "三号楼"}, at=later)
    fresh = timer(case.pk, "accept")
    assert fresh.due_at > old.due_at
    assert (fresh.rung, fresh.told) == (0, [])
    timers.ring(fresh.warn_at)
    assert [(a.rung, a.due_at) for a in Alarm.objects.order_by("due_at")] == [
        (WARN, old.due_at),
        (WARN, fresh.due_at),
    ]


@pytest.mark.django_db
def test_an_extension_moves_the_rungs(town):
    case = town.opened("handling")
    before = timer(case.pk, "dispose")
    town.move(case.pk, "request_extend", town.housing, {"reason": "要等配件"})
    assert timer(case.pk, "dispose").due_at == before.due_at
    town.move(case.pk, "answer_extend", town.county, {"granted": True})
    after = timer(case.pk, "dispose")
    assert after.due_at == deadlines.due_after(before.due_at, Amount(5, "wd"), USUAL_HOURS)[0]
    assert after.warn_at > before.warn_at
    timers.ring(before.due_at)
    assert ("dispose", DUE, HOUSING) not in rang(case.pk)


@pytest.mark.django_db
def test_what_was_done_does_not_ring(town):
    """Peers' trap 3: escalates after the agent answered."""
    case = town.opened("handling")
    contact = timer(case.pk, "contact")
    timers.ring(contact.warn_at)
    town.move(case.pk, "contact", town.housing, {"note": "已联系"})
    assert ("contact", 0) not in armed(case.pk)
    timers.ring(contact.due_at)
    assert [row for row in rang(case.pk) if row[0] == "contact"] == [("contact", WARN, HOUSING)]


@pytest.mark.django_db
def test_a_reopened_case_does_not_ring_at_once(town):
    """Peers' trap 4: an instant breach on re-opening."""
    case = town.opened("archived")
    month_later = case.closed_at + dt.timedelta(days=6)
    town.move(case.pk, "reopen", town.resident(case.pk), {"reason": "又堵了"}, at=month_later)
    (fresh,) = Timer.objects.filter(case_id=case.pk)
    assert (fresh.clock, fresh.rung) == ("dispatch", 0)
    assert fresh.at > month_later
    assert timers.ring(month_later + MINUTE) == 0


@pytest.mark.django_db
def test_a_unit_that_takes_over_a_running_clock_is_told_of_what_rang(town):
    case_id = town.report().case_id
    before = timer(case_id, "accept")
    timers.ring(before.warn_at)
    town.triage(case_id, unit=COUNTY)
    taken = timer(case_id, "accept")
    assert (taken.due_at, taken.rang_at) == (before.due_at, before.warn_at)
    assert (taken.unit_code, taken.rung, sorted(taken.told)) == (COUNTY, WARN, [COUNTY, ROOM])
    assert timers.ring(taken.warn_at) == 0


@pytest.mark.django_db
def test_a_case_passed_up_has_a_ladder_of_its_own_there(town):
    case = town.opened()
    timers.ring(timer(case.pk, "accept").due_at)
    town.move(case.pk, "escalate", town.town, {"reason": "涉及几个乡镇"})
    taken = timer(case.pk, "accept")
    assert (taken.unit_code, taken.rung, taken.told) == (COUNTY, 0, [])


@pytest.mark.django_db
def test_a_share_has_timers_of_its_own(town):
    case = town.opened("handling")
    town.move(case.pk, "whistle", town.town, {"units": ["330825-utl"], "reason": "抽水"})
    asked = timer(case.pk, "attend", 2)
    assert asked.unit_code == "330825-utl"
    timers.ring(asked.warn_at)
    assert ("attend", WARN, "330825-utl") in rang(case.pk)
    town.move(case.pk, "attend", town.utility)
    assert ("attend", 2) not in armed(case.pk)
    assert timer(case.pk, "assist", 2).unit_code == "330825-utl"
    town.move(case.pk, "finish_assist", town.utility, {"result": "已抽水"})
    assert [key for key in armed(case.pk) if key[1]] == []


@pytest.mark.django_db
def test_a_merged_case_is_silent_and_a_given_back_one_rings_no_rung_twice(town):
    kept, twin = town.opened("accepted"), town.opened("accepted")
    ring_next(twin.pk, "dispatch")
    town.move(twin.pk, "merge", town.town, {"into": str(kept.pk)})
    assert armed(twin.pk) == {}
    town.move(twin.pk, "unmerge", town.town, {"reason": "不是一回事"})
    assert armed(twin.pk) == owed_by(town.case(twin.pk))
    timers.ring(timer(twin.pk, "dispatch").at)
    once = [(a.due_at, a.rung, a.told_unit) for a in Alarm.objects.filter(case_id=twin.pk)]
    assert len(once) == len(set(once))


@pytest.mark.django_db
def test_timers_follow_when_the_holidays_of_a_year_are_published(town, monkeypatch):
    known = calendar.in_force()
    monday = dt.date(known.last_year + 2, 3, 1)
    monday += dt.timedelta(days=-monday.weekday() % 7)
    case_id = town.report(at=at(f"{monday} 09:00")).case_id
    before = timer(case_id, "accept")
    assert before.due_at == at(f"{monday} 11:00")
    published = calendar.WorkCalendar({monday: False}, known.last_year + 2)
    monkeypatch.setattr(calendar, "in_force", lambda: published)
    town.move(case_id, "recount", SYSTEM, {"calendar": known.last_year + 2})
    after = timer(case_id, "accept")
    tuesday = monday + dt.timedelta(days=1)
    assert (after.due_at, after.rung) == (at(f"{tuesday} 10:30"), 0)
    assert timers.ring(before.due_at) == 0
    assert timers.ring(after.at) == 1


@pytest.mark.django_db
def test_cases_from_before_there_were_timers_are_armed_once(town):
    cases = [town.opened(state) for state in ("reported", "handling", "closed")]
    before = {case.pk: armed(case.pk) for case in cases}
    Timer.objects.all().delete()
    assert timers.arm_missing() == 2
    assert {case.pk: armed(case.pk) for case in cases} == before
    assert timers.arm_missing() == 0


@pytest.mark.django_db
def test_an_urging_is_an_alarm_of_the_accountable_unit_once(town):
    case = town.opened("handling")
    event = town.move(case.pk, "urge", town.town)
    for _time in range(2):
        timers.note_urging(case.pk, event.sequence)
    (alarm,) = Alarm.objects.filter(case_id=case.pk)
    assert (alarm.rung, alarm.told_unit, alarm.planned_at) == (Rung.URGED, HOUSING, event.at)


def alarms_for(unit: str, number: int, rung: int = WARN) -> None:
    Alarm.objects.bulk_create(
        Alarm(
            case_id=timers.ids.new_id(), clock="accept", share=0, due_at=now(), rung=rung,
            told_unit=unit, area_code="330825209", unit_code=unit, planned_at=now(), rang_at=now(),
        )
        for _n in range(number)
    )  # fmt: skip


def notices(unit: str) -> list[int]:
    return sorted(Digest.objects.filter(unit_code=unit).values_list("count", flat=True))


@pytest.mark.django_db
def test_few_alarms_are_notices_and_many_are_one_digest(town):
    start = now()
    alarms_for(ROOM, 4)
    alarms_for(COUNTY, 5)
    assert timers.gather(start) == 5
    assert (notices(ROOM), notices(COUNTY)) == ([1, 1, 1, 1], [5])
    assert not Alarm.objects.filter(digest_id=None).exists()
    assert timers.gather(start) == 0


@pytest.mark.django_db
def test_in_a_storm_a_unit_gets_one_digest_a_minute(town):
    start = now()
    alarms_for(ROOM, 300)
    timers.gather(start)
    alarms_for(ROOM, 1)
    assert timers.gather(start + dt.timedelta(seconds=59)) == 0
    alarms_for(ROOM, 200)
    assert timers.gather(start + dt.timedelta(seconds=60)) == 1
    assert notices(ROOM) == [201, 300]


@pytest.mark.django_db
def test_single_alarms_in_a_row_become_a_digest_too(town):
    start = now()
    for second in range(10):
        alarms_for(ROOM, 1)
        timers.gather(start + dt.timedelta(seconds=second))
    assert notices(ROOM) == [1, 1, 1, 1, 1]
    timers.gather(start + dt.timedelta(seconds=70))
    assert notices(ROOM) == [1, 1, 1, 1, 1, 5]
