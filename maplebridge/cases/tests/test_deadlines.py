"""Clocks: when a case is due, why, and what stops, pauses and extends it."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import translation

from maplebridge.cases import deadlines
from maplebridge.cases.deadlines import Amount, Durations, Happening, fold, next_due
from maplebridge.cases.kinds import registry
from maplebridge.lib.clock import CHINA
from maplebridge.organisation import calendar
from maplebridge.organisation.calendar import AROUND_THE_CLOCK, CALENDAR, USUAL_HOURS

LONG_AGO = dt.date(2000, 1, 1)
DURATIONS = Durations(
    [
        ("S4", "", "accept", LONG_AGO, Amount(2, "wh")),
        ("S4", "", "dispatch", LONG_AGO, Amount(4, "wh")),
        ("S4", "", "sign", LONG_AGO, Amount(1, "wd")),
        ("S4", "", "contact", LONG_AGO, Amount(1, "wd")),
        ("S4", "", "dispose", LONG_AGO, Amount(5, "wd")),
        ("S4", "", "extend", LONG_AGO, Amount(5, "wd")),
        ("S4", "", "verify", LONG_AGO, Amount(2, "wd")),
        ("S0", "", "accept", LONG_AGO, Amount(5, "min")),
        ("S0", "", "progress", LONG_AGO, Amount(1, "h")),
        ("S4", "", "answer", LONG_AGO, Amount(5, "wd")),
        ("S4", "", "review", LONG_AGO, Amount(30, "d")),
        ("S2", "", "accept", LONG_AGO, Amount(1, "wh")),
        ("S7", "", "dispose", LONG_AGO, Amount(45, "wd")),
        ("S7", "1301", "dispose", LONG_AGO, Amount(60, "wd", "a clause")),
        ("S7", "1301", "dispose", dt.date(2026, 7, 1), Amount(50, "wd", "a newer clause")),
    ]
)


@pytest.fixture(autouse=True)
def published(monkeypatch):
    """The published calendar and no city's own, with or without a database."""
    monkeypatch.setattr(calendar, "in_force", lambda: CALENDAR)


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)


def told(*steps):
    """Steps as (time, move, state[, facts]); the first is the report of class S4."""
    happenings = [Happening(at(s[0]), s[1], s[2], s[3] if len(s) > 3 else {}) for s in steps]
    first = happenings[0]
    facts = {"sla_class": "S4", **first.facts}
    return [Happening(first.at, first.move, first.state, facts), *happenings[1:]]


def clocks(*steps, hours=USUAL_HOURS):
    return fold(registry.latest("matter"), told(*steps), DURATIONS, lambda _unit: hours)


def due(clock):
    return clock.due_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


REPORT = ("2026-11-09 09:00", "report", "reported")  # a Monday
ACCEPT = ("2026-11-09 09:30", "accept", "accepted")
FILE = ("2026-11-09 10:00", "file_case", "filed")
DISPATCH = ("2026-11-09 10:30", "dispatch", "dispatched")
SIGN = ("2026-11-09 11:00", "sign_for", "handling")


def test_a_report_on_monday_morning_is_to_be_accepted_within_two_working_hours():
    (clock,) = clocks(REPORT)
    assert (clock.name, due(clock), clock.is_running) == ("accept", "2026-11-09 11:00", True)


def test_a_report_on_friday_evening_waits_for_monday():
    (clock,) = clocks(("2026-11-13 18:00", "report", "reported"))
    assert due(clock) == "2026-11-16 10:30"


def test_a_duty_room_counts_the_night():
    (clock,) = clocks(("2026-11-13 18:00", "report", "reported"), hours=AROUND_THE_CLOCK)
    assert due(clock) == "2026-11-13 20:00"


def test_an_emergency_counts_minutes_whatever_the_hour():
    (clock,) = clocks(("2026-11-14 03:00", "report", "reported", {"sla_class": "S0"}))
    assert due(clock) == "2026-11-14 03:05"


def test_each_state_has_its_clock_and_ends_the_one_before():
    found = {c.name: c for c in clocks(REPORT, ACCEPT, FILE, DISPATCH, SIGN)}
    assert found["accept"].ended_at == at("2026-11-09 09:30")
    assert found["dispatch"].ended_at == at("2026-11-09 10:30")
    assert found["sign"].ended_at == at("2026-11-09 11:00")
    assert due(found["dispose"]) == "2026-11-16 11:00"
    assert due(found["contact"]) == "2026-11-10 11:00"
    assert next_due(found.values()).name == "contact"


def test_filing_does_not_restart_the_clock_of_dispatching():
    found = [c for c in clocks(REPORT, ACCEPT, FILE) if c.name == "dispatch"]
    assert [c.started_at for c in found] == [at("2026-11-09 09:30")]


