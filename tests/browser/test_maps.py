"""In a real browser: the map's numbers add up, and a base map in another datum lies right."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from maplebridge.lib.geometry import distance_metres, from_wgs84
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser
LON, LAT = 119.172, 28.973


def drawn(walker: Walker) -> None:
    walker.until("document.querySelector('[data-map]').dataset.ready === 'yes'")
    walker.until("document.querySelector('[data-map]').map.loaded()")


@pytest.fixture
def tiles(settings: Any) -> Iterator[set[str]]:
    """A tile service on this machine in GCJ-02; which tiles it was asked for."""
    asked: set[str] = set()
    picture = BytesIO()
    Image.new("RGB", (256, 256), "#dfe8d8").save(picture, "PNG")

    class Tile(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.add(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(picture.getvalue())

        def log_message(self, *_said: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tile)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.BASE_MAP = f"http://127.0.0.1:{server.server_port}/{{z}}/{{x}}/{{y}}.png"
    settings.BASE_MAP_DATUM = "GCJ02"
    settings.BASE_MAP_WORDS = "© 演示底图"
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_the_numbers_on_the_map_are_those_of_the_list(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    town = committed_town
    for step in range(12):
        town.triage(town.report(lon=LON + step * 0.004, lat=LAT).case_id)
    for _same in range(3):
        town.triage(town.report(lon=LON, lat=LAT).case_id)
    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("龙一舟")
    desk.open("/desk/map/")
    drawn(desk)
    shown = "document.querySelector('[data-map]').dataset.shown"
    desk.until(f"{shown} === '15'")
    assert desk.page.locator(".case-row").count() == 15
    desk.look("map-groups")
    desk.page.evaluate(
        f"document.querySelector('[data-map]').map.jumpTo({{center:[{LON},{LAT}],zoom:18.6}})"
    )
    desk.until(f"{shown} === '4'")
    desk.page.locator(".map-cluster", has_text="4").click()
    desk.send(".maplibregl-popup a")
    assert desk.page.locator(".case-row").count() == 4
    desk.look("map-one-spot")
    desk.close()


def test_a_base_map_in_gcj_02_lies_under_the_place_and_a_pick_is_told_in_wgs_84(
    chromium: Any, site: str, committed_town: Any, tiles: set[str]
) -> None:
    resident = Walker(chromium, site, 360)
    resident.open("/report/")
    resident.page.evaluate("document.querySelector('details[data-map-opening]').open = true")
    drawn(resident)
    resident.page.evaluate(
        f"""document.querySelector('[data-place]').querySelector('[name=lon]').value = {LON};
        document.querySelector('[data-place]').querySelector('[name=lat]').value = {LAT};
        document.querySelector('[data-place]').dispatchEvent(new CustomEvent('place:found'))"""
    )
    middle = resident.page.evaluate(
        "document.querySelector('[data-map]').map.getCenter().toArray()"
    )
    assert distance_metres(*middle, *from_wgs84(LON, LAT, "GCJ02")) < 1
    resident.page.locator("[data-map-middle]").click()
    picked = resident.page.evaluate(
        "['lon','lat'].map((n) => Number(document.querySelector('[name=' + n + ']').value))"
    )
    assert distance_metres(*picked, LON, LAT) < 1
    drawn(resident)
    side = 2**14
    lon, lat = from_wgs84(LON, LAT, "GCJ02")
    across = math.floor((lon + 180) / 360 * side)
    down = math.floor((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side)
    near = {f"/{z}/" for z in (14, 15)}
    assert any(path.startswith(tuple(near)) for path in tiles), sorted(tiles)[:5]
    assert f"/14/{across}/{down}.png" in tiles or any(
        path.startswith(f"/15/{2 * across + i}/{2 * down + j}.")
        for path in tiles
        for i in (0, 1)
        for j in (0, 1)
    )
    assert resident.page.get_by_text("© 演示底图").count() == 1
    assert resident.faults == []
    resident.close()
