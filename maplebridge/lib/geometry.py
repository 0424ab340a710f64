"""Places on the earth: datums, distances, circles, and finding the polygon that holds a point.

Positions are longitude first, in degrees. The formulas of GCJ-02 and BD-09 are public
approximations of offsets that their owners never published; ours agree with the common ones to
less than a metre, and so does nobody's exactly.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from typing import Final, overload

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

Numbers = NDArray[np.float64]

EARTH_RADIUS_METRES: Final = 6_371_008.8
METRES_PER_DEGREE: Final = EARTH_RADIUS_METRES * math.pi / 180

# Krasovsky 1940, on which the GCJ-02 formula rests.
_AXIS: Final = 6_378_245.0
_ECCENTRICITY: Final = 0.00669342162296594323
_BD: Final = math.pi * 3000.0 / 180.0
# The offset grows by less than 3 % over a distance, so each round leaves less than 3 % of the
# error: ten rounds end below what a float can tell.
_ROUNDS: Final = 10


class Datum(enum.StrEnum):
    """What a position refers to.

    CGCS2000 is taken as WGS84: they differ by less than a metre, and conversion libraries
    treat it as nothing to do.
    """

    WGS84 = "WGS84"
    CGCS2000 = "CGCS2000"
    GCJ02 = "GCJ02"
    BD09 = "BD09"


_SPELLINGS: Final = {"EPSG4326": Datum.WGS84, "CRS84": Datum.WGS84, "EPSG4490": Datum.CGCS2000}


def datum_named(name: str) -> Datum:
    """The datum of a written name: case, spaces, hyphens and colons do not matter.

    Raises ValueError with a sentence when the datum is not known.
    """
    key = "".join(sign for sign in name.upper() if sign.isalnum())
    if key in _SPELLINGS:
        return _SPELLINGS[key]
    try:
        return Datum(key)
    except ValueError:
        known = ", ".join(Datum)
        raise ValueError(f"The datum {name!r} is not known; known are {known}.") from None


def check_position(lon: float, lat: float) -> None:
    """Raise ValueError with a sentence unless this is a place on the earth, in degrees."""
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise ValueError("A position needs two finite numbers.")
    if not -180 <= lon <= 180:
        raise ValueError(f"A longitude lies between -180 and 180 degrees, not at {lon}.")
    if not -90 <= lat <= 90:
        swapped = " Are longitude and latitude swapped?" if abs(lon) <= 90 else ""
        raise ValueError(f"A latitude lies between -90 and 90 degrees, not at {lat}.{swapped}")


@overload
def to_wgs84(lon: float, lat: float, datum: str) -> tuple[float, float]: ...
@overload
def to_wgs84(lon: Numbers, lat: Numbers, datum: str) -> tuple[Numbers, Numbers]: ...
def to_wgs84(
    lon: float | Numbers, lat: float | Numbers, datum: str
) -> tuple[float, float] | tuple[Numbers, Numbers]:
    """Positions of a datum as WGS-84.

    lon, lat: degrees, numbers or arrays of one shape (n,); the answer has the same form.
    Off by less than 1e-9 degrees against `from_wgs84`, by metres against the unpublished truth.
    Raises ValueError when the datum is not known.
    """
    named = datum_named(datum)
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    wgs_x, wgs_y = x.copy(), y.copy()
    if named in (Datum.GCJ02, Datum.BD09):
        for _ in range(_ROUNDS):
            there_x, there_y = _shifted(wgs_x, wgs_y, named)
            wgs_x, wgs_y = wgs_x + (x - there_x), wgs_y + (y - there_y)
    return _like(lon, wgs_x, wgs_y)


@overload
def from_wgs84(lon: float, lat: float, datum: str) -> tuple[float, float]: ...
@overload
def from_wgs84(lon: Numbers, lat: Numbers, datum: str) -> tuple[Numbers, Numbers]: ...
def from_wgs84(
    lon: float | Numbers, lat: float | Numbers, datum: str
) -> tuple[float, float] | tuple[Numbers, Numbers]:
    """WGS-84 positions in another datum; form and errors as in `to_wgs84`."""
    named = datum_named(datum)
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    return _like(lon, *_shifted(x, y, named))


def shape_to_wgs84(shape: BaseGeometry, datum: str) -> BaseGeometry:
    """A shape of a datum as WGS-84, rounded to 1e-7 degrees (1 cm).

    Shapes that share points share them afterwards too. Raises ValueError when the datum is not
    known.
    """

    def converted(points: Numbers) -> Numbers:
        moved = np.column_stack(to_wgs84(points[:, 0], points[:, 1], datum))
        return np.asarray(np.round(moved, 7), dtype=np.float64)

    return shapely.transform(shape, converted)


@overload
def distance_metres(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float: ...
@overload
def distance_metres(lon_a: float, lat_a: float, lon_b: Numbers, lat_b: Numbers) -> Numbers: ...
def distance_metres(
    lon_a: float, lat_a: float, lon_b: float | Numbers, lat_b: float | Numbers
) -> float | Numbers:
    """Metres over the sphere from one place to another, or to an array of places of shape (n,).

    Positions in one datum, degrees. Off by at most 0.6 % against the ellipsoid.
    """
    half_lat = np.radians(np.asarray(lat_b, dtype=np.float64) - lat_a) / 2
    half_lon = np.radians(np.asarray(lon_b, dtype=np.float64) - lon_a) / 2
    chord = np.sin(half_lat) ** 2 + (
        math.cos(math.radians(lat_a)) * np.cos(np.radians(lat_b)) * np.sin(half_lon) ** 2
    )
    metres: Numbers = np.asarray(
        2 * EARTH_RADIUS_METRES * np.arcsin(np.sqrt(np.minimum(chord, 1.0))), dtype=np.float64
    )
    return metres if isinstance(lon_b, np.ndarray) else float(metres)


def circle(lon: float, lat: float, radius_metres: float) -> Polygon:
    """A circle on the ground as a polygon of 64 points in degrees; not for use near the poles."""
    turns = np.linspace(0.0, 2 * math.pi, 64, endpoint=False)
    high = radius_metres / METRES_PER_DEGREE
    wide = high / math.cos(math.radians(lat))
    return Polygon(np.column_stack((lon + wide * np.cos(turns), lat + high * np.sin(turns))))


def area_square_metres(shape: BaseGeometry) -> float:
    """About the area of a shape in degrees, for shapes of the size of a county; within 1 %."""
    if shape.is_empty:
        return 0.0
    middle = math.radians(shape.centroid.y)
    return float(shape.area) * METRES_PER_DEGREE**2 * math.cos(middle)


class Locator:
    """Finds the area that holds a point among polygons that hardly overlap.

    A point on a border belongs to the lowest code that touches it, so that the same point always
    has one answer. Built once, read by many threads.
    """

    def __init__(self, shapes: Iterable[tuple[str, BaseGeometry]]) -> None:
        """shapes: pairs of code and polygon, all in the datum of the points asked for later."""
        ordered = sorted(shapes, key=lambda pair: pair[0])
        self.codes: tuple[str, ...] = tuple(code for code, _ in ordered)
        self._shapes = np.array([shape for _, shape in ordered], dtype=object)
        shapely.prepare(self._shapes)
        self._tree = shapely.STRtree(self._shapes)

    def __len__(self) -> int:
        return len(self.codes)

    def shape(self, code: str) -> BaseGeometry:
        """The polygon of a code. Raises ValueError when the code is not here."""
        found: BaseGeometry = self._shapes[self.codes.index(code)]
        return found

    def find(self, lon: float, lat: float) -> str | None:
        """The code of the area at a point, border included, or None."""
        near = np.sort(self._tree.query(shapely.Point(lon, lat)))
        for place in near:
            if shapely.intersects_xy(self._shapes[place], lon, lat):
                return self.codes[int(place)]
        return None

    def find_many(self, points: Numbers) -> list[str | None]:
        """The codes at points of shape (n, 2), longitude first; None where there is no area."""
        answers: list[str | None] = [None] * len(points)
        if not len(points) or not self.codes:
            return answers
        asked, near = self._tree.query(shapely.points(points))
        holds = shapely.intersects_xy(self._shapes[near], points[asked, 0], points[asked, 1])
        asked, near = asked[holds], near[holds]
        order = np.lexsort((near, asked))
        for place in order[::-1]:
            answers[asked[place]] = self.codes[near[place]]
        return answers

    def shares(self, shape: BaseGeometry) -> dict[str, float]:
        """How a shape spreads: the share (0 to 1) of its area in each area it touches."""
        whole = shape.area
        near = np.sort(self._tree.query(shape, predicate="intersects"))
        if not len(near) or whole == 0:
            return {}
        parts = shapely.area(shapely.intersection(self._shapes[near], shape)) / whole
        return {
            self.codes[place]: float(part)
            for place, part in zip(near, parts, strict=True)
            if part > 0
        }


def bounds_of(shapes: Sequence[BaseGeometry]) -> tuple[float, float, float, float]:
    """West, south, east, north of all shapes together. Raises ValueError when there are none."""
    if not shapes:
        raise ValueError("There are no bounds of no shapes.")
    west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object))
    return float(west), float(south), float(east), float(north)


def _like(
    form: float | Numbers, x: Numbers, y: Numbers
) -> tuple[float, float] | tuple[Numbers, Numbers]:
    return (x, y) if isinstance(form, np.ndarray) else (float(x), float(y))


def _shifted(x: Numbers, y: Numbers, datum: Datum) -> tuple[Numbers, Numbers]:
    if datum in (Datum.WGS84, Datum.CGCS2000):
        return x, y
    gcj_x, gcj_y = _gcj02(x, y)
    return (gcj_x, gcj_y) if datum is Datum.GCJ02 else _bd09(gcj_x, gcj_y)


def _gcj02(lon: Numbers, lat: Numbers) -> tuple[Numbers, Numbers]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    ripple = 20.0 * np.sin(6.0 * x * math.pi) + 20.0 * np.sin(2.0 * x * math.pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north = north + (
        ripple
        + 20.0 * np.sin(y * math.pi)
        + 40.0 * np.sin(y / 3.0 * math.pi)
        + 160.0 * np.sin(y / 12.0 * math.pi)
        + 320.0 * np.sin(y * math.pi / 30.0)
    ) * (2.0 / 3.0)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east = east + (
        ripple
        + 20.0 * np.sin(x * math.pi)
        + 40.0 * np.sin(x / 3.0 * math.pi)
        + 150.0 * np.sin(x / 12.0 * math.pi)
        + 300.0 * np.sin(x / 30.0 * math.pi)
    ) * (2.0 / 3.0)
    radians = np.radians(lat)
    bulge = 1.0 - _ECCENTRICITY * np.sin(radians) ** 2
    north = north * 180.0 / (_AXIS * (1.0 - _ECCENTRICITY) / (bulge * np.sqrt(bulge)) * math.pi)
    east = east * 180.0 / (_AXIS / np.sqrt(bulge) * np.cos(radians) * math.pi)
    # The offset is defined inside this box only.
    inside = (lon > 72.004) & (lon < 137.8347) & (lat > 0.8293) & (lat < 55.8271)
    return lon + np.where(inside, east, 0.0), lat + np.where(inside, north, 0.0)


def _bd09(lon: Numbers, lat: Numbers) -> tuple[Numbers, Numbers]:
    far = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD)
    turn = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD)
    return far * np.cos(turn) + 0.0065, far * np.sin(turn) + 0.006
