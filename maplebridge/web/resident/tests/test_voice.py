"""A voice note goes with a report, is heard by its own code, in ranges, and never as a page."""

from __future__ import annotations

import io
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from maplebridge.cases.models import Attachment, Case, Event, Payload
from maplebridge.web.parts import photos

pytestmark = pytest.mark.django_db
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm" + b"A_OPUS" + b"0123456789"


def recording(data: bytes = WEBM) -> SimpleUploadedFile:
    return SimpleUploadedFile("录音.webm", data, "text/html")


def jpegs(many: int) -> list[SimpleUploadedFile]:
    made = []
    for shade in range(many):
        drawn = io.BytesIO()
        Image.new("RGB", (20, 20), (shade * 50, 90, 90)).save(drawn, "JPEG")
        made.append(SimpleUploadedFile(f"{shade}.jpg", drawn.getvalue(), "image/jpeg"))
    return made


def test_a_voice_note_needs_no_words_and_goes_beside_five_photos(client: Client, town: Any) -> None:
    answer = client.post("/report/", {"key": "k", "voice": recording(), "photos": jpegs(5)})
    assert answer.status_code == 302
    kinds = list(Attachment.objects.order_by("number").values_list("media_type", flat=True))
    assert kinds == ["image/jpeg"] * 5 + ["audio/webm"]
    assert Payload.objects.get(part="words").content == {"text": "（语音留言，请听录音）"}
    held = client.get(answer["Location"]).content.decode()
    assert held.count("<audio") == 1
    assert held.count("<img") == 5


def test_it_is_played_in_ranges_and_sandboxed(client: Client, town: Any) -> None:
    answer = client.post("/report/", {"key": "k", "voice": recording()})
    address = f"{answer['Location']}photo/1/"
    whole = client.get(address)
    assert b"".join(whole.streaming_content) == WEBM
    assert whole["Content-Type"] == "audio/webm"
    assert whole["X-Content-Type-Options"] == "nosniff"
    assert whole["Content-Security-Policy"] == "default-src 'none'; sandbox"
    last = len(WEBM) - 1
    for asked, status, body in [
        ("bytes=0-", 206, WEBM),
        (f"bytes={last - 3}-{last}", 206, b"6789"),
        ("bytes=0-0", 206, WEBM[:1]),
        (f"bytes={last + 1}-", 416, b""),
    ]:
        part = client.get(address, headers={"Range": asked})
        assert (part.status_code, part.content) == (status, body), asked
    other = town.opened()
    assert client.get(f"/r/{other.query_code}/photo/1/").status_code == 404


def test_what_is_no_recording_is_said_and_the_words_stay(client: Client, town: Any) -> None:
    wrong = recording(b"<script>alert(1)</script>")
    answer = client.post("/report/", {"key": "k", "text": "路灯不亮。", "voice": wrong})
    assert answer.status_code == 422
    held = answer.content.decode()
    assert "录音.webm不是能播放的录音" in held
    assert "路灯不亮。" in held
    assert not Case.objects.exists()


def test_after_a_refusal_the_recording_need_not_be_made_again(client: Client, town: Any) -> None:
    said = {"key": "k", "phone": "12"}
    refused = client.post("/report/", {**said, "voice": recording()})
    token = refused.context["kept_voice"]
    client.post("/report/", {"key": "k", "kept_voice": token})
    assert Attachment.objects.get().media_type == "audio/webm"
    assert client.post("/report/", {"key": "l", "kept_voice": token + "x"}).status_code == 422


@pytest.mark.parametrize("name", ["keep_photo", "keep_voice"])
def test_a_full_disk_is_said_and_the_words_stay(client: Client, town: Any, name: str) -> None:
    sent = {"keep_photo": {"photos": jpegs(1)}, "keep_voice": {"voice": recording()}}[name]
    with mock.patch.object(photos, name, side_effect=OSError(28, "No space left on device")):
        answer = client.post("/report/", {"key": "k", "text": "路灯不亮。", **sent})
    assert answer.status_code == 422
    assert "暂时无法保存" in answer.content.decode()
    assert "路灯不亮。" in answer.content.decode()


@pytest.mark.parametrize(("said", "kept"), [("family", "family"), ("worker", "worker"), ("", None),
                                            ("叶小满", None)])  # fmt: skip
def test_who_helped_is_a_fact_and_never_a_name(
    client: Client, town: Any, said: str, kept: str | None
) -> None:
    answer = client.post("/report/", {"key": "k", "text": "路灯不亮。", "behalf": said})
    event = Event.objects.get(sequence=1)
    assert event.facts.get("behalf") == kept
    held = client.get(answer["Location"]).content.decode()
    assert ("代报" in held) is bool(kept)


def test_an_anonymous_report_of_a_kind_that_needs_somebody_is_told_so(
    client: Client, town: Any
) -> None:
    answer = client.post("/report/", {"key": "k", "text": "老板欠薪三个月。", "anonymous": "yes"})
    code = answer["Location"].split("/")[2]
    assert "联系得上当事人" not in client.get(f"/r/{code}/").content.decode()
    Case.objects.filter(query_code=code).update(category="1301")
    assert "联系得上当事人" in client.get(f"/r/{code}/").content.decode()
    Case.objects.filter(query_code=code).update(category="1002")
    assert "联系得上当事人" not in client.get(f"/r/{code}/").content.decode()


@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_large_type_leads_to_no_other_site(client: Client, db: None, there: str) -> None:
    answer = client.post("/ease/", {"large": "yes", "next": there})
    assert answer["Location"] == "/"
    assert client.cookies["ease"]["httponly"]
    assert "data-large" in client.get("/follow/").content.decode()
    client.post("/ease/", {"large": "no"})
    assert "data-large" not in client.get("/follow/").content.decode()
