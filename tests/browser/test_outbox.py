"""The outbox in Chromium against the real server: thirty seeded lives, nothing lost, none doubled.

Pages are closed while they send, the network goes and comes, requests are cut before and after the
server had them. each of the three tests has ten seeds, and says what was done to each request.
"""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from maplebridge.cases.models import Attachment, Case, Event, Payload
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

SOURCE = Path(__file__).resolve().parents[2] / "maplebridge/web/parts/src/outbox"
PLACE = "/outbox-lives/"
SEEDS, A_GROUP = 30, 10
FAULTS = ("", "", "", "", "before", "after", "after", "500", "500 after", "close", "close after")
PAGE = "<!doctype html><meta charset=utf-8><title>outbox</title>"
OPEN = """async () => {
  const { openOutbox } = await import("/outbox-lives/outbox.js");
  const { overHttp } = await import("/outbox-lives/transport.js");
  const keeper = localStorage.keeper ??= (await (await fetch("/worker/standing/")).json()).keeper;
  window.outbox = await openOutbox({ name: keeper, send: overHttp("/worker/"), wake: null });
}"""
PUT = """async ({ text, photos, move, caseId }) => {
  const files = [];
  for (const { name, tail } of photos) {
    const bytes = new Uint8Array(await (await window.kept[name]).arrayBuffer());
    files.push(new Blob([bytes, tail], { type: "image/jpeg" }));
  }
  return window.outbox.put({
    kind: move ? "move" : "report", move, caseId, photos: files,
    fields: move ? { note: text } : { text, place: "社阳村" },
  });
}"""
LIST = """async () => (await window.outbox.list()).map(
  ({ id, state, number, code, reason }) => ({ id, state, number, code, reason }))"""
PHOTOS = """async () => {
  window.kept = Object.fromEntries(["a.jpg", "b.jpg"].map(
    (name) => [name, fetch("/outbox-lives/" + name).then((answer) => answer.blob())]));
  await Promise.all(Object.values(window.kept));
}"""


def noise(side: int) -> bytes:
    drawn = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(drawn, "JPEG", quality=80)
    return drawn.getvalue()


