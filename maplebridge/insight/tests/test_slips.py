"""Slips of a case: what stands on them, and what never does."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from maplebridge.cases.models import Assignment, Case
from maplebridge.insight import paper_words, slips
from maplebridge.lib.clock import now
from maplebridge.lib.papers import Facts, Paper, Table

pytestmark = pytest.mark.django_db
REPORTER = {"name": "赵小满", "phone": "13800138000"}
SAID = "三组路灯坏了，联系我赵小满 138-0013-8000，身份证 33082519800101123X，#panic()"


@pytest.fixture(autouse=True)
def in_chinese() -> Any:
    with translation.override("zh-hans"):
        yield


def told(town: Any) -> Any:
    """A case that has all three slips."""
    words = {"text": SAID, "place": "三组赵 小满家旁"}
    case_id = town.report(words=words, reporter=REPORTER).case_id
    town.triage(case_id)
    town.walk(case_id, "handling")
    supervised = {"supervision": "2", "reason": "请加快，联系 13800138000"}
    town.move(case_id, "supervise", town.county, supervised)
    town.move(case_id, "hand_off", town.county, {"service": "119", "note": "请派车"})
    return town.case(case_id)


def facts(paper: Paper) -> dict[str, str]:
    (block,) = (block for block in paper.blocks if isinstance(block, Facts))
    return dict(block.rows)


def written(name: str, case: Any) -> Paper:
    return slips.slip(name, case, now(), {"1004": "排水内涝"})


def test_a_case_offers_the_slips_it_has(town: Any) -> None:
    fresh = town.opened("accepted")
    assert slips.slips_for(fresh, list(Assignment.objects.filter(case_id=fresh.pk))) == []
    for name in slips.SLIPS:
        with pytest.raises(slips.NoSlip, match="没有"):
            written(name, fresh)
    case = told(town)
    assert slips.slips_for(case, list(Assignment.objects.filter(case_id=case.pk))) == [
        "dispatch-slip",
        "supervision-slip",
        "hand-over-note",
    ]


def test_a_dispatch_slip_says_who_does_what_until_when(town: Any) -> None:
    case = town.opened("dispatched")
    paper = written("dispatch-slip", case)
    assert (paper.title, paper.issuer, paper.number) == (
        "交办单",
        "社阳乡综合信息指挥室",
        case.number,
    )
    said = facts(paper)
    assert said["类别"] == "排水内涝"
    assert said["地点"] == "龙游县社阳乡社阳村"
    assert said["主办单位"] == "龙游县住房和城乡建设局"
    assert said["事项内容"] == "村口下水道堵了，污水漫到路上"
    assert (said["时限等级"], said["紧急程度"]) == (case.sla_class, "一般")
    (clocks,) = (block for block in paper.blocks if isinstance(block, Table))
    due = paper_words.time_words(case.due_at)
    assert [row[0] for row in clocks.rows] == ["签收", "联系上报人", "处置"]
    assert clocks.rows[0][2] == due
    assert {row[2] for row in clocks.rows[1:]} == {"自签收起"}


def test_a_returned_case_has_no_dispatch_slip(town: Any) -> None:
    case = town.opened("dispatched")
    town.move(case.pk, "return_back", town.housing, {"reason": "不属于我局"})
    with pytest.raises(slips.NoSlip):
        written("dispatch-slip", town.case(case.pk))


def test_a_supervision_slip_names_a_unit_its_level_and_its_answer(town: Any) -> None:
    case = told(town)
    paper = written("supervision-slip", case)
    said = facts(paper)
    assert paper.issuer == "龙游县大联动中心"
    assert said["被督办单位"] == "龙游县住房和城乡建设局"
    assert said["督办时间"].startswith("黄牌督办")
    assert said["理由"] == "请加快，联系 ＊＊"
    share = Assignment.objects.get(case_id=case.pk, duty="answer")
    assert said["签收督办"] == f"请于{paper_words.time_words(share.due_at)}前完成"
    town.move(case.pk, "answer_supervision", town.housing, {"answer": "明日修好"})
    answered = facts(written("supervision-slip", town.case(case.pk)))
    assert answered["回复督办"].endswith("明日修好")


def test_a_hand_over_note_bears_the_receipt_once_there_is_one(town: Any) -> None:
    case = told(town)
    said = facts(written("hand-over-note", case))
    assert (said["移交至"], said["备注"], said["接收编号"]) == ("119", "请派车", "尚未登记")
    town.move(case.pk, "note_receipt", town.county, {"service": "119", "receipt": "X-77"})
    said = facts(written("hand-over-note", town.case(case.pk)))
    assert said["接收编号"].startswith("X-77（")


@pytest.mark.parametrize("name", list(slips.SLIPS))
def test_a_slip_never_bears_the_reporter(town: Any, name: str) -> None:
    text = str(written(name, told(town)))
    for secret in ("小满", "13800138000", "0013", "8000", "1980", "0101123"):
        assert secret not in text
    assert "三组路灯坏了" in text
    assert "#panic()" in text


@pytest.mark.parametrize("name", list(slips.SLIPS))
def test_a_slip_of_a_secret_case_bears_no_words_and_no_close_place(town: Any, name: str) -> None:
    Case.objects.filter(pk=told(town).pk).update(confidentiality="C2")
    case = Case.objects.get()
    paper = written(name, case)
    text = str(paper)
    for secret in ("路灯", "三组", "社阳村", "请加快", "请派车", "小满"):
        assert secret not in text
    assert facts(paper)["事项内容"] == "涉密事项（C2）：内容从略，仅限在平台内查看。"
    assert facts(paper)["地点"] == "龙游县社阳乡"
    assert paper.mark == "涉密"


def test_long_numbers_are_cut_however_they_are_set() -> None:
    for number in ("13800138000", "138 0013 8000", "１３８００１３８０００", "0570-8123456"):
        assert slips.mask(f"电话{number}。").endswith("＊＊＊＊。")
        assert len(slips.mask(number)) == 7
    assert slips.mask("12 号 3 栋 2026-11-23 起") == "12 号 3 栋 202＊＊＊＊ 起"
    assert slips.mask("2026 年 11 月 3 组 501 室") == "2026 年 11 月 3 组 501 室"
