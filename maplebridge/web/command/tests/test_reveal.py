"""Words are masked for whom they are, and what is closed is opened with a reason that is kept."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import ProgrammingError
from django.test import Client

from maplebridge.cases import looks, reading
from maplebridge.cases.models import Attachment, Case, Look, Seal
from maplebridge.cases.reporters import destroy
from maplebridge.connectors import storage
from maplebridge.lib import clock
from maplebridge.web.command.tests.test_desk import desk_of, page

pytestmark = pytest.mark.django_db

TEXT = "村民王小明占道，电话13812345678，车牌浙H·12345。叶小满家门口"
SHOWN = "村民王**占道，电话138****5678，车牌浙H·***45。叶**家门口"


def reported(town: Any, grade: str = "C1", **fields: Any) -> Case:
    opened = town.report(
        TEXT,
        reporter={"name": "叶小满", "phone": "13900001111"},
        words={"text": TEXT, "place": "叶小满家，13812345678"},
        **fields,
    )
    town.triage(opened.case_id, confidentiality=grade)
    found: Case = town.case(opened.case_id)
    return found


def with_photo(case: Case, sha256: str = "0" * 64) -> None:
    Attachment.objects.create(
        case_id=case.pk, number=1, area_code=case.area_code, sequence=1,
        sha256=sha256, media_type="image/jpeg", size=1,
    )  # fmt: skip


# -- masking ------------------------------------------------------------------------------------


@pytest.mark.parametrize("grade", ["C0", "C1"])
def test_whoever_only_looks_over_a_case_reads_it_masked(town: Any, grade: str) -> None:
    case = reported(town, grade)
    town.walk(case.pk, "handling")
    town.move(case.pk, "feedback", town.housing, {"result": "已联系13812345678，王小明先生同意"})
    for name in ("leader", "village"):
        shown = page(desk_of(name).get(f"/desk/case/{case.pk}/"))
        assert SHOWN in shown
        assert "叶**家，138****5678" in shown
        assert "已联系138****5678，王**先生同意" in shown
        for open_word in ("王小明", "13812345678", "叶小满", "浙H·12345", "13900001111"):
            assert open_word not in shown
    for name in ("town", "county", "housing"):
        assert TEXT in page(desk_of(name).get(f"/desk/case/{case.pk}/"))


def test_titles_in_lists_are_masked_too(town: Any) -> None:
    case = reported(town)
    for name, masked in (("village", True), ("leader", True), ("town", False)):
        for address in ("/desk/?tab=open", "/desk/map/"):
            shown = page(desk_of(name).get(address))
            assert case.number in shown
            assert (SHOWN in shown, TEXT in shown) == (masked, not masked)


def test_a_slip_is_masked_for_whom_the_page_is(town: Any, monkeypatch: Any) -> None:
    from maplebridge.insight import slips

    case = reported(town)
    town.walk(case.pk, "handling")
    told: list[str] = []
    made = slips._matter
    monkeypatch.setattr(slips, "_matter", lambda file: told.append(made(file)) or told[-1])
    for name in ("village", "town"):
        assert desk_of(name).get(f"/desk/case/{case.pk}/dispatch-slip.docx").status_code == 200
    assert ["王小明" in words for words in told] == [False, True]


def test_reading_costs_one_statement_more_for_a_whole_page(
    town: Any, django_assert_num_queries: Any
) -> None:
    cases = [reported(town) for _n in range(5)]
    with django_assert_num_queries(1):
        read = reading.readings(town.leader, cases)
    assert {read[case.pk].words(TEXT) for case in cases} == {SHOWN}
    with django_assert_num_queries(0):
        read = reading.readings(town.town, cases)
    assert all(each.full for each in read.values())


def test_whose_name_cannot_be_read_shows_no_word(town: Any) -> None:
    case = reported(town)
    Seal.objects.filter(case_id=case.pk).update(key_id="k-gone")
    read = reading.readings(town.leader, [case])[case.pk]
    assert TEXT not in read.words(TEXT)
    assert "王" not in read.words(TEXT)
    assert read.words("") == ""
    assert "占道" not in page(desk_of("leader").get(f"/desk/case/{case.pk}/"))
    other = reported(town)
    destroy(other.pk)
    assert reading.readings(town.leader, [other])[other.pk].words("王小明先生") == "王**先生"


def test_photos_of_the_report_are_not_shown_to_who_reads_masked(town: Any) -> None:
    case, plain = reported(town), reported(town, "C0")
    for each in (case, plain):
        with_photo(each, storage.keep_photo(photo_bytes()).sha256)
    for name, shown in (("leader", False), ("town", True)):
        client = desk_of(name)
        address = f"/desk/case/{case.pk}/photo/1/"
        assert (f'src="{address}"' in page(client.get(f"/desk/case/{case.pk}/"))) == shown
        assert client.get(address).status_code == (200 if shown else 404)
        assert client.get(f"/desk/case/{plain.pk}/photo/1/").status_code == 200


def photo_bytes() -> bytes:
    import io

    from PIL import Image

    raw = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(raw, "JPEG")
    return raw.getvalue()


# -- who reported ---------------------------------------------------------------------------------


def test_who_reported_is_opened_with_a_reason_that_the_reporter_reads(
    client: Client, town: Any
) -> None:
    case = reported(town)
    desk = desk_of("town")
    address = f"/desk/case/{case.pk}/reporter/"
    shown = page(desk.get(f"/desk/case/{case.pk}/"))
    assert "叶**" in shown
    assert "139****1111" in shown
    assert address in shown
    form = page(desk.get(address))
    assert "叶**" in form
    assert "叶小满" not in form
    assert not Look.objects.filter(way="reveal").exists()
    answer = desk.post(address, {"choice": "visit", "reason": "找13812345678核实"})
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    assert "叶小满" in page(answer)
    assert "13900001111" in page(answer)
    look = Look.objects.get(case_id=case.pk, way="reveal")
    assert (look.account_id, look.reason) == (
        town.town.account_id, "约定上门时间：找138****5678核实",
    )  # fmt: skip
    assert "叶小满" not in page(desk.get(address))
    told = page(client.get(f"/r/{case.query_code}/"))
    assert "查看了您的姓名和联系方式" in told
    assert "约定上门时间：找138****5678核实" in told
    assert town.town.name not in told
    audited = page(desk_of("auditor").get("/desk/looks/"))
    assert "约定上门时间：找138****5678核实" in audited
    assert "叶" not in audited


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"choice": "other"},
        {"choice": "other", "reason": "核实"},
        {"choice": "x", "reason": " 三个字 "},
    ],
)
def test_without_a_reason_nothing_opens_and_what_was_typed_stays(
    town: Any, said: dict[str, str]
) -> None:
    case = reported(town)
    answer = desk_of("town").post(f"/desk/case/{case.pk}/reporter/", said)
    assert answer.status_code == 422
    shown = page(answer)
    assert "叶小满" not in shown
    assert "至少 4 个字" in shown
    assert f'value="{said.get("reason", "")}"' in shown
    if said.get("choice") == "other":
        assert 'value="other" checked' in shown
    assert not Look.objects.filter(way="reveal").exists()


def test_who_did_not_prove_lately_who_it_is_is_asked_and_keeps_the_reason(
    town: Any, monkeypatch: Any
) -> None:
    from django.http import HttpResponse

    from maplebridge.web.command import reveal

    case = reported(town)
    monkeypatch.setattr(reveal, "ask_for_proof", lambda _request: HttpResponse("prove", status=403))
    answer = desk_of("town").post(f"/desk/case/{case.pk}/reporter/", {"reason": "回访核实情况"})
    assert (answer.status_code, page(answer)) == (403, "prove")
    assert not Look.objects.filter(way="reveal").exists()


@pytest.mark.parametrize(
    ("name", "status"),
    [("county", 403), ("leader", 403), ("village", 403), ("utility", 404), ("grid", 404),
     ("administrator", 404), ("auditor", 404)],
)  # fmt: skip
def test_nobody_else_opens_it(town: Any, name: str, status: int) -> None:
    case = reported(town)
    with_photo(case)
    for address in ("reporter/", "photo/1/original/"):
        answer = desk_of(name).post(f"/desk/case/{case.pk}/{address}", {"reason": "回访核实情况"})
        assert answer.status_code == status
        assert "叶小满" not in page(answer)
    assert not Look.objects.filter(way__in=("reveal", "evidence")).exists()


def test_what_cannot_be_noted_is_not_opened(town: Any, monkeypatch: Any) -> None:
    case = reported(town)
    client = desk_of("town")
    client.raise_request_exception = False

    def fails(*_args: Any, **_more: Any) -> None:
        raise ProgrammingError("no right to write")

    monkeypatch.setattr(Look.objects, "create", fails)
    answer = client.post(f"/desk/case/{case.pk}/reporter/", {"reason": "回访核实情况"})
    assert answer.status_code == 500
    assert "叶小满" not in page(answer)


def test_an_erased_reporter_is_said_to_be_erased(town: Any) -> None:
    case = reported(town)
    destroy(case.pk)
    answer = desk_of("town").post(f"/desk/case/{case.pk}/reporter/", {"reason": "回访核实情况"})
    assert answer.status_code == 410
    assert "叶小满" not in page(answer)
    assert not Look.objects.filter(way="reveal").exists()


def test_the_original_of_a_photo_is_a_download_with_a_reason(town: Any) -> None:
    case = reported(town)
    raw = photo_bytes()
    with_photo(case, storage.keep_photo(raw).sha256)
    client = desk_of("town")
    address = f"/desk/case/{case.pk}/photo/1/original/"
    assert address in page(client.get(f"/desk/case/{case.pk}/"))
    assert client.post(address, {"reason": "短"}).status_code == 422
    answer = client.post(address, {"choice": "court"})
    assert answer.status_code == 200
    assert answer.content == raw
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["Cache-Control"] == "private, no-store"
    look = Look.objects.get(case_id=case.pk, way="evidence")
    assert look.reason == "法院或监察机关调取"
    assert client.post(f"/desk/case/{case.pk}/photo/7/original/").status_code == 404


# -- lists ----------------------------------------------------------------------------------------


def listed(case: Case) -> int:
    return Look.objects.filter(case_id=case.pk, way="list").count()


@pytest.mark.parametrize("address", ["/desk/", "/desk/?tab=open", "/desk/map/"])
def test_the_first_words_in_a_list_are_noted_once_in_ten_minutes(
    town: Any, address: str, monkeypatch: Any, django_assert_num_queries: Any
) -> None:
    cases = {grade: reported(town, grade) for grade in ("C0", "C1", "C2")}
    client = desk_of("town")
    for _turn in range(3):
        assert cases["C1"].number in page(client.get(address))
    on_the_map = address == "/desk/map/"
    assert {g: listed(c) for g, c in cases.items()} == {"C0": 0, "C1": 1, "C2": int(not on_the_map)}
    desk_of("county").get("/desk/?tab=open")
    assert listed(cases["C1"]) == 2
    later = clock.now() + dt.timedelta(minutes=10, seconds=1)
    monkeypatch.setattr(looks, "now", lambda: later)
    with django_assert_num_queries(1):
        looks.note_list(town.town, cases.values())
    assert listed(cases["C1"]) == 3


def test_reminders_are_noted_as_lists(town: Any) -> None:
    from maplebridge.cases.models import Timer

    case = reported(town)
    Timer.objects.filter(case_id=case.pk).update(
        rung=1, told=[town.town.unit_code], rang_at=clock.now()
    )
    assert case.number in page(desk_of("town").get("/desk/alarms/"))
    assert listed(case) == 1


def test_what_cannot_be_noted_is_not_listed(town: Any, monkeypatch: Any) -> None:
    reported(town)
    client = desk_of("town")
    client.raise_request_exception = False
    monkeypatch.setattr(looks, "NOTE_LIST", "SELECT 1 / 0 + length(%(rows)s)")
    answer = client.get("/desk/")
    assert answer.status_code == 500
    assert "占道" not in page(answer)


@pytest.mark.parametrize(
    "address", ["/desk/", "/desk/?tab=open", "/desk/map/", "/desk/map/cases.json"]
)
def test_a_confidential_case_has_no_word_and_no_close_place_in_any_list(
    town: Any, address: str
) -> None:
    case = reported(town, "C2")
    shown = page(desk_of("town").get(address))
    assert (case.number in shown) == (address in ("/desk/", "/desk/?tab=open"))
    for word in ("占道", "王小明", "叶小满"):
        assert word not in shown
    if case.number in shown:
        row = re.search(r'<li class="case-row.*?</li>', shown, re.DOTALL)
        assert row
        assert "保密事项" in row[0]
        assert "社阳乡" in row[0]
        assert "社阳村" not in row[0]
    found = page(desk_of("town").get("/desk/", {"tab": "open", "number": case.number}))
    assert case.number in found
    assert "占道" not in found
