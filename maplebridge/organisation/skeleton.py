"""The units that every city of this form has, made by rule from its area tree.

A city replaces them by its own list; until then they keep the five tiers whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext_lazy as _

from maplebridge.organisation import units
from maplebridge.organisation.models import Area, Unit, UnitKind

# Code of the line: Chinese, English, kind. Source: domain guide, section 3.
LINES: dict[str, tuple[str, str, UnitKind]] = {
    "JUS": ("司法局", "Justice Bureau", UnitKind.DEPARTMENT),
    "POL": ("公安局", "Public Security Bureau", UnitKind.DEPARTMENT),
    "TRF": ("交警大队", "Traffic Police", UnitKind.DEPARTMENT),
    "FIRE": ("消防救援大队", "Fire and Rescue", UnitKind.RESCUE_TEAM),
    "EMG": ("应急管理局", "Emergency Management Bureau", UnitKind.DEPARTMENT),
    "ENV": ("生态环境分局", "Ecology and Environment Bureau", UnitKind.DEPARTMENT),
    "MKT": ("市场监督管理局", "Market Regulation Bureau", UnitKind.DEPARTMENT),
    "ENF": ("综合行政执法局", "Urban Management and Enforcement", UnitKind.DEPARTMENT),
    "HSC": ("住房和城乡建设局", "Housing and Construction Bureau", UnitKind.DEPARTMENT),
    "WTR": ("林业水利局", "Water Bureau", UnitKind.DEPARTMENT),
    "NRS": ("自然资源和规划局", "Natural Resources Bureau", UnitKind.DEPARTMENT),
    "AGR": ("农业农村局", "Agriculture Bureau", UnitKind.DEPARTMENT),
    "HRS": ("人力资源和社会保障局", "Labour and Social Security", UnitKind.DEPARTMENT),
    "CIV": ("民政局", "Civil Affairs Bureau", UnitKind.DEPARTMENT),
    "HLT": ("卫生健康局", "Health Bureau", UnitKind.DEPARTMENT),
    "EDU": ("教育局", "Education Bureau", UnitKind.DEPARTMENT),
    "TRN": ("交通运输局", "Transport Bureau", UnitKind.DEPARTMENT),
    "CUL": ("文化和旅游局", "Culture and Tourism Bureau", UnitKind.DEPARTMENT),
    "UTL": ("公用事业服务中心", "Public Utilities", UnitKind.UTILITY),
    "PET": ("信访局", "Petition Bureau", UnitKind.DEPARTMENT),
    "SVC": ("政务服务中心", "Government Service Centre", UnitKind.DEPARTMENT),
    "BIZ": ("经信和商务局", "Industry and Commerce Bureau", UnitKind.DEPARTMENT),
    "CHS": ("侨务和出入境服务中心", "Overseas Chinese and Entry-Exit", UnitKind.DEPARTMENT),
    "FIN": ("金融工作中心", "Finance Office", UnitKind.DEPARTMENT),
    "DIS": ("纪检监察组", "Discipline Inspection", UnitKind.DEPARTMENT),
    "MED": ("矛盾调解中心", "Mediation Centre", UnitKind.MEDIATION_COMMITTEE),
}
# Organs that the city has itself: for leads without a place, and for those about a county.
OF_THE_CITY = ("POL", "DIS")
# 四平台: each takes the lines of its name in a township.
PLATFORMS = (
    ("peace", "综治工作平台", "Peace platform"),
    ("market", "市场监管平台", "Market platform"),
    ("enforce", "综合执法平台", "Enforcement platform"),
    ("service", "便民服务平台", "Service platform"),
)
AROUND_THE_CLOCK = {"around_the_clock": True}
NOTE = _("Made by rule for demonstration; a city loads its own units.")


def skeleton(areas: Iterable[tuple[str, str]]) -> Iterator[Unit]:
    """The units for areas given as (code, name), city down to grid.

    City: a linkage centre and the organs that receive leads. Counties: a linkage centre and a
    department for each line. Townships: a command room, the four platforms, a police station and
    a mediation committee. Villages: a station. Grids: the post from which its worker acts.
    """
    for code, name in areas:
        match len(code):
            case 4:
                yield _unit(
                    f"{code}-center", f"{name}大联动中心", f"City linkage centre · {name}",
                    UnitKind.CITY_CENTER, code, hours=AROUND_THE_CLOCK,
                )  # fmt: skip
                for line in OF_THE_CITY:
                    yield _of_line(line, code, name)
            case 6:
                yield _unit(
                    f"{code}-center", f"{name}大联动中心", f"County linkage centre · {name}",
                    UnitKind.COUNTY_CENTER, code, hours=AROUND_THE_CLOCK,
                )  # fmt: skip
                for line in LINES:
                    yield _of_line(line, code, name)
            case 9:
                yield _unit(
                    f"{code}-room", f"{name}综合信息指挥室", f"Township command room · {name}",
                    UnitKind.TOWN_ROOM, code,
                )  # fmt: skip
                for key, zh, en in PLATFORMS:
                    yield _unit(
                        f"{code}-{key}", f"{name}{zh}", f"{en} · {name}", UnitKind.PLATFORM, code
                    )
                yield _unit(
                    f"{code}-police", f"{name}派出所", f"Police station · {name}",
                    UnitKind.POLICE_STATION, code, "POL", AROUND_THE_CLOCK,
                )  # fmt: skip
                yield _unit(
                    f"{code}-mediation", f"{name}人民调解委员会", f"Mediation committee · {name}",
                    UnitKind.MEDIATION_COMMITTEE, code, "MED",
                )  # fmt: skip
            case 12:
                yield _unit(
                    f"{code}-station", f"{name}综治工作站", f"Village station · {name}",
                    UnitKind.VILLAGE_STATION, code,
                )  # fmt: skip
            case 15:
                yield _unit(f"{code}-grid", name, f"Grid · {name}", UnitKind.GRID_POST, code)


def _of_line(line: str, code: str, name: str) -> Unit:
    zh, en, kind = LINES[line]
    return _unit(
        f"{code}-{line.lower()}", f"{name}{zh}", f"{en} · {name}", kind, code, line,
        AROUND_THE_CLOCK if line in ("POL", "FIRE", "EMG") else {},
    )  # fmt: skip


def _unit(
    code: str,
    name: str,
    name_en: str,
    kind: UnitKind,
    area_code: str,
    line: str = "",
    hours: dict[str, bool] | None = None,
) -> Unit:
    return Unit(
        code=code,
        name=name,
        name_en=name_en,
        kind=kind,
        area_code=area_code,
        line=line,
        hours=hours or {},
        synthetic=True,
    )


def open_skeleton(city_code: str) -> int:
    """Writes the units of a city's areas that have none yet; returns how many there are by rule."""
    areas = Area.objects.within(city_code).order_by("code").values_list("code", "name")
    made = list(skeleton(areas))
    Unit.objects.bulk_create(made, ignore_conflicts=True, batch_size=2000)
    units.kept.forget()
    return len(made)
