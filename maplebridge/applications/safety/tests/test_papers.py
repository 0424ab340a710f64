"""The papers of a hazard: each there when its event is, with its law, and set as PDF."""

from __future__ import annotations

import pytest

from maplebridge.applications.safety import papers, story
from maplebridge.applications.safety.tests.test_manifest import NOTICED
from maplebridge.cases import engine
from maplebridge.cases.models import Case
from maplebridge.lib import papers as setting
from maplebridge.lib.papers import Facts, Note, Paper, Paragraph

pytestmark = pytest.mark.django_db
TELLER, TELEPHONE, TOLD = "钱告发", "13800002222", "我在这家店里打工，后厨软管漏气"


def words_of(paper: Paper) -> str:
    said = [paper.title]
    for block in paper.blocks:
        if isinstance(block, Paragraph | Note):
            said.append(block.text)
        elif isinstance(block, Facts):
            said += [f"{name}：{value}" for name, value in block.rows]
    return "\n".join(said)


@pytest.fixture
def told(town):
    said = story.tell(lambda _said, _at: None)
    return papers.read(Case.objects.get(number=said["number"]), "山脚饭店")


def reported(town, **more) -> Case:
    opening = engine.Opening(
        kind="hazard", channel="web", account="somebody", key="told",
        area_code=town.village_code, unit_code=f"{town.town_code}-room", words={"text": TOLD},
        reporter={"name": TELLER, "phone": TELEPHONE}, **more,
    )  # fmt: skip
    case_id = engine.open(opening).case_id
    town.move(case_id, "assign", town.town, {"unit": "330825-hsc", "category": "0205"})
    measures = f"更换软管（{TELLER}反映）"
    town.move(case_id, "notice", town.housing, {**NOTICED, "measures": measures})
    return town.case(case_id)


def test_a_hazard_has_the_papers_of_its_events_in_their_order(told):
    names = [one.name.rpartition("-")[0] for one in papers.ready(told)]
    assert names == ["check", "order", "stop", "listing", "resume", "failed", "passed",
                     "delisting", "writing-off"]  # fmt: skip
    assert {name for name in papers.PAPERS if name not in names} == {"handing"}
    for one in papers.ready(told):
        assert setting.render(papers.paper(one.name, told), "pdf").startswith(b"%PDF"), one
        assert "被检查单位：山脚饭店" in words_of(papers.paper(one.name, told))


def test_an_order_says_the_five_and_its_law_and_how_to_object(told):
    order = next(one for one in papers.ready(told) if one.name.startswith("order"))
    said = words_of(papers.paper(order.name, told))
    due = papers._date(told.last("notice", told.events[-1]), "dispose_on")
    for words in ("一、措施：更换金属软管，加装报警切断装置", "二、责任：饭店负责人",
                  "三、资金：3,600 元", f"四、时限：{due}前（含当日）整改完毕",
                  "五、预案：整改完成前关闭总阀", "第六十五条第一款第二项",
                  "六十日内依法向龙游县人民政府申请行政复议"):  # fmt: skip
        assert words in said, words


def test_both_looks_again_have_a_paper_of_the_unit_that_looked(told):
    opinions = {
        one.name.rpartition("-")[0]: papers.paper(one.name, told)
        for one in papers.ready(told) if one.label == "整改复查意见书"
    }  # fmt: skip
    failed, passed = opinions["failed"], opinions["passed"]
    assert failed.issuer == passed.issuer == "社阳村村民委员会综治工作站"
    assert "现场所见：报警装置不亮" in words_of(failed)
    assert "复查意见：隐患未整改到位，退回继续整改" in words_of(failed)
    assert "报告内容：已接电并试用" in words_of(passed)


def test_no_paper_tells_the_premises_who_reported_or_in_which_words(town):
    file = papers.read(reported(town))
    assert [one.label for one in papers.ready(file)] == ["现场检查记录", "责令限期整改指令书"]
    for one in papers.ready(file):
        said = words_of(papers.paper(one.name, file))
        assert all(word not in said for word in (TELLER, TELEPHONE, TOLD, "打工"))
        assert "更换软管" in said or one.name.startswith("check")


def test_a_confidential_hazard_has_no_paper(town):
    case = reported(town)
    Case.objects.filter(pk=case.pk).update(confidentiality="C2")
    file = papers.read(town.case(case.pk))
    assert papers.ready(file) == []
    with pytest.raises(KeyError):
        papers.paper("order-3", file)


def test_enforcement_that_is_called_reads_the_hazard_and_gets_its_letter(town):
    case = reported(town)
    assert not Case.objects.visible_to(town.enforcement).filter(pk=case.pk).exists()
    said = {"units": ["330825-enf"], "reason": "逾期未整改，请依法查处"}
    town.move(case.pk, "call_enforcement", town.housing, said)
    assert Case.objects.visible_to(town.enforcement).filter(pk=case.pk).exists()
    told = papers.read(town.case(case.pk), "山脚饭店")
    letter = next(one for one in papers.ready(told) if one.name.startswith("handing"))
    words = words_of(papers.paper(letter.name, told))
    assert "抄告单位：龙游县综合行政执法局" in words
    assert "逾期未整改，请依法查处" in words
    assert TELLER not in words
