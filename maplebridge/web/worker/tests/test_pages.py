"""The worker's pages over HTTP: who gets them, what they show, and how they do without script."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image

from maplebridge.cases.models import Case, Event, Look
from maplebridge.organisation.models import Account

SECRET = "家中有人求助，请派人上门"


def client_of(login: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(username=login))
    return client


def in_my_grid(town: Any, text: str = "文化礼堂北侧垃圾桶满溢", **facts: Any) -> Any:
    """A matter in the worker's grid that may be settled on the spot."""
    case_id = town.report(text).case_id
    said = {"area_code": town.grid_code, "category": "0901", "sla_class": "S2", **facts}
    town.triage(case_id, **said)
    return case_id


def sent_to_me(town: Any, text: str = "村口石桥边路灯不亮", **facts: Any) -> Any:
    """A matter dispatched to the worker's grid."""
    case_id = in_my_grid(town, text, sla_class="S3", **facts)
    for move, said in (
        ("accept", {}),
        ("file_case", {}),
        ("dispatch", {"unit": f"{town.grid_code}-grid"}),
    ):
        town.move(case_id, move, town.town, said)
    return case_id


@pytest.mark.parametrize("login", ["town", "housing", "leader", "auditor"])
def test_other_posts_get_a_sentence(town: Any, login: str) -> None:
    answer = client_of(login).get("/worker/")
    assert answer.status_code == 403
    assert "您的岗位请在工作台办理" in answer.content.decode()


def test_my_grid_shows_what_waits_and_what_can_be_settled(town: Any) -> None:
    mine, spot = sent_to_me(town), in_my_grid(town)
    town.triage(town.report("别的网格的事").case_id, area_code=f"{town.village_code}002")
    shown = client_of("grid").get("/worker/").content.decode()
    waiting, _heading, on_the_spot = shown.partition("可当场办结")
    assert "村口石桥边路灯不亮" in waiting and str(mine) in waiting
    assert "文化礼堂北侧垃圾桶满溢" in on_the_spot and str(spot) in on_the_spot
    assert "别的网格的事" not in shown
    assert '<path class="grid-area"' in shown


def test_of_a_confidential_matter_no_word_stands_in_a_list_or_on_a_phone(town: Any) -> None:
    case_id = sent_to_me(town, SECRET, confidentiality="C2")
    client = client_of("grid")
    home = client.get("/worker/").content.decode()
    assert "保密事项" in home
    assert SECRET not in home
    pages = client.get("/worker/caseload.json").json()["pages"]
    assert SECRET not in json.dumps(pages, ensure_ascii=False)
    assert f"/worker/task/{case_id}/" not in pages
    assert SECRET in client.get(f"/worker/task/{case_id}/").content.decode()
    assert Look.objects.filter(case_id=case_id, way="page").count() == 1


def test_the_caseload_is_the_pages_without_a_token_and_for_72_hours(town: Any) -> None:
    case_id = sent_to_me(town)
    answer = client_of("grid").get("/worker/caseload.json")
    said = answer.json()
    assert answer["Cache-Control"] == "private, no-store"
    assert said["kept_hours"] == 72
    assert list(said["pages"]) == ["/worker/", "/worker/report/", f"/worker/task/{case_id}/"]
    assert "村口石桥边路灯不亮" in said["pages"][f"/worker/task/{case_id}/"]["html"]
    assert 'data-move="sign_for"' in said["pages"][f"/worker/task/{case_id}/"]["html"]
    assert "csrfmiddlewaretoken" not in answer.content.decode()
    assert Look.objects.filter(case_id=case_id, way="list").count() == 0  # open to everybody (C0)


def test_a_report_without_script_comes_in_once_with_grid_and_photo(town: Any) -> None:
    client = client_of("grid")
    drawn = io.BytesIO()
    Image.new("RGB", (80, 60), "gray").save(drawn, "JPEG")
    for _time in range(2):
        drawn.seek(0)
        drawn.name = "现场.jpg"
        said = {"what": "0901", "text": "", "place": "菜场北门", "key": "k-1", "photos": drawn}
        assert client.post("/worker/report/", said).status_code == 302
    case = Case.objects.get(channel="grid")
    event = Event.objects.get(case_id=case.pk, sequence=1)
    assert case.area_code == town.grid_code
    assert (event.role, event.account_id) == ("grid_worker", town.grid.account_id)
    town.triage(case.pk, area_code=town.grid_code)
    page = client.get(f"/worker/task/{case.pk}/").content.decode()
    assert "暴露垃圾" in page and "菜场北门" in page and "/photo/1/" in page


def test_a_task_is_settled_without_script_and_a_missing_note_loses_nothing(town: Any) -> None:
    case_id, client = in_my_grid(town), client_of("grid")
    address = f"/worker/task/{case_id}/move/handle_on_spot/"
    answer = client.post(address, {"key": "k-2", "note": ""})
    assert answer.status_code == 422
    assert 'id="move-handle_on_spot"' in answer.content.decode()
    assert 'aria-invalid="true"' in answer.content.decode()
    assert client.post(address, {"key": "k-2", "note": "已清运"}).status_code == 302
    assert Case.objects.get(pk=case_id).state == "feedback"
    refused = client.post(address, {"key": "k-3", "note": "再来一次，字还在"})
    assert refused.status_code == 403
    for name in ("close", "triage", "nonsense"):
        assert client.post(f"/worker/task/{case_id}/move/{name}/", {}).status_code == 404


def test_the_frame_is_the_same_for_everybody_and_speaks_two_languages(town: Any) -> None:
    sent_to_me(town)
    frame = Client().get("/worker/shell/", {"language": "zh-hans"}).content
    assert client_of("grid").get("/worker/shell/", {"language": "zh-hans"}).content == frame
    assert b"csrfmiddlewaretoken" not in frame and "待发箱".encode() in frame
    english = Client().get("/worker/shell/", {"language": "en"}).content.decode()
    assert '<html lang="en">' in english and "This phone" in english


def test_the_service_worker_names_what_it_keeps_and_all_of_it_is_there(db: None) -> None:
    answer = Client().get("/worker/offline.js")
    if answer.status_code == 404:
        pytest.skip("needs the bundle: python -m maplebridge.config.bundle")
    kept = json.loads(answer.content.split(b"=", 1)[1].split(b";\n", 1)[0])
    assert answer["Service-Worker-Allowed"] == "/worker/"
    assert answer["Cache-Control"] == "no-cache"
    assert (kept["scope"], kept["shell"]) == ("/worker/", "/worker/shell/")
    for address in kept["assets"]:
        assert finders.find(address.removeprefix("/static/")), address


def test_the_manifest_has_its_icons(db: None) -> None:
    answer = Client().get("/worker/manifest.webmanifest")
    said = json.loads(answer.content)
    assert (said["start_url"], said["scope"], said["display"]) == (
        "/worker/", "/worker/", "standalone",
    )  # fmt: skip
    for icon in said["icons"]:
        path = finders.find(icon["src"].removeprefix("/static/"))
        with Image.open(str(path)) as drawn:
            assert f"{drawn.width}x{drawn.height}" == icon["sizes"]
