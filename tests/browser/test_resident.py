"""The resident's door in a browser: three taps, a voice note, large type, and nothing ever lost."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from maplebridge.cases.models import Attachment, Case, Event, Payload
from maplebridge.organisation.models import Area
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

TEXT = "社阳村菜场门口的下水道堵了三天，污水漫到人行道上，买菜的老人要绕到机动车道上走。"
WIDTHS = [(360, "zh-CN"), (1440, "en-GB"), (360, "en-GB"), (1440, "zh-CN")]
SCREEN = 800
MOST_SCREENS, MOST_TAPS = 6, 3
MOST_BYTES = 200 * 1024
SEND = "form[data-report] button.main"
# A microphone that hums; no machine of ours has one.
HUM = """
navigator.mediaDevices.getUserMedia = async () => {
  const room = new AudioContext();
  const hum = room.createOscillator();
  const out = room.createMediaStreamDestination();
  hum.connect(out);
  hum.start();
  return out.stream;
};
"""
SHUT = """
navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException('', 'NotAllowedError');
};
"""
NO_ROOM = """
Storage.prototype.setItem = () => {
  throw new DOMException('', 'QuotaExceededError');
};
"""
SPEAKS = """
window.spoken = [];
speechSynthesis.speak = (one) => {
  window.spoken.push([one.lang, one.text]);
  setTimeout(() => one.dispatchEvent(new Event('end')), 5);
};
"""


def photo(name: str = "现场.jpg") -> dict[str, Any]:
    drawn = io.BytesIO()
    Image.effect_noise((800, 600), 40).convert("RGB").save(drawn, "JPEG", quality=80)
    return {"name": name, "mimeType": "image/jpeg", "buffer": drawn.getvalue()}


@pytest.fixture
def village(committed_town: Any) -> Area:
    return Area.objects.get(pk=committed_town.village_code)


@pytest.fixture
def people(chromium: Any, site: str) -> Iterator[Any]:
    """Makes walkers and ends them."""
    made: list[Walker] = []

    def make(width: int = 360, locale: str = "zh-CN", **options: Any) -> Walker:
        made.append(Walker(chromium, site, width, locale=locale, **options))
        return made[-1]

    yield make
    for walker in made:
        walker.close()


def sent(walker: Walker) -> Case:
    """Sends the report and waits for its receipt."""
    walker.page.click(SEND)
    walker.page.wait_for_url("**/r/*/")
    return Case.objects.get(query_code=walker.page.url.rstrip("/").rsplit("/", 1)[1])


@pytest.mark.parametrize(("width", "locale"), WIDTHS)
def test_three_taps_after_the_photo_and_the_receipt_says_it_in_one_sentence(
    people: Any, village: Area, width: int, locale: str
) -> None:
    here = {"longitude": village.inner_lon, "latitude": village.inner_lat, "accuracy": 20}
    walker = people(width, locale, geolocation=here, permissions=["geolocation"])
    page, tongue = walker.page, locale[:2]
    page.add_init_script(HUM)
    walker.open("/")
    walker.look(f"welcome-{tongue}")
    walker.send(".hero-acts a.main")
    walker.look(f"report-{tongue}")
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height <= MOST_SCREENS * SCREEN, f"{height / SCREEN:.1f} screens"
    taps = 0

    def tap(selector: str) -> None:
        nonlocal taps
        taps += 1
        page.click(selector)

    page.set_input_files("#photos", [photo()])
    page.locator(".photos figure").wait_for()
    tap("[data-place-ask]")
    walker.until("document.querySelector('[name=lon]').value !== ''")
    tap("[data-voice-record]")
    page.locator("[data-voice-record][aria-pressed=true]").wait_for()
    walker.look(f"recording-{tongue}")
    page.wait_for_timeout(1200)
    # Sending ends the recording: nobody has to find a third button first.
    tap(SEND)
    page.wait_for_url("**/r/*/")
    assert taps <= MOST_TAPS
    case = Case.objects.get()
    kinds = dict(Attachment.objects.order_by("number").values_list("number", "media_type"))
    assert kinds == {1: "image/jpeg", 2: "audio/webm"}
    assert case.lon == pytest.approx(village.inner_lon, abs=1e-6)
    assert page.locator(".next").count() == 1
    said = page.locator(".next").inner_text()
    assert said.count("。" if tongue == "zh" else ". ") <= 1
    assert (str(case.now.next) in said) is (tongue == "zh")
    walker.until("document.querySelector('.voice-note audio') !== null")
    seconds = page.evaluate(
        """async () => { const one = document.querySelector('.voice-note audio');
        const heard = new Promise((done) => one.addEventListener('timeupdate',
          () => one.currentTime > 0.3 && done(one.currentTime)));
        await one.play(); return heard; }"""
    )
    assert seconds > 0.3
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("[data-copy]")
    page.get_by_text("已复制" if tongue == "zh" else "Copied").first.wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == case.query_code
    walker.look(f"receipt-{tongue}")


def test_a_worker_reports_for_a_resident_and_the_desk_reads_who_helped(
    people: Any, committed_town: Any, work_off: Any
) -> None:
    room = people(1440)
    room.sit_down("夏知远")
    room.open("/report/")
    assert room.page.locator("form[data-draft]").count() == 0
    room.page.fill("#text", TEXT)
    room.page.fill("#place", "社阳村菜场北门")
    room.page.click("summary:has-text('我替别人上报')")
    room.page.check("[name=behalf][value=worker]")
    room.page.fill("#name", "叶小满")
    room.page.fill("#phone", "0570 0000000")
    room.look("behalf")
    case = sent(room)
    work_off()
    assert Event.objects.get(case_id=case.pk, sequence=1).facts["behalf"] == "worker"
    assert not any("worker" in str(p.content) for p in Payload.objects.filter(case_id=case.pk))
    room.open(f"/desk/case/{case.pk}/")
    assert room.page.get_by_text("工作人员代报").count() == 1
    room.look("behalf-case")


@pytest.mark.parametrize("script", [True, False])
def test_a_door_plate_fills_in_the_place(
    people: Any, village: Area, work_off: Any, script: bool
) -> None:
    walker = people(360, script=script)
    walker.open(f"/report/?at={village.pk}&door=幸福路 3 号")
    walker.look("plate" if script else "plate-without-script")
    assert walker.page.input_value("#place").endswith("社阳村 幸福路 3 号")
    walker.page.fill("#text", "路灯不亮。")
    walker.page.get_by_text("不用，我要匿名").click()
    case = sent(walker)
    work_off()
    case.refresh_from_db()
    assert case.area_code.startswith(village.pk)
    walker.open("/report/?at=330825999999&door=幸福路 3 号")
    walker.page.get_by_text("这个门牌我们查不到").wait_for()
    assert walker.page.input_value("#place") == "幸福路 3 号"


@pytest.mark.parametrize(("width", "locale"), WIDTHS[:2])
def test_what_the_device_refuses_is_said_and_the_rest_goes_on(
    people: Any, committed_town: Any, width: int, locale: str
) -> None:
    walker = people(width, locale)
    page, tongue = walker.page, locale[:2]
    page.add_init_script(SHUT)
    page.add_init_script(NO_ROOM)
    walker.open("/report/")
    page.fill("#text", TEXT)
    page.locator("[data-said=full]").wait_for()
    walker.look(f"no-room-{tongue}")
    page.click("[data-voice-record]")
    walker.until("document.querySelector('[data-voice-said]').textContent !== ''")
    refused = page.locator("[data-voice-said]").inner_text()
    assert ("麦克风" if tongue == "zh" else "microphone") in refused
    assert page.locator("#voice").is_visible()
    page.click("[data-place-ask]")
    walker.until("document.querySelector('[data-place-words]').textContent !== ''")
    page.dispatch_event("#photos", "cancel")
    none = page.locator(".snap ~ [role=status]").inner_text()
    assert ("相册" if tongue == "zh" else "album") in none
    walker.look(f"refused-{tongue}")
    page.fill("#place", "社阳村菜场北门")
    sent(walker)
    words = Payload.objects.get(part="words").content
    assert words == {"text": TEXT, "place": "社阳村菜场北门"}


def test_a_lost_network_loses_nothing_and_counts_once(people: Any, committed_town: Any) -> None:
    walker = people(360)
    page = walker.page
    page.add_init_script(HUM)
    walker.open("/report/")
    page.fill("#text", TEXT)
    page.set_input_files("#photos", [photo()])
    page.locator(".photos figure").wait_for()
    page.click("[data-voice-record]")
    page.wait_for_timeout(600)
    page.fill("#name", "叶小满")
    page.fill("#phone", "0570 0000000")
    walker.context.set_offline(True)
    page.click(SEND)
    page.locator("[data-said=gone]").wait_for()
    walker.look("network-gone")
    draft = page.evaluate("localStorage.getItem('maplebridge.report')")
    assert TEXT in draft
    assert "叶小满" not in draft
    assert "0000000" not in draft
    walker.context.set_offline(False)
    page.locator("[data-said=back]").wait_for()
    # The answer is lost on its way although the report arrived: the same key is the same report.
    page.route("**/report/", lambda route: (route.fetch(max_redirects=0), route.abort()))
    page.click(SEND)
    page.locator("[data-said=gone]").wait_for()
    page.unroute("**/report/")
    assert Case.objects.count() == 1
    case = sent(walker)
    assert Case.objects.count() == 1
    assert Attachment.objects.filter(case_id=case.pk).count() == 2
    walker.open("/report/")
    assert page.input_value("#text") == ""


def test_what_was_typed_is_there_again_and_other_words_are_another_report(
    people: Any, committed_town: Any
) -> None:
    walker = people(360)
    page = walker.page
    walker.open("/report/")
    page.fill("#text", TEXT)
    page.route("**/report/", lambda route: (route.fetch(max_redirects=0), route.abort()))
    page.click(SEND)
    page.locator("[data-said=gone]").wait_for()
    page.unroute("**/report/")
    walker.open("/report/")
    page.locator("[data-said=kept]").wait_for()
    walker.look("draft-kept")
    assert page.input_value("#text") == TEXT
    page.fill("#text", "路灯不亮。")
    sent(walker)
    assert Case.objects.count() == 2
    walker.open("/report/")
    page.fill("#text", "又一件事")
    page.wait_for_timeout(500)
    page.reload()
    page.locator("[data-said=kept]").wait_for()
    walker.send("[data-draft-clear]")
    assert page.input_value("#text") == ""


@pytest.mark.parametrize("answer", [502, 503])
def test_a_server_that_is_away_or_cannot_write_loses_nothing(
    people: Any, committed_town: Any, monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    from django.db import OperationalError

    from maplebridge.web.resident import views

    def away(_report: Any) -> Any:
        raise OperationalError("away")

    walker = people(360)
    page = walker.page
    page.add_init_script(HUM)
    walker.open("/report/")
    page.fill("#text", TEXT)
    page.set_input_files("#photos", [photo()])
    page.locator(".photos figure").wait_for()
    page.click("[data-voice-record]")
    page.wait_for_timeout(600)
    kept = views.take_in
    if answer == 503:
        monkeypatch.setattr(views, "take_in", away)
    else:
        page.route("**/report/", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway"))
    page.click(SEND)
    page.locator("#problems" if answer == 503 else "[data-said=gone]").wait_for()
    walker.look(f"server-{answer}")
    assert page.input_value("#text") == TEXT
    monkeypatch.setattr(views, "take_in", kept)
    page.unroute("**/report/")
    case = sent(walker)
    assert Attachment.objects.filter(case_id=case.pk).count() == 2


def test_a_wrong_field_is_said_and_the_voice_note_is_kept(people: Any, committed_town: Any) -> None:
    walker = people(360)
    page = walker.page
    page.add_init_script(HUM)
    walker.open("/report/")
    page.click("[data-voice-record]")
    page.wait_for_timeout(600)
    page.click("[data-voice-record]")
    page.locator("[data-voice-heard]").wait_for()
    page.fill("#phone", "12")
    page.click(SEND)
    page.get_by_text("还没有提交成功").wait_for()
    page.get_by_text("上次提交的语音已保留").wait_for()
    walker.look("wrong-field")
    page.fill("#phone", "0570 0000000")
    case = sent(walker)
    assert Attachment.objects.get(case_id=case.pk).media_type == "audio/webm"
    assert Payload.objects.get(part="words").content["text"].startswith("（语音留言")


def test_by_keyboard_alone(people: Any, committed_town: Any) -> None:
    walker = people(1440)
    page = walker.page
    walker.open("/")

    def go_to(selector: str) -> None:
        for _turn in range(60):
            if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"no way to {selector} by keyboard")

    go_to(".hero-acts a.main")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    go_to("#photos")
    walker.look("keyboard-photo")
    go_to("#text")
    page.keyboard.insert_text(TEXT)
    go_to("[data-voice-record]")
    go_to("#place")
    page.keyboard.insert_text("社阳村菜场北门")
    go_to("[name=anonymous]")
    page.keyboard.press("ArrowDown")
    go_to("details summary:has(+ div [name=behalf])")
    page.keyboard.press("Enter")
    go_to("[name=behalf]")
    page.keyboard.press("ArrowDown")
    go_to(SEND)
    page.keyboard.press("Enter")
    page.wait_for_url("**/r/*/")
    case = Case.objects.get()
    assert case.anonymous
    assert Event.objects.get(case_id=case.pk, sequence=1).facts["behalf"] == "family"
    walker.look("keyboard-receipt")


SMALL_TYPE = """() => {
  const small = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const held = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim()) continue;
    if (held.closest('.heard, svg, script, template')) continue;
    if (!held.getClientRects().length) continue;
    const size = parseFloat(getComputedStyle(held).fontSize);
    if (size < 18) small.push(`${size} ${held.className} ${held.textContent.slice(0, 30)}`);
  }
  return small;
}"""
SMALL_TARGETS = """() => {
  const small = [];
  for (const one of document.querySelectorAll('a, button, input, select, textarea, summary')) {
    if (one.type === 'hidden' || one.closest('.heard') || one.matches('.skip')) continue;
    const held = ['radio', 'checkbox'].includes(one.type) ? one.closest('label') : one;
    const { width, height } = held.getBoundingClientRect();
    if (width && (width < 43.9 || height < 43.9))
      small.push(`${Math.round(width)}x${Math.round(height)} ${one.outerHTML.slice(0, 90)}`);
  }
  return small;
}"""
CLOSE_LINES = """() => [...document.querySelectorAll('main p, main li')].filter((one) =>
  one.getClientRects().length && one.innerText.trim() && !one.matches('.code')
  && parseFloat(getComputedStyle(one).lineHeight) < 1.3 * parseFloat(getComputedStyle(one).fontSize)
).map((one) => one.innerText.slice(0, 40))"""


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_large_type_is_large_on_every_page_of_the_resident(
    people: Any, committed_town: Any, locale: str
) -> None:
    case = committed_town.opened("closed")
    tongue = locale[:2]
    walker = people(360, locale)
    page = walker.page
    walker.open("/")
    walker.send(".ease button[name=large]")
    pages = ["/", "/report/", "/follow/", f"/r/{case.query_code}/", f"/r/{case.query_code}/mine/"]
    for path in pages:
        walker.open(path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        assert page.evaluate(SMALL_TYPE) == [], path
        assert page.evaluate(SMALL_TARGETS) == [], path
        assert page.evaluate(CLOSE_LINES) == [], path
        assert page.locator("a[href='tel:12345']").first.is_visible()
        walker.look(f"large-{pages.index(path)}-{tongue}")
    walker.send(".ease button[name=large]")
    assert page.locator("html[data-large]").count() == 0


def test_large_type_needs_no_script_and_leads_nowhere_else(people: Any, site: str) -> None:
    walker = people(360, script=False)
    walker.open("/follow/")
    walker.send(".ease button[name=large]")
    assert walker.page.url == f"{site}/follow/"
    assert walker.page.locator("html[data-large]").count() == 1


@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_a_page_is_read_aloud_and_stops(people: Any, committed_town: Any, locale: str) -> None:
    walker = people(360, locale)
    walker.page.add_init_script(SPEAKS)
    walker.open("/")
    walker.page.click("[data-aloud]")
    walker.until(
        "window.spoken.length > 3 && !document.querySelector('[data-aloud][aria-pressed]')"
    )
    first = {"zh-CN": "说一次，管到底", "en-GB": "Say it once, see it through"}[locale]
    assert walker.page.evaluate("window.spoken[0]") == [locale, first]
    walker.open("/report/")
    walker.page.evaluate("void (speechSynthesis.speak = (one) => window.spoken.push(one.text))")
    walker.page.click("[data-aloud]")
    walker.look(f"aloud-{locale[:2]}")
    walker.page.click("[data-aloud]")
    assert walker.page.locator(".being-read").count() == 0
    assert len(walker.page.evaluate("window.spoken")) == 1


@pytest.mark.parametrize("path", ["/", "/report/"])
def test_the_first_load_is_small(people: Any, committed_town: Any, path: str) -> None:
    walker = people(360)
    loaded: dict[str, int] = {}
    walker.page.on(
        "response", lambda answer: loaded.update({answer.url: len(gzip.compress(answer.body()))})
    )
    walker.open(path)
    walker.page.wait_for_load_state("networkidle")
    names = " ".join(loaded)
    assert re.search(r"app(-style)?[.\w]*\.css", names)
    assert "voice" in names
    assert "map" not in names.replace("maplebridge", "")
    assert sum(loaded.values()) <= MOST_BYTES, loaded


@pytest.mark.parametrize(("width", "locale"), WIDTHS[:2])
def test_the_last_word_and_an_unknown_code(
    people: Any, committed_town: Any, width: int, locale: str
) -> None:
    case = committed_town.opened("closed")
    tongue = locale[:2]
    walker = people(width, locale)
    walker.open("/r/AAAA-AAAA-AAAA/")
    assert walker.page.locator("#code-error").count() == 1
    walker.look(f"unknown-code-{tongue}")
    walker.open(f"/r/{case.query_code}/")
    walker.look(f"closed-{tongue}")
    walker.send("form[action$='/rate/'] button")
    assert walker.page.locator("form[action$='/rate/'] .error").count() >= 1
    walker.look(f"rate-empty-{tongue}")
    walker.page.locator('[name=rating][value="2"]').check()
    walker.page.locator("[name=solved][value=no]").check()
    walker.send("form[action$='/rate/'] button")
    case.refresh_from_db()
    assert (case.rating, case.solved) == (2, False)
    walker.look(f"rated-{tongue}")
    form = "form[action$='/reopen/']"
    assert walker.page.locator(f"details[open]:has({form})").count() == 1
    walker.page.fill(f"{form} textarea", "又堵了。")
    walker.send(f"{form} button")
    walker.look(f"reopened-{tongue}")
    case.refresh_from_db()
    assert not case.ended
