"""Grades at their bounds, changes from nothing, repeats at the day, and plans of any register."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maplebridge.applications.safety.rules import (
    DAYS_BETWEEN,
    WAN,
    Premises,
    Risk,
    accident_grade,
    change_share,
    inspection_plan,
    is_repeat,
)

BEGINS = dt.date(2026, 11, 23)
DAYS = [BEGINS + dt.timedelta(days=n) for n in range(-3, 15)]
registers = st.lists(
    st.builds(
        Premises,
        st.integers(1, 40).map("P{:03}".format),
        st.sampled_from(Risk),
        st.frozensets(st.sampled_from(["EMG", "FIRE", "MKT", "HSC"]), min_size=1),
        st.none() | st.dates(dt.date(2025, 1, 1), BEGINS),
        st.sampled_from(["", "", "reported"]),
    ),
    max_size=25,
    unique_by=lambda one: one.code,
)


@pytest.mark.parametrize(
    ("deaths", "injured", "loss", "grade"),
    [
        (0, 0, 0, 4), (2, 9, 1_000 * WAN - 1, 4),
        (3, 0, 0, 3), (0, 10, 0, 3), (0, 0, 1_000 * WAN, 3), (9, 49, 5_000 * WAN - 1, 3),
        (10, 0, 0, 2), (0, 50, 0, 2), (0, 0, 5_000 * WAN, 2), (29, 99, 10_000 * WAN - 1, 2),
        (30, 0, 0, 1), (0, 100, 0, 1), (0, 0, 10_000 * WAN, 1),
    ],
)  # fmt: skip
def test_an_accident_has_the_grade_of_its_worst_measure(deaths, injured, loss, grade):
    assert accident_grade(deaths, injured, loss) == grade


def test_a_negative_figure_is_no_accident():
    with pytest.raises(ValueError, match="never negative"):
        accident_grade(-1, 0, 0)


def test_changes_are_those_of_the_record_and_none_from_nothing():
    assert f"{change_share(757, 1000):.1%}" == "-24.3%"
    assert f"{change_share(832, 1000):.1%}" == "-16.8%"
    assert (change_share(3, 0), change_share(0, 0), change_share(0, 4)) == (None, None, -1.0)


@pytest.mark.parametrize(
    ("item", "day", "repeat"),
    [
        ("hose", dt.date(2025, 11, 23), True),
        ("hose", dt.date(2025, 11, 22), False),
        ("hose", BEGINS, False),
        ("exit", dt.date(2026, 11, 1), False),
    ],
)
def test_the_same_item_within_twelve_months_is_a_repeat(item, day, repeat):
    assert is_repeat("hose", BEGINS, [(item, day)]) is repeat


def test_a_leap_day_has_a_year_before_it():
    assert is_repeat("hose", dt.date(2028, 2, 29), [("hose", dt.date(2027, 2, 28))])


@settings(max_examples=60, deadline=None)
@given(registers, st.integers(0, 9), st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_plan_is_reproducible_and_visits_nobody_twice_without_cause(register, seed, most, order):
    plan = inspection_plan(register, BEGINS, DAYS, most, seed)
    shuffled = list(register)
    order.shuffle(shuffled)
    assert inspection_plan(shuffled, BEGINS, reversed(DAYS), most, seed) == plan
    codes = [visit.code for visit in plan]
    assert len(codes) == len(set(codes))
    known = {one.code: one for one in register}
    for visit in plan:
        one = known[visit.code]
        assert visit.on >= BEGINS
        assert visit.lines == tuple(sorted(one.lines))
        if not one.cause and one.last_visit:
            assert (visit.on - one.last_visit).days >= DAYS_BETWEEN[one.risk]
    for day in DAYS:
        assert sum(visit.on == day for visit in plan) <= most
    # Whoever has a cause is visited before anybody has none, and is left out only for want of days.
    left = [one for one in register if one.code not in codes and one.cause]
    assert not left or len(plan) == most * 15


def test_another_seed_orders_equals_differently():
    register = [Premises(f"P{n}", Risk.RED, frozenset({"EMG"})) for n in range(9)]
    orders = {
        tuple(v.code for v in inspection_plan(register, BEGINS, DAYS, 2, seed)) for seed in range(5)
    }
    assert len(orders) > 1


def test_premises_twice_in_the_register_are_refused():
    one = Premises("P1", Risk.RED, frozenset({"EMG"}))
    with pytest.raises(ValueError, match="twice"):
        inspection_plan([one, one], BEGINS, DAYS, 1, 0)
