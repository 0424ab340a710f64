"""Bugs that other systems had with their clocks, each a test that it is not ours."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import translation

from maplebridge.cases import deadlines
from maplebridge.cases.deadlines import Amount, Clock, Durations, Happening, fold, warn_at
from maplebridge.cases.kinds import registry
from maplebridge.cases.tests.test_oracle import seeded
from maplebridge.lib.clock import CHINA
from maplebridge.organisation import calendar
from maplebridge.organisation.calendar import AROUND_THE_CLOCK, CALENDAR, USUAL_HOURS, Hours

MATTER = registry.latest("matter")
LONG_AGO = dt.date(2000, 1, 1)
LATE_SHIFT = Hours(((dt.time(13, 0), dt.time(21, 0)),))


@pytest.fixture(autouse=True)
def published(monkeypatch):
    """The published calendar and no city's own."""
    monkeypatch.setattr(calendar, "in_force", lambda: CALENDAR)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)


def shown(moment: dt.datetime) -> str:
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def life(*steps, sla_class="S4", category="", durations=None, hours=USUAL_HOURS):
    """Steps as "time move state", or with facts as a second item; the clocks by the seed."""
    told = [step if isinstance(step, tuple) else (step, {}) for step in steps]
    opening = {"sla_class": sla_class, "category": category}
    history = []
    for number, (line, facts) in enumerate(told):
        day, hour, move, state = line.split()
        known = {**opening, **facts} if number == 0 else facts
        history.append(Happening(at(f"{day} {hour}"), move, state, known))
    return fold(MATTER, history, durations or seeded(), lambda _unit: hours)


def running(clocks) -> set[str]:
    return {clock.name for clock in clocks if clock.ended_at is None}


def one(clocks, name, number=-1) -> Clock:
    return [clock for clock in clocks if clock.name == name][number]


def to_handling(day="2026-11-09"):
    """A matter signed for on a Monday morning."""
    return (
        f"{day} 09:00 report reported",
        f"{day} 09:10 accept accepted",
        f"{day} 09:20 file_case filed",
        f"{day} 09:30 dispatch dispatched",
        f"{day} 09:40 sign_for handling",
    )


# ------------------------------------------------------- 1. a reminder outside working hours


@pytest.mark.parametrize("hours", [USUAL_HOURS, LATE_SHIFT], ids=["usual", "late shift"])
@pytest.mark.parametrize("amount", [Amount(2, "wh"), Amount(4, "wh"), Amount(1, "wd")])
@pytest.mark.parametrize(
    "start",
    [
        "2026-11-06 17:29",  # the last minute of a Friday
        "2026-11-07 03:00",  # a Saturday night
        "2026-11-09 11:30",  # just before lunch
        "2026-11-09 12:00",  # lunch
        "2026-09-30 16:45",  # the eve of National Day
        "2026-02-14 16:00",  # a made-up Saturday before Spring Festival
    ],
)
def test_trap_1_neither_warning_nor_limit_falls_outside_working_hours(start, amount, hours):
    begun = at(start)
    clock = Clock("x", begun, amount, deadlines.due_after(begun, amount, hours)[0], hours)
    warned = warn_at(clock)
    assert CALENDAR.is_open(warned, hours)
    # A limit may be closing time itself: until then somebody can still do it.
    assert CALENDAR.is_open(clock.due_at - dt.timedelta(minutes=1), hours) or CALENDAR.is_open(
        clock.due_at, hours
    )
    assert begun < warned < clock.due_at


@pytest.mark.parametrize(
    ("start", "amount", "warned"),
    [
        # 96 minutes of two hours: 30 on Friday before closing, 66 on Monday.
        ("2026-11-06 17:00", Amount(2, "wh"), "2026-11-09 09:36"),
        # 4 of 5 days, over a weekend.
        ("2026-11-06 10:00", Amount(5, "wd"), "2026-11-12 10:00"),
        # 144 minutes of three hours end at 12:00 sharp; nobody is there until 14:00.
        ("2026-11-09 09:36", Amount(3, "wh"), "2026-11-09 14:00"),
        # Minutes of an emergency run at night.
        ("2026-11-06 23:00", Amount(15, "min"), "2026-11-06 23:12"),
        # Days run through.
        ("2026-11-06 23:00", Amount(30, "d"), "2026-11-30 23:00"),
    ],
)
def test_trap_1_four_fifths_are_four_fifths_of_the_time_that_counts(start, amount, warned):
    begun = at(start)
    clock = Clock("x", begun, amount, deadlines.due_after(begun, amount, USUAL_HOURS)[0])
    assert shown(warn_at(clock)) == warned


