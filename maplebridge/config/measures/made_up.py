"""Made-up reports over real place names, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

MATTERS = (
    "下水道堵了，污水漫到路上",
    "路灯坏了好几天，晚上看不见",
    "路边垃圾堆了几天没人清",
    "楼下烧烤店油烟很大",
    "工地夜里施工太吵",
    "老板拖欠工资三个月",
    "消防通道被车堵住",
    "井盖不见了，很危险",
    "邻居盖房占了公共通道",
    "自来水一早停到现在",
    "想问问医保怎么报销",
    "河道里有人倒垃圾",
)
ENDINGS = ("请尽快来看看。", "麻烦处理一下。", "已经说过一次了。", "孩子每天经过这里。", "谢谢。")


def texts(how_many: int, places: list[str], seed: int = 1) -> Iterator[str]:
    """Reports in words: a place, a matter, an ending; places: names as people write them."""
    draw = random.Random(seed)  # noqa: S311
    for number in range(how_many):
        place, matter = draw.choice(places), draw.choice(MATTERS)
        yield f"{place}{matter}，{draw.choice(ENDINGS)}第{number}件。"


def place_names(how_many: int = 400, seed: int = 1) -> list[str]:
    """Names of villages of the city with county and township before them; one statement."""
    from maplebridge.organisation.models import Area

    names = dict(Area.objects.values_list("code", "name"))
    villages = sorted(code for code in names if len(code) == 12)
    random.Random(seed).shuffle(villages)  # noqa: S311
    tails = [(code, names[code].removesuffix("村民委员会").removesuffix("村")) for code in villages]
    return [f"{names[code[:6]]}{names[code[:9]]}{tail}村" for code, tail in tails[:how_many]]
