"""Grids from the operator's file into the area tree, all or nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import shapely
from django.db import transaction
from django.utils.translation import gettext as _
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from maplebridge.lib import geometry
from maplebridge.lib.geometry import Datum
from maplebridge.lib.tables import Problem, read_table, read_text
from maplebridge.organisation import areas
from maplebridge.organisation.areas import Level
from maplebridge.organisation.divisions import BATCH, LONGEST_NAME, Loaded
from maplebridge.organisation.models import Area

COLUMNS: Final = ("code", "name", "lon", "lat")
# County outlines are no legal boundaries: near the edge a grid is given the benefit of the doubt.
EDGE_METRES: Final = 300.0
SHARE_INSIDE: Final = 0.95


@dataclass(frozen=True)
class GridRow:
    """One grid as handed in, converted to WGS-84.

    line: line of the file, or number of the feature. outline: polygon, or None for a point only.
    lon, lat: a point inside, degrees. datum: of the source.
    """

    line: int
    code: str
    name: str
    lon: float
    lat: float
    datum: Datum
    outline: BaseGeometry | None = None


class GridErrors(list[Problem]):
    """All problems of a file that was refused, by line."""


def read_grids(
    file: Path,
    villages: Collection[str],
    counties: Mapping[str, BaseGeometry],
    datum: str = Datum.WGS84,
) -> list[GridRow] | GridErrors:
    """The grids of a CSV file (code, name, lon, lat, perhaps datum) or of GeoJSON polygons.

    villages: codes that exist. counties: outlines in WGS-84 by county code; a county without
    one is not checked. datum: of rows that name none.
    Returns the grids, or every problem of the file; a feature of GeoJSON counts as a line.
    Raises OSError when the file cannot be read.
    """
    return _read(file, villages, counties, datum)[0]


def load_grids(
    file: Path, dry_run: bool = False, source: str = "", datum: str = Datum.WGS84
) -> Loaded:
    """Load the operator's grids: every one or none; twice changes nothing.

    Where real outlines arrive, made-up outlines of the same villages and their grids go.
    Raises OSError when the file cannot be read.
    """
    began = time.perf_counter()
    with transaction.atomic():
        grids, rows = _read(file, _villages(), county_outlines(), datum)
        if isinstance(grids, GridErrors):
            refused = min(rows, len({problem.line for problem in grids}))
            return Loaded(rows, 0, 0, refused, time.perf_counter() - began, dry_run, problems=grids)
        changed = _store(grids, source or file.name, dry_run)
    loaded = 0 if dry_run else len(grids)
    return Loaded(rows, loaded, changed, 0, time.perf_counter() - began, dry_run)


def county_outlines() -> dict[str, BaseGeometry]:
    """The outlines of all counties that have one, WGS-84."""
    rows = Area.objects.filter(code__regex=r"^[0-9]{6}$", outline__isnull=False)
    return {
        code: shape(outline)
        for code, outline in rows.values_list("code", "outline")
        if outline is not None
    }


def _villages() -> frozenset[str]:
    codes = Area.objects.filter(code__regex=r"^[0-9]{12}$").values_list("code", flat=True)
    return frozenset(codes)


def _store(grids: list[GridRow], source: str, dry_run: bool) -> int:
    new = [
        Area(
            code=grid.code,
            name=grid.name,
            source=source,
            synthetic=False,
            datum=grid.datum,
            outline=None if grid.outline is None else json.loads(json.dumps(mapping(grid.outline))),
            inner_lon=grid.lon,
            inner_lat=grid.lat,
        )
        for grid in grids
    ]
    there = Area.objects.in_bulk([area.code for area in new])
    different = [area for area in new if not _is_same(area, there.get(area.code))]
    if different and not dry_run:
        Area.objects.bulk_create(
            different,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=[
                "name",
                "source",
                "synthetic",
                "datum",
                "outline",
                "inner_lon",
                "inner_lat",
            ],
        )
        drawn = {areas.at_level(g.code, Level.VILLAGE) for g in grids if g.outline is not None}
        made_up = [
            code
            for code in Area.objects.filter(synthetic=True, outline__isnull=False)
            .filter(code__regex=r"^([0-9]{9}|[0-9]{12}|[0-9]{15})$")
            .values_list("code", flat=True)
            if code[:12] in drawn or any(village.startswith(code) for village in drawn)
        ]
        Area.objects.filter(code__in=made_up).update(outline=None)
        # The divisions are real; only their shapes were made up.
        Area.objects.filter(code__in=[code for code in made_up if len(code) < 15]).update(
            synthetic=False, datum="", inner_lon=None, inner_lat=None
        )
    return len(different)


def _is_same(new: Area, old: Area | None) -> bool:
    names = ("name", "synthetic", "datum", "outline", "inner_lon", "inner_lat")
    return old is not None and all(getattr(new, name) == getattr(old, name) for name in names)


def _read(
    file: Path, villages: Collection[str], counties: Mapping[str, BaseGeometry], datum: str
) -> tuple[list[GridRow] | GridErrors, int]:
    if file.suffix.lower() in (".geojson", ".json"):
        candidates, problems, rows = _features(file, datum)
    else:
        candidates, problems, rows = _table(file, datum)
    edged = {
        code: outline.buffer(EDGE_METRES / geometry.METRES_PER_DEGREE)
        for code, outline in counties.items()
    }
    shapely.prepare(list(edged.values()))
    first_lines: dict[str, int] = {}
    for grid in candidates:
        first_lines.setdefault(grid.code, grid.line)
    for grid in candidates:
        problems += _grid_problems(grid, first_lines, villages, edged)
    if not problems and not candidates:
        problems.append(
            Problem(0, "", _("The file names no grids."), _("Add a line for each grid."))
        )
    if problems:
        return GridErrors(sorted(problems, key=lambda problem: problem.line)), rows
    return sorted(candidates, key=lambda grid: grid.code), rows


def _table(file: Path, datum: str) -> tuple[list[GridRow], list[Problem], int]:
    table = read_table(file, COLUMNS, ("datum",))
    grids: list[GridRow] = []
    problems = list(table.problems)
    for row in table.rows:
        code = row.cells["code"]
        try:
            named = geometry.datum_named(row.cells.get("datum") or datum)
        except ValueError:
            problems.append(unknown_datum(row.line, code, row.cells.get("datum") or datum))
            continue
        try:
            lon, lat = float(row.cells["lon"]), float(row.cells["lat"])
            geometry.check_position(lon, lat)
        except ValueError:
            problems.append(
                Problem(
                    row.line,
                    code,
                    _("“%(lon)s, %(lat)s” is no position in degrees.")
                    % {"lon": row.cells["lon"], "lat": row.cells["lat"]},
                    _("Write the longitude under lon and the latitude under lat, as numbers."),
                )
            )
            continue
        lon, lat = geometry.to_wgs84(lon, lat, named)
        point = (round(lon, 7), round(lat, 7))
        grids.append(GridRow(row.line, code, row.cells["name"], *point, named))
    return grids, problems, table.lines


def _features(file: Path, datum: str) -> tuple[list[GridRow], list[Problem], int]:
    features = read_features(file)
    if isinstance(features, Problem):
        return [], [features], 0
    grids: list[GridRow] = []
    problems: list[Problem] = []
    for line, feature in enumerate(features, 1):
        made = _feature(line, feature, datum)
        if isinstance(made, Problem):
            problems.append(made)
        else:
            grids.append(made)
    return grids, problems, len(features)


def _feature(line: int, feature: Any, datum: str) -> GridRow | Problem:
    properties = (feature.get("properties") if isinstance(feature, dict) else None) or {}
    code, name = str(properties.get("code", "")), str(properties.get("name", "")).strip()
    written = str(properties.get("datum") or datum)
    try:
        named = geometry.datum_named(written)
    except ValueError:
        return unknown_datum(line, code, written)
    drawn = drawn_polygon(line, code, feature.get("geometry"))
    if isinstance(drawn, Problem):
        return drawn
    outline = geometry.shape_to_wgs84(drawn, named)
    inner = outline.representative_point()
    return GridRow(line, code, name, round(inner.x, 7), round(inner.y, 7), named, outline)


def _grid_problems(
    grid: GridRow,
    first_lines: Mapping[str, int],
    villages: Collection[str],
    counties: Mapping[str, BaseGeometry],
) -> list[Problem]:
    found: list[Problem] = []

    def add(wrong: str, mend: str) -> None:
        found.append(Problem(grid.line, grid.code, wrong, mend))

    if not grid.name or len(grid.name) > LONGEST_NAME:
        add(
            _("The name is empty or longer than %(most)d signs.") % {"most": LONGEST_NAME},
            _("Write the name as people know it."),
        )
    if not (len(grid.code) == 15 and grid.code.isascii() and grid.code.isdigit()):
        add(
            _("The code “%(code)s” is not one of 15 digits.") % {"code": grid.code},
            _("Write the village's 12 digits and 3 for the grid; format the column as text."),
        )
        return found
    if first_lines[grid.code] != grid.line:
        add(
            _("The code is already on line %(line)d.") % {"line": first_lines[grid.code]},
            _("Keep one of the two lines."),
        )
    village = areas.at_level(grid.code, Level.VILLAGE)
    if village not in villages:
        add(
            _("There is no village %(code)s.") % {"code": village},
            _("Mend the first 12 digits, or load the village's division first."),
        )
    county = counties.get(areas.at_level(grid.code, Level.COUNTY))
    if county is not None and not _is_inside(grid, county):
        add(
            _("The place lies outside its county."),
            _("Check the datum, and that longitude and latitude are not swapped."),
        )
    return found


def _is_inside(grid: GridRow, county: BaseGeometry) -> bool:
    if grid.outline is None:
        return bool(shapely.intersects_xy(county, grid.lon, grid.lat))
    if county.covers(grid.outline):
        return True
    return bool(county.intersection(grid.outline).area >= SHARE_INSIDE * grid.outline.area)


def read_features(file: Path) -> list[Any] | Problem:
    """The features of a GeoJSON file, unchecked. Raises OSError when it cannot be read."""
    text = read_text(file)
    if isinstance(text, Problem):
        return text
    try:
        features = json.loads(text)["features"]
        if not isinstance(features, list):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        wrong = _("This is no GeoJSON collection of features.")
        mend = _("Export a GeoJSON FeatureCollection of polygons.")
        return Problem(0, "", wrong, mend)
    return features


def drawn_polygon(line: int, code: str, drawn: Any) -> BaseGeometry | Problem:
    """The polygon of a GeoJSON geometry, in degrees and valid, or what is wrong with it."""
    try:
        polygon = shapely.force_2d(shape(drawn))
        reason = "" if polygon.is_valid else shapely.is_valid_reason(polygon)
        if polygon.geom_type not in ("Polygon", "MultiPolygon") or polygon.is_empty:
            reason = polygon.geom_type
        if not reason:
            west, south, east, north = polygon.bounds
            geometry.check_position(west, south)
            geometry.check_position(east, north)
            return polygon
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.GEOSException):
        reason = _("it cannot be read")
    return Problem(
        line,
        code,
        _("The outline is no valid polygon in degrees: %(why)s.") % {"why": reason},
        _("Repair the outline: no crossing lines, longitude before latitude."),
    )


def unknown_datum(line: int, code: str, written: str) -> Problem:
    """The problem of a datum that we cannot convert."""
    return Problem(
        line,
        code,
        _("The datum “%(name)s” is not known.") % {"name": written},
        _("Write one of %(names)s.") % {"names": ", ".join(Datum)},
    )
