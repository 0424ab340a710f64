"""The server's end of the outbox: everything may be sent again, and nothing is taken on trust."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from maplebridge.cases.models import Attachment, Case, Event
from maplebridge.organisation.models import Account, Act
from maplebridge.web.worker import chunks, devices, shown
from maplebridge.web.worker.models import Device
from maplebridge.web.worker.tests.test_pages import client_of, sent_to_me

WORDS = "文化礼堂北侧垃圾桶满溢"


@pytest.fixture(autouse=True)
def shelf(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def phone(town: Any) -> Client:
    """The grid worker's telephone, which has met the server once."""
    client = client_of("grid")
    assert client.get("/worker/standing/").status_code == 200
    return client


def keeper(town: Any, login: str = "grid") -> str:
    return shown.keeper_of(getattr(town, login))


def entry(town: Any, **said: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()), "keeper": keeper(town), "kind": "report", "case": None,
        "move": None, "fields": {"text": WORDS, "place": "社阳村"}, "photos": [],
        "at": "2026-11-23T08:00:00.000Z", **said,
    }  # fmt: skip


def post(client: Client, said: dict[str, Any]) -> Any:
    return client.post("/worker/outbox/", json.dumps(said), content_type="application/json")


def put(client: Client, sha256: str, piece: bytes, begin: int, total: int) -> Any:
    address = f"/worker/parts/{sha256}/?from={begin}&of={total}"
    return client.put(address, piece, content_type="application/octet-stream")


def picture() -> tuple[bytes, str]:
    drawn = io.BytesIO()
    Image.effect_noise((160, 120), 80).convert("RGB").save(drawn, "JPEG")
    return drawn.getvalue(), hashlib.sha256(drawn.getvalue()).hexdigest()


def test_a_report_sent_twice_is_one_case_with_one_number(town: Any, phone: Client) -> None:
    said = entry(town)
    first, second = post(phone, said).json(), post(phone, said).json()
    case = Case.objects.get(channel="grid")
    assert (first["number"], first["case"]) == (case.number, str(case.pk))
    assert (first["fresh"], second["fresh"], second["same"]) == (True, False, True)
    assert {**first, "fresh": 0} == {**second, "fresh": 0}
    event = Event.objects.get(case_id=case.pk)
    assert event.facts["told_at"].startswith("2026-11-23T08:00:00")
    assert event.account_id == town.grid.account_id


def test_a_change_after_it_arrived_is_told_and_not_taken(town: Any, phone: Client) -> None:
    said = entry(town)
    post(phone, said)
    again = post(phone, {**said, "fields": {"text": "完全不同的话"}}).json()
    assert (again["fresh"], again["same"]) == (False, False)
    assert Case.objects.filter(channel="grid").count() == 1


def test_sent_from_two_accounts_it_is_still_one_case(town: Any, phone: Client) -> None:
    said = entry(town)
    other = client_of("village")
    first = post(phone, said).json()
    second = post(other, {**said, "keeper": keeper(town, "village")}).json()
    assert (second["number"], second["fresh"]) == (first["number"], False)


def test_a_photo_comes_in_pieces_and_goes_on_where_it_broke_off(town: Any, phone: Client) -> None:
    photo, sha256 = picture()
    said = entry(town, photos=[sha256])
    lacking = post(phone, said)
    assert (lacking.status_code, lacking.json()["missing"]) == (202, {sha256: 0})
    assert not Case.objects.filter(channel="grid").exists()
    half = len(photo) // 2
    assert put(phone, sha256, photo[:half], 0, len(photo)).json() == {"received": half}
    assert phone.get(f"/worker/parts/{sha256}/").json() == {"received": half, "whole": False}
    # The same piece again, and one from beyond the end of what is here.
    for begin in (0, half + 5):
        wrong = put(phone, sha256, photo[begin:], begin, len(photo))
        assert (wrong.status_code, wrong.json()["received"]) == (409, half)
    assert post(phone, said).json()["missing"] == {sha256: half}
    assert put(phone, sha256, photo[half:], half, len(photo)).json() == {"received": len(photo)}
    taken = post(phone, said).json()
    assert taken["photos"] == 1
    assert Attachment.objects.get().case_id == uuid.UUID(taken["case"])
    # It lies among the kept photos now and nowhere else; sent again it is not asked for.
    assert not list(Path(chunks.settings.MEDIA_ROOT).glob("parts/*/*"))
    assert post(phone, said).json() == {**taken, "fresh": False}


