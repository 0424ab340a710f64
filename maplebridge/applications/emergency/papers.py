"""The situation report as a paper; Chinese, because it goes up a Chinese line of command."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from maplebridge.applications.emergency.rules import Interval, Situation, Sourced
from maplebridge.applications.emergency.shown import Told
from maplebridge.cases.models import Case
from maplebridge.lib.clock import CHINA
from maplebridge.lib.papers import Column, Facts, Paper, Signature, Table
from maplebridge.organisation import duty
from maplebridge.organisation.units import directory

STAGES = {"first": "首报", "follow_up": "续报", "final": "终报"}
LABELS = {
    "breach_metres": "溃口宽度（米）", "people": "增援人数", "filled_share": "溃口已填筑",
    "level_change_metres": "水位变化（米）", "households": "转移户数",
}  # fmt: skip


def figure(value: Fraction | Decimal | int) -> str:
    """A number as it is read: a part as a fraction, metres with their sign and two places."""
    if isinstance(value, Decimal):
        return f"{value:+.2f}"
    return str(value)


def source(one: Sourced) -> str:
    """Where a number is from, in words."""
    said = [f"指令日志第{number}条" for number in one.entries]
    said += [
        f"{reading.station} {reading.at.astimezone(CHINA):%H:%M} {reading.metres:.2f}米"
        for reading in one.readings
    ]
    return "；".join(said)


def _mark(case: Case, drill: bool) -> str:
    return "演练" if drill else "模拟" if case.synthetic else ""


def report(case: Case, known: Situation, stage: str, *, drill: bool = False) -> Paper:
    """A situation report, every number with its source. drill: marked as an exercise."""
    at = known.at.astimezone(CHINA)
    rows = tuple((LABELS[n], figure(one.value), source(one)) for n, one in known.known.items())
    issuer = directory().name_of(case.unit_code)
    day = f"{at.year}年{at.month}月{at.day}日"
    return Paper(
        title=f"汛情险情快报（{STAGES[stage]}）",
        issuer=issuer,
        number=case.number,
        day=day,
        mark=_mark(case, drill),
        blocks=(
            Facts((("编号", case.number), ("截至", f"{day} {at:%H:%M}"))),
            Table("数据与来源", (Column("项目"), Column("数值"), Column("来源", 2)), rows),
            Signature(issuer, day),
        ),
    )


def duty_list(case: Case, units: Sequence[str], *, at: dt.datetime, drill: bool = False) -> Paper:
    """Who is on duty now, by post and telephone of the desk: for when no machine calls any more."""
    issuer = directory().name_of(case.unit_code)
    made = at.astimezone(CHINA)
    day = f"{made.year}年{made.month}月{made.day}日"
    rows: list[tuple[str, ...]] = []
    for unit in units:
        found = duty.on_duty(unit, at)
        rows += [
            (directory().name_of(unit), one.title, one.desk_phone or "—",
             f"至{one.ends_at.astimezone(CHINA):%m-%d %H:%M}", "")
            for one in found
        ] or [(directory().name_of(unit), "无排班", "—", "", "")]  # fmt: skip
    return Paper(
        title="值班叫应名单",
        issuer=issuer,
        number=case.number,
        day=day,
        mark=_mark(case, drill),
        blocks=(
            Facts((("编号", case.number), ("截至", f"{day} {made:%H:%M}"))),
            Table(
                "按岗位逐级叫应，应答后填写时间",
                (Column("单位", 2), Column("值班岗位", 1.5), Column("值班电话", 1.5),
                 Column("在岗", 1.2), Column("应答时间及签名", 1.5)),
                tuple(rows),
            ),
            Signature(issuer, day),
        ),
    )  # fmt: skip


def review(
    case: Case,
    log: Sequence[Told],
    took: Sequence[tuple[str, str, Interval]],
    *,
    at: dt.datetime,
    drill: bool = False,
) -> Paper:
    """The after-action review: how long each part took, and the whole log, oldest first."""
    issuer = directory().name_of(case.unit_code)
    made = at.astimezone(CHINA)
    day = f"{made.year}年{made.month}月{made.day}日"
    spans = tuple(
        (label, words, f"第{one.begin.number}条至第{one.end.number}条")
        for label, words, one in took
    )
    rows = tuple(
        (
            str(one.entry.number),
            f"{one.entry.at.astimezone(CHINA):%m-%d %H:%M}",
            f"{one.happened.label}（{one.happened.by}）",
            "；".join(f"{label}：{words}" for label, words in one.said)
            + (f"（已由第{one.newer}条更正）" if one.newer else ""),
        )
        for one in log
    )
    return Paper(
        title="应急响应复盘报告",
        issuer=issuer,
        number=case.number,
        day=day,
        mark=_mark(case, drill),
        blocks=(
            Facts((("编号", case.number), ("条目", f"{len(rows)}条，均取自指令日志"))),
            Table("各环节用时", (Column("环节", 2), Column("用时"), Column("依据")), spans),
            Table(
                "指令日志",
                (Column("条"), Column("时间"), Column("事项", 2), Column("内容", 3)),
                rows,
            ),
            Signature(issuer, day),
        ),
    )