def test_trap_1_a_duty_room_is_warned_at_night():
    clock = one(life("2026-11-07 22:00 report reported", hours=AROUND_THE_CLOCK), "accept")
    assert (shown(warn_at(clock)), shown(clock.due_at)) == ("2026-11-07 23:36", "2026-11-08 00:00")


def test_trap_1_a_warning_waits_as_long_as_the_clock_stood_still_and_for_an_extension():
    steps = to_handling()
    before = one(life(*steps), "dispose")
    assert (shown(before.due_at), shown(warn_at(before))) == (
        "2026-11-16 09:40",
        "2026-11-13 09:40",
    )
    asked = (*steps, ("2026-11-10 09:40 suspend suspended", {"review_on": "2026-11-20"}))
    assert warn_at(one(life(*asked), "dispose")) is None
    resumed = (*asked, "2026-11-12 09:40 resume handling")
    paused = one(life(*resumed), "dispose")
    assert (shown(paused.due_at), shown(warn_at(paused))) == (
        "2026-11-18 09:40",
        "2026-11-17 09:40",
    )
    longer = (*resumed, ("2026-11-13 10:00 answer_extend handling", {"extension": "granted"}))
    extended = one(life(*longer), "dispose")  # five days more: 8 of 10 days are four fifths
    assert shown(extended.due_at) == "2026-11-25 09:40"
    assert shown(warn_at(extended)) == "2026-11-23 09:40"


# --------------------------------------------- 2. news of the work hides the first response


def test_trap_2_noting_progress_does_not_stand_in_for_contacting_the_reporter():
    noted = life(*to_handling(), "2026-11-09 10:00 log_progress handling")
    assert {"contact", "dispose"} <= running(noted)
    assert one(noted, "contact") == one(life(*to_handling()), "contact")
    assert one(noted, "dispose") == one(life(*to_handling()), "dispose")


def test_trap_2_contacting_the_reporter_leaves_the_time_for_the_work_alone():
    contacted = life(*to_handling(), "2026-11-09 10:00 contact handling")
    assert one(contacted, "dispose") == one(life(*to_handling()), "dispose")
    assert shown(one(contacted, "contact").ended_at) == "2026-11-09 10:00"


def test_trap_2_in_an_emergency_hourly_news_and_first_contact_are_two_clocks():
    clocks = life(*to_handling(), "2026-11-09 10:05 log_progress handling", sla_class="S0")
    assert running(clocks) == {"contact", "progress"}
    assert shown(one(clocks, "contact").due_at) == "2026-11-09 10:10"
    assert shown(one(clocks, "progress").due_at) == "2026-11-09 11:05"
    assert deadlines.next_due(clocks).name == "contact"


# --------------------------------------------------- 3. it escalates after the unit answered


def test_trap_3_no_clock_of_the_handling_unit_runs_once_it_reported_its_result():
    clocks = life(*to_handling(), "2026-11-09 11:00 feedback feedback")
    assert running(clocks) == {"verify"}
    assert [one(clocks, name).was_kept(at("2027-06-01 09:00")) for name in ("dispose", "sign")] == [
        True,
        True,
    ]


@pytest.mark.parametrize("sla_class", [f"S{n}" for n in range(8)])
def test_trap_3_nothing_is_due_of_a_closed_case(sla_class):
    clocks = life(
        *to_handling(),
        "2026-11-09 11:00 feedback feedback",
        "2026-11-09 14:30 verify_pass verified",
        "2026-11-09 15:00 close closed",
        sla_class=sla_class,
    )
    assert running(clocks) == set()
    assert deadlines.next_due(clocks) is None