def test_bytes_that_are_not_what_their_name_says_are_thrown_away(town: Any, phone: Client) -> None:
    photo, sha256 = picture()
    damaged = put(phone, sha256, photo[:-1] + b"?", 0, len(photo))
    assert (damaged.status_code, damaged.json()["received"]) == (422, 0)
    assert put(phone, sha256, photo, 0, len(photo)).status_code == 200


def test_what_is_no_photo_is_refused_with_a_sentence(town: Any, phone: Client) -> None:
    text = b"no photo at all"
    sha256 = hashlib.sha256(text).hexdigest()
    assert put(phone, sha256, text, 0, len(text)).status_code == 200
    refused = post(phone, entry(town, photos=[sha256]))
    assert refused.status_code == 422
    assert (
        refused.json()["problems"]
        == {"photos": "“这张照片”不是我们能读取的照片。请上传 JPEG、PNG 或 WebP 格式。"}
        or "JPEG" in refused.json()["problems"]["photos"]
    )


def test_too_large_is_said_before_it_is_sent(town: Any, phone: Client) -> None:
    _photo, sha256 = picture()
    assert put(phone, sha256, b"x", 0, 16 * 1024 * 1024).status_code == 413
    assert put(phone, sha256, b"x" * (1024 * 1024 + 1), 0, 5 * 1024 * 1024).status_code == 413
    long = entry(town, fields={"text": "长" * 10_001})
    assert post(phone, long).status_code == 422
    assert post(phone, entry(town, fields={"text": "长" * 100_000})).status_code == 413


def test_pieces_of_one_account_are_not_seen_by_another(town: Any, phone: Client) -> None:
    photo, sha256 = picture()
    put(phone, sha256, photo, 0, len(photo))
    other = client_of("village")
    assert other.get(f"/worker/parts/{sha256}/").json() == {"received": 0, "whole": False}


def test_what_nobody_finished_is_swept_after_a_week(town: Any, phone: Client) -> None:
    photo, sha256 = picture()
    put(phone, sha256, photo[:10], 0, len(photo))
    [path] = Path(chunks.settings.MEDIA_ROOT).glob("parts/*/*.part")
    os.utime(path, (time.time() - 6.9 * 86400,) * 2)
    chunks.sweep()
    assert path.exists()
    os.utime(path, (time.time() - 7.1 * 86400,) * 2)
    chunks.sweep()
    assert not path.exists()


def test_a_move_sent_twice_is_one_event(town: Any, phone: Client) -> None:
    case_id = sent_to_me(town)
    said = entry(town, kind="move", case=str(case_id), move="sign_for", fields={})
    first, second = post(phone, said).json(), post(phone, said).json()
    assert (first["state"], first["fresh"], second["fresh"]) == ("handling", True, False)
    assert Event.objects.filter(case_id=case_id, move="sign_for").count() == 1


def test_what_the_move_needs_is_said_by_field(town: Any, phone: Client) -> None:
    case_id = sent_to_me(town)
    town.move(case_id, "sign_for", town.grid, {})
    said = entry(town, kind="move", case=str(case_id), move="feedback", fields={})
    refused = post(phone, said)
    assert refused.status_code == 422
    assert list(refused.json()["problems"]) == ["result"]


def test_when_somebody_was_faster_both_versions_are_told(town: Any, phone: Client) -> None:
    case_id = sent_to_me(town)
    seen = Case.objects.get(pk=case_id).sequence
    town.move(case_id, "sign_for", town.grid, {})
    fields = {"expected_sequence": str(seen)}
    said = entry(town, kind="move", case=str(case_id), move="sign_for", fields=fields)
    stale = post(phone, said)
    assert stale.status_code == 409
    assert stale.json()["theirs"]["state"] == "handling"
    assert stale.json()["theirs"]["sequence"] == seen + 1


def test_a_foreign_case_answers_like_one_that_is_not_there(town: Any, phone: Client) -> None:
    foreign = town.report(area_code="330802005", unit_code="330802005-room").case_id
    told = [
        post(phone, entry(town, kind="move", case=str(case_id), move="sign_for", fields={}))
        for case_id in (foreign, uuid.uuid4())
    ]
    assert [answer.status_code for answer in told] == [404, 404]
    assert told[0].content == told[1].content
    assert Event.objects.filter(case_id=foreign).count() == 1


