"""How far and which way from a landmark an address says a place lies: 卫生院东侧300米."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FARTHEST_METRES: Final = 20_000
_WAY = re.compile(
    r"(?P<mark>[\u4e00-\u9fff]{0,12}?)(?:往|向|朝|的)?"
    r"(?P<way>[东西][南北]|[东西南北])(?:侧|边|面|方向|方|头|角|走)?(?:大概|大约|约|差不多|走)?\s?"
    r"(?P<number>\d{1,5}(?:\.\d)?|[一二两三四五六七八九十百千半]{1,7})\s?(?P<unit>米|公里|千米|里路|里地)"
)
_DIGITS: Final = {sign: n for n, sign in enumerate("一二三四五六七八九", start=1)} | {"两": 2}
_TENS: Final = {"十": 10, "百": 100, "千": 1000}
_METRES: Final = {"米": 1.0, "公里": 1000.0, "千米": 1000.0, "里路": 500.0, "里地": 500.0}


@dataclass(frozen=True)
class Offset:
    """landmark: what it is measured from, may be empty. direction: 东, 西南 ... metres: how far."""

    landmark: str
    direction: str
    metres: float


def offset_in(text: str) -> Offset | None:
    """The first offset in a text that means a distance on foot; None without one."""
    for found in _WAY.finditer(text):
        number = _number(found["number"])
        metres = number * _METRES[found["unit"]]
        if 0 < metres <= FARTHEST_METRES:
            return Offset(found["mark"], found["way"], metres)
    return None


def _number(written: str) -> float:
    """Digits, or Chinese numerals below ten thousand: 三百五十, 两百, 半."""
    if written[0].isdigit():
        return float(written)
    if written == "半":
        return 0.5
    total = digit = 0
    unit = 1
    for sign in written:
        if sign in _TENS:
            unit = _TENS[sign]
            total += (digit or 1) * unit
            digit = 0
        else:
            digit = _DIGITS.get(sign, 0)
    # 三百五 is 350: a last digit alone stands for the next lower unit.
    return float(total + digit * (unit // 10 if unit > 10 else 1))
