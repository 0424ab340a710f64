"""The demonstration town: Quzhou's divisions, made-up grids, units by rule, one account a role.

Everything below the county outlines is made up and marked so. Opening it again changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import translation

from maplebridge.cases import deadlines, feed
from maplebridge.config import applications
from maplebridge.config.demonstration_matters import open_matters
from maplebridge.config.worker import READERS
from maplebridge.connectors.postgres import secret
from maplebridge.journey import learn, notice, retention, route
from maplebridge.organisation import divisions, outlines, units
from maplebridge.organisation.models import Account, Area, Holding, Post, Unit
from maplebridge.organisation.people import Role
from maplebridge.organisation.skeleton import open_skeleton

Progress = Callable[[str], None]
CITY, COUNTY, TOWN = "3308", "330825", "330825209"
VILLAGE = "330825209201"
GRID = f"{VILLAGE}001"
BEGINS = dt.date(2026, 1, 1)

# Login, made-up name, unit, role, what the post is called.
CAST: tuple[tuple[str, str, str, Role, str], ...] = (
    ("city", "程晓岚", f"{CITY}-center", Role.DISPATCHER, "市大联动中心调度员"),
    ("county", "龙一舟", f"{COUNTY}-center", Role.DISPATCHER, "县大联动中心调度员"),
    ("supervisor", "严正言", f"{COUNTY}-center", Role.SUPERVISOR, "县督查专员"),
    ("revisit", "温问梅", f"{COUNTY}-center", Role.REVISITOR, "回访专员"),
    ("leader", "何同川", f"{COUNTY}-center", Role.LEADER, "值班领导"),
    ("housing", "祝安居", f"{COUNTY}-hsc", Role.OFFICER, "住建局经办人"),
    ("enforcement", "齐守街", f"{COUNTY}-enf", Role.OFFICER, "综合执法局经办人"),
    ("utility", "管畅流", f"{COUNTY}-utl", Role.OFFICER, "公用事业经办人"),
    ("police", "罗安平", f"{COUNTY}-pol", Role.OFFICER, "公安局线索接收岗"),
    ("discipline", "廉清源", f"{COUNTY}-dis", Role.OFFICER, "纪检监察组线索接收岗"),
    ("town", "夏知远", f"{TOWN}-room", Role.CLERK, "综合信息指挥室值班员"),
    ("mediator", "和为贵", f"{TOWN}-mediation", Role.MEDIATOR, "人民调解员"),
    ("village", "田守望", f"{VILLAGE}-station", Role.STATION, "村综治工作站"),
    ("grid", "林格格", f"{GRID}-grid", Role.GRID_WORKER, "专职网格员"),
    ("auditor", "明鉴之", f"{CITY}-center", Role.AUDITOR, "审计员"),
    ("administrator", "卢系统", f"{CITY}-center", Role.ADMINISTRATOR, "系统管理员"),
    ("security", "安守门", f"{CITY}-center", Role.SECURITY, "安全管理员"),
)


def open_reference(progress: Progress | None = None) -> None:
    """Divisions, outlines, and the first editions of categories, time limits and message texts."""
    say = progress or _silent
    if not Area.objects.within(CITY).exists():
        say("Loading the divisions of Quzhou")
        divisions.load_seed_divisions()
    outlines.open_county_outlines()
    with translation.override(settings.LANGUAGE_CODE):
        deadlines.open_durations()
        learn.open_categories()
        notice.open_texts()
        retention.open_terms()
    for reader in READERS:
        feed.enrol(reader)


def open_town(progress: Progress | None = None, matters: bool = True) -> None:
    """Everything of the demonstration town; what is there already is left as it is.

    matters: also report a few made-up ones.
    """
    say = progress or _silent
    open_reference(progress)
    with transaction.atomic():
        if not Area.objects.filter(pk=GRID).exists():
            say("Drawing made-up grids in one county")
            outlines.open_synthetic_grids(COUNTY)
        if not Unit.objects.filter(pk=f"{GRID}-grid").exists():
            say("Making the units of five tiers")
            open_skeleton(CITY)
        if not route.RESPONSIBILITIES.number():
            counties = Area.objects.within(CITY).filter(code__regex=r"^\d{6}$")
            lines = {code: facts.line for code, facts in learn.categories().items()}
            route.open_responsibility(
                counties.values_list("code", flat=True), lines, units.directory()
            )
        _open_accounts()
    if matters and open_matters():
        say("Reported a few made-up matters")
    if matters:
        for shown in applications.demonstrations():
            shown.open_demonstration()


def _open_accounts() -> None:
    password = demonstration_password()
    known = set(Account.objects.values_list("username", flat=True))
    for username, name, unit, role, title in CAST:
        if username in known:
            continue
        account = Account.objects.create(
            username=username, display_name=name, password=password, synthetic=True
        )
        post, _made = Post.objects.get_or_create(
            code=f"{unit}:{role}", defaults={"unit_id": unit, "role": role, "title": title}
        )
        Holding.objects.create(account=account, post=post, begins=BEGINS)


def demonstration_password() -> str:
    """The town's one password, drawn at random when the town is first opened on this machine."""
    return secret(Path(settings.STATE), "demonstration")


def accounts() -> list[tuple[str, str, str, str]]:
    """Login, password, name and post of each labelled account, for the start's announcement."""
    password = demonstration_password()
    return [(login, password, name, title) for login, name, _unit, _role, title in CAST]


def _silent(_line: str) -> None:
    return None