def test_what_was_entered_under_another_post_is_not_sent_under_this_one(
    town: Any, phone: Client
) -> None:
    other = post(phone, entry(town, keeper=keeper(town, "village")))
    assert (other.status_code, other.json()["keeper"]) == (409, False)
    assert not Case.objects.filter(channel="grid").exists()


def test_visitors_and_other_posts_leave_nothing(town: Any) -> None:
    assert post(Client(), entry(town)).status_code == 401
    assert Client().get("/worker/standing/").status_code == 401
    desk = client_of("housing")
    assert post(desk, entry(town, keeper=keeper(town, "housing"))).status_code == 403
    assert not Case.objects.filter(channel="grid").exists()


@pytest.mark.parametrize(
    "said",
    [
        [], "text", {}, {"id": "x"}, {"kind": "sweep"}, {"photos": ["../../etc"]},
        {"photos": [letter * 64 for letter in "abcdef"]},
        {"fields": {"text": {"deep": 1}}}, {"kind": "move", "case": None, "move": "sign_for"},
    ],
)  # fmt: skip
def test_what_no_outbox_would_send_is_refused(town: Any, phone: Client, said: Any) -> None:
    whole = {**entry(town), **said} if isinstance(said, dict) and said else said
    assert post(phone, whole).status_code == 400


def test_a_form_of_another_site_changes_nothing(town: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(Account.objects.get(username="grid"))
    token = client.get("/worker/standing/").json()["token"]
    assert post(client, entry(town)).status_code == 403
    said = json.dumps(entry(town))
    address, kind = "/worker/outbox/", "application/json"
    sent = client.post(address, said, content_type=kind, headers={"X-CSRFToken": token})
    assert sent.status_code == 200


def test_a_phone_that_was_signed_off_is_told_to_wipe(town: Any, phone: Client) -> None:
    phone.get("/worker/standing/")
    device = Device.objects.get()
    [told] = devices.mine(town.grid)
    assert (told.id, told.revoked_at) == (device.pk, None)
    assert not devices.revoke(town.village, device.pk)
    assert not devices.revoke(town.stranger, device.pk)
    assert Device.objects.get().revoked_at is None
    assert devices.revoke(town.grid, device.pk)
    # Its session ended with it, and it is told to wipe all the same.
    for answer in (phone.get("/worker/standing/"), post(phone, entry(town))):
        assert (answer.status_code, answer.json()["wipe"]) == (403, True)
    assert not Case.objects.filter(channel="grid").exists()
    assert "_auth_user_id" not in phone.session
    # Whoever signs in on it again, with a password, begins anew.
    phone.force_login(Account.objects.get(username="grid"))
    assert phone.get("/worker/standing/").json()["ok"] is True
    assert [told.revoked_at is None for told in devices.mine(town.grid)] == [True, False]


def test_a_security_officer_signs_off_a_phone_and_that_is_noted(town: Any, phone: Client) -> None:
    phone.get("/worker/standing/")
    device = Device.objects.get()
    assert [told.id for told in devices.of_account(town.security, device.account_id)] == [device.pk]
    assert devices.of_account(town.auditor, device.account_id) == []
    assert not devices.revoke(town.auditor, device.pk)
    assert devices.revoke(town.security, device.pk)
    assert devices.revoke(town.security, device.pk)
    assert Act.objects.filter(facts__device=str(device.pk)).count() == 1


def test_the_worker_reads_every_point_that_was_stored_and_nobody_elses(
    town: Any, phone: Client
) -> None:
    point = {"text": WORDS, "lon": "119.123456", "lat": "28.912345", "accuracy_metres": "18"}
    taken = post(phone, entry(town, fields=point))
    assert taken.status_code == 200, taken.content.decode()
    post(phone, entry(town))
    [shown_point] = devices.points(town.grid)
    assert (shown_point.number, shown_point.lon, shown_point.lat) == (
        taken.json()["number"], 119.123456, 28.912345,
    )  # fmt: skip
    assert shown_point.accuracy_metres == 18
    assert devices.points(town.village) == []