def test_trap_3_a_contact_that_was_made_is_not_asked_for_again_after_a_suspension():
    contacted = (
        *to_handling(),
        "2026-11-09 10:00 contact handling",
        ("2026-11-10 10:00 suspend suspended", {"review_on": "2026-11-20"}),
        "2026-11-12 10:00 resume handling",
    )
    assert running(life(*contacted)) == {"dispose"}
    assert running(
        life(*contacted, ("2026-11-12 11:00 overrule handling", {"sla_class": "S3"}))
    ) == {"dispose"}


def test_trap_3_work_that_has_to_be_done_again_has_its_clocks_again():
    again = life(
        *to_handling(),
        "2026-11-09 10:00 contact handling",
        "2026-11-10 10:00 feedback feedback",
        "2026-11-11 10:00 verify_fail handling",
    )
    assert running(again) == {"contact", "dispose"}
    assert shown(one(again, "dispose").due_at) == "2026-11-18 10:00"


# ------------------------------------------------------- 4. late the moment it is reopened

CLOSED_LATE = (
    *to_handling("2026-03-02"),
    "2026-03-20 11:00 feedback feedback",
    "2026-03-23 10:00 verify_pass verified",
    "2026-03-23 11:00 close closed",
)


def test_trap_4_a_reopened_case_is_not_late_and_what_was_late_stays_so():
    clocks = life(*CLOSED_LATE, "2026-03-27 10:00 reopen filed")
    fresh = one(clocks, "dispatch")
    assert running(clocks) == {"dispatch"}
    assert (shown(fresh.started_at), shown(fresh.due_at)) == (
        "2026-03-27 10:00",
        "2026-03-27 16:00",
    )
    assert fresh.was_kept(at("2026-03-27 10:00"))
    assert not one(clocks, "dispose").was_kept(at("2026-03-27 10:00"))
    later = life(
        *CLOSED_LATE,
        "2026-03-27 10:00 reopen filed",
        "2026-03-27 10:30 dispatch dispatched",
        "2026-03-27 11:00 sign_for handling",
    )
    assert running(later) == {"contact", "dispose"}
    assert shown(one(later, "dispose").due_at) == "2026-04-03 11:00"
    assert not one(later, "dispose", 0).was_kept(at("2026-03-27 11:00"))


def test_trap_4_an_objection_and_an_undone_merging_begin_anew_too():
    declined = life(
        "2026-03-02 09:00 report reported",
        "2026-03-02 16:00 decline declined",
        "2026-03-20 09:00 appeal reported",
    )
    assert shown(one(declined, "accept").due_at) == "2026-03-20 11:00"
    merged = life(
        "2026-03-02 09:00 report reported",
        "2026-03-02 09:30 merge merged",
        "2026-03-20 09:00 unmerge accepted",
    )
    assert shown(one(merged, "dispatch").due_at) == "2026-03-20 15:00"


def test_trap_4_a_case_raised_to_an_emergency_is_not_late_at_once():
    raised = life(*to_handling(), ("2026-11-11 10:00 overrule handling", {"sla_class": "S0"}))
    assert "dispose" not in running(raised)
    progress = one(raised, "progress")
    assert (shown(progress.started_at), shown(progress.due_at)) == (
        "2026-11-11 10:00",
        "2026-11-11 11:00",
    )
    lowered = life(
        *to_handling(), ("2026-11-11 10:00 overrule handling", {"sla_class": "S3"}), sla_class="S0"
    )
    assert shown(one(lowered, "dispose").due_at) == "2026-11-16 10:00"
    assert "progress" not in running(lowered)


def test_trap_4_a_case_passed_up_gives_the_room_above_its_own_time():
    passed = life("2026-11-09 09:00 report reported", "2026-11-09 10:50 escalate reported")
    below, above = (one(passed, "accept", number) for number in (0, 1))
    assert (shown(below.ended_at), shown(below.due_at)) == ("2026-11-09 10:50", "2026-11-09 11:00")
    assert (shown(above.started_at), shown(above.due_at)) == (
        "2026-11-09 10:50",
        "2026-11-09 14:50",
    )


# ------------------------------------------------------------------ 5. limits that overlap


