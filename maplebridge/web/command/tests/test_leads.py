"""The receiving organ's page: read once, confirm, give back; nobody else has it."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from maplebridge.cases.models import Case, Look
from maplebridge.journey import advance
from maplebridge.journey.intake import Report, take_in
from maplebridge.web.command.tests.test_desk import desk_of

pytestmark = pytest.mark.django_db
LEAD = "举报村支书贪污受贿，收受贿赂，以权谋私，中饱私囊。"
PAGE = "/desk/leads/"


def lead() -> Case:
    said = Report("web", "x", str(uuid4()), LEAD, area_code="330825209201")
    case_id = take_in(said).case_id
    advance.advance(case_id)
    return Case.objects.get(pk=case_id)


def say(client: Client, case: Case, act: str, **more: str) -> Any:
    return client.post(PAGE, {"case": str(case.pk), "act": act, "key": str(uuid4()), **more})


def test_only_posts_of_receiving_organs_have_the_page(town):
    assert reverse("desk-leads") == PAGE
    for name in ("town", "county", "housing", "administrator", "auditor", "leader"):
        assert desk_of(name).get(PAGE).status_code == 403
    assert "移交线索" in desk_of("discipline").get(PAGE).content.decode()
    assert Client().get(PAGE).status_code in (302, 403)


def test_the_organ_reads_it_once_and_confirms(town):
    case, desk = lead(), desk_of("discipline")
    listed = desk.get(PAGE).content.decode()
    assert case.number in listed
    assert "贪污" not in listed
    assert say(desk, case, "open", reason="").status_code == 422
    opened = say(desk, case, "open", reason="受理线索")
    assert (opened.status_code, LEAD in opened.content.decode()) == (200, True)
    assert Look.objects.get(case_id=case.pk, reason="受理线索").unit_code == "330825-dis"
    again = say(desk, case, "open", reason="再看")
    assert (again.status_code, LEAD in again.content.decode()) == (422, False)
    assert LEAD not in desk.get(PAGE).content.decode()
    assert LEAD not in desk.get(f"/desk/case/{case.pk}/").content.decode()
    assert say(desk, case, "confirm", receipt="不对").status_code == 422
    assert say(desk, case, "confirm", receipt="JJ-2026-7").status_code == 302
    page = desk.get(PAGE).content.decode()
    assert re.search(rf"{case.number}.*JJ-2026-7", page, re.DOTALL)
    assert say(desk, case, "open", reason="再看").status_code == 404


def test_another_organ_and_a_neighbour_get_no_sign_of_it(town):
    case = lead()
    absent = say(desk_of("police"), case, "open", reason="x")
    assert absent.status_code == 404
    nothing = Case(pk=uuid4())
    assert say(desk_of("police"), nothing, "open", reason="x").content == absent.content
    for name in ("town", "county", "city"):
        assert desk_of(name).get(f"/desk/case/{case.pk}/").status_code == 404


def test_the_organ_gives_it_back(town):
    case, desk = lead(), desk_of("discipline")
    assert say(desk, case, "return", reason="属于信访事项").status_code == 302
    case.refresh_from_db()
    assert (case.state, case.unit_code) == ("reported", "330825209-room")
    assert LEAD in desk_of("town").get(f"/desk/case/{case.pk}/").content.decode()


def test_a_reporter_names_the_office_in_the_form(town):
    said = {"text": "办事的人让我跑了五趟", "key": str(uuid4()), "about": "综合信息指挥室"}
    several = Client().post("/report/", said)
    assert several.status_code == 422
    assert "您指的是哪个单位？" in several.content.decode()
    name = "社阳乡综合信息指挥室"
    done = Client().post("/report/", {**said, "about": name})
    assert done.status_code == 302
    case = Case.objects.get(about_unit="330825209-room")
    assert case.unit_code == "330825-center"
    sent = {"text": "办事的人让我跑了五趟", "key": "k" * 20, "about": "330825-hsc"}
    answer = Client().post("/api/v1/reports", sent, content_type="application/json")
    assert answer.status_code == 201
    assert Case.objects.get(about_unit="330825-hsc").unit_code == "330825-center"


def test_an_office_that_nobody_knows_keeps_no_report_out_and_few_read_it(town):
    said = {"text": "办事的人让我跑了五趟", "key": str(uuid4()), "about": "不存在的单位"}
    assert Client().post("/report/", said).status_code == 302
    case = Case.objects.get()
    assert (case.about_unit, case.confidentiality) == ("", "C2")


def test_the_reporters_receipt_says_that_it_was_handed_over_and_no_word_of_it(town):
    case, desk = lead(), desk_of("discipline")
    before = Client().get(f"/r/{case.query_code}/").content.decode()
    assert "已密封移交" in before
    assert "贪污" not in before
    say(desk, case, "open", reason="受理线索")
    say(desk, case, "confirm", receipt="JJ-1")
    after = Client().get(f"/r/{case.query_code}/").content.decode()
    assert "主管机关已接收" in after
    said = {"more": "还有一笔补助款", "key": str(uuid4())}
    assert (
        Client()
        .post(reverse("receipt-move", args=[case.query_code, "tell_more"]), said)
        .status_code
        == 302
    )
    assert "补助款" not in Client().get(f"/r/{case.query_code}/").content.decode()
    assert "已密封移交" in Client().get(f"/r/{case.query_code}/").content.decode()
