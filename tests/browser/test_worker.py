"""A grid worker without a network: opens the app cold, reports and settles with photos, and all of
it arrives once; full storage, no camera, no position, no server and a lost phone each say so."""

from __future__ import annotations

import io
from collections.abc import Callable
from threading import Thread
from typing import Any
from wsgiref.simple_server import make_server

import pytest
from PIL import Image

from maplebridge.cases.models import Attachment, Case, Event
from maplebridge.organisation.models import Area
from maplebridge.web.worker import devices
from tests.browser.conftest import _Server, _Silent
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

SPOT = "文化礼堂北侧垃圾桶满溢，气味很大，已经两天没有清运，旁边还堆着旧沙发和装修剩下的碎砖。"
MINE = (
    "社阳村菜场门口的下水道堵了三天，污水漫到人行道上，买菜的老人要绕到机动车道上走，很危险。"
    "昨天下雨以后积水更深，已经没过脚面，请尽快疏通。"
)
SEEN = "石桥东头护栏断了一截，缺口约一米，旁边就是水渠，晚上没有灯。"
QUEUED = {"zh-CN": "待发送", "en-GB": "Queued"}


def photo(name: str = "现场.jpg", colour: str = "gray") -> dict[str, Any]:
    drawn = io.BytesIO()
    Image.effect_noise((1600, 1200), 30).convert("RGB").save(drawn, "JPEG", quality=90)
    return {"name": name, "mimeType": "image/jpeg", "buffer": drawn.getvalue()}


def work_for(town: Any) -> tuple[Any, Any]:
    """A matter dispatched to the grid, and one that may be settled on the spot."""
    grid = Area.objects.get(pk=town.grid_code)
    near = {"lon": grid.inner_lon, "lat": grid.inner_lat}
    here = {"area_code": town.grid_code}
    mine = town.report(words={"text": MINE, "place": "社阳村菜场北门"}, **near).case_id
    town.triage(mine, category="1004", **here)
    for move, said in (
        ("accept", {}),
        ("file_case", {}),
        ("dispatch", {"unit": f"{town.grid_code}-grid"}),
    ):
        town.move(mine, move, town.town, said)
    near["lon"] += 0.0015
    spot = town.report(words={"text": SPOT, "place": "文化礼堂北侧"}, **near).case_id
    town.triage(spot, category="0901", sla_class="S2", **here)
    return mine, spot


def ready(worker: Walker) -> None:
    worker.until("document.querySelector('[data-worker]')?.dataset.ready === 'yes'")


def opened(worker: Walker, path: str = "/worker/") -> None:
    worker.open(path)
    ready(worker)


def kept(worker: Walker) -> None:
    """Until the phone can do without a network."""
    worker.until("document.querySelector('[data-worker]').dataset.kept === 'yes'")
    worker.until("navigator.serviceWorker.controller !== null")


def again(worker: Walker) -> None:
    """Closes the app and opens a new window of the same phone."""
    worker.page.close()
    worker.page = worker.context.new_page()
    worker.page.set_default_timeout(20_000)
    worker.page.on("pageerror", lambda fault: worker.faults.append(str(fault)))


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en-GB")])
def test_in_flight_mode_a_report_and_a_settled_task_wait_and_arrive_once(
    chromium: Any,
    site: str,
    committed_town: Any,
    work_off: Callable[[], int],
    width: int,
    locale: str,
) -> None:
    _mine, spot = work_for(committed_town)
    worker = Walker(chromium, site, width, locale=locale)
    worker.sit_down("林格格")
    opened(worker)
    kept(worker)
    worker.look("worker-home")

    worker.context.set_offline(True)
    page = worker.page
    page.locator(".tile").first.click()
    ready(worker)
    assert page.url.endswith("/worker/report/?what=0901")
    assert page.input_value("#text") != ""
    page.fill("#text", SEEN)
    page.locator("[data-camera] input").nth(1).set_input_files([photo()])
    page.locator("[data-shelf] img").wait_for()
    worker.look("worker-report-offline")
    page.locator("[data-position]").uncheck()
    worker.send("button.send-now")
    ready(worker)
    page.get_by_text(QUEUED[locale]).first.wait_for()
    worker.look("worker-box-offline")

    opened(worker)
    worker.look("worker-home-offline")
    page.locator(f'a[href="/worker/task/{spot}/"]').click()
    ready(worker)
    page.locator("#move-handle_on_spot summary").click()
    form = page.locator("#move-handle_on_spot form")
    form.locator("textarea").fill("已联系保洁清运，现场已冲洗干净，旧沙发一并拉走。")
    form.locator("[data-camera] input").nth(1).set_input_files([photo("清运后.jpg")])
    form.locator("[data-shelf] img").wait_for()
    worker.look("worker-task-offline")
    worker.send("#move-handle_on_spot form button.main")
    ready(worker)
    worker.until("document.querySelectorAll('[data-item][data-state=queued]').length === 2")

    again(worker)
    page = worker.page
    opened(worker)
    assert page.locator("[data-unsent]").inner_text() == "2"
    worker.look("worker-cold-offline")
    opened(worker, "/worker/box/")
    page.locator("[data-item]").nth(1).wait_for()
    assert Case.objects.filter(channel="grid").count() == 0

    worker.context.set_offline(False)
    worker.until("document.querySelectorAll('[data-item][data-state=sent]').length === 2")
    worker.look("worker-box-sent")
    case = Case.objects.get(channel="grid")
    assert case.area_code == committed_town.grid_code
    assert Attachment.objects.filter(case_id=case.pk).count() == 1
    closed = Event.objects.get(case_id=spot, move="handle_on_spot")
    assert closed.account_id == committed_town.grid.account_id
    assert Attachment.objects.filter(case_id=spot, sequence=closed.sequence).count() == 1
    opened(worker)
    worker.look("worker-home-after")
    assert page.locator(f'a[href="/worker/task/{spot}/"]').count() == 0
    worker.close()


