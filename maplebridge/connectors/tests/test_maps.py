"""The base map of the settings: what is understood, and what is refused with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maplebridge.connectors.maps import BaseMap, BaseMapError, Tiles, base_map
from maplebridge.lib.geometry import Datum

XYZ = "https://tiles.example.cn/{z}/{x}/{y}.png"
WMTS = (
    "https://t0.example.gov.cn/vec_w/wmts?SERVICE=WMTS&REQUEST=GetTile&TILEMATRIXSET=w"
    "&TILEMATRIX={TileMatrix}&TILEROW={TileRow}&TILECOL={TileCol}"
)


@pytest.fixture
def named(settings: Any) -> Any:
    settings.BASE_MAP_WORDS = "© 市测绘院"
    settings.BASE_MAP_ZOOM = "18"
    settings.BASE_MAP_DATUM = "CGCS2000"
    return settings


def test_without_one_nobody_is_asked(settings: Any) -> None:
    settings.BASE_MAP = ""
    assert base_map() is None


def test_square_tiles_of_a_service(named: Any) -> None:
    named.BASE_MAP = XYZ
    found = base_map()
    assert found == BaseMap(Tiles.XYZ, XYZ, Datum.WGS84, "© 市测绘院", 18)
    assert found is not None and found.origin == "https://tiles.example.cn"


def test_a_wmts_address_is_asked_by_column_and_row(named: Any) -> None:
    named.BASE_MAP, named.BASE_MAP_DATUM = WMTS, "gcj-02"
    found = base_map()
    assert found is not None
    assert found.address.endswith("&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}")
    assert (found.tiles, found.datum) == (Tiles.WMTS, Datum.GCJ02)


def test_a_file_is_served_by_ourselves(named: Any, tmp_path: Path) -> None:
    file = tmp_path / "city.pmtiles"
    file.write_bytes(b"PMTiles")
    named.BASE_MAP = str(file)
    found = base_map()
    assert found is not None
    assert (found.tiles, found.file, found.origin) == (Tiles.PMTILES, file, "")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("BASE_MAP", "https://tiles.example.cn/", "{z}, {x} and {y}"),
        ("BASE_MAP", "tiles.png", "http://"),
        ("BASE_MAP", "/nowhere/city.pmtiles", "no such file"),
        ("BASE_MAP_DATUM", "BD-09", "grid of their own"),
        ("BASE_MAP_DATUM", "moon", "not known"),
        ("BASE_MAP_ZOOM", "40", "from 1 to 22"),
        ("BASE_MAP_ZOOM", "", "from 1 to 22"),
    ],
)
def test_what_cannot_be_drawn_is_refused(named: Any, name: str, value: str, said: str) -> None:
    named.BASE_MAP = XYZ
    setattr(named, name, value)
    with pytest.raises(BaseMapError, match=said.replace("{", r"\{").replace("}", r"\}")):
        base_map()
