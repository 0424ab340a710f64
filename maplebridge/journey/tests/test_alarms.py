"""Notices to units: the words, each sent once, digests with the most urgent cases first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings

from maplebridge.cases import timers
from maplebridge.cases.feed import News
from maplebridge.cases.grades import Rung
from maplebridge.cases.models import Alarm, Digest, Timer
from maplebridge.journey import alarms
from maplebridge.lib.clock import now

pytestmark = pytest.mark.django_db
ROOM = "330825209-room"


@pytest.fixture
def sent(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "STATE", tmp_path)

    def read() -> list[dict[str, str]]:
        files = sorted(Path(tmp_path / "messages").glob("*.json"))
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]

    return read


def test_a_rung_is_one_notice_to_the_unit(town, sent):
    case = town.opened()
    waiting = Timer.objects.get(case_id=case.pk)
    timers.ring(waiting.warn_at)
    assert alarms.tell() == 1
    assert alarms.tell() == 0
    (message,) = sent()
    assert message["to"] == f"unit:{ROOM}"
    due = waiting.due_at.astimezone(alarms.CHINA).strftime("%Y-%m-%d %H:%M")
    assert case.number in message["text"]
    assert "临期预警" in message["text"]
    assert f"事项：受理，时限：{due}" in message["text"]
    assert Digest.objects.get().sent_at is not None


def test_a_notice_that_was_made_and_not_sent_goes_out_later_and_once(town, sent):
    timers.ring(Timer.objects.get(case_id=town.opened().pk).warn_at)
    timers.gather()
    # As if the worker had been killed after sending and before it could note so.
    alarms.tell()
    Digest.objects.update(sent_at=None)
    assert alarms.tell() == 1
    assert len(sent()) == 1


def test_a_digest_counts_by_rung_and_names_twenty_cases_the_longest_overdue_first(town, sent):
    cases = [town.opened() for _n in range(25)]
    moment = now()
    Alarm.objects.bulk_create(
        Alarm(
            case_id=case.pk, clock="accept", share=0, due_at=moment, told_unit=ROOM,
            rung=Rung.WARN if case is not cases[-1] else Rung.LONG_OVERDUE,
            area_code=case.area_code, unit_code=ROOM, planned_at=moment, rang_at=moment,
        )
        for case in cases
    )  # fmt: skip
    assert alarms.tell() == 1
    (message,) = sent()
    text = message["text"]
    assert "共 25 条提醒。严重超期 1 · 临期预警 24。" in text
    named = [case.number for case in cases if case.number in text]
    assert len(named) == 20
    assert text.split("最紧迫：")[1].startswith(cases[-1].number)


def test_urging_tells_the_accountable_unit_once(town, sent):
    case = town.opened("handling")
    event = town.move(case.pk, "urge", town.town, {"note": "请今天去看"})
    news = News(case.pk, event.sequence, "", "matter", "urge", "handling", event.at, "")
    for _time in range(2):
        alarms.carry_out(news)
        alarms.tell()
    (message,) = sent()
    assert message["to"] == "unit:330825-hsc"
    assert f"{case.number}：催办" in message["text"]
    # What the clerk wrote stays in the case.
    assert "请今天去看" not in message["text"]
