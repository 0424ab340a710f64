"""One hazard told from report to rating, by the moves that the desks make."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from django.utils import translation

from maplebridge.applications.safety import register, visits
from maplebridge.applications.safety.models import Premises
from maplebridge.applications.safety.rules import change_share
from maplebridge.cases import engine
from maplebridge.cases.models import Case
from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import Actor, reporter_of

NAME = "hazard"
VILLAGE, TOWN, COUNTY = "330825209201", "330825209", "330825"
UNIT = f"{COUNTY}-hsc"
# So long ago it begins, so that all of it has happened when it is told.
DAYS = 40


def tell(watch: Callable[[str, dt.datetime], None]) -> dict[str, Any]:
    """Plays the story and calls `watch` for each step, with its moment; returns its figures.

    Every telling is a hazard of its own. The town's accounts must be there.
    """
    # No transaction around it: each step is there for whoever looks, as it was then.
    with translation.override("zh-hans"):
        return _Telling(watch).all()


class _Telling:
    """One telling: its people, its case, its keys."""

    def __init__(self, watch: Callable[[str, dt.datetime], None]) -> None:
        self.watch = watch
        self.key = f"story:{uuid.uuid4()}"
        self.begin = local_day(now()) - dt.timedelta(days=DAYS)
        self.steps = 0
        self.case_id = uuid.UUID(int=0)

    def at(self, day: int, hour: int = 10) -> dt.datetime:
        """The moment of a day of the story."""
        return dt.datetime.combine(self.begin + dt.timedelta(days=day), dt.time(hour), CHINA)

    def on(self, day: int) -> str:
        """A day of the story."""
        return (self.begin + dt.timedelta(days=day)).isoformat()

    def say(self, sentence: str, at: dt.datetime) -> str:
        """Tells a step and returns a fresh key for it."""
        self.watch(sentence, at)
        self.steps += 1
        return f"{self.key}:{self.steps}"

    def move(self, move: str, actor: Actor, sentence: str, at: dt.datetime, **facts: Any) -> None:
        """Tells a move and makes it."""
        engine.move(self.case_id, move, actor, key=self.say(sentence, at), facts=facts, at=at)

    def all(self) -> dict[str, Any]:
        """The whole of it."""
        village, town = _actor("village"), _actor("town")
        county, housing = _actor("county"), _actor("housing")
        at = self.at(0)
        receipt = engine.open(
            engine.Opening(
                kind="hazard",
                channel="web",
                account="story",
                key=self.say("群众反映：山脚饭店后厨燃气软管老化，有异味。", at),
                area_code=VILLAGE,
                unit_code=f"{TOWN}-room",
                words={"text": "饭店后厨燃气软管老化，有异味。"},
                synthetic=True,
                at=at,
            )
        )
        self.case_id = receipt.case_id
        self.move("assign", town, "指挥室登记隐患，分派给主管部门。", self.at(0, 11),
                  unit=UNIT, category="0205")  # fmt: skip
        self.move("notice", housing, "现场检查，下达整改通知：措施、责任、资金、时限、预案五落实。",
                  self.at(0, 15), weight="major", measures="更换金属软管，加装报警切断装置",
                  responsible="饭店负责人", money_yuan=3600, dispose_on=self.on(14),
                  plan="整改完成前关闭总阀，配备灭火器")  # fmt: skip
        self.move("stop_work", housing, "属重大隐患，后厨停业整改。", self.at(0, 16),
                  extent="part", review_on=self.on(7), reason="燃气有泄漏危险")  # fmt: skip
        self.move("list_publicly", county, "县里挂牌督办并公布。", self.at(2),
                  published_on=self.on(2), reason="人员密集场所的重大隐患")  # fmt: skip
        self.move("resume_work", county, "县里派人看过，同意恢复营业。", self.at(7),
                  evidence="软管已换，总阀完好，试压合格")  # fmt: skip
        self.move("mend", housing, "部门报告：隐患已整改。", self.at(9), result="已加装报警装置")
        self.refused(housing)
        self.move("reinspect_fail", village, "村里复查：报警装置没有接电，退回整改。", self.at(10),
                  evidence="报警装置不亮")  # fmt: skip
        self.move("mend", housing, "部门再次报告：已接通电源。", self.at(12), result="已接电并试用")
        self.move("reinspect_pass", village, "村里再次复查：已整改到位。", self.at(13),
                  evidence="报警装置灯亮，试验后自动切断")  # fmt: skip
        self.move("delist", county, "县里摘牌。", self.at(14), reason="整改到位，复查通过")
        self.move("write_off", town, "指挥室销号，答复反映人。", self.at(14, 15),
                  reply="软管已更换，报警装置已通电。")  # fmt: skip
        self.move("rate", reporter_of(self.case_id), "反映人评价：非常满意，已解决。", self.at(15),
                  rating="5", solved=True)  # fmt: skip
        repeated = self.visits(village)
        case = Case.objects.get(pk=self.case_id)
        return {
            "number": case.number,
            "repeated": repeated,
            "steps": self.steps,
            "state": case.state,
            "ended": case.ended,
            "rework": case.rework_count,
            "rating": case.rating,
            # Only the changes of 2018 are published; the counts are of a thousand the year before.
            "record": {
                "accidents_change_share": change_share(757, 1000),
                "deaths_change_share": change_share(832, 1000),
            },
        }

    def visits(self, inspector: Actor) -> bool:
        """Two visits by check list find the same item not in order; the second is a repeat."""
        premises = register.register(
            inspector,
            {"code": self.key[-40:], "name": "山脚饭店（演示）", "trade": "gas", "risk": "2",
             "village": VILLAGE, "duty_holder": "演示负责人"},
        )  # fmt: skip
        Premises.objects.filter(pk=premises.pk).update(synthetic=True)
        premises.refresh_from_db()
        told = "综合查一次：按检查表检查，燃气报警一项不符合，开出隐患。"
        for day, sentence in ((20, told), (38, "再次检查，同一项又不符合：标记为重复隐患。")):
            key = self.say(sentence, self.at(day))
            visit = visits.visit_early(inspector, premises, local_day(now()), "复查", key)
            items = register.items_of(premises.trade)
            found = {one.code: visits.NOT if one.number == 2 else visits.OK for one in items}
            seen = {one.code: "报警装置没有接电" for one in items}
            opened = visits.record(inspector, visit.pk, found, seen, self.at(day))
        # The register of the town shows none of a story's premises.
        Premises.objects.filter(pk=premises.pk).update(is_active=False)
        return visits.is_repeated(opened[0].case_id)

    def refused(self, inspector: Actor) -> None:
        """The unit that reported it mended looks at its own work: that must not be possible."""
        at = self.at(9, 15)
        try:
            engine.move(self.case_id, "reinspect_pass", inspector, key=f"{self.key}:own",
                        facts={"evidence": "我自己看过"}, at=at)  # fmt: skip
        except engine.Refused as refused:
            self.say(f"整改单位自己复查，被拒绝：{refused}", at)
            return
        raise AssertionError("a unit verified its own work")


def _actor(username: str) -> Actor:
    account = Account.objects.get(username=username, synthetic=True)
    return actors_for(account, local_day(now()))[0]