class Phone:
    """A telephone whose page can be closed at any moment; its storage and its cookies stay."""

    def __init__(self, walker: Walker, seed: int) -> None:
        self.walker, self.context = walker, walker.context
        self.draw = random.Random(seed)
        self.troubled = True
        self.closes = False
        self.page: Any = None
        self.done: list[str] = []

    def open(self) -> None:
        """A new window of the same phone."""
        self.context.set_offline(False)
        if self.page is not None and not self.page.is_closed():
            self.page.close()
        self.closes = False
        self.page = self.context.new_page()
        self.page.goto(self.walker.site + PLACE)
        self.page.evaluate(OPEN)
        if self.troubled:
            self.page.evaluate(PHOTOS)

    def between(self, route: Any) -> None:
        """What becomes of one request."""
        fault = self.draw.choice(FAULTS) if self.troubled else ""
        self.done.append(f"{route.request.method} {fault}")
        if "after" in fault:
            route.fetch()
        if fault.startswith("close"):
            self.closes = True
        if not fault:
            route.continue_()
        elif fault.startswith("500"):
            route.fulfill(status=500, body="")
        else:
            route.abort()

    def run(self, milliseconds: int) -> None:
        """Sends for a while; a page that is closed in between is opened again."""
        self.page.evaluate("() => { window.running = window.outbox.run().catch(() => {}); }")
        goes = self.draw.random() < 0.3
        for turn in range(milliseconds // 20):
            self.page.wait_for_timeout(20)
            if goes and turn == 2:
                self.context.set_offline(True)
            if self.closes:
                self.page.close()
                self.open()
                return
        self.context.set_offline(False)

    def list(self) -> list[dict[str, Any]]:
        """The entries; whatever is said to be sent is looked for in the database."""
        found: list[dict[str, Any]] = self.page.evaluate(LIST)
        for item in found:
            if item["state"] == "sent":
                assert Case.objects.filter(number=item["number"]).exists(), (item, self.done)
        return found


def one_life(phone: Phone, seed: int, case_id: str) -> None:
    """Enters two or three things in trouble, and sees them arrive in the end."""
    draw = phone.draw
    phone.open()
    phone.page.evaluate(
        "async () => { for (const { id } of await window.outbox.list()) await outbox.remove(id); }"
    )
    meant: dict[str, tuple[str, int, bool]] = {}
    for n in range(draw.choice((2, 3))):
        text = f"第{seed}次第{n}件：桥头护栏断了一截"
        photos = [
            {"name": draw.choice(("a.jpg", "b.jpg")), "tail": f"{seed}-{n}-{k}"}
            for k in range(draw.choice((0, 1, 1, 2)))
        ]
        move = draw.random() < 0.3
        phone.context.set_offline(draw.random() < 0.5)
        said = {"text": text, "photos": photos, "move": "log" if move else None,
                "caseId": case_id if move else None}  # fmt: skip
        meant[phone.page.evaluate(PUT, said)] = (text, len(photos), move)
        phone.context.set_offline(False)
        phone.run(draw.choice((80, 160, 240)))
        phone.list()
    phone.troubled = False
    for _try in range(8):
        phone.open()
        phone.page.evaluate("() => window.outbox.run()")
        items = phone.list()
        if all(item["state"] == "sent" for item in items):
            break
    assert {item["id"]: item["state"] for item in items} == dict.fromkeys(meant, "sent"), (
        items, phone.done,
    )  # fmt: skip
    for entry, (text, photos, move) in meant.items():
        if move:
            events = Event.objects.filter(case_id=case_id, key=f"outbox:{entry}")
            [event] = events
            assert len(event.facts.get("photos", ())) == photos
            continue
        said_there = Payload.objects.filter(part="words", content__text=text)
        [payload] = said_there
        assert Attachment.objects.filter(case_id=payload.case_id).count() == photos


@pytest.mark.parametrize("begin", range(1, SEEDS + 1, A_GROUP))
def test_thirty_lives_in_chromium_lose_nothing_and_double_nothing(
    chromium: Any, site: str, committed_town: Any, begin: int
) -> None:
    shared = {"a.jpg": noise(700), "b.jpg": noise(300)}
    assert len(shared["a.jpg"]) > 256 * 1024 > len(shared["b.jpg"])
    town = committed_town
    case_id = town.report().case_id
    town.triage(case_id, area_code=town.grid_code, category="1004")
    for name, facts in (
        ("accept", {}),
        ("file_case", {}),
        ("dispatch", {"unit": f"{town.grid_code}-grid"}),
    ):
        town.move(case_id, name, town.town, facts)
    town.move(case_id, "sign_for", town.grid, {})
    walker = Walker(chromium, site, service_workers="block")
    walker.sit_down("林格格")
    phone_now: list[Phone] = []

    def served(route: Any) -> None:
        name = route.request.url.rpartition("/")[2]
        if name in shared:
            route.fulfill(body=shared[name], content_type="image/jpeg")
        elif name:
            route.fulfill(body=(SOURCE / name).read_text(), content_type="text/javascript")
        else:
            route.fulfill(body=PAGE, content_type="text/html")

    def between(route: Any) -> None:
        phone_now[-1].between(route)

    walker.context.route(f"**{PLACE}*", served)
    for address in ("**/worker/outbox/", "**/worker/parts/**"):
        walker.context.route(address, between)
    for seed in range(begin, begin + A_GROUP):
        phone_now.append(Phone(walker, seed))
        one_life(phone_now[-1], seed, str(case_id))
        phone_now[-1].page.close()
    entered = Case.objects.filter(channel="grid").count()
    told = Payload.objects.filter(part="words", content__text__startswith="第").count()
    assert entered == told > A_GROUP
    # They were troubled lives.
    faults = [said.partition(" ")[2] for phone in phone_now for said in phone.done]
    assert len(set(faults)) > 4
    assert sum(bool(fault) for fault in faults) > A_GROUP
    walker.close()
