"""The responsibility table: the most specific row in force, fast, and somebody always answers."""

from __future__ import annotations

import datetime as dt
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maplebridge.journey import learn, route
from maplebridge.journey.coverage import What, coverage
from maplebridge.journey.route import Row, Table
from maplebridge.organisation.units import directory

DAY = dt.date(2026, 11, 2)
AREAS = ("3308", "330825", "330825209", "330825209201", "330825209201001", "330802")
CATEGORIES = ("", "10", "1004", "1005", "11", "1101")


def days(first: int, last: int) -> st.SearchStrategy[dt.date]:
    return st.integers(first, last).map(lambda n: DAY + dt.timedelta(days=n))


rows = st.lists(
    st.tuples(
        st.sampled_from(CATEGORIES),
        st.sampled_from(AREAS),
        st.sampled_from(("a", "b", "c")),
        days(-3, 3),
        st.none() | days(-3, 3),
    ),
    max_size=25,
    unique_by=lambda row: (row[0], row[1], row[3]),
).map(lambda found: [Row(n, *cells) for n, cells in enumerate(found, start=1)])


def holds(row: Row, category: str, area: str, day: dt.date) -> bool:
    in_force = row.begins <= day and (row.ends is None or row.ends >= day)
    return in_force and category.startswith(row.category) and area.startswith(row.area_code)


@settings(max_examples=150, deadline=None)
@given(rows, st.sampled_from(("1004", "1005", "1101", "1201")), st.sampled_from(AREAS), days(-4, 4))
def test_the_most_specific_row_in_force_is_found(given_rows, category, area, day):
    held = [row for row in given_rows if holds(row, category, area, day)]
    # Written from the rule, not from the code: area first, then category, then the newest.
    best = max(held, key=lambda r: (len(r.area_code), len(r.category), r.begins), default=None)
    assert Table(given_rows).find(category, area, day) == best


@pytest.mark.django_db
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows, st.sampled_from(("", "1004", "1101")), st.sampled_from(AREAS))
def test_exactly_one_unit_answers_whatever_the_table_says(town, given_rows, category, area):
    units = directory()
    owner = route.find_owner(category, area, DAY, Table(given_rows), units)
    assert owner.value is None or owner.value in units
    room = route.desk_for(area, units)
    assert units.unit(room).area_code in (area, *(area[:n] for n in (4, 6, 9)))


def big_table(number: int = 2000) -> Table:
    """Rows of every kind, as a city of a hundred townships would have them."""
    draw = random.Random(3)
    towns = [f"3308{county:02}{town:03}" for county in (2, 3, 22, 24, 25, 81) for town in range(17)]
    codes = [f"{group:02}{kind:02}" for group in range(1, 16) for kind in range(1, 9)]
    return Table(
        Row(
            n,
            draw.choice([*codes, *codes, codes[0][:2], ""]),
            draw.choice([*towns, *towns, "330825", "3308"]),
            "330825-hsc",
            DAY - dt.timedelta(days=draw.randint(0, 900)),
            None,
        )
        for n in range(1, number + 1)
    )


@pytest.mark.django_db
def test_two_thousand_rows_answer_within_five_milliseconds(town):
    table, units = big_table(), directory()
    draw = random.Random(4)
    taken, found = [], 0
    for _n in range(2000):
        category = f"{draw.randint(1, 15):02}{draw.randint(1, 8):02}"
        area = f"3308{draw.choice((2, 25, 81)):02}{draw.randint(0, 16):03}201001"
        begun = time.perf_counter()
        found += route.find_owner(category, area, DAY, table, units).value is not None
        taken.append((time.perf_counter() - begun) * 1000)
    taken.sort()
    assert taken[int(len(taken) * 0.99)] <= 5.0
    assert found > 300


@pytest.mark.django_db
def test_the_table_names_its_edition(town):
    assert route.table().version == "responsibilities-1"
    owner = route.find_owner("1004", town.village_code, DAY, route.table(), directory())
    assert (owner.value, owner.version) == ("330825-hsc", "responsibilities-1")


@pytest.mark.django_db
def test_gaps_overlaps_and_doubts_are_found(town):
    categories = {code: learn.categories()[code] for code in ("1004", "1101")}
    line = categories["1004"].line
    assert (line, directory().unit("330825-hsc").line) == ("HSC", "HSC")
    since = dt.date(2020, 1, 1)
    table = Table(
        [
            Row(1, "1004", "330825", "330825-hsc", since, None),
            Row(2, "1004", "330825", "330825-utl", since + dt.timedelta(days=1), None),
            Row(3, "1004", "330802", "330802-hsc", since, None),
            Row(4, "1101", "3308", "nobody", since, dt.date(2026, 1, 1)),
            Row(5, "1101", "330802", "gone", since, None),
        ]
    )
    found = coverage("330825", DAY, table, categories)
    assert (found.townships, found.categories) == (15, 2)
    assert found.counts == {"gap": 15, "overlap": 15, "doubtful": 15}
    said = {(f.what, f.category): f for f in found.findings}
    assert len(said[What.GAP, "1101"].townships) == 15
    assert said[What.OVERLAP, "1004"].units == ("330825-utl", "330825-hsc")
    assert said[What.DOUBTFUL, "1004"].why == "单位属于条线 UTL，类别属于条线 HSC。"
    assert coverage(town.village_code, DAY, table, categories).townships == 1
    quiet = coverage(
        "330802", DAY, Table([Row(1, "", "3308", "3308-center", since, None)]), categories
    )
    assert quiet.counts == {"gap": 0, "overlap": 0, "doubtful": 0}
    gone = coverage("330802", DAY, table, {"1101": categories["1101"]})
    assert [(f.what, f.units) for f in gone.findings] == [(What.DOUBTFUL, ("gone",))]


@pytest.mark.django_db
def test_a_row_that_ended_is_a_gap_the_day_after(town):
    table = Table([Row(1, "1004", "3308", "330825-hsc", dt.date(2020, 1, 1), DAY)])
    categories = {"1004": learn.categories()["1004"]}
    assert coverage("330825209", DAY, table, categories).counts["gap"] == 0
    assert coverage("330825209", DAY + dt.timedelta(days=1), table, categories).counts["gap"] == 1
