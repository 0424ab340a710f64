"""Readings: once each, judged, with one alert for one crossing; faults of sensors stay apart."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maplebridge.connectors import sensors
from maplebridge.connectors.models import Grade, Observation, Station
from maplebridge.connectors.sensors import NotTaken, grade_of, observe
from maplebridge.lib import clock

MARKS = [
    (Grade.WARNING, Decimal("12.000")),
    (Grade.GUARANTEE, Decimal("13.000")),
    (Grade.HISTORICAL, Decimal("14.200")),
]
MARGIN = Decimal("0.050")


@pytest.fixture
def gauge(db: None) -> Station:
    return Station.objects.create(
        code="sy-1", name="社阳桥", water="社阳溪", area_code="330825209", warning="12",
        guarantee="13", historical="14.2", lowest="5", highest="20", steepest="2",
    )  # fmt: skip


BEGIN = clock.now() - dt.timedelta(hours=30)


def minutes(n: int) -> dt.datetime:
    return BEGIN + dt.timedelta(minutes=n)


def now_of(gauge: Station) -> Station:
    return Station.objects.get(pk=gauge.pk)


def test_a_rise_over_a_mark_is_told_once_and_its_end_below_the_margin(gauge: Station) -> None:
    start = minutes(0)
    told = []
    levels = ["11.9", "12.0", "11.98", "12.02", "11.96", "12.1", "11.95", "11.94", "12.0"]
    for n, level in enumerate(levels):
        taken = observe(gauge.pk, level, start + dt.timedelta(minutes=10 * n))
        told.append((taken.crossed, int(taken.after)))
    assert told == [
        (False, 0), (True, 1), (False, 1), (False, 1), (False, 1), (False, 1), (False, 0),
        (False, 0), (True, 1),
    ]  # fmt: skip
    assert sensors.over_warning(now_of(gauge)) == 0


def test_the_same_reading_twice_is_one_and_another_value_is_refused(gauge: Station) -> None:
    at = minutes(0)
    assert observe(gauge.pk, 11, at).fresh
    again = observe(gauge.pk, "11.000", at)
    assert not again.fresh
    assert Observation.objects.count() == 1
    with pytest.raises(NotTaken, match=r"11\.200"):
        observe(gauge.pk, "11.2", at)
    assert Observation.objects.count() == 1


@pytest.mark.parametrize("value", ["", "高", "nan", "inf", "1e400", "-1e9"])
def test_what_is_no_level_is_refused_with_a_sentence(gauge: Station, value: str) -> None:
    with pytest.raises(NotTaken, match=r"12\.35"):
        observe(gauge.pk, value, minutes(0))


def test_an_unknown_station_and_impossible_instants_are_refused(gauge: Station) -> None:
    with pytest.raises(NotTaken, match="no-such"):
        observe("no-such", 11, minutes(0))
    for at in (clock.now() + dt.timedelta(minutes=11), clock.now() - dt.timedelta(days=401)):
        with pytest.raises(NotTaken):
            observe(gauge.pk, 11, at)
    assert not Observation.objects.exists()


def test_an_impossible_level_fires_nothing_and_marks_the_sensor(gauge: Station) -> None:
    observe(gauge.pk, "11", minutes(0))
    taken = observe(gauge.pk, "99.9", minutes(10))
    assert (taken.observation.quality, taken.after) == ("fault", Grade.NORMAL)
    assert [why for _s, why in sensors.faulty("330825", minutes(15))] == ["impossible"]
    observe(gauge.pk, "11.1", minutes(20))
    assert sensors.faulty("330825", minutes(25)) == []


def test_a_leap_is_doubted_until_a_second_reading_says_the_same(gauge: Station) -> None:
    observe(gauge.pk, "11", minutes(0))
    leap = observe(gauge.pk, "13.5", minutes(10))
    assert (leap.observation.quality, leap.after) == ("suspect", Grade.NORMAL)
    assert [why for _s, why in sensors.faulty("330825", minutes(12))] == ["leaping"]
    second = observe(gauge.pk, "13.55", minutes(20))
    assert (second.observation.quality, second.before, second.after) == ("good", 0, 2)


def test_a_single_spike_never_counts(gauge: Station) -> None:
    for n, level in enumerate(["11", "13.5", "11.1", "13.9", "11.1"]):
        assert observe(gauge.pk, level, minutes(10 * n)).after == Grade.NORMAL


def test_a_late_reading_is_kept_and_moves_nothing(gauge: Station) -> None:
    observe(gauge.pk, "12.5", minutes(60))
    late = observe(gauge.pk, "11.5", minutes(30))
    assert (late.before, late.after) == (Grade.WARNING, Grade.WARNING)
    assert now_of(gauge).level == Decimal("12.5")
    assert Observation.objects.count() == 2


def test_a_silent_station_is_a_fault_of_the_sensor(gauge: Station) -> None:
    assert [why for _s, why in sensors.faulty("330825", minutes(0))] == ["quiet"]
    observe(gauge.pk, "11", minutes(0))
    assert sensors.faulty("330825", minutes(60)) == []
    assert [why for _s, why in sensors.faulty("330825", minutes(61))] == ["quiet"]
    assert sensors.faulty("330802", minutes(61)) == []


def test_how_fast_it_rose(gauge: Station) -> None:
    for n, level in ((0, "11"), (30, "11.4"), (60, "11.9"), (90, "99")):
        observe(gauge.pk, level, minutes(n))
    station = now_of(gauge)
    assert sensors.rise(station, 1, minutes(65)) == Decimal("0.500")
    assert sensors.rise(station, 2, minutes(65)) == Decimal("0.900")
    assert sensors.rise(station, 1, minutes(95)) is None


level = st.integers(11000, 15000).map(lambda n: Decimal(n) / 1000)


@given(st.lists(level, min_size=1, max_size=60))
def test_noise_within_the_margin_is_one_crossing(levels: list[Decimal]) -> None:
    before, crossings, lowest_since = Grade.NORMAL, 0, None
    for metres in levels:
        after = grade_of(metres, MARKS, before, MARGIN)
        assert after >= max((g for g, mark in MARKS if metres >= mark), default=Grade.NORMAL)
        if after > Grade.NORMAL:
            assert metres > MARKS[after - 1][1] - MARGIN
        if before == Grade.NORMAL and after > before:
            crossings += 1
            assert lowest_since is None or lowest_since <= MARKS[0][1] - MARGIN
            lowest_since = None
        if crossings:
            lowest_since = metres if lowest_since is None else min(lowest_since, metres)
        before = after


@given(level, st.sampled_from(Grade), st.lists(level, max_size=5))
def test_the_grade_depends_on_the_last_grade_alone(
    metres: Decimal, before: Grade, _rest: list[Any]
) -> None:
    once = grade_of(metres, MARKS, before, MARGIN)
    assert grade_of(metres, MARKS, once, MARGIN) == once
