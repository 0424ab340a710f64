"""What the demonstration town has of safety: made-up premises, visits, hazards and a campaign."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from maplebridge.applications.safety import drives, ledger, register, visits
from maplebridge.applications.safety.models import Inspection, Premises
from maplebridge.cases import engine
from maplebridge.cases.models import Case
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import Actor

VILLAGE = "330825209201"
HOUSING = "330825-hsc"
# Code, name, trade, risk, point, days since the last visit.
PLACES = (
    ("demonstration-1", "山脚饭店（演示）", "gas", "1", (119.2311, 29.0402), 40),
    ("demonstration-2", "溪边农家乐（演示）", "gas", "2", (119.2318, 29.0398), 20),
    ("demonstration-3", "东街五金加工坊（演示）", "workshop", "1", (119.2296, 29.0407), 60),
    ("demonstration-4", "乡粮油仓库（演示）", "crowd", "3", (119.2288, 29.0395), 200),
    ("demonstration-5", "社阳安置房工地（演示）", "site", "2", (119.2330, 29.0411), 15),
)  # fmt: skip


def open_demonstration() -> None:
    """Writes what is made up; what is there already is left as it is."""
    people = {name: _actor(name) for name in ("town", "village", "housing", "county")}
    found = {name: actor for name, actor in people.items() if actor is not None}
    if len(found) < len(people) or Premises.objects.filter(code=PLACES[0][0]).exists():
        return
    with transaction.atomic():
        _write(found)


def _actor(username: str) -> Actor | None:
    account = Account.objects.filter(username=username, synthetic=True).first()
    return next(iter(actors_for(account, local_day(now()))), None) if account else None


def _write(people: dict[str, Actor]) -> None:
    town, village, housing = people["town"], people["village"], people["housing"]
    today = local_day(now())
    register.open_check_items()
    for code, name, trade, risk, (lon, lat), ago in PLACES:
        said = {"code": code, "name": name, "trade": trade, "risk": risk, "village": VILLAGE,
                "duty_holder": "演示负责人", "duty_post": "安全负责人"}  # fmt: skip
        one = register.register(town, said)
        Premises.objects.filter(pk=one.pk).update(
            synthetic=True, lon=lon, lat=lat, last_visit=today - dt.timedelta(days=ago)
        )
    drives.call(
        town,
        {"title": "用气餐饮安全专项整治（演示）", "trade": "gas", "aim": "报警装置全部安装并使用。",
         "begins": (today - dt.timedelta(days=9)).isoformat(),
         "ends": (today + dt.timedelta(days=20)).isoformat()},
        "demonstration:drive", synthetic=True,
    )  # fmt: skip
    for days, injured in ((400, 1), (50, 0)):
        said = {"day": (today - dt.timedelta(days=days)).isoformat(), "area": VILLAGE,
                "trade": "workshop", "injured": str(injured), "loss_yuan": "20000",
                "note": "演示数据"}  # fmt: skip
        ledger.enter(town, said, f"demonstration:{days}", synthetic=True)
    first = _visited(village, PLACES[0][0], {"GAS-2": "报警装置没有接电"}, 6)
    _visited(village, PLACES[2][0], {"WSH-3": "插线板串接，线路裸露", "WSH-2": "后门上锁"}, 2)
    hazard = Case.objects.get(pk=visits.hazards_of(first)["GAS-2"])
    key = f"demonstration:{hazard.pk}"
    said = {"unit": HOUSING, "category": "0205"}
    engine.move(hazard.pk, "assign", town, key=f"{key}:1", facts=said, at=_ago(5))
    notice = {
        "weight": "major", "measures": "接通报警装置，加装切断阀", "responsible": "演示负责人",
        "money_yuan": 3600, "dispose_on": (today + dt.timedelta(days=8)).isoformat(),
        "plan": "整改完成前关闭总阀",
    }  # fmt: skip
    engine.move(hazard.pk, "notice", housing, key=f"{key}:2", facts=notice, at=_ago(4))
    engine.move(
        hazard.pk, "list_publicly", people["county"], key=f"{key}:3", at=_ago(3),
        facts={"published_on": today.isoformat(), "reason": "人员密集场所的重大隐患"},
    )  # fmt: skip
    visits.plan(town, today, 14, 1, 1)


def _ago(days: int) -> dt.datetime:
    return now() - dt.timedelta(days=days)


def _visited(actor: Actor, code: str, broken: dict[str, str], days_ago: int) -> Inspection:
    one = Premises.objects.get(code=code)
    day = local_day(now())
    visit = visits.visit_early(actor, one, day, "群众反映", f"demonstration:{code}")
    Inspection.objects.filter(pk=visit.pk).update(planned_on=day - dt.timedelta(days=days_ago))
    answers = {
        item.code: "not" if item.code in broken else "ok" for item in register.items_of(one.trade)
    }
    visits.record(actor, visit.pk, answers, broken, _ago(days_ago))
    visit.refresh_from_db()
    return visit