FULL = """() => {
  for (const name of ["put", "add"]) {
    const real = IDBObjectStore.prototype[name];
    IDBObjectStore.prototype[name] = function (...said) {
      if (window.full) throw new DOMException("full", "QuotaExceededError");
      return real.apply(this, said);
    };
  }
  window.full = true;
}"""
# A camera that sees one code after the other.
CAMERA = """async (codes) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 640;
  const pictures = await Promise.all(codes.map(async (code) => {
    const picture = new Image();
    picture.src = code;
    await picture.decode();
    return picture;
  }));
  let turn = 0;
  const pen = canvas.getContext("2d");
  setInterval(() => pen.drawImage(pictures[(turn += 1) % pictures.length], 0, 0), 250);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
}"""
# What is kept was drawn four days ago.
AGED = """async () => {
  const base = await new Promise((done) => {
    const asked = indexedDB.open("maplebridge-kept");
    asked.onsuccess = () => done(asked.result);
  });
  const facts = base.transaction("facts", "readwrite").objectStore("facts");
  const asked = facts.get("facts");
  await new Promise((done) => {
    asked.onsuccess = () => {
      const back = 96 * 3600e3;
      const said = asked.result;
      facts.put({ ...said, drawnAt: said.drawnAt - back, until: said.until - back }, "facts")
        .onsuccess = done;
    };
  });
  base.close();
}"""
# How many rows lie in every database of the phone.
ROWS = """async () => {
  let rows = 0;
  for (const { name } of await indexedDB.databases()) {
    const base = await new Promise((done) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => done(asked.result);
    });
    for (const store of base.objectStoreNames) {
      rows += await new Promise((done) => {
        const asked = base.transaction(store).objectStore(store).count();
        asked.onsuccess = () => done(asked.result);
      });
    }
    base.close();
  }
  return rows;
}"""


def enter(worker: Walker, text: str = SEEN, position: bool = False) -> None:
    """Enters a report; it goes to the outbox."""
    opened(worker, "/worker/report/")
    worker.page.fill("#text", text)
    worker.page.locator("[data-position]").set_checked(position)
    worker.send("button.send-now")
    ready(worker)
    worker.page.locator("[data-item]").first.wait_for()


def test_a_gone_server_a_full_phone_no_position_and_no_camera_lose_nothing(
    chromium: Any, committed_town: Any
) -> None:
    from maplebridge.config.wsgi import application

    server = make_server("127.0.0.1", 0, application, _Server, _Silent)
    Thread(target=server.serve_forever, daemon=True).start()
    work_for(committed_town)
    worker = Walker(chromium, f"http://127.0.0.1:{server.server_port}", 360)
    worker.sit_down("林格格")
    opened(worker)
    kept(worker)
    server.shutdown()
    server.server_close()
    page = worker.page
    opened(worker)
    page.get_by_text("服务器没有回应").wait_for()
    page.get_by_text("社阳村菜场门口的下水道堵了三天").first.wait_for()
    worker.look("worker-server-gone")
    opened(worker, "/worker/report/")
    page.fill("#text", SEEN)
    page.evaluate(FULL)
    page.locator("button.send-now").click()
    page.get_by_text("手机存储已满").wait_for()
    worker.look("worker-full")
    assert page.input_value("#text") == SEEN
    page.evaluate("() => { window.full = false; }")
    worker.send("button.send-now")
    ready(worker)
    # The position was asked for and refused: the entry goes without one.
    page.get_by_text("手机没有给出位置").wait_for()
    page.get_by_text(SEEN).wait_for()
    page.locator("details[data-take] summary").click()
    page.locator("[data-do=scan]").click()
    page.get_by_text("没有获准使用相机").wait_for()
    worker.look("worker-no-camera")
    page.evaluate(AGED)
    opened(worker)
    page.get_by_text("已超过 72 小时").wait_for()
    assert "社阳村菜场门口" not in page.locator("main").inner_text()
    worker.look("worker-aged")
    assert page.locator("[data-unsent]").inner_text() == "1"
    worker.close()


