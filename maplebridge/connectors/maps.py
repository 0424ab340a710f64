"""The city's base map, when it has one: tiles of its own, of a map service, or in one file.

Without one a map shows our own outlines and asks nobody for anything. Only the tiles of the common
square grid (Web Mercator) are drawn; those of Tianditu's set `w`, not of its set `c`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from maplebridge.lib.geometry import Datum, datum_named

FEWEST_ZOOM, MOST_ZOOM = 1, 22
FILE = ".pmtiles"


class Tiles(StrEnum):
    """How the tiles are asked for."""

    XYZ = "xyz"
    WMTS = "wmts"
    PMTILES = "pmtiles"


class BaseMapError(ValueError):
    """The base map's settings cannot be used; the message says why and how to mend it."""


@dataclass(frozen=True)
class BaseMap:
    """Where the tiles come from and what they refer to.

    address: with {z}, {x} and {y}, or {TileMatrix}, {TileCol} and {TileRow}; or the address of a
    PMTiles file. file: the PMTiles file on this machine, which we serve ourselves.
    datum: WGS84 (CGCS2000 is taken as the same) or GCJ02. words: whose map it is.
    most_zoom: the finest tiles there are.
    """

    tiles: Tiles
    address: str
    datum: Datum
    words: str
    most_zoom: int
    file: Path | None = None

    @property
    def origin(self) -> str:
        """Scheme and host that a page must be allowed to ask, empty for our own."""
        split = urlsplit(self.address)
        return f"{split.scheme}://{split.netloc}" if split.netloc else ""


def base_map() -> BaseMap | None:
    """The base map of the settings, None without one. Raises BaseMapError."""
    said = settings.BASE_MAP
    if not said:
        return None
    try:
        datum = datum_named(settings.BASE_MAP_DATUM)
    except ValueError as wrong:
        raise BaseMapError(f"MAPLEBRIDGE_BASE_MAP_DATUM: {wrong}") from wrong
    if datum is Datum.BD09:
        raise BaseMapError(
            "MAPLEBRIDGE_BASE_MAP_DATUM cannot be BD09: such tiles are cut by a grid of their own. "
            "Use tiles in WGS84, CGCS2000 or GCJ02."
        )
    zoom = settings.BASE_MAP_ZOOM
    if not (zoom.isdecimal() and FEWEST_ZOOM <= int(zoom) <= MOST_ZOOM):
        raise BaseMapError(
            f"MAPLEBRIDGE_BASE_MAP_ZOOM is a number from {FEWEST_ZOOM} to {MOST_ZOOM}, "
            f"not {zoom!r}."
        )
    tiles, address, file = _source(said)
    return BaseMap(
        tiles,
        address,
        Datum.GCJ02 if datum is Datum.GCJ02 else Datum.WGS84,
        settings.BASE_MAP_WORDS,
        int(zoom),
        file,
    )


def _source(said: str) -> tuple[Tiles, str, Path | None]:
    split = urlsplit(said)
    if split.scheme in ("http", "https") and split.netloc:
        if split.path.endswith(FILE):
            return Tiles.PMTILES, said, None
        if all(blank in said for blank in ("{TileMatrix}", "{TileCol}", "{TileRow}")):
            plain = re.sub(r"\{TileMatrix\}", "{z}", said)
            plain = plain.replace("{TileCol}", "{x}").replace("{TileRow}", "{y}")
            return Tiles.WMTS, plain, None
        if all(blank in said for blank in ("{z}", "{x}", "{y}")):
            return Tiles.XYZ, said, None
        raise BaseMapError(
            "MAPLEBRIDGE_BASE_MAP needs {z}, {x} and {y}, or {TileMatrix}, {TileCol} and "
            "{TileRow}, where a tile's place stands."
        )
    file = Path(said)
    if file.suffix != FILE:
        raise BaseMapError(
            "MAPLEBRIDGE_BASE_MAP is an address that begins with http:// or https://, or a file "
            f"that ends with {FILE}."
        )
    if not file.is_file():
        raise BaseMapError(f"MAPLEBRIDGE_BASE_MAP names {said}, and there is no such file.")
    return Tiles.PMTILES, "", file
