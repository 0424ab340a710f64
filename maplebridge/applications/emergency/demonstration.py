"""What stands ready in the demonstration town: made up, as every unit and number there."""

from __future__ import annotations

from maplebridge.applications.emergency import story
from maplebridge.applications.emergency.models import Ability, Resource, Sort, Stock
from maplebridge.organisation.units import UnknownUnit, directory

COUNTY = "330825"
TOWN = story.TOWN
# Code, name, abilities, area, people, place, lent to.
RESOURCES = (
    ("militia", "社阳乡民兵应急分队", (Ability.DYKE, Ability.RESCUE), TOWN, 20,
     (119.2300, 29.0400), ()),
    ("town-boat", "社阳乡冲锋舟", (Ability.BOAT,), TOWN, 2, (119.2310, 29.0390), ()),
    ("county-fire", "县消防救援大队一分队", (Ability.RESCUE,), COUNTY, 12, (119.1700, 29.0300), ()),
    ("county-medical", "县急救分队", (Ability.MEDICAL,), COUNTY, 6, (119.1720, 29.0310), ()),
    ("county-dyke", "县水利抢险队", (Ability.DYKE,), COUNTY, 30, (119.1750, 29.0280), ()),
    ("county-pump-1", "移动泵车一号", (Ability.PUMP,), COUNTY, 3, (119.1760, 29.0290), ()),
    ("county-pump-2", "移动泵车二号", (Ability.PUMP, Ability.VEHICLE), COUNTY, 3,
     (119.1765, 29.0290), ()),
    ("neighbour-boat", "邻区水上救援队（互助协议）", (Ability.BOAT, Ability.RESCUE), "330803", 10,
     (118.9600, 28.9700), (COUNTY,)),
)  # fmt: skip
# Code, name, sort, measure, how much, room, place.
STOCKS = (
    ("sandbags", "社阳乡防汛仓库沙袋", Sort.GOODS, "袋", 8000, None, (119.2305, 29.0395)),
    ("ropes", "社阳乡防汛仓库安全绳", Sort.GOODS, "根", 60, None, (119.2305, 29.0395)),
    ("school", "社阳乡中心小学避灾点", Sort.SHELTER, "人", 0, 300, (119.2290, 29.0410)),
    ("hall", "社阳村文化礼堂避灾点", Sort.SHELTER, "人", 0, 80, (119.2320, 29.0405)),
)


def open_demonstration() -> None:
    """Writes what stands ready; what is there already is left as it is."""
    try:
        rooms = {code: directory().room_of(code).code for code in (TOWN, COUNTY, "330803")}
    except UnknownUnit:
        return
    story.open_station()
    for code, name, abilities, area, people, (lon, lat), lent in RESOURCES:
        Resource.objects.get_or_create(
            code=f"demonstration-{code}",
            defaults={
                "name": name, "abilities": [str(one) for one in abilities], "area_code": area,
                "unit_code": rooms[area], "people": people, "lon": lon, "lat": lat,
                "lent_to": list(lent), "synthetic": True,
            },
        )  # fmt: skip
    for code, name, sort, measure, held, most, (lon, lat) in STOCKS:
        Stock.objects.get_or_create(
            code=f"demonstration-{code}",
            defaults={
                "name": name, "sort": sort, "measure": measure, "held": held, "most": most,
                "area_code": TOWN, "unit_code": rooms[TOWN], "lon": lon, "lat": lat,
                "synthetic": True,
            },
        )  # fmt: skip