def test_a_phone_hands_its_entry_to_another_by_codes_and_it_is_one_case(
    chromium: Any, site: str, committed_town: Any
) -> None:
    first, second = (Walker(chromium, site, 360) for _phone in range(2))
    for phone in (first, second):
        phone.sit_down("林格格")
        opened(phone)
        kept(phone)
    first.context.set_offline(True)
    enter(first, f"{SEEN}{MINE}{SPOT}")
    page = first.page
    page.locator("[data-do=hand]").click()
    page.locator("[data-hand]").wait_for()
    first.look("worker-hand")
    page.locator("[data-hand] [data-do=next]").click()
    parts = page.input_value("#hand-text").split()
    assert len(parts) > 1
    codes = set()
    for _part in parts:
        codes.add(page.evaluate("document.querySelector('[data-code]').toDataURL()"))
        page.locator("[data-hand] [data-do=next]").click()
    assert len(codes) == len(parts)

    opened(second, "/worker/box/")
    page = second.page
    page.evaluate(CAMERA, sorted(codes))
    page.locator("details[data-take] summary").click()
    page.locator("[data-do=scan]").click()
    page.get_by_text("已接过来").wait_for()
    page.locator("[data-item][data-state=sent]").wait_for()
    second.look("worker-taken-over")
    case = Case.objects.get(channel="grid")
    first.context.set_offline(False)
    first.page.locator("[data-do=retry]").click()
    first.page.locator("[data-item][data-state=sent]").wait_for()
    first.page.get_by_text(case.number).wait_for()
    assert Case.objects.filter(channel="grid").count() == 1
    for phone in (first, second):
        phone.close()


def test_a_phone_that_was_signed_off_is_wiped_when_it_meets_the_server(
    chromium: Any, site: str, committed_town: Any
) -> None:
    work_for(committed_town)
    grid = Area.objects.get(pk=committed_town.grid_code)
    here = {"longitude": grid.inner_lon, "latitude": grid.inner_lat, "accuracy": 18}
    worker = Walker(chromium, site, 360, geolocation=here, permissions=["geolocation"])
    worker.sit_down("林格格")
    opened(worker)
    kept(worker)
    enter(worker, position=True)
    page = worker.page
    page.locator("[data-item][data-state=sent]").wait_for()
    opened(worker, "/worker/positions/")
    worker.look("worker-positions")
    case = Case.objects.get(channel="grid")
    assert (case.lon, case.accuracy_metres) == (pytest.approx(grid.inner_lon, abs=1e-6), 18)
    page.get_by_text(case.number).wait_for()

    worker.context.set_offline(True)
    enter(worker, MINE)
    [device] = devices.mine(committed_town.grid)
    assert devices.revoke(committed_town.grid, device.id)
    again(worker)
    worker.context.set_offline(False)
    opened(worker)
    worker.page.get_by_text("本机已被机主停用").wait_for()
    worker.look("worker-revoked")
    assert worker.page.evaluate(ROWS) == 0
    assert MINE[:9] not in worker.page.locator("main").inner_text()
    worker.close()


def answer(box: Any, yes: bool) -> None:
    if yes:
        box.accept()
    else:
        box.dismiss()


def test_signing_out_names_what_was_not_sent_and_wipes_the_phone(
    chromium: Any, site: str, committed_town: Any
) -> None:
    work_for(committed_town)
    worker = Walker(chromium, site, 360)
    worker.sit_down("林格格")
    opened(worker)
    kept(worker)
    worker.context.route("**/worker/outbox/", lambda asked: asked.abort())
    enter(worker)
    opened(worker, "/worker/phone/")
    worker.look("worker-phone")
    page, asked, answers = worker.page, [], iter([False, True])
    page.on("dialog", lambda box: (asked.append(box.message), answer(box, next(answers))))
    assert page.evaluate(ROWS) > 3
    sign_out = "form[action='/sign-out/'] button.wide"
    page.locator(sign_out).click()
    page.wait_for_timeout(300)
    assert page.url.endswith("/worker/phone/")
    assert page.locator("[data-unsent]").inner_text() == "1"
    worker.send(sign_out)
    assert len(asked) == 2
    assert "还有 1 条没有发出" in asked[0]
    assert page.evaluate(ROWS) == 0
    assert page.evaluate("caches.keys().then((names) => names.length)") == 0
    worker.close()