def test_a_note_neither_restarts_nor_ends_a_clock():
    steps = (REPORT, ACCEPT, FILE, DISPATCH, SIGN)
    note = ("2026-11-10 15:00", "log", "handling")
    assert [(c.name, c.due_at) for c in clocks(*steps)] == [
        (c.name, c.due_at) for c in clocks(*steps, note)
    ]


def test_contacting_the_reporter_ends_only_that_clock():
    found = {
        c.name: c
        for c in clocks(
            REPORT, ACCEPT, FILE, DISPATCH, SIGN, ("2026-11-09 14:00", "contact", "handling")
        )
    }
    assert found["contact"].ended_at == at("2026-11-09 14:00")
    assert found["dispose"].ended_at is None


def test_while_the_reporter_is_asked_the_clock_stands_still():
    asked = ("2026-11-09 09:30", "ask_more", "need_info")
    clock, waiting = clocks(REPORT, asked)
    assert clock.paused
    assert next_due([clock, waiting]) is waiting
    assert clock.was_kept(at("2026-12-01 09:00"))
    clock, waiting = clocks(REPORT, asked, ("2026-11-11 09:00", "supply", "reported"))
    assert waiting.ended_at == at("2026-11-11 09:00")
    assert not clock.paused
    # 90 of the 120 minutes were left.
    assert due(clock) == "2026-11-11 10:30"


def test_suspending_gives_back_exactly_the_working_time_that_was_left():
    steps = (REPORT, ACCEPT, FILE, DISPATCH, SIGN)
    suspended = ("2026-11-10 11:00", "suspend", "suspended")
    resumed = ("2026-12-01 11:00", "resume", "handling")
    found = [c for c in clocks(*steps, suspended, resumed) if c.name == "dispose"]
    assert len(found) == 1
    assert due(found[0]) == "2026-12-07 11:00"


def test_an_extension_adds_its_time_once():
    steps = (REPORT, ACCEPT, FILE, DISPATCH, SIGN)
    granted = ("2026-11-12 09:00", "answer_extend", "handling", {"extension": "granted"})
    found = next(c for c in clocks(*steps, granted) if c.name == "dispose")
    assert due(found) == "2026-11-23 11:00"
    refused = ("2026-11-12 09:00", "answer_extend", "handling", {"extension": "refused"})
    found = next(c for c in clocks(*steps, refused) if c.name == "dispose")
    assert due(found) == "2026-11-16 11:00"


def test_a_new_class_counts_from_the_clocks_own_start():
    (clock,) = clocks(REPORT, ("2026-11-09 09:10", "triage", "reported", {"sla_class": "S2"}))
    assert due(clock) == "2026-11-09 10:00"


def test_a_reopened_case_has_a_fresh_clock_and_the_old_stays_visible():
    steps = (
        REPORT,
        ACCEPT,
        FILE,
        DISPATCH,
        SIGN,
        ("2026-11-20 09:00", "feedback", "feedback"),
        ("2026-11-20 10:00", "verify_pass", "verified"),
        ("2026-11-20 11:00", "close", "closed"),
        ("2026-11-23 09:00", "reopen", "filed"),
    )
    found = clocks(*steps)
    running = [c for c in found if c.ended_at is None]
    assert [(c.name, c.started_at) for c in running] == [("dispatch", at("2026-11-23 09:00"))]
    assert running[0].due_at > at("2026-11-23 09:00")
    old = next(c for c in found if c.name == "dispose")
    assert not old.was_kept(at("2026-11-23 09:00"))


def test_statute_comes_before_the_class_and_the_newer_rule_before_the_older():
    assert DURATIONS.find("S7", "1301", "dispose", dt.date(2026, 6, 30)).number == 60
    assert DURATIONS.find("S7", "1301", "dispose", dt.date(2026, 7, 1)).number == 50
    assert DURATIONS.find("S7", "0702", "dispose", dt.date(2026, 7, 1)).number == 45
    assert DURATIONS.find("S9", "", "dispose", dt.date(2026, 7, 1)) is None


def test_national_day_is_not_worked_and_the_make_up_day_is():
    # 2026-09-30 is a Wednesday; 1 to 7 October are holidays, Saturday the 10th is worked.
    (clock,) = clocks(("2026-09-30 17:00", "report", "reported"))
    assert due(clock) == "2026-10-08 10:00"
    (clock,) = clocks(("2026-10-09 17:00", "report", "reported"))
    assert due(clock) == "2026-10-10 10:00"


