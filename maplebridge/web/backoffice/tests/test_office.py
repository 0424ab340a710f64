"""The back office: units saved with their author, texts published one by one, changes told."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from maplebridge.journey.notice import TEXTS
from maplebridge.organisation.models import Act, Deed, Edition, Unit
from maplebridge.organisation.unit_changes import cells_of, mark_of
from maplebridge.web.backoffice.tests.test_configuration import desk_of, page, stranger
from maplebridge.web.backoffice.texts import parts_of

pytestmark = pytest.mark.django_db

PAGES = (
    "areas/", "areas/?at=3308", "areas/?at=330825209201001", "areas/?q=社阳", "posts/", "units/",
    "units/?kind=department&area=330825&state=all", "units/330825-hsc/", "units/new/", "texts/",
    "texts/edit/", "texts/edit/?move=close&language=en", "changes/", "changes/?of=messages",
)  # fmt: skip


def test_every_page_opens_for_the_administrator_alone(town: Any) -> None:
    admin = desk_of("administrator")
    others = [stranger(town), *map(desk_of, ("town", "security", "auditor", "leader"))]
    for address in PAGES:
        assert admin.get(f"/configuration/{address}").status_code == 200, address
        for other in others:
            assert other.get(f"/configuration/{address}").status_code == 403, address
    before = Act.objects.count(), Edition.objects.count()
    for other in others:
        for address in ("units/330825-hsc/", "units/new/", "texts/edit/"):
            assert other.post(f"/configuration/{address}", {"code": "x"}).status_code == 403
    assert (Act.objects.count(), Edition.objects.count()) == before
    for address in ("areas/?at=9999", "areas/?at=x", "units/nobody/", "texts/edit/?move=nothing"):
        assert admin.get(f"/configuration/{address}").status_code == 404, address


def test_pages_ask_a_bounded_number_of_statements(town: Any) -> None:
    admin = desk_of("administrator")
    admin.get("/configuration/")
    for address in PAGES:
        with CaptureQueriesContext(connection) as asked:
            admin.get(f"/configuration/{address}")
        assert len(asked) <= 20, (address, len(asked))


def test_an_area_shows_what_lies_below_it(town: Any) -> None:
    shown = desk_of("administrator").get("/configuration/areas/?at=330825209").context
    first = shown["rows"][1]
    assert (first["code"], first["areas"], first["units"]) == ("330825209201", 2, 3)
    assert [each["code"] for each in shown["above"]] == ["3308", "330825"]
    assert len(shown["units"]) == 7


def test_a_unit_is_changed_and_the_change_is_told(town: Any) -> None:
    admin = desk_of("administrator")
    unit = Unit.objects.get(pk="330825-hsc")
    said = {**cells_of(unit), "name": "龙游县住建委", "mark": mark_of(unit)}
    done = admin.post("/configuration/units/330825-hsc/", said)
    assert done["Location"] == "/configuration/units/330825-hsc/"
    assert Unit.objects.get(pk="330825-hsc").name == "龙游县住建委"
    act = Act.objects.get(deed=Deed.UNIT_SET)
    assert act.account_id == town.administrator.account_id
    told = page(admin.get("/configuration/changes/?of=units"))
    assert "<del>龙游县住房和城乡建设局</del> → <ins>龙游县住建委</ins>" in told
    assert "卢系统" in told
    # The form as it was drawn before: somebody changed the unit since; what was typed stays.
    stale = admin.post("/configuration/units/330825-hsc/", {**said, "name": "另一个名字"})
    assert stale.status_code == 422
    assert 'value="另一个名字"' in page(stale)
    again = {**said, "name": "另一个名字", "mark": stale.context["mark"]}
    assert admin.post("/configuration/units/330825-hsc/", again).status_code == 302


def test_a_unit_with_open_matters_is_not_ended_and_one_with_duties_warned_of(town: Any) -> None:
    admin = desk_of("administrator")
    case = town.opened("handling")
    unit = Unit.objects.get(pk="330825-hsc")
    said = {**cells_of(unit), "mark": mark_of(unit), "ends": "2026-11-01"}
    refused = admin.post("/configuration/units/330825-hsc/", said)
    assert refused.status_code == 422
    assert "少于 5 件" in page(refused)
    assert case.number not in page(refused)
    later = admin.post(
        "/configuration/units/330825-hsc/", {**said, "ends": "2036-11-01"}, follow=True
    )
    assert "权责清单中有 9 行" in page(later)
    assert "停用日 2036-11-01 之前" in page(later)


def test_one_text_is_read_and_published_as_an_edition(town: Any) -> None:
    admin = desk_of("administrator")
    address = "/configuration/texts/edit/"
    said = {
        "move": "close", "language": "zh-hans", "expected": "1", "note": "",
        "text": "您好，{number} 已办结（{state}），查询码 {code}",
    }  # fmt: skip
    read = admin.post(address, {**said, "act": "read"})
    assert read.context["reads"] == (
        "您好，330825-20261123-AB12CD 已办结（已结案，待评价），查询码 KX7M-2PQR-9TDW"
    )
    assert TEXTS.number() == 1
    assert admin.post(address, {**said, "act": "publish"}).status_code == 422  # no reason given
    done = admin.post(address, {**said, "act": "publish", "note": "更亲切"})
    assert done.status_code == 302
    made = Edition.objects.get(name="messages", number=2)
    assert (made.account_id, made.note) == (town.administrator.account_id, "更亲切")
    assert ["close", "zh-hans", said["text"]] in made.rows
    assert len(made.rows) == 3
    # Somebody who saw the edition before is refused, and keeps what was typed.
    late = admin.post(
        address, {**said, "text": "又改 {number} {code}", "act": "publish", "note": "x"}
    )
    assert late.status_code == 422
    assert "又改 {number} {code}" in page(late)
    # Emptied, the step sends the general text again.
    emptied = {**said, "text": "", "act": "publish", "note": "恢复通用", "expected": "2"}
    assert admin.post(address, emptied).status_code == 302
    assert len(Edition.objects.get(name="messages", number=3).rows) == 2


@pytest.mark.parametrize(
    "text", ["没有变量", "{number} {code} {phone}", "{number", "=1+{number}{code}", "好" * 301]
)
def test_a_text_that_cannot_be_sent_is_told_why(town: Any, text: str) -> None:
    said = {"move": "", "language": "zh-hans", "text": text, "act": "publish", "note": "x"}
    answer = desk_of("administrator").post("/configuration/texts/edit/", {**said, "expected": "1"})
    assert answer.status_code == 422
    assert answer.context["problem"]
    assert Edition.objects.filter(name="messages").count() == 1


def test_a_text_message_holds_70_signs() -> None:
    assert [parts_of("字" * n) for n in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]


def test_a_vacant_post_shows_without_names(town: Any) -> None:
    from maplebridge.organisation.models import Holding

    admin = desk_of("administrator")
    Holding.objects.filter(post="330825-hsc:officer").update(ends="2026-11-01")
    vacant = admin.get("/configuration/posts/?held=no")
    assert [post.pk for post in vacant.context["rows"]] == ["330825-hsc:officer"]
    everybody = page(admin.get("/configuration/posts/"))
    assert "祝安居" not in everybody
    assert "空缺" in everybody
