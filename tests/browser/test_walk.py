"""One blocked drain from the resident's phone over three desks to its rating, in a real browser."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from maplebridge.cases.models import Attachment, Case, Event
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

TEXT = (
    "社阳乡社阳村菜场门口的下水道堵了三天，污水漫到人行道上，买菜的老人要绕到机动车道上走，"
    "很危险。昨天下雨以后积水更深，已经没过脚面，请尽快疏通。"
)
DESKS = (
    ("夏知远", "accept", {}),
    ("夏知远", "file_case", {}),
    ("夏知远", "dispatch", {"unit": "330825-hsc"}),
    ("祝安居", "sign_for", {}),
    ("祝安居", "feedback", {"result": "已派管道车疏通，清出淤泥约两方，现场已冲洗。"}),
    ("田守望", "verify_pass", {}),
    ("夏知远", "close", {"reply": "下水道已疏通，后续每月清掏一次，请您查看。"}),
)


def photo() -> dict[str, Any]:
    drawn = io.BytesIO()
    Image.effect_noise((3000, 2250), 40).convert("RGB").save(drawn, "JPEG", quality=92)
    return {"name": "现场.jpg", "mimeType": "image/jpeg", "buffer": drawn.getvalue()}


@pytest.mark.parametrize("width", [360, 1440])
def test_a_blocked_drain_goes_from_report_to_rating(
    chromium: Any, site: str, committed_town: Any, work_off: Callable[[], int], width: int
) -> None:
    resident = Walker(chromium, site, width)
    resident.open("/")
    resident.look("welcome")
    resident.page.get_by_role("link", name="我要上报").first.click()
    page = resident.page
    resident.look("report")
    page.fill("#text", TEXT)
    page.set_input_files("#photos", [photo()])
    page.get_by_role("button", name="移除").wait_for()
    page.fill("#place", "社阳村菜场北门")
    page.fill("#name", "叶小满")
    page.fill("#phone", "0570 0000000")
    resident.look("report-filled")
    page.get_by_role("button", name="提交上报").click()
    page.wait_for_url("**/r/*/")
    resident.look("receipt")
    case = Case.objects.get()
    assert page.url == f"{site}/r/{case.query_code}/"
    # 1,920 px is what the browser makes of 3,000: the photo was small before it travelled.
    assert Attachment.objects.get().size < 2_500_000
    work_off()

    desk = Walker(chromium, site, width)
    seated = ""
    for person, move, said in DESKS:
        if person != seated:
            desk.sit_down(person)
            seated = person
            desk.look(f"queue-{move}")
        desk.open(f"/desk/case/{case.pk}/")
        desk.page.locator("[data-map][data-ready]").wait_for() if case.lon else None
        desk.page.locator(f'.moves a[href$="/move/{move}/#move-form"]').click()
        desk.page.locator("#move-form").wait_for()
        for name, value in said.items():
            field = desk.page.locator(f"#move-form [name={name}]")
            if name == "unit":
                field.select_option(value)
            else:
                field.fill(value)
        desk.look(f"move-{move}")
        desk.page.locator("#move-form button.main").click()
        desk.page.get_by_text("已完成：").first.wait_for()
        work_off()
    desk.look("case-closed")
    desk.close()

    page.reload()
    resident.look("receipt-closed")
    page.locator('[name=rating][value="5"]').check()
    page.locator("[name=solved][value=yes]").check()
    page.locator("[name=comment]").fill("当天就有人来，谢谢。")
    page.get_by_role("button", name="提交").first.click()
    page.get_by_text("谢谢，已经记下。").wait_for()
    resident.look("receipt-rated")
    resident.close()
    case.refresh_from_db()
    assert (case.state, case.rating, case.solved) == ("archived", 5, True)
    assert [e.move for e in Event.objects.filter(case_id=case.pk).order_by("sequence")] == [
        "report", "triage", *(move for _person, move, _said in DESKS), "rate",
    ]  # fmt: skip


def test_a_report_and_its_following_need_no_script(
    chromium: Any, site: str, committed_town: Any
) -> None:
    resident = Walker(chromium, site, 360, script=False)
    resident.open("/report/")
    resident.page.get_by_role("button", name="提交上报").click()
    resident.page.get_by_text("还没有提交成功").wait_for()
    resident.page.fill("#text", TEXT)
    resident.page.fill("#place", "社阳村菜场北门")
    resident.page.get_by_text("不用，我要匿名").click()
    resident.look("report-without-script")
    resident.page.get_by_role("button", name="提交上报").click()
    code = Case.objects.get().query_code
    resident.open("/follow/")
    resident.page.fill("#code", code.lower())
    resident.page.get_by_role("button", name="查询").click()
    resident.page.wait_for_url(f"{site}/r/{code}/")
    assert Case.objects.get().anonymous
    resident.close()


def test_a_place_is_taken_from_the_device_and_from_the_map(
    chromium: Any, site: str, committed_town: Any
) -> None:
    from maplebridge.organisation.models import Area

    village = Area.objects.get(pk=committed_town.village_code)
    here = {"longitude": village.inner_lon, "latitude": village.inner_lat, "accuracy": 20}
    resident = Walker(chromium, site, 360, geolocation=here, permissions=["geolocation"])
    resident.open("/report/")
    page = resident.page
    page.get_by_role("button", name="我就在现场").click()
    page.get_by_text("已取得您的位置").wait_for()
    assert float(page.input_value("[name=lon]")) == pytest.approx(village.inner_lon, abs=1e-6)
    page.get_by_text("在地图上选点").click()
    page.locator("[data-map][data-ready]").wait_for()
    resident.look("report-map")
    page.locator("[data-map] canvas").click(position={"x": 90, "y": 120})
    page.get_by_text("已记下地图上的位置").wait_for()
    assert float(page.input_value("[name=lon]")) != pytest.approx(village.inner_lon, abs=1e-6)
    page.fill("#text", TEXT)
    page.get_by_role("button", name="提交上报").click()
    page.wait_for_url("**/r/*/")
    assert Case.objects.get().lon is not None
    resident.close()


def test_a_refused_position_leaves_words_and_map(
    chromium: Any, site: str, committed_town: Any
) -> None:
    resident = Walker(chromium, site, 360)
    resident.open("/report/")
    resident.page.fill("#text", TEXT)
    resident.page.get_by_role("button", name="我就在现场").click()
    resident.page.get_by_text("设备没有给出位置").wait_for()
    assert resident.page.input_value("#text") == TEXT
    resident.close()


@pytest.mark.parametrize("width", [360, 1440])
def test_the_map_of_a_desk_adds_up_to_its_list(
    chromium: Any, site: str, committed_town: Any, width: int
) -> None:
    from maplebridge.organisation.models import Area

    village = Area.objects.get(pk=committed_town.village_code)
    for place in range(9):
        opened = committed_town.report(lon=village.inner_lon + place / 2000, lat=village.inner_lat)
        committed_town.triage(opened.case_id)
    desk = Walker(chromium, site, width)
    desk.sit_down("夏知远")
    desk.open("/desk/map/")
    desk.page.locator("[data-map][data-ready]").wait_for()
    # Asked again and again from outside: the page itself may not evaluate strings.
    for _turn in range(80):
        if desk.page.evaluate("document.querySelector('[data-map]').map?.loaded()"):
            break
        desk.page.wait_for_timeout(100)
    desk.page.wait_for_timeout(500)
    grouped = desk.page.locator(".map-cluster").all_inner_texts()
    single = desk.page.evaluate(
        "document.querySelector('[data-map]').map.queryRenderedFeatures({layers:['cases']}).length"
    )
    assert sum(map(int, grouped)) + single == 9
    assert desk.page.locator(".case-row").count() == 9
    desk.look("map")
    desk.close()


def test_every_page_of_a_visitor_stands_in_english_too(
    chromium: Any, site: str, committed_town: Any
) -> None:
    visitor = Walker(chromium, site, 360, locale="en-GB")
    for path in ("/", "/report/", "/follow/", "/sign-in/", "/demonstration/"):
        visitor.open(path)
        visitor.look(f"english-{path.strip('/') or 'welcome'}")
        own = visitor.page.locator("main").inner_text()
        if path != "/demonstration/":
            assert not re.search(r"[\u4e00-\u9fff]", own), own
    visitor.close()


def test_the_first_load_of_the_report_is_small_and_stays_at_home(
    chromium: Any, site: str, committed_town: Any
) -> None:
    visitor = Walker(chromium, site, 360)
    sizes: dict[str, int] = {}
    visitor.page.on("response", lambda got: sizes.update({got.url: len(got.body())}))
    visitor.open("/report/")
    visitor.page.wait_for_load_state("networkidle")
    assert all(address.startswith(site) for address in sizes), json.dumps(sizes)
    assert not [address for address in sizes if "map" in address]
    # Uncompressed; compressed it is about a third of this, and the bar is 200 kB.
    assert sum(sizes.values()) < 200_000, json.dumps(sizes)
    visitor.close()
