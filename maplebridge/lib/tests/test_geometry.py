"""Datums go there and back, distances are right, and a point has one area."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from maplebridge.lib import geometry
from maplebridge.lib.geometry import Datum, Locator

LONGITUDES = st.floats(73.0, 135.0)
LATITUDES = st.floats(4.0, 53.0)


@given(LONGITUDES, LATITUDES, st.sampled_from(list(Datum)))
def test_a_position_comes_back_within_a_millimetre(lon: float, lat: float, datum: Datum) -> None:
    back = geometry.to_wgs84(*geometry.from_wgs84(lon, lat, datum), datum)
    assert abs(back[0] - lon) <= 1e-9
    assert abs(back[1] - lat) <= 1e-9
    assert geometry.distance_metres(lon, lat, *back) <= 0.001


def test_known_positions_are_converted_as_others_do() -> None:
    # The usual check values of the public formulas, Tiananmen.
    gcj = geometry.from_wgs84(116.404, 39.915, "gcj02")
    assert gcj == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)
    bd = geometry.from_wgs84(*geometry.to_wgs84(116.404, 39.915, "GCJ-02"), "BD-09")
    assert bd == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-6)


def test_the_shift_at_quzhou_is_about_six_hundred_metres() -> None:
    there = geometry.from_wgs84(118.87, 28.94, Datum.GCJ02)
    assert 550 < geometry.distance_metres(118.87, 28.94, *there) < 620


def test_cgcs2000_is_taken_as_wgs84() -> None:
    assert geometry.to_wgs84(119.0, 29.0, "CGCS2000") == (119.0, 29.0)


def test_there_is_no_offset_abroad() -> None:
    assert geometry.from_wgs84(2.35, 48.85, "GCJ02") == (2.35, 48.85)


def test_arrays_and_numbers_agree() -> None:
    lon, lat = np.array([118.9, 119.2]), np.array([28.9, 29.1])
    many = geometry.to_wgs84(lon, lat, "BD09")
    for place in range(2):
        one = geometry.to_wgs84(float(lon[place]), float(lat[place]), "BD09")
        assert (many[0][place], many[1][place]) == one


def test_an_unknown_datum_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match=r"The datum 'Pulkovo' is not known; known are WGS84, "):
        geometry.to_wgs84(119.0, 29.0, "Pulkovo")


@pytest.mark.parametrize(
    ("lon", "lat", "words"),
    [
        (math.nan, 29.0, "finite"),
        (math.inf, 29.0, "finite"),
        (200.0, 29.0, "longitude"),
        (29.0, 119.0, "swapped"),
        (119.0, -91.0, "latitude"),
    ],
)
def test_an_impossible_position_is_refused(lon: float, lat: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        geometry.check_position(lon, lat)


def test_a_degree_of_latitude_is_one_hundred_and_eleven_kilometres() -> None:
    assert geometry.distance_metres(119.0, 29.0, 119.0, 30.0) == pytest.approx(111_195, abs=1)
    many = geometry.distance_metres(119.0, 29.0, np.array([119.0, 119.0]), np.array([29.0, 30.0]))
    assert many.tolist() == pytest.approx([0.0, 111_195.0], abs=1)


def test_a_circle_has_its_radius_on_the_ground() -> None:
    ring = geometry.circle(119.0, 29.0, 100.0)
    for lon, lat in ring.exterior.coords:
        assert geometry.distance_metres(119.0, 29.0, lon, lat) == pytest.approx(100.0, rel=1e-3)
    assert geometry.area_square_metres(ring) == pytest.approx(math.pi * 10_000, rel=0.01)


SQUARES = Locator([("b", box(1, 0, 2, 1)), ("a", box(0, 0, 1, 1)), ("c", box(0, 1, 2, 2))])


def test_a_point_on_a_border_belongs_to_the_lowest_code() -> None:
    assert SQUARES.find(0.5, 0.5) == "a"
    assert SQUARES.find(1.5, 0.5) == "b"
    assert SQUARES.find(1.0, 0.5) == "a"
    assert SQUARES.find(1.0, 1.0) == "a"
    assert SQUARES.find(1.5, 1.0) == "b"
    assert SQUARES.find(2.0, 2.0) == "c"
    assert SQUARES.find(2.1, 1.0) is None


@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(-0.5, 2.5), st.sampled_from([0.0, 1.0, 2.0])),
            st.one_of(st.floats(-0.5, 2.5), st.sampled_from([0.0, 1.0, 2.0])),
        ),
        max_size=20,
    )
)
def test_many_points_have_the_answers_of_each(points: list[tuple[float, float]]) -> None:
    answers = SQUARES.find_many(np.array(points, dtype=np.float64).reshape(-1, 2))
    assert answers == [SQUARES.find(lon, lat) for lon, lat in points]


def test_a_locator_of_nothing_finds_nothing() -> None:
    assert Locator([]).find(1.0, 1.0) is None
    assert Locator([]).find_many(np.zeros((2, 2))) == [None, None]


def test_a_circle_over_a_border_is_shared_out() -> None:
    shares = SQUARES.shares(box(0.5, 0.25, 1.25, 0.75))
    assert shares == pytest.approx({"a": 2 / 3, "b": 1 / 3})


def test_shapes_that_share_points_share_them_after_conversion() -> None:
    left = Polygon([(119.0, 29.0), (119.1, 29.0), (119.1, 29.1)])
    right = Polygon([(119.1, 29.0), (119.2, 29.0), (119.1, 29.1)])
    shapes = [geometry.shape_to_wgs84(shape, "GCJ02") for shape in (left, right)]
    assert shapes[0].intersection(shapes[1]).area == 0.0
    assert shapes[0].intersection(shapes[1]).length > 0.09
