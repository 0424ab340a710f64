"""Papers at a desk: who may download what, and a stranger who finds nothing."""

from __future__ import annotations

import io
import uuid
from typing import Any
from urllib.parse import unquote

import pypdfium2
import pytest
from django.test import Client
from docx import Document

from maplebridge.cases.models import Event
from maplebridge.lib.papers import MEDIA_TYPES, pdf
from maplebridge.web.command.tests.test_desk import desk_of, page, stranger

__all__ = ["stranger"]
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not (pdf.FONTS / "NotoSerifSC_400Regular.ttf").exists(),
        reason="needs the fonts: python -m maplebridge.config.bundle",
    ),
]
TOWN, COUNTY = "330825209", "330825"


def test_a_desk_downloads_the_reports_of_its_own_area(town: Any) -> None:
    town.opened()
    client = desk_of("town")
    shown = page(client.get("/desk/papers/"))
    assert f'value="{TOWN}"' in shown
    assert f'value="{COUNTY}"' not in shown
    asked = {"paper": "daily", "area": TOWN, "form": "pdf"}
    answer = client.get("/desk/papers/", asked)
    assert answer.status_code == 200
    assert answer["Content-Type"] == MEDIA_TYPES["pdf"]
    assert answer["Cache-Control"] == "private, no-store"
    assert "社阳乡社会治理日报" in unquote(answer["Content-Disposition"])
    assert (
        "社阳乡社会治理日报"
        in pypdfium2.PdfDocument(answer.content)[0].get_textpage().get_text_range()
    )
    answer = client.get("/desk/papers/", {**asked, "paper": "circular", "form": "docx"})
    assert answer["Content-Type"] == MEDIA_TYPES["docx"]
    assert Document(io.BytesIO(answer.content)).paragraphs[0].text == "草稿　未经签发"


def test_a_paper_is_in_the_citys_language_whatever_the_readers(town: Any) -> None:
    client = desk_of("town")
    asked = {"paper": "weekly", "form": "docx"}
    answer = client.get("/desk/papers/", asked, headers={"accept-language": "en"})
    shown = " ".join(p.text for p in Document(io.BytesIO(answer.content)).paragraphs)
    assert "社阳乡社会治理周报" in shown


def test_what_is_not_ones_own_is_not_found(town: Any, stranger: Client) -> None:
    for client, area in (
        (stranger, TOWN),
        (stranger, COUNTY),
        (desk_of("town"), COUNTY),
        (desk_of("town"), "330825201"),
        (desk_of("housing"), COUNTY),
        (desk_of("auditor"), "3308"),
        (desk_of("grid"), "330825209201001"),
    ):
        for form in ("pdf", "docx"):
            asked = {"paper": "daily", "area": area, "form": form}
            assert client.get("/desk/papers/", asked).status_code == 404
    assert "没有报表" in page(desk_of("housing").get("/desk/papers/"))


@pytest.mark.parametrize(
    "asked",
    [
        {"paper": "yearly", "form": "pdf"},
        {"paper": "daily", "form": "odt"},
        {"paper": "daily"},
        {"paper": "daily", "form": "pdf", "area": "330825209999"},
        {"paper": "daily", "form": "pdf", "area": "330825209'"},
    ],
)
def test_an_unknown_paper_form_or_area_is_not_found(town: Any, asked: dict[str, str]) -> None:
    assert desk_of("town").get("/desk/papers/", asked).status_code == 404


@pytest.mark.parametrize("day", ["2999-01-01", "1999-12-31", "昨天", "2026-02-30"])
def test_a_day_that_cannot_be_is_said_on_the_page(town: Any, day: str) -> None:
    asked = {"paper": "monthly", "form": "pdf", "day": day}
    answer = desk_of("town").get("/desk/papers/", asked)
    assert answer.status_code == 422
    assert "请选择今天或以前的日期" in page(answer)
    assert '<option value="monthly" selected>' in page(answer)


def test_a_visitor_is_asked_to_sign_in_for_papers(client: Client) -> None:
    for address in ("/desk/papers/", f"/desk/case/{uuid.uuid4()}/dispatch-slip.pdf"):
        assert client.get(address)["Location"] == f"/sign-in/?next={address}"


def test_a_case_offers_its_slips_to_those_who_see_it(town: Any, stranger: Client) -> None:
    case = town.opened("dispatched")
    address = f"/desk/case/{case.pk}/dispatch-slip"
    shown = page(desk_of("housing").get(f"/desk/case/{case.pk}/"))
    for form in ("pdf", "docx"):
        assert f'href="{address}.{form}"' in shown
        before = Event.objects.count()
        answer = desk_of("housing").get(f"{address}.{form}")
        assert (answer.status_code, answer["Content-Type"]) == (200, MEDIA_TYPES[form])
        assert f"交办单 {case.number}.{form}" in unquote(answer["Content-Disposition"])
        assert stranger.get(f"{address}.{form}").status_code == 404
        assert desk_of("auditor").get(f"{address}.{form}").status_code == 404
        assert Event.objects.count() == before
    assert "supervision-slip" not in shown
    for wrong in ("supervision-slip.pdf", "dispatch-slip.odt", "other.pdf"):
        assert desk_of("housing").get(f"/desk/case/{case.pk}/{wrong}").status_code == 404


def test_a_case_without_slips_offers_none(town: Any) -> None:
    case = town.opened("accepted")
    assert "slips-title" not in page(desk_of("town").get(f"/desk/case/{case.pk}/"))