def test_a_clock_beyond_the_published_years_is_provisional():
    (clock,) = clocks(("2031-03-03 09:00", "report", "reported"))
    assert clock.provisional
    assert not clocks(REPORT)[0].provisional


def test_a_pause_gives_back_the_second_and_not_only_the_minute():
    (clock,) = [
        c
        for c in fold(
            registry.latest("matter"),
            [
                Happening(at("2026-11-09 09:00:30"), "report", "reported", {"sla_class": "S4"}),
                Happening(at("2026-11-09 10:00:10.000005"), "ask_more", "need_info", {}),
                Happening(at("2026-11-09 10:30:50.000007"), "supply", "reported", {}),
            ],
            DURATIONS,
            lambda _unit: USUAL_HOURS,
        )
        if c.name == "accept"
    ]
    assert clock.due_at == at("2026-11-09 11:31:10.000002")


def test_a_pause_outside_working_hours_changes_nothing():
    steps = (
        ("2026-11-06 17:29", "report", "reported", {"sla_class": "S5"}),
        ("2026-11-06 17:30", "ask_more", "need_info"),
        ("2026-11-09 08:30", "supply", "reported"),
    )
    rows = Durations([("S5", "", "accept", LONG_AGO, Amount(1, "wd"))])
    (clock,) = fold(registry.latest("matter"), told(*steps), rows, lambda _unit: USUAL_HOURS)
    assert due(clock) == "2026-11-09 17:29"


def test_a_duty_room_in_working_days_gives_back_no_weekend():
    steps = (
        ("2026-11-06 12:00", "report", "reported", {"sla_class": "S5"}),
        ("2026-11-06 18:00", "ask_more", "need_info"),
        ("2026-11-08 18:00", "supply", "reported"),
    )
    rows = Durations([("S5", "", "accept", LONG_AGO, Amount(1, "wd"))])
    (clock,) = fold(registry.latest("matter"), told(*steps), rows, lambda _unit: AROUND_THE_CLOCK)
    # Six hours of Friday stood still, and a Saturday and Sunday on which nobody counts.
    assert due(clock) == "2026-11-09 18:00"


def test_what_ends_a_clock_ends_its_pause():
    steps = (
        REPORT, ACCEPT, FILE, DISPATCH, SIGN,
        ("2026-11-10 11:00", "suspend", "suspended", {"review_on": "2026-11-20"}),
        ("2026-11-30 11:00", "call_back", "filed"),
    )  # fmt: skip
    dispose = next(clock for clock in clocks(*steps) if clock.name == "dispose")
    assert not dispose.paused
    assert due(dispose) == "2026-12-04 11:00"
    assert dispose.was_kept(at("2027-01-04 09:00"))


def test_an_unchecked_clause_says_so_and_a_checked_one_does_not():
    rows = [
        ("S4", "", "accept", LONG_AGO, Amount(2, "wh", "a clause", checked))
        for checked in (False, True)
    ]
    said = []
    for row in rows:
        (clock,) = fold(
            registry.latest("matter"), told(REPORT), Durations([row]), lambda _unit: USUAL_HOURS
        )
        with translation.override("en"):
            said.append(deadlines.explain(clock)[1])
    assert said == [
        "The limit follows a clause; nobody has compared it with the source yet.",
        "The limit follows a clause.",
    ]
    with translation.override("zh-hans"):
        assert "尚未" in deadlines.explain(replace(clock, amount=rows[0][4]))[1]


LAW_PAGE = Path(__file__).parents[3] / "docs" / "statutory-clocks.md"
# The domain guide's list (2.4): what is limited, and to how much.
OF_THE_GUIDE = {
    ("信访受理", "15 d"), ("信访办理", "60 d"), ("信访延期", "30 d"),
    ("信访复查", "30 d"), ("信访复核", "30 d"),
    ("简易信访受理", "3 wd"), ("简易信访答复", "10 wd"),
    ("市场监管投诉受理", "7 wd"), ("市场监管投诉调解", "45 wd"),
    ("市场监管举报核查", "15 wd"), ("市场监管举报延长", "15 wd"),
    ("劳动监察立案", "5 wd"), ("劳动监察办理", "60 wd"), ("劳动监察延长", "30 wd"),
    ("劳动仲裁", "45 d"), ("劳动仲裁延期", "15 d"),
    ("行政许可", "20 wd"), ("行政许可延长", "10 wd"),
    ("信息公开答复", "20 wd"), ("信息公开延长", "20 wd"),
    ("消防举报 占用堵塞通道", "24 h"), ("消防举报 其他", "3 wd"),
    ("人民调解", "30 d"), ("司法确认", "30 d"), ("差评整改", "15 wd"),
}  # fmt: skip


