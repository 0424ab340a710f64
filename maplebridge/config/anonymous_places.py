"""Puts the anonymous places of the petition files (A市, A3区, a street there) onto Quzhou.

The rule is fixed: the same place name always becomes the same place, drawn by a hash with SEED.
It gives real input a place to be found at; it says nothing of where anything happened.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

SEED = 20190711
CITY = re.compile(r"A市")
OTHER_CITY = re.compile(r"[B-Z]市")
DISTRICT = re.compile(r"[A-Z]\d+[区县市]")
PROVINCE = "西地省"
TOWN_AFTER_DISTRICT = re.compile(r"([A-Z]\d+[区县市])([\u4e00-\u9fff]{2,3}?(?:街道|镇|乡))")
# A road, estate or school named right after a district lies in one township, drawn by its name.
SPOT_AFTER_DISTRICT = re.compile(
    r"([A-Z]\d+[区县市])(?=([\u4e00-\u9fff]{2,7}?"
    r"(?:大道|路|街|小区|花园|新城|家园|社区|公园|广场|学校|大学|学院|医院|中学|小学|苑|村|府|湾|城)))"
)
NO_NAME = re.compile(r"城乡|城镇|小镇|等乡|的|和|在|是")


def _drawn(name: str, choices: int) -> int:
    digest = hashlib.sha256(f"{SEED}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % choices


class Places:
    """The rule for one set of files and one city.

    counties: code to name; townships: code to name, all below those counties.
    texts: everything that will be read, to learn which street belongs to which district.
    """

    def __init__(
        self,
        city: str,
        counties: Mapping[str, str],
        townships: Mapping[str, str],
        texts: Iterable[str],
    ) -> None:
        self._city = city
        self._counties = dict(sorted(counties.items()))
        self._townships = {
            county: [name for code, name in sorted(townships.items()) if code.startswith(county)]
            for county in self._counties
        }
        self._towns: dict[str, str] = {}
        for text in texts:
            for district, town in TOWN_AFTER_DISTRICT.findall(text):
                if not NO_NAME.search(town):
                    self._towns.setdefault(town, self._town_for(district, town))
        self._named = frozenset(name for names in self._townships.values() for name in names)
        names = sorted(self._towns, key=lambda name: (-len(name), name))
        self._town_names = re.compile("|".join(map(re.escape, names))) if names else None

    def _county_for(self, district: str) -> str:
        codes = list(self._counties)
        return codes[_drawn(district, len(codes))]

    def _town_for(self, district: str, town: str) -> str:
        county = self._county_for(district)
        return self._townships[county][_drawn(town, len(self._townships[county]))]

    def _with_township(self, found: re.Match[str]) -> str:
        """The district with the township of the spot that follows, unless one is named already."""
        district, spot = found[1], found[2]
        if spot.endswith(("社区", "村")) or any(town in spot for town in self._named):
            return district
        return district + self._town_for(district, spot)

    def place(self, text: str) -> str:
        """The text with every anonymous place put onto the city."""
        if self._town_names is not None:
            text = self._town_names.sub(lambda found: self._towns[found[0]], text)
        text = SPOT_AFTER_DISTRICT.sub(self._with_township, text)
        text = DISTRICT.sub(lambda found: self._counties[self._county_for(found[0])], text)
        text = CITY.sub(self._city, text)
        text = OTHER_CITY.sub("外市", text)
        return text.replace(PROVINCE, "")
