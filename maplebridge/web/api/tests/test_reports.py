"""The JSON interface: receipts, repeats, problems in sentences."""

from __future__ import annotations

import json
from unittest.mock import patch

import pytest
from django.db import OperationalError

from maplebridge.cases.models import Case

pytestmark = pytest.mark.django_db


def post(client, **said):
    return client.post("/api/v1/reports", json.dumps(said), content_type="application/json")


def test_a_report_gets_a_receipt_and_can_be_followed(client, town):
    answer = post(client, key="device-0001-report-1", text="社阳乡社阳村路灯不亮")
    assert answer.status_code == 201
    receipt = answer.json()
    assert receipt["fresh"] is True
    followed = client.get(f"/api/v1/reports/{receipt['query_code']}").json()
    assert (followed["number"], followed["state"], followed["ended"]) == (
        receipt["number"],
        "reported",
        False,
    )
    assert followed["due_at"]


def test_the_same_key_gives_the_same_receipt_and_no_second_case(client, town):
    first = post(client, key="device-0001-report-1", text="路灯不亮")
    second = post(client, key="device-0001-report-1", text="路灯不亮")
    assert second.status_code == 200
    assert second.json()["query_code"] == first.json()["query_code"]
    assert Case.objects.count() == 1


def test_a_point_outside_the_city_is_a_problem_in_words(client, town):
    answer = post(client, key="device-0001-report-1", text="灯", lon=120.15, lat=30.27)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert list(answer.json()["problems"]) == ["point"]
    assert Case.objects.count() == 0


def test_a_body_of_another_form_is_a_problem(client, town):
    assert post(client, text="灯").status_code == 422
    broken = client.post("/api/v1/reports", "{", content_type="application/json")
    assert broken.status_code in (400, 422)
    assert Case.objects.count() == 0


@pytest.mark.parametrize(
    "key",
    [
        "short",
        "x" * 101,
        "device-0001 report-1",
        "device-0001\x00report-1",
        "device-0001-report-1\n",
        "设备编号零零零一的第一份报告之一",
        "device-0001-report-\ud800",
    ],
)
def test_a_key_of_another_form_is_refused_in_a_sentence(client, town, key):
    answer = post(client, key=key, text="路灯不亮")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert list(answer.json()["problems"].values()) == [
        "编号应为 16 至 100 个可见字符，不含空格，请随机生成。"
    ]
    assert Case.objects.count() == 0


def test_the_reporter_of_a_confidential_twin_learns_its_state_alone(client, town):
    first, second = town.opened("accepted"), town.opened("accepted")
    town.move(second.pk, "merge", town.town, {"into": str(first.pk)})
    address = f"/api/v1/reports/{second.query_code}"
    open_to_both = client.get(address).json()
    assert open_to_both["unit"]
    assert open_to_both["due_at"]
    Case.objects.filter(pk=first.pk).update(confidentiality="C2")
    secret = client.get(address).json()
    assert secret == {**open_to_both, "unit": "", "due_at": None}
    own = client.get(f"/api/v1/reports/{first.query_code}").json()
    assert own["unit"] == open_to_both["unit"]


def test_a_guessed_code_finds_nothing(client, town):
    answer = client.get("/api/v1/reports/ABCD-EFGH-JKMN")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_closed_database_says_when_to_try_again(client, town):
    with patch("maplebridge.journey.intake.engine.open", side_effect=OperationalError("down")):
        answer = post(client, key="device-0001-report-1", text="路灯不亮")
    assert (answer.status_code, answer["Retry-After"]) == (503, "20")
    assert "down" not in answer.content.decode()