def test_the_page_of_statutory_limits_says_what_the_seed_says():
    lines = LAW_PAGE.read_text(encoding="utf-8").splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    limits = [row for row in table[2:] if len(row) == 7]
    written = {
        (carrier, row[3].strip("`"), row[2], row[5], row[6])
        for row in limits
        for carrier in row[4].split()
        if carrier != "–"
    }
    with deadlines.SEED.open(encoding="utf-8", newline="") as handle:
        seed = {
            (
                cells["category"] or cells["sla_class"],
                cells["clock"],
                f"{cells['amount']} {cells['unit']}",
                cells["clause"],
                {"no": "not checked", "yes": "checked"}[cells["checked"]],
            )
            for cells in csv.DictReader(handle)
            if cells["category"] or cells["clause"].startswith("人民调解法")
        }
    assert written == seed
    assert {(row[1], row[2]) for row in limits} >= OF_THE_GUIDE
    assert {row[6] for row in limits} == {"not checked"}


def test_a_category_with_a_limit_of_its_own_says_whether_that_can_be_extended():
    with deadlines.SEED.open(encoding="utf-8", newline="") as handle:
        rows = {(row["category"], row["clock"]): row for row in csv.DictReader(handle)}
    handled = {category for category, clock in rows if category and clock == "dispose"}
    assert handled == {category for category, clock in rows if category and clock == "extend"}
    assert all(rows[category, "dispose"]["clause"] for category in handled)
    assert rows["0110", "extend"]["amount"] == "0"
    assert rows["1504", "extend"]["amount"] == "30"


def test_why_is_this_due_then_is_answered_in_words():
    steps = (
        REPORT,
        ("2026-11-09 09:30", "ask_more", "need_info"),
        ("2026-11-11 09:00", "supply", "reported"),
    )
    with translation.override("en"):
        said = " ".join(deadlines.explain(clocks(*steps)[0]))
    assert "2 working hours" in said
    assert "2026-11-09 09:00" in said
    assert "stood still from 2026-11-09 09:30 to 2026-11-11 09:00" in said


@pytest.mark.django_db
def test_every_class_has_every_clock_of_the_service_standard(db):
    known = deadlines.durations()
    today = dt.date(2026, 11, 22)
    for number in range(8):
        handling = "dispose" if number else "progress"
        for clock in ("accept", "dispatch", "sign", "contact", handling, "verify", "close"):
            assert known.find(f"S{number}", "", clock, today) is not None, (number, clock)


@pytest.mark.django_db
def test_the_case_carries_its_next_due_time(town):
    case = town.opened("handling")
    from maplebridge.cases.models import Event

    clock = next_due(
        deadlines.clocks_of(case, Event.objects.filter(case_id=case.pk).order_by("sequence"))
    )
    assert (case.due_at, case.due_clock) == (clock.due_at, clock.name)


def test_a_suspended_case_is_due_on_its_review_day_and_not_late_before():
    steps = (REPORT, ACCEPT, FILE, DISPATCH, SIGN)
    suspended = ("2026-11-10 11:00", "suspend", "suspended", {"review_on": "2026-12-04"})
    found = {c.name: c for c in clocks(*steps, suspended)}
    assert due(next_due(found.values())) == "2026-12-04 17:30"
    assert found["dispose"].paused
    assert found["dispose"].was_kept(at("2026-12-03 09:00"))


def test_in_an_emergency_each_note_of_progress_begins_the_hour_anew():
    emergency = [
        Happening(at("2026-11-14 03:00"), "sign_for", "handling", {"sla_class": "S0"}),
        Happening(at("2026-11-14 03:45"), "log_progress", "handling", {}),
    ]
    matter = registry.latest("matter")
    found = fold(matter, emergency, DURATIONS, lambda _unit: USUAL_HOURS)
    running = [c for c in found if c.ended_at is None]
    assert [(c.name, due(c)) for c in running] == [("progress", "2026-11-14 04:45")]


def test_a_clock_keeps_the_hours_of_the_unit_it_started_under():
    history = told(REPORT, ACCEPT, FILE, DISPATCH, SIGN)
    handled = [
        Happening(step.at, step.move, step.state, {**step.facts, "unit": "police"})
        for step in history
    ]
    back = Happening(at("2026-11-20 09:00"), "feedback", "feedback", {"unit": "room"})

    def hours(unit):
        return AROUND_THE_CLOCK if unit == "police" else USUAL_HOURS

    before = fold(registry.latest("matter"), handled, DURATIONS, hours)
    after = fold(registry.latest("matter"), [*handled, back], DURATIONS, hours)
    known = {c.name: c.due_at for c in before}
    assert {c.name: c.due_at for c in after if c.name in known} == known
