"""Area codes: levels, parents and key ranges of the tree city, county, township, village, grid.

A code is a run of digits; its length is its level: city 4, county 6, township 9, village 12,
grid 15. Nothing here reads a database.
Source: National Bureau of Statistics, statistical division codes; the grid digits are ours.
"""

from __future__ import annotations

import enum
from typing import Final


class Level(enum.IntEnum):
    """The level of an area, as the number of digits of its code."""

    CITY = 4
    COUNTY = 6
    TOWNSHIP = 9
    VILLAGE = 12
    GRID = 15


LENGTHS: Final = tuple(int(level) for level in Level)
PROVINCE_ZEROS: Final = "0" * 10


def level(code: str) -> Level:
    """The level of a code.

    Raises ValueError with a sentence when it is not 4, 6, 9, 12 or 15 digits.
    """
    if not (code.isascii() and code.isdigit()):
        raise ValueError(f"An area code is digits only, not {code!r}.")
    if len(code) not in LENGTHS:
        raise ValueError(f"An area code has 4, 6, 9, 12 or 15 digits; {code!r} has {len(code)}.")
    return Level(len(code))


def parent(code: str) -> str | None:
    """The code one level up, or None for a city. Raises ValueError as `level` does."""
    place = LENGTHS.index(level(code))
    return code[: LENGTHS[place - 1]] if place else None


def ancestors(code: str) -> tuple[str, ...]:
    """All codes above, the city first, without the code itself.

    Raises ValueError as `level` does.
    """
    own = level(code)
    return tuple(code[:length] for length in LENGTHS if length < own)


def at_level(code: str, wanted: Level) -> str:
    """The area of a wanted level that holds the code.

    Raises ValueError when the code lies above that level.
    """
    if level(code) < wanted:
        raise ValueError(f"Area {code} lies above the level {wanted.name.lower()}.")
    return code[:wanted]


def subtree(code: str) -> tuple[str, str]:
    """The key range (lo, hi) of an area and all below it: `code >= lo and code < hi`.

    The range holds in byte order, so the column must be compared as "C". Digits have a fixed
    width at each level, therefore hi is the code with its last digit raised by one; after 9
    comes ":", the next byte, so no code is lost at the end of a run.
    Raises ValueError as `level` does.
    """
    level(code)
    return code, code[:-1] + chr(ord(code[-1]) + 1)


def is_within(code: str, area: str) -> bool:
    """Whether a code is the area or lies below it. Raises ValueError as `level` does."""
    level(code)
    level(area)
    return code.startswith(area)


def common(codes: tuple[str, ...] | list[str]) -> str | None:
    """The deepest area that holds all codes, or None when they share no city.

    Raises ValueError as `level` does, also for an empty list.
    """
    if not codes:
        raise ValueError("There is no common area of no codes.")
    shared: str | None = None
    for length in LENGTHS:
        heads = {code[:length] for code in codes}
        if len(heads) > 1 or min(level(code) for code in codes) < length:
            break
        shared = heads.pop()
    return shared


def short(code: str) -> str:
    """A national 12-digit code, padded with zeros, in our form of 4, 6, 9 or 12 digits.

    Raises ValueError with a sentence when it is not 12 digits, or is a province: the tree
    begins at the city.
    """
    if len(code) != 12 or not (code.isascii() and code.isdigit()):
        raise ValueError(f"A national area code has 12 digits, not {code!r}.")
    if code.endswith(PROVINCE_ZEROS):
        raise ValueError(f"{code} is a province; the tree begins at the city.")
    for length in (4, 6, 9):
        if code.endswith("0" * (12 - length)):
            return code[:length]
    return code


def national(code: str) -> str:
    """Our code in the national form of 12 digits.

    Raises ValueError for a grid, which has no national code, and as `level` does.
    """
    if level(code) is Level.GRID:
        raise ValueError(f"Grid {code} has no national code.")
    return code.ljust(12, "0")
