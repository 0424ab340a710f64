"""Confirmed cases teach the categories, when what they teach holds on cases that did not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from maplebridge.cases.models import Case
from maplebridge.journey import labels
from maplebridge.journey.advance import advance
from maplebridge.journey.classify import classify_text, own_shares
from maplebridge.journey.models import DecisionRecord, LearnedLabels, Step
from maplebridge.journey.texts import Example, TextModel

pytestmark = pytest.mark.django_db
PLACES = [
    f"{a}{b}" for a in "东南西北中上下前后大小" for b in ("溪村", "岭村", "桥头", "街口", "新村")
]
# A word of the town that no list of ours holds.
WAYS = (("0603", "飞马桩又乱响了，整夜睡不着"), ("1002", "门口的亮眼灯灭了，晚上看不见"))


def filed(town, times=None):
    """Cases with a town's own words, filed under what people say they are."""
    for place in PLACES[:times]:
        for category, said in WAYS:
            case_id = town.report(f"{place}{said}").case_id
            Case.objects.filter(pk=case_id).update(
                category=category, filer_code=f"{town.town_code}-room"
            )


@pytest.fixture
def forgotten():
    labels.kept_labels.forget()
    yield
    labels.kept_labels.forget()


def test_what_the_town_calls_it_is_learned_and_named(town, forgotten):
    text = "村口的飞马桩又乱响了"
    before = classify_text(text)
    filed(town)
    learned = labels.learn_labels()
    assert learned is not None and learned.learned_from == 2 * len(PLACES)
    assert learned.card["top1"] == 1.0 > learned.card["ours"]
    assert labels.learn_labels() is None, "the same cases teach the same version"

    case_id = town.report(text).case_id
    done = advance(case_id)
    assert done is not None
    kind = done.kind.decision
    assert before.value != kind.value == "0603"
    assert learned.version in kind.version
    assert any("飞马" in word for word in kind.evidence["words"])
    record = DecisionRecord.objects.get(case_id=case_id, step=Step.CLASSIFY)
    assert learned.version in record.version


def test_a_card_tells_for_whom_it_does_well_and_nobody_by_name(town, forgotten):
    filed(town)
    learned = labels.learn_labels()
    assert learned is not None
    parity = learned.card["parity"]
    assert set(parity) == {"area", "channel", "length"}
    assert parity["area"] == [{"group": town.town_code, "n": 2 * len(PLACES), "top1": 1.0}]
    assert learned.card["not_for"] == ["persons", "refusal", "ranking"]


def test_confidential_cases_and_too_few_teach_nothing(town, forgotten):
    filed(town, 49)
    assert labels.learn_labels() is None, "98 cases are too few"
    filed(town)
    Case.objects.update(confidentiality="C2")
    assert labels.learn_labels() is None


def test_what_does_no_better_than_our_own_words_is_not_used(town, forgotten):
    for n, place in enumerate(PLACES):
        for category, said in (("1002", "路灯不亮"), ("1001", "井盖没了")):
            case_id = town.report(f"{place}{said}，第{n}次").case_id
            Case.objects.filter(pk=case_id).update(category=category, filer_code="a")
    assert labels.learn_labels() is None
    assert not LearnedLabels.objects.exists()


def test_a_group_too_small_to_tell_is_left_out_of_the_card():
    model = TextModel.learned(
        [Example("", f"{place}{said}", label, place) for place in PLACES for label, said in WAYS]
    )
    shares = np.tile([0.9, 0.1], (12, 1))
    true = np.array(["0603"] * 9 + ["1002"] * 3)
    groups = [("a", "web", "short")] * 10 + [("b", "web", "short")] * 2
    card = labels.card(model, true, shares, groups)
    assert card["top1"] == 0.75
    assert card["parity"]["area"] == [{"group": "a", "n": 10, "top1": 0.9}]
    assert card["calibration"] == [[0.9, 0.75, 12]]


@pytest.mark.parametrize(
    ("wrong", "answers", "alarm"), [(30, 100, False), (46, 100, True), (0, 100, False)]
)
def test_drift_is_what_chance_does_not_bring(wrong, answers, alarm):
    assert labels.drifted(wrong, answers, 0.3).alarm is alarm


def test_by_chance_alone_drift_is_hardly_ever_cried():
    random = np.random.default_rng(20190711)
    wrong = random.binomial(300, 0.3, 2000)
    assert np.mean([labels.drifted(int(n), 300, 0.3).alarm for n in wrong]) <= 0.002


def test_no_input_of_a_model_says_who_reported():
    assert {field.name for field in dataclasses.fields(Example)} == {
        "title", "text", "label", "group",
    }  # fmt: skip
    assert own_shares("路灯不亮", "")["1002"] > 0.5
