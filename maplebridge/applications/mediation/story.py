"""One dispute told from the first word to the rating, by the functions that the pages call."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from maplebridge.applications.mediation import acts, figures, files
from maplebridge.applications.mediation.rules import Refused
from maplebridge.cases import engine
from maplebridge.cases.models import Case
from maplebridge.insight.indicators import percent
from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.organisation.models import Account, Post, actors_for
from maplebridge.organisation.people import Actor, reporter_of

NAME = "dispute"
VILLAGE, TOWN = "330825209201", "330825209"
COMMITTEE = f"{TOWN}-mediation"
# So long ago it begins, so that all of it has happened when it is told.
DAYS = 84
# What the county published: disputes screened, and settled. Source: stories to build on.
RECORD = figures.Counts(screened=45228, settled=45160)
ONE = {
    "name": "周家老大",
    "phone": "13800000001",
    "household": "社阳村上屋12号",
    "unit": "社阳茶厂",
}
TWO = {"name": "徐家大嫂", "phone": "13900000002", "household": "社阳村上屋14号"}


def tell(watch: Callable[[str, dt.datetime], None]) -> dict[str, Any]:
    """Plays the story and calls `watch` for each step, with its moment; returns its figures.

    Every telling is a dispute of its own. The town's accounts must be there.
    """
    # No transaction around it: each step is there for whoever looks on, as it was then.
    return _Telling(watch).all()


class _Telling:
    """One telling: its people, its case, its keys."""

    def __init__(self, watch: Callable[[str, dt.datetime], None]) -> None:
        self.watch = watch
        self.key = f"story:{uuid.uuid4()}"
        self.begin = local_day(now()) - dt.timedelta(days=DAYS)
        self.steps = 0
        self.village, self.town = _actor("village"), _actor("town")
        self.first = _actor("mediator")
        self.second = _actor_of(_second_mediator(), COMMITTEE)
        self.case_id = uuid.UUID(int=0)

    def at(self, day: int, hour: int = 10) -> dt.datetime:
        """The moment of a day of the story."""
        day_of = self.begin + dt.timedelta(days=day)
        return dt.datetime.combine(day_of, dt.time(hour), CHINA)

    def on(self, day: int) -> str:
        """A day of the story."""
        return (self.begin + dt.timedelta(days=day)).isoformat()

    def say(self, sentence: str, at: dt.datetime) -> str:
        """Tells a step and returns a fresh key for it."""
        self.watch(sentence, at)
        self.steps += 1
        return f"{self.key}:{self.steps}"

    def plain(self, move: str, actor: Actor, sentence: str, at: dt.datetime, **facts: Any) -> None:
        """A move without rules of its own."""
        engine.move(self.case_id, move, actor, key=self.say(sentence, at), facts=facts, at=at)

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
        self._taken_in()
        self._mediated()
        self._performed()
        case = Case.objects.get(pk=self.case_id)
        file = files.read(case, opened=True)
        agreed = file.agreement
        if agreed is None:
            raise AssertionError("no agreement")
        share = {line.name: line for line in figures.lines(RECORD)}["dispute_success"]
        return {
            "number": case.number,
            "code": case.query_code,
            "state": case.state,
            "sessions": len(file.sittings),
            "statements_sealed": len(file.statements),
            "effective_on": agreed.effective_on.isoformat(),
            "confirm_by": agreed.confirm_by.isoformat(),
            "performed": f"{len(agreed.done)}/{len(agreed.dues)}",
            "ruling": file.ruling,
            "rating": case.rating,
            "layers": len(_layers(file)),
            "record": {
                "screened": RECORD.screened,
                "settled": RECORD.settled,
                "success_share": percent(share.value),
            },
            "simulation": True,
        }

    def _taken_in(self) -> None:
        at = self.at(0, 9)
        key = self.say("社阳村排查发现：两户为屋檐滴水争执，登记后密封双方信息。", at)
        asked = acts.Asking(VILLAGE, "0102", "两户为屋檐滴水争执", (ONE, TWO), key, "screening",
                            at=at, synthetic=True)  # fmt: skip
        self.case_id = acts.ask(asked, self.village).case_id
        self.plain("escalate", self.village, "村里两次劝解不成，上报乡里，同一个解纷码。",
                   self.at(1), reason="村里两次劝解不成")  # fmt: skip
        self.plain("accept", self.town, "乡综合信息指挥室受理。", self.at(1, 15))
        key = self.say("按邻里纠纷、二级，分流到社阳乡人民调解委员会。", self.at(2))
        said = {"unit": COMMITTEE, "category": "0102", "seriousness": "2"}
        acts.split(self.case_id, self.town, said, key, self.at(2))

    def _choose(self, person: Actor, declared: dict[str, str], hour: int, key: str) -> object:
        return acts.choose_mediator(
            self.case_id,
            self.first,
            str(person.account_id),
            declared,
            (1, 2),
            key,
            self.at(3, hour),
        )

    def _mediated(self) -> None:
        case_id, me = self.case_id, self.second
        self.refused("选和为贵调解，被拒绝", self.at(3), lambda: self._choose(
            self.first, {"household": TWO["household"]}, 10, "never"))  # fmt: skip
        self._choose(me, {}, 15, self.say("双方选定宋公平为调解员。", self.at(3, 15)))
        self.refused("没有告知权利就想开始，被拒绝", self.at(4), lambda: acts.begin(
            case_id, self.first, (1,), (1, 2), False, "even", "never-2", self.at(4)))  # fmt: skip
        key = self.say("逐一告知权利义务，单独询问有无暴力胁迫，双方自愿，调解开始。", self.at(4))
        acts.begin(case_id, self.first, (1, 2), (1, 2), False, "even", key, self.at(4))
        for party, words in ((1, "屋檐是二十年前修的，一直这样。"), (2, "墙都泡坏了，要修墙。")):
            key = self.say(f"单独听取当事人{party}的陈述，立即密封。", self.at(5, 9 + party))
            acts.state(case_id, me, party, words, key, self.at(5, 9 + party))
        said = {"way": "place", "where": "社阳村文化礼堂调解室", "minutes": "95",
                "record": "双方到现场看了屋檐和墙面，未能达成一致。"}  # fmt: skip
        key = self.say("第一次调解会：现场，95 分钟，双方到场。", self.at(7, 14))
        acts.sit(case_id, me, {**said, "held_on": self.on(7)}, (1, 2), key, self.at(7, 15))
        key = self.say("调解员提出方案：收短屋檐、装落水管，修墙费用各半。", self.at(8))
        acts.propose(case_id, me, "申请人收短屋檐并装落水管；修墙费用各承担一半。", key, self.at(8))
        acts.cool_off(case_id, me, self.on(13),
                      self.say("双方要想一想，进入冷静期。", self.at(9)), self.at(9))  # fmt: skip
        acts.go_on(case_id, me, self.say("冷静期满，继续调解。", self.at(13)), self.at(13))
        said = {"way": "video", "where": "视频调解室（徐家大嫂在杭州）", "minutes": "40",
                "record": "双方同意方案，约定分两步履行。"}  # fmt: skip
        key = self.say("第二次调解会：视频，40 分钟。", self.at(14, 19))
        acts.sit(case_id, me, {**said, "held_on": self.on(14)}, (1, 2), key, self.at(14, 20))
        for party in (1, 2):
            key = self.say(f"当事人{party}在自己的链接里同意方案。", self.at(15, 8 + party))
            acts.answer_proposal(case_id, reporter_of(case_id), party, "yes", key,
                                 self.at(15, 8 + party))  # fmt: skip
        self._agreed()

    def _agreed(self) -> None:
        text = {
             "facts": "申请人屋檐伸出墙外，雨水滴到被申请人墙上。",
            "disputed": "屋檐是否收短、修墙费用由谁承担。", "responsibility": "双方各有责任。",
            "content": "申请人收短屋檐三十厘米并装落水管；修墙费用各承担一半。",
            "manner": "申请人请工施工；费用当面结清。",
            "items": f"{self.on(30)} 收短屋檐、装好落水管\n{self.on(40)} 结清修墙费用",
        }  # fmt: skip
        key = self.say("调解员把协议文本放到双方各自的链接里。", self.at(15, 15))
        acts.draft_agreement(self.case_id, self.second, text, key, self.at(15, 15))
        reporter = reporter_of(self.case_id)
        self.refused("用别人的名字签名，被拒绝", self.at(16), lambda: acts.sign_draft(
            self.case_id, reporter, 1, 1, TWO["name"], "never-5", self.at(16)))  # fmt: skip
        key = self.say("申请人读过文本，在自己的链接里签名。", self.at(16))
        acts.sign_draft(self.case_id, reporter, 1, 1, ONE["name"], key, self.at(16))
        form = {**text, "form": "written", "signed_2": self.on(17), "mediator_on": self.on(17)}
        self.refused("签名以后改动文本，被拒绝", self.at(17), lambda: acts.agree(
            self.case_id, self.second, {**form, "sealed_on": self.on(17), "content": "改了"},
            "never-6", self.at(17)))  # fmt: skip
        self.refused("缺印章的协议不生效，被拒绝", self.at(17), lambda: acts.agree(
            self.case_id, self.second, form, "never-3", self.at(17)))  # fmt: skip
        form["sealed_on"] = self.on(18)
        key = self.say("另一方和调解员在纸上签名、加盖印章，协议当日生效。", self.at(18))
        acts.agree(self.case_id, self.second, form, key, self.at(18))

    def _performed(self) -> None:
        case_id, me = self.case_id, self.second
        key = self.say("到履行日：第一项已履行，村里看过。", self.at(30, 16))
        acts.note_performance(case_id, me, 1, "whole", key, self.at(30, 16))
        file = files.read(Case.objects.get(pk=case_id), opened=False)
        last = file.agreement.confirm_by if file.agreement else self.begin
        self.refused("一方单独申请司法确认，被拒绝", self.at(32), lambda: acts.ask_court(
            case_id, me, (1,), self.on(32), "never-4", self.at(32)))  # fmt: skip
        key = self.say(f"双方共同申请司法确认（最后一日 {last.isoformat()}）。", self.at(33))
        acts.ask_court(case_id, me, (1, 2), self.on(33), key, self.at(33))
        key = self.say("提醒当事人2：后天结清修墙费用。", self.at(38))
        acts.remind(case_id, me, 2, key, self.at(38))
        key = self.say("第二项已履行，费用结清。", self.at(40, 11))
        acts.note_performance(case_id, me, 2, "whole", key, self.at(40, 11))
        key = self.say("法院裁定确认协议有效。", self.at(45))
        acts.note_ruling(case_id, me, "confirmed", self.on(45), key, self.at(45))
        key = self.say("回访：两家已正常来往。", self.at(60))
        acts.visit(case_id, me, 2, "whole", "墙修好了，没有再滴水。", key, self.at(60))
        key = self.say("协议全部履行，结案。", self.at(61))
        acts.close(case_id, me, "协议已全部履行。", key, self.at(61))
        self.plain("rate", reporter_of(case_id), "申请人评价：非常满意，已解决。", self.at(62),
                   rating="5", solved=True)  # fmt: skip


def _layers(file: files.File) -> set[str]:
    """The units that held the dispute."""
    return {str(event.facts.get("unit", "")) for event in file.events}


def _actor(username: str) -> Actor:
    return _actor_of(Account.objects.get(username=username, synthetic=True), "")


def _actor_of(account: Account, unit_code: str) -> Actor:
    posts = actors_for(account, local_day(now()))
    return next(post for post in posts if post.unit_code == unit_code or not unit_code)


def _second_mediator() -> Account:
    """A second, made-up mediator of the committee: the first has a tie to a party."""
    account, made = Account.objects.get_or_create(
        username="story-mediator", defaults={"display_name": "宋公平", "synthetic": True}
    )
    if made:
        post = Post.objects.get(code=f"{COMMITTEE}:mediator")
        account.holdings.create(post=post, begins=dt.date(2026, 1, 1))
    return account
