"""The report form without any script: taken in once, refused in sentences, every word kept."""

from __future__ import annotations

import io
import re
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from PIL import Image

from maplebridge.cases.models import Attachment, Case, Payload
from maplebridge.cases.reporters import Reporter, reporter_of_case
from maplebridge.web.resident import views

TEXT = "翠光路菜市场门口的下水道堵了，污水漫到人行道上。"


def jpeg(side: int = 40) -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (side, side), "#557755").save(drawn, "JPEG")
    return drawn.getvalue()


def said(**fields: Any) -> dict[str, Any]:
    return {"text": TEXT, "place": "菜市场北门", "key": "key-1", **fields}


def page(answer: Any) -> str:
    return str(answer.content.decode())


def test_the_form_costs_no_statement(
    client: Client, db: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/report/")
    assert answer.status_code == 200
    assert re.search(r'name="key" value="[0-9a-f-]{36}"', page(answer))
    assert "几句话，或者一段语音就够了" in page(answer)


def test_a_report_leads_to_its_receipt(client: Client, town: Any) -> None:
    answer = client.post("/report/", said(name="叶小满", phone="0570 0000000"))
    assert answer.status_code == 302
    case = Case.objects.get(query_code=answer["Location"].split("/")[2])
    assert (case.channel, case.state, case.anonymous) == ("web", "reported", False)
    assert reporter_of_case(case.pk) == Reporter("叶小满", "0570 0000000")
    receipt = page(client.get(answer["Location"]))
    assert case.number in receipt
    assert case.query_code in receipt
    assert "市大联动中心" in receipt


def test_the_same_form_twice_opens_one_case(client: Client, town: Any) -> None:
    first = client.post("/report/", said())
    again = client.post("/report/", said())
    assert first["Location"] == again["Location"]
    assert Case.objects.count() == 1


def test_an_anonymous_report_keeps_no_contact(client: Client, town: Any) -> None:
    client.post("/report/", said(anonymous="yes", name="叶小满", phone="0570 0000000"))
    assert Case.objects.get().anonymous
    assert not Payload.objects.filter(part="reporter").exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": ""}, "请简单说说是什么事"),
        ({"text": "字" * 100_000}, "100000"),
        ({"lon": "121.47", "lat": "31.23"}, "用文字描述"),
        ({"lon": "abc", "lat": "28"}, "位置没有读懂"),
    ],
)
def test_what_cannot_be_used_is_said_and_kept(
    client: Client, town: Any, fields: dict[str, str], sentence: str
) -> None:
    answer = client.post("/report/", said(**fields, name="叶小满"))
    assert answer.status_code == 422
    shown = page(answer)
    assert "还没有提交成功" in shown
    if sentence.isascii() or "位置没有" in sentence:
        assert sentence in shown
    assert 'value="菜市场北门"' in shown
    assert 'value="叶小满"' in shown
    assert 'name="key" value="key-1"' in shown
    assert fields.get("text", TEXT)[:5000] in shown
    assert not Case.objects.exists()


def test_html_named_jpg_is_refused_and_the_words_stay(client: Client, town: Any) -> None:
    fake = SimpleUploadedFile("照片.jpg", b"<html><script>alert(1)</script>", "image/jpeg")
    answer = client.post("/report/", said(photos=[fake]))
    assert answer.status_code == 422
    assert "照片.jpg" in page(answer)
    assert TEXT in page(answer)
    assert not Case.objects.exists()


def test_a_photo_of_20_megabytes_is_refused_by_its_size(client: Client, town: Any) -> None:
    large = SimpleUploadedFile("大.jpg", b"\xff\xd8\xff" + b"0" * (20 * 1024 * 1024), "image/jpeg")
    answer = client.post("/report/", said(photos=[large]))
    assert answer.status_code == 422
    assert "20.0 MB" in page(answer)
    assert TEXT in page(answer)


def test_a_good_photo_beside_a_bad_one_need_not_be_sent_again(client: Client, town: Any) -> None:
    good = SimpleUploadedFile("好.jpg", jpeg(), "image/jpeg")
    bad = SimpleUploadedFile("坏.jpg", b"no photo", "image/jpeg")
    answer = client.post("/report/", said(photos=[good, bad]))
    assert answer.status_code == 422
    token = re.search(r'name="kept" value="([^"]+)"', page(answer))
    assert token
    answer = client.post("/report/", said(kept=token[1]))
    assert answer.status_code == 302
    assert Attachment.objects.get().media_type == "image/jpeg"


def test_a_forged_token_brings_no_photo(client: Client, town: Any) -> None:
    answer = client.post("/report/", said(kept="0" * 80))
    assert answer.status_code == 302
    assert not Attachment.objects.exists()


def test_a_closed_database_loses_no_word_and_no_photo(client: Client) -> None:
    photo = SimpleUploadedFile("好.jpg", jpeg(), "image/jpeg")
    with mock.patch.object(views, "take_in", side_effect=OperationalError("closed")):
        answer = client.post("/report/", said(photos=[photo]))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "20"
    assert "什么都没有丢" in page(answer)
    assert TEXT in page(answer)
    assert 'name="kept"' in page(answer)
    assert 'name="key" value="key-1"' in page(answer)
    assert "closed" not in re.sub(r"<[^>]+>", "", page(answer))


def test_every_word_is_escaped(client: Client, town: Any) -> None:
    answer = client.post("/report/", said(text="", place='"><script>alert(1)</script>'))
    assert "<script>alert" not in page(answer)
