"""County outlines are converted, and made-up shapes nest exactly and are labelled."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from maplebridge.organisation import areas, outlines
from maplebridge.organisation.areas import Level
from maplebridge.organisation.divisions import SEED_FILE, load_seed_divisions, read_divisions
from maplebridge.organisation.models import Area

COUNTY = "330825"
OUTLINE = outlines.load_county_outlines([COUNTY])[COUNTY].geometry
NAMES = {division.code: division.name for division in read_divisions(SEED_FILE)}  # type: ignore[union-attr]
TOWNSHIPS = {c: n for c, n in NAMES.items() if len(c) == 9 and c.startswith(COUNTY)}
VILLAGES = {c: n for c, n in NAMES.items() if len(c) == 12 and c.startswith(COUNTY)}
SHAPES = outlines.synthetic_shapes(OUTLINE, TOWNSHIPS, VILLAGES)
GRIDS = outlines.locator_of(SHAPES, Level.GRID)


def of_level(level: Level) -> dict[str, BaseGeometry]:
    return {made.code: made.geometry for made in SHAPES if len(made.code) == level}


def test_outlines_come_as_wgs84_and_keep_their_source_datum() -> None:
    found = outlines.load_county_outlines(["3308", COUNTY, "999999"])
    assert sorted(found) == ["3308", COUNTY]
    assert found[COUNTY].datum == "GCJ02"
    assert found[COUNTY].geometry.is_valid
    # A place in Longyou town, WGS-84; 591 metres off it would still lie inside, the edge not.
    assert found[COUNTY].geometry.contains(shapely.Point(119.172, 29.03))
    with pytest.raises(ValueError, match="cities and counties"):
        outlines.load_county_outlines(["330825209"])


def test_our_conversion_agrees_with_the_published_one(shared_data: Path) -> None:
    file = shared_data / "quzhou_counties_wgs84.geojson"
    features = json.loads(file.read_text(encoding="utf-8"))["features"]
    theirs = next(shape(f["geometry"]) for f in features if f["properties"]["adcode"] == COUNTY)
    # 1e-4 degrees are about ten metres.
    assert OUTLINE.hausdorff_distance(theirs) < 1e-4


@pytest.mark.parametrize("level", [Level.TOWNSHIP, Level.VILLAGE, Level.GRID])
def test_shapes_leave_no_gap_and_do_not_overlap(level: Level) -> None:
    shapes = list(of_level(level).values())
    assert all(made.is_valid for made in shapes)
    assert shapely.coverage_is_valid(np.array(shapes, dtype=object))
    assert sum(made.area for made in shapes) == pytest.approx(OUTLINE.area, abs=1e-9)
    assert shapely.union_all(shapes).symmetric_difference(OUTLINE).area < 1e-9


def test_every_division_has_a_shape_and_every_village_two_to_four_grids() -> None:
    assert of_level(Level.TOWNSHIP).keys() == TOWNSHIPS.keys()
    assert of_level(Level.VILLAGE).keys() == VILLAGES.keys()
    counts: dict[str, int] = {}
    for code in of_level(Level.GRID):
        counts[code[:12]] = counts.get(code[:12], 0) + 1
    assert counts.keys() == VILLAGES.keys()
    assert set(counts.values()) == {2, 3, 4}


def test_shapes_nest_exactly() -> None:
    for inner, outer in ((Level.GRID, Level.VILLAGE), (Level.VILLAGE, Level.TOWNSHIP)):
        above = of_level(outer)
        for code, made in of_level(inner).items():
            assert made.difference(above[areas.at_level(code, outer)]).area < 1e-15


def test_shapes_are_labelled_and_the_same_seed_gives_the_same() -> None:
    assert all(made.synthetic for made in SHAPES)
    names = {made.code: made.name for made in SHAPES}
    assert names["330825209220001"] == "大公村 第1网格(演示)"
    again = outlines.synthetic_shapes(OUTLINE, TOWNSHIPS, VILLAGES)
    assert [(m.code, m.geometry.wkb) for m in again] == [(m.code, m.geometry.wkb) for m in SHAPES]
    other = outlines.synthetic_shapes(OUTLINE, TOWNSHIPS, VILLAGES, seed=1)
    assert other[0].geometry.wkb != SHAPES[0].geometry.wkb


@given(st.integers(0, 2**32))
def test_every_point_of_the_county_is_in_exactly_one_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    west, south, east, north = OUTLINE.bounds
    points = rng.uniform((west, south), (east, north), (200, 2))
    points = points[shapely.contains_xy(OUTLINE, points[:, 0], points[:, 1])]
    found = GRIDS.find_many(points)
    assert None not in found
    holds = [
        sum(shapely.contains_xy(GRIDS.shape(code), *point) for code in GRIDS.codes)
        for point in points[:2]
    ]
    assert all(count <= 1 for count in holds)


def test_corners_and_edges_have_one_grid_too() -> None:
    shapes = of_level(Level.GRID)
    corners = np.unique(shapely.get_coordinates(list(shapes.values())), axis=0)
    assert None not in GRIDS.find_many(corners)
    for code in list(shapes)[:20]:
        corner = shapely.get_coordinates(shapes[code])[0]
        touching = [c for c in GRIDS.codes if shapely.intersects_xy(shapes[c], *corner)]
        assert GRIDS.find(*corner) == min(touching)


def test_villages_without_a_township_are_refused() -> None:
    with pytest.raises(ValueError, match="has no township"):
        outlines.synthetic_shapes(OUTLINE, {}, VILLAGES)
    with pytest.raises(ValueError, match="no villages"):
        outlines.synthetic_shapes(OUTLINE, TOWNSHIPS, {})


@pytest.mark.django_db
def test_the_demonstration_county_opens_once() -> None:
    Area.objects.all().delete()
    load_seed_divisions()
    with pytest.raises(ValueError, match="is not loaded"):
        outlines.open_synthetic_grids(COUNTY)
    assert outlines.open_county_outlines() == 7
    assert outlines.open_county_outlines() == 0
    assert outlines.open_synthetic_grids(COUNTY) == len(SHAPES)
    before = list(Area.objects.order_by("code").values())
    assert outlines.open_synthetic_grids(COUNTY) == 0
    assert list(Area.objects.order_by("code").values()) == before
    below = Area.objects.within(COUNTY).exclude(code=COUNTY)
    assert not below.filter(synthetic=False).exists()
    assert not below.filter(outline=None).exists()
    assert Area.objects.get(code="330825209220").name == "大公村村民委员会"
    # Nothing below county level claims a polygon elsewhere.
    elsewhere = Area.objects.exclude(code__startswith=COUNTY).filter(outline__isnull=False)
    assert all(len(code) <= 6 for code in elsewhere.values_list("code", flat=True))
    # The public names come again without touching the shapes.
    assert load_seed_divisions().changed == 0
    assert Area.objects.filter(synthetic=True).count() == len(SHAPES)


@pytest.mark.django_db
def test_operators_outlines_are_loaded_or_refused(tmp_path: Path) -> None:
    Area.objects.all().delete()
    load_seed_divisions()
    square = {
        "type": "Polygon",
        "coordinates": [[[119, 29], [119.1, 29], [119.1, 29.1], [119, 29.1], [119, 29]]],
    }

    def collection(**properties: str) -> Path:
        feature = {"type": "Feature", "properties": properties, "geometry": square}
        file = tmp_path / "counties.geojson"
        file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
        return file

    assert outlines.load_outlines(collection(code="330825000000", datum="CGCS2000")).changed == 1
    assert Area.objects.get(code=COUNTY).datum == "CGCS2000"
    assert outlines.load_outlines(collection(code=COUNTY)).refused == 1
    assert outlines.load_outlines(collection(code="330825209", datum="WGS84")).refused == 1
    assert outlines.load_outlines(collection(code=COUNTY), datum="GCJ02").loaded == 1
