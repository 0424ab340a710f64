"""My data: a copy, a correction, an erasure, by whoever holds the query code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from maplebridge.cases.models import Case, Event, Request
from maplebridge.cases.reporters import Destroyed, reporter_of_case

NAME, PHONE = "甄秀英", "13912345678"


@pytest.fixture
def case(town: Any) -> Case:
    return town.case(town.report(reporter={"name": NAME, "phone": PHONE}).case_id)


def page(answer: Any) -> str:
    return str(answer.content.decode())


def address(case: Case) -> str:
    return f"/r/{case.query_code}/mine/"


def test_the_page_masks_who_reported(case: Case) -> None:
    shown = page(Client().get(address(case)))
    assert "甄**" in shown
    assert "139****5678" in shown
    assert NAME not in shown
    assert PHONE not in shown


def test_a_copy_is_whole_for_whoever_knows_the_end_of_the_number(case: Case) -> None:
    client = Client()
    masked = client.post(address(case), {"wish": "access", "key": "a"})
    held = json.loads(page(masked))
    assert (held["name"], held["telephone"]) == ("甄**", "139****5678")
    assert held["what_you_said"]["text"] == "村口下水道堵了，污水漫到路上"
    assert masked["Cache-Control"].find("no-store") >= 0
    wrong = client.post(address(case), {"wish": "access", "key": "b", "digits": "0000"})
    assert wrong.status_code == 422
    assert PHONE not in page(wrong)
    whole = json.loads(page(client.post(address(case), {"wish": "access", "digits": "5678"})))
    assert (whole["name"], whole["telephone"]) == (NAME, PHONE)
    assert Request.objects.filter(case_id=case.pk, wish="access").count() == 2


def test_guessing_the_end_of_the_number_is_stopped(case: Case) -> None:
    client = Client()
    codes = [
        client.post(
            address(case), {"wish": "access", "digits": f"{n:04}"}, REMOTE_ADDR="203.0.113.9"
        ).status_code
        for n in range(40)
    ]
    assert codes[0] == 422
    assert codes[-1] == 429


def test_a_correction_stands_from_then_on_and_is_sealed(case: Case) -> None:
    client = Client()
    said = {"wish": "correct", "key": "c", "phone": "13900001111"}
    assert client.post(address(case), said).status_code == 302
    assert client.post(address(case), said).status_code == 302
    known = reporter_of_case(case.pk)
    assert (known.name, known.phone) == (NAME, "13900001111")
    moves = list(Event.objects.filter(case_id=case.pk).values_list("move", flat=True))
    assert moves.count("correct_reporter") == 1
    for wrong in ({"name": ""}, {"phone": "12"}, {"name": "甄" * 61}):
        answer = client.post(address(case), {"wish": "correct", **wrong})
        assert answer.status_code == 422
    assert "甄" * 61 in page(answer)
    receipt = page(client.get(f"/r/{case.query_code}/"))
    assert "反映人更正了姓名或电话" in receipt


def test_an_erasure_waits_for_the_end_and_says_so(case: Case) -> None:
    client = Client()
    said = {"wish": "delete", "key": "d"}
    assert client.post(address(case), said).status_code == 302
    shown = page(client.get(address(case)))
    assert "办结后方可删除" in shown
    assert reporter_of_case(case.pk).name == NAME
    Case.objects.filter(pk=case.pk).update(ended=True)
    assert client.post(address(case), {"wish": "delete", "key": "e"}).status_code == 302
    with pytest.raises(Destroyed):
        reporter_of_case(case.pk)
    assert "甄**" not in page(client.get(address(case)))


def test_a_wrong_code_finds_nothing(case: Case) -> None:
    for method in ("get", "post"):
        assert getattr(Client(), method)("/r/AAAA-BBBB-CCCC/mine/").status_code == 404
    assert Client().post(address(case), {"wish": "everything"}).status_code == 422