def statute(number: int, unit: str) -> Durations:
    return Durations(
        [
            ("S4", "", "dispose", LONG_AGO, Amount(5, "wd")),
            ("S0", "", "progress", LONG_AGO, Amount(1, "h")),
            ("S4", "0999", "dispose", LONG_AGO, Amount(number, unit, "a clause")),
        ]
    )


@pytest.mark.parametrize(
    ("number", "unit", "due"),
    [(2, "wd", "2026-11-11 09:40"), (60, "d", "2027-01-08 09:40"), (24, "h", "2026-11-10 09:40")],
    ids=["shorter", "longer", "in another unit"],
)
@pytest.mark.parametrize("sla_class", ["S4", "S2", "S0"])
def test_trap_5_a_limit_of_the_category_wins_shorter_or_longer_in_any_class(
    number, unit, due, sla_class
):
    clocks = life(
        *to_handling(), sla_class=sla_class, category="0999", durations=statute(number, unit)
    )
    assert shown(one(clocks, "dispose").due_at) == due
    with translation.override("en"):
        said = deadlines.explain(one(clocks, "dispose"))
    assert "category 0999 has its own limit" in said[0]
    assert said[1] == ("The limit follows a clause; nobody has compared it with the source yet.")


def test_trap_5_the_class_counts_where_the_category_says_nothing():
    found = statute(2, "wd").find
    day = dt.date(2026, 11, 9)
    assert found("S4", "0998", "dispose", day) == Amount(5, "wd")
    assert found("S4", "", "dispose", day) == Amount(5, "wd")
    assert found("S0", "0999", "progress", day) == Amount(1, "h")
    assert found("S2", "0998", "dispose", day) is None


def test_trap_5_of_two_limits_of_a_category_the_row_of_the_class_wins_then_the_newer():
    rows = [
        ("S3", "0999", "dispose", LONG_AGO, Amount(3, "wd")),
        ("S4", "0999", "dispose", LONG_AGO, Amount(4, "wd")),
        ("S4", "0999", "dispose", dt.date(2026, 7, 1), Amount(6, "wd")),
    ]
    for given in (rows, rows[::-1]):
        found = Durations(given).find
        assert found("S3", "0999", "dispose", dt.date(2026, 11, 9)).number == 3
        assert found("S4", "0999", "dispose", dt.date(2026, 6, 30)).number == 4
        assert found("S4", "0999", "dispose", dt.date(2026, 7, 1)).number == 6
        assert found("S5", "0999", "dispose", dt.date(2026, 6, 30)).number == 3
        assert found("S5", "0999", "dispose", dt.date(2026, 7, 1)).number == 6


def test_trap_5_a_new_category_brings_its_limit_from_the_clocks_own_start():
    wages = life(*to_handling(), ("2026-11-10 10:00 overrule handling", {"category": "1301"}))
    assert one(wages, "dispose").started_at == at("2026-11-09 09:40")
    assert one(wages, "dispose").amount.number == 60


# ------------------------------------------------------- 6. working days that ignore holidays


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-09-30", "2026-10-08"),  # seven days of National Day
        ("2026-10-09", "2026-10-10"),  # the Saturday is worked
        ("2026-02-13", "2026-02-14"),  # so is this one, before Spring Festival
        ("2026-02-14", "2026-02-24"),  # nine days of Spring Festival
        ("2026-04-30", "2026-05-06"),  # Labour Day
        ("2026-11-06", "2026-11-09"),  # an ordinary weekend
    ],
)
def test_trap_6_a_working_day_is_a_day_that_is_worked(start, due):
    clocks = life(*to_handling(start), sla_class="S2")
    assert shown(one(clocks, "dispose").due_at) == f"{due} 09:40"


def test_trap_6_a_pause_over_a_holiday_gives_back_no_more_than_was_worked():
    clocks = life(
        *to_handling("2026-09-29"),
        ("2026-09-30 16:30 suspend suspended", {"review_on": "2026-10-09"}),
        "2026-10-08 09:30 resume handling",
        sla_class="S3",
    )
    # Three working days from 29 September end on 9 October; two working hours stood still.
    assert shown(one(clocks, "dispose").due_at) == "2026-10-09 11:40"
