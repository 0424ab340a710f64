"""A label is told from words, with a share that means what it says, and can be explained."""

from __future__ import annotations

import numpy as np
import pytest

from maplebridge.journey.history import TooLittle
from maplebridge.journey.texts import Example, TextModel, threshold_of

MATTERS = {
    "路灯": ("路灯不亮", "路灯坏了", "整条街路灯不亮", "没有路灯"),
    "油烟": ("油烟扰民", "餐馆油烟太大", "楼下油烟难闻", "烧烤油烟"),
    "供水": ("停水三天", "自来水停水", "水压太低常停水", "小区停水"),
}
PLACES = ("溪口村", "东街", "朝阳小区", "菜市场旁", "学校门口")
EXAMPLES = [
    Example(f"{place}{said}", f"我住在{place}，{said}，请尽快处理", label, place)
    for place in PLACES
    for label, ways in MATTERS.items()
    for said in ways
]


@pytest.fixture(scope="module")
def model():
    return TextModel.learned(EXAMPLES)


def test_it_tells_matters_at_a_place_it_never_heard_of(model):
    judged = model.judge("北塘路口的路灯又坏了", "晚上路灯不亮，看不见路")
    label, share = judged.labels[0]
    assert label == "路灯"
    assert share > 0.8
    assert judged.words[0] in {"路灯", "路灯坏", "路灯不", "的路灯"}
    assert sum(share for _label, share in judged.labels) == pytest.approx(1, abs=0.001)


def test_its_shares_are_those_of_texts_it_did_not_learn_from(model):
    shares = model.shares([("楼上漏水", "不知道找谁"), ("", "")])
    assert shares.sum(axis=1) == pytest.approx(1)
    assert shares[1].max() == pytest.approx(1 / 3, abs=0.01), "nothing said, nothing known"


def test_stored_and_read_again_it_answers_the_same_to_the_last_bit(model):
    again = TextModel.of_parameters(model.parameters())
    texts = [(one.title, one.text) for one in EXAMPLES]
    assert np.array_equal(model.shares(texts), again.shares(texts))
    assert model.version == again.version
    assert TextModel.learned(EXAMPLES).version == model.version


def test_what_is_known_otherwise_counts_before_examples_do():
    hinted = TextModel.learned(
        EXAMPLES,
        hints=lambda _title, text: {"邻里": 1.0} if "邻居" in text else {},
        described={"邻里": "邻居吵架 邻里纠纷", **{label: label for label in MATTERS}},
    )
    assert hinted.judge("邻居天天吵架", "与邻居有纠纷").labels[0][0] == "邻里"


@pytest.mark.parametrize("examples", [[], EXAMPLES[:5], [e for e in EXAMPLES if e.label == "供水"]])
def test_too_little_is_refused(examples):
    with pytest.raises(TooLittle):
        TextModel.learned(examples)


def test_the_longest_text_is_judged_in_no_time(model):
    assert model.judge("停水", "停水了" * 40_000).labels[0][0] == "供水"


@pytest.mark.parametrize(
    ("wrong", "look", "from_"), [(5, 1, 0.8), (2, 1, 0.5), (1, 1, 0), (1, 3, 0)]
)
def test_a_dear_mistake_asks_for_a_surer_label(wrong, look, from_):
    assert threshold_of(wrong, look) == pytest.approx(from_)


def test_a_mistake_that_costs_nothing_is_no_cost():
    with pytest.raises(ValueError, match="above nought"):
        threshold_of(0, 1)
