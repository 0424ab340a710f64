"""The pure rules of mediation: days, conflicts, what an agreement says."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.applications.mediation import rules
from maplebridge.organisation import calendar


@pytest.mark.parametrize(
    ("effective", "last"),
    [
        ("2026-01-31", "2026-03-02"),  # over February, a Monday
        ("2026-01-30", "2026-03-02"),  # 1 March is a Sunday
        ("2024-01-31", "2024-03-01"),  # a leap year
        ("2026-08-31", "2026-09-30"),  # a month of thirty days
        ("2026-09-02", "2026-10-08"),  # 2 October lies in the holidays, which end on the 7th
        ("2026-09-10", "2026-10-10"),  # a Saturday that is worked
        ("2026-11-12", "2026-12-14"),  # a Saturday
        ("2026-12-31", "2027-02-01"),  # over the year; 30 January is a Saturday
    ],
)
@pytest.mark.django_db
def test_the_thirtieth_day_is_counted_right(effective: str, last: str) -> None:
    day = dt.date.fromisoformat(effective)
    found = rules.confirm_by(day, calendar.is_workday)
    assert found == dt.date.fromisoformat(last)


def test_an_agreement_takes_effect_with_the_last_signature_or_seal() -> None:
    one, two, three = (dt.date(2026, 3, day) for day in (1, 2, 3))
    assert rules.effective_on({1: three, 2: one}, {1, 2}, two, one) == three
    assert rules.effective_on({1: one, 2: two}, {1, 2}, two, three) == three
    assert rules.effective_on({1: one}, {1, 2}, two, three) is None
    assert rules.effective_on({1: one, 2: two}, {1, 2}, None, three) is None
    assert rules.effective_on({1: one, 2: two}, {1, 2}, two, None) is None


def test_who_is_declared_nowhere_conflicts_with_nobody() -> None:
    parties = [rules.Party(1, "甲某"), rules.Party(2, "乙某")]
    assert rules.conflict(rules.Mediator("丙某"), parties) == ""
    assert rules.conflict(rules.Mediator("丙某", unit="某厂"), parties) == ""
    assert rules.conflict(rules.Mediator("甲 某"), parties) != ""
    # What is sealed is not told by accident.
    assert "甲某" not in repr(parties[0])


@pytest.mark.parametrize(
    ("category", "seriousness", "length"),
    [("0102", "3", 9), ("0102", "2", 9), ("0102", "1", 6), ("0109", "3", 6), ("0105", "3", 6)],
)
def test_cause_and_weight_say_where_it_goes(category: str, seriousness: str, length: int) -> None:
    assert rules.suggested(category, seriousness).length == length


def test_items_are_read_a_line_each_and_the_wrong_line_is_named() -> None:
    items = rules.read_items("2026-12-05 装好落水管\n\n2026-11-20 收短屋檐")
    assert [item.due_on.isoformat() for item in items] == ["2026-11-20", "2026-12-05"]
    with pytest.raises(rules.Refused) as refused:
        rules.read_items("2026-12-05 装好\n2026-13-01 收短")
    assert "2" in refused.value.problems["items"]
    assert rules.next_due([item.due_on for item in items], {1}) == dt.date(2026, 12, 5)
    assert rules.next_due([item.due_on for item in items], {1, 2}) is None


@pytest.mark.parametrize(
    ("category", "balance", "needed"),
    [("0101", "even", True), ("0102", "helped", True), ("0102", "even", False)],
)
def test_a_pause_is_for_the_family_and_the_weaker(
    category: str, balance: str, *, needed: bool
) -> None:
    assert rules.needs_pause(category, balance) is needed
