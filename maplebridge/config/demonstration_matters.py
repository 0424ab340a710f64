"""A dozen made-up matters of the demonstration town, each left at another point of its way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maplebridge.cases import engine
from maplebridge.cases.engine import case_id_for
from maplebridge.cases.models import Case
from maplebridge.journey.advance import advance
from maplebridge.journey.intake import Report, take_in
from maplebridge.lib.clock import now
from maplebridge.organisation.models import Account, Area, actors_for
from maplebridge.organisation.people import Actor, reporter_of

CHANNEL = "demonstration"
ACCOUNT = "town"
Moves = tuple[tuple[str, str, Mapping[str, Any]], ...]


@dataclass(frozen=True)
class Matter:
    """One made-up matter: how many hours ago, where, what, and who did what since.

    grid: the village and grid of the point, empty for a place in words only.
    moves: (login or "reporter", move, facts).
    """

    key: str
    hours_ago: float
    text: str
    grid: str = ""
    place: str = ""
    name: str = ""
    moves: Moves = ()


ACCEPT: Moves = (("town", "accept", {}),)
FILE: Moves = (*ACCEPT, ("town", "file_case", {}))


def _sent(unit: str) -> Moves:
    return (*FILE, ("town", "dispatch", {"unit": unit}))


def _done(unit: str, login: str, result: str) -> Moves:
    return (*_sent(unit), (login, "sign_for", {}), (login, "feedback", {"result": result}))


def _closed(unit: str, login: str, result: str, reply: str) -> Moves:
    return (
        *_done(unit, login, result),
        ("town", "verify_pass", {"note": "现场看过，已恢复。"}),
        ("town", "close", {"reply": reply}),
    )


HOUSING, UTILITY, ENFORCEMENT = "330825-hsc", "330825-utl", "330825-enf"
MATTERS = (
    Matter(
        "drain-market", 0.4, "菜市场门口的下水道堵了，从昨晚开始路面积水，老人走路不方便。",
        grid="330825209201001", place="社阳村菜市场门口", name="方小溪",
    ),
    Matter(
        "lamp-bridge", 3, "桥头的路灯有两盏不亮，晚上接孩子看不清路。",
        grid="330825209201001", place="社阳村老桥头", moves=ACCEPT,
    ),
    Matter(
        "manhole", 1, "村道上一个窨井盖破了个大口子，旁边没有围挡，很危险。",
        grid="330825209200001", place="红光村村道", name="祝山茶", moves=_sent(UTILITY),
    ),
    Matter(
        "litter", 26, "河边步道旁堆了不少生活垃圾，天热有味道。",
        grid="330825209201002", place="社阳村河边步道", moves=_done(
            ENFORCEMENT, "enforcement", "已清运垃圾两车，并增设垃圾桶一个。"
        ),
    ),
    Matter(
        "site-noise", 50, "工地半夜还在施工扰民，夜间施工噪声吵得睡不着。",
        grid="330825209220001", place="大公村东头工地", name="江晚舟",
        moves=(*_sent(ENFORCEMENT), ("enforcement", "sign_for", {}),
               ("enforcement", "contact", {"note": "已电话联系反映人，约定今晚到现场。"})),
    ),
    Matter(
        "drain-school", 75, "学校后门的污水管冒水，流到马路上。",
        grid="330825209201001", place="社阳村小学后门", name="柳叶青",
        moves=_closed(HOUSING, "housing", "已疏通主管并清洗路面。",
                      "管道已疏通，路面已冲洗。如再发生请再告诉我们。"),
    ),
    Matter(
        "parking", 120, "农贸街口天天有车违停，乱停乱放占着车道。",
        grid="330825209201001", place="社阳村农贸街",
        moves=FILE,
    ),
    Matter(
        "lamp-done", 170, "村委会门口路灯坏了，晚上黑漆漆的。",
        grid="330825209221001", place="金龙村村委会门口", name="石榴红",
        moves=(*_closed(UTILITY, "utility", "已更换灯头和线路。", "路灯已修好，请您晚上看看。"),
               ("reporter", "rate",
                {"rating": "5", "solved": True, "comment": "当天就亮了，谢谢。"})),
    ),
    Matter(
        "where", 0.2, "我们这里的自来水从早上开始就停了，什么时候能来水？", name="林中月",
    ),
    Matter(
        "neighbour", 30, "邻居家砌的围墙占了公共过道，说了几次都不听，想请村里调解。",
        grid="330825209201002", place="社阳村后山弄", name="白果树", moves=ACCEPT,
    ),
)  # fmt: skip


def open_matters() -> int:
    """Reports the made-up matters and walks each to its point; once. Returns how many are new."""
    first = case_id_for(CHANNEL, ACCOUNT, MATTERS[0].key)
    last = case_id_for(CHANNEL, ACCOUNT, MATTERS[-1].key)
    if Case.objects.filter(pk__in=[first, last]).count() == 2:
        return 0
    day = dt.date.today()  # noqa: DTZ011  only asks which posts are held
    people = {a.username: actors_for(a, day)[0] for a in Account.objects.filter(synthetic=True)}
    points = {
        area.code: (area.inner_lon, area.inner_lat)
        for area in Area.objects.filter(pk__in=[matter.grid for matter in MATTERS])
        if area.inner_lon is not None and area.inner_lat is not None
    }
    return sum(_open(matter, people, points) for matter in MATTERS)


def _open(
    matter: Matter, people: Mapping[str, Actor], points: Mapping[str, tuple[float, float]]
) -> bool:
    begun = now() - dt.timedelta(hours=matter.hours_ago)
    lon, lat = points.get(matter.grid, (None, None))
    receipt = take_in(
        Report(
            channel=CHANNEL, account=ACCOUNT, key=matter.key, text=matter.text,
            place=matter.place, name=matter.name, anonymous=not matter.name,
            lon=lon, lat=lat, at=begun, synthetic=True,
        )
    )  # fmt: skip
    advance(receipt.case_id, begun + dt.timedelta(seconds=1))
    share = dt.timedelta(hours=matter.hours_ago) / (len(matter.moves) + 2)
    for number, (who, name, facts) in enumerate(matter.moves, start=1):
        actor = reporter_of(receipt.case_id) if who == "reporter" else people[who]
        engine.move(
            receipt.case_id, name, actor, key=f"demonstration:{number}", facts=facts,
            at=begun + share * number,
        )  # fmt: skip
    return receipt.fresh
