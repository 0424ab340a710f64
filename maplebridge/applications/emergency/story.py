"""The flood of Sheyang Creek told as it was recorded, by the functions that the pages call.

Up to 18:10 the figures are those of the record; the end is a simulation and says so. Source:
stories to build on, the flood.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from django.db import transaction

from maplebridge.applications.emergency import acts, callout, papers
from maplebridge.applications.emergency.rules import Refused, Situation
from maplebridge.cases.models import Case
from maplebridge.connectors import sensors
from maplebridge.connectors.models import Station
from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.organisation.readiness import ResponseLevel
from maplebridge.organisation.units import directory

NAME = "flood"
TOWN = "330825209"
STATION = "sheyang-creek"
# All of it has happened on the last day whose evening is over.
EVENING = dt.time(21)


def tell(watch: Callable[[str, dt.datetime], None]) -> dict[str, Any]:
    """Plays the story and calls `watch` for each step, with its moment; returns its figures.

    Every telling is an emergency of its own. The town's accounts must be there.
    """
    # No transaction around it: each step is there for whoever looks on, as it was then.
    return _Telling(watch).all()


def open_station() -> Station:
    """The made-up gauge of Sheyang Creek; its marks are of our own choosing."""
    station, _made = Station.objects.get_or_create(
        pk=STATION,
        defaults={
            "name": "社阳溪站（模拟）", "water": "社阳溪", "area_code": TOWN,
            "lon": 119.2305, "lat": 29.0405,
            "warning": "62.000", "guarantee": "63.500", "historical": "64.800",
            "lowest": "55.000", "highest": "70.000", "steepest": "3.000", "synthetic": True,
        },
    )  # fmt: skip
    return station


class _Telling:
    """One telling: its people, its case, its keys."""

    def __init__(self, watch: Callable[[str, dt.datetime], None]) -> None:
        self.watch = watch
        self.key = f"story:{uuid.uuid4()}"
        ended = now().astimezone(CHINA).time() > EVENING
        self.day = local_day(now()) - dt.timedelta(days=0 if ended else 1)
        self.steps = 0
        self.town, self.county, self.leader = (_actor(n) for n in ("town", "county", "leader"))
        self.case_id = uuid.UUID(int=0)

    def at(self, hour: int, minute: int = 0) -> dt.datetime:
        """A moment of the story."""
        return dt.datetime.combine(self.day, dt.time(hour, minute), CHINA)

    def say(self, sentence: str, at: dt.datetime) -> str:
        """Tells a step and returns a fresh key for it."""
        self.watch(sentence, at)
        self.steps += 1
        return f"{self.key}:{self.steps}"

    def note(self, move: str, actor: Actor, sentence: str, at: dt.datetime, **facts: Any) -> int:
        """An entry of the log; its number."""
        key = self.say(sentence, at)
        return acts.note(self.case_id, move, actor, key, at, **facts).sequence

    def read(self, metres: str, sentence: str, at: dt.datetime) -> None:
        """A reading of the gauge."""
        self.say(sentence, at)
        sensors.observe(STATION, metres, at)

    def refused(self, sentence: str, at: dt.datetime, call: Callable[[], object]) -> None:
        """Something that must not be possible; its sentence is told."""
        try:
            call()
        except Refused as refused:
            self.say(f"{sentence}：{refused}", at)
        else:
            raise AssertionError(sentence)

    def all(self) -> dict[str, Any]:
        """The whole story."""
        self._rises()
        self._breaks()
        known = self._reports()
        self._ends()
        case = Case.objects.get(pk=self.case_id)
        return {
            "number": case.number,
            "code": case.query_code,
            "state": case.state,
            "sitrep": sitrep_of(known),
            "simulation": True,
        }

    def _rises(self) -> None:
        station = open_station()
        self.read("61.400", "社阳溪水位 61.40 米，距警戒 0.60 米，大雨。", self.at(12))
        self.read("62.200", "社阳溪超警戒 0.20 米，系统只提出建议，不宣布响应。", self.at(13))
        said = "社阳溪水位 62.20 米，超警戒 0.20 米。"
        opened = acts.propose(station, said, self.key, self.at(13))
        self.case_id = opened.case_id
        self._calls()
        self.refused("没有任何来源就想报送，被拒绝", self.at(13, 2), lambda: acts.report(
            self.case_id, self.town, "first", "never", self.at(13, 2)))  # fmt: skip
        key = self.say("值班领导宣布Ⅳ级应急响应，担任指挥。", self.at(13, 5))
        acts.take_command(self.case_id, self.leader, ResponseLevel.IV, "社阳溪超警戒并继续上涨",
                          key, self.at(13, 5))  # fmt: skip
        self.refused("第二人另行指挥，被拒绝", self.at(13, 10), lambda: acts.set_level(
            self.case_id, self.county, ResponseLevel.III, "抢先升级", "never-2",
            self.at(13, 10)))  # fmt: skip
        self.read("63.000", "社阳溪超警戒 1.00 米。", self.at(14, 50))

    def _calls(self) -> None:
        room = directory().room_of(TOWN).code
        # In one piece: the clock of a running town rings in the present.
        with transaction.atomic():
            key = self.say("（模拟）叫应乡指挥室值班人员：先平台提醒，再短信。", self.at(13))
            call = callout.begin(self.case_id, SYSTEM, room, key, self.at(13)).sequence
            for minute in (0, 1):
                callout.ring(self.at(13, 2 * minute), only=self.case_id)
            key = self.say("（模拟）乡指挥室值班人员应答。", self.at(13, 2))
            callout.acknowledge(self.case_id, self.town, call, key, self.at(13, 2))

    def _breaks(self) -> None:
        self.note("note_breach", self.town, "乡卫生院以东300米堤防溃口，宽8米。", self.at(15),
                  metres=8, spot="乡卫生院以东300米堤防")  # fmt: skip
        key = self.say("指挥将响应升为Ⅲ级。", self.at(15, 5))
        acts.set_level(self.case_id, self.leader, ResponseLevel.III, "堤防溃口", key,
                       self.at(15, 5))  # fmt: skip
        self.note("ask_help", self.county, "县应急管理局请求武警支援。", self.at(15, 10),
                  helper="armed_police", what="请求支援封堵溃口")  # fmt: skip
        self.note("answer_help", self.county, "武警40人立即出发。", self.at(15, 12),
                  helper="armed_police", people=40)  # fmt: skip
        key = self.say("首报：溃口8米，武警40人在途。", self.at(15, 15))
        acts.report(self.case_id, self.town, "first", key, self.at(15, 15))
        self.note("note_arrival", self.town, "武警到达，与乡民兵会合。", self.at(15, 50),
                  helper="armed_police")  # fmt: skip
        self.note("set_task", self.leader, "第一组：装运沙袋。", self.at(15, 55),
                  group="supply", task="装运沙袋")  # fmt: skip
        self.note("set_task", self.leader, "第二组：系安全绳在溃口作业。", self.at(15, 56),
                  group="repair", task="系安全绳在溃口打桩填筑")  # fmt: skip

    def _reports(self) -> Situation:
        self.note("note_filling", self.town, "溃口已填筑三分之一。", self.at(18, 10),
                  filled="1/3")  # fmt: skip
        self.read("62.400", "社阳溪水位下降 0.60 米。", self.at(18, 10))
        key = self.say("续报（18:10），每个数字注明来源。", self.at(18, 10))
        _event, known = acts.report(self.case_id, self.town, "follow_up", key, self.at(18, 10))
        for name, one in known.known.items():
            label, said = papers.LABELS[name], papers.figure(one.value)
            self.say(f"　{label}：{said}（{papers.source(one)}）", self.at(18, 10))
        return known

    def _ends(self) -> None:
        self.note("note_filling", self.town, "（模拟）溃口合龙。", self.at(20), filled="1/1")
        self.read("61.700", "（模拟）社阳溪退到警戒以下 0.30 米。", self.at(20, 10))
        key = self.say("（模拟）终报。", self.at(20, 15))
        acts.report(self.case_id, self.town, "final", key, self.at(20, 15))
        key = self.say("（模拟）指挥宣布结束应急响应。", self.at(20, 20))
        acts.stand_down(self.case_id, self.leader, "溃口合龙，水位低于警戒", key, self.at(20, 20))
        self.note("close", self.county, "（模拟）结案。", self.at(20, 30), reason="险情解除")
        self.note("review", self.county, "（模拟）复盘：按日志回顾全过程，归档。", self.at(20, 40),
                  lessons="溃口后10分钟请求支援，40分钟到场；沙袋应当前置。")  # fmt: skip


def sitrep_of(known: Situation) -> dict[str, Any]:
    """The figures of a situation, with the sources of each."""
    found: dict[str, Any] = {
        "breach_metres": None, "people": None, "filled_share": None, "level_change_metres": None,
    }  # fmt: skip
    found |= {name: round(float(one.value), 4) for name, one in known.known.items()}
    found |= {n: int(found[n]) for n in ("breach_metres", "people") if found[n] is not None}
    sources = {name: papers.source(one) for name, one in known.known.items()}
    return {**found, "at": f"{known.at.astimezone(CHINA):%H:%M}", "sources": sources}


def _actor(username: str) -> Actor:
    account = Account.objects.get(username=username, synthetic=True)
    return next(iter(actors_for(account, local_day(now()))))
