"""Parts of pages that many look at alike: drawn once when something happened, sent to all of them.

A door says here how its part is drawn; the live stream asks for it by name and knows no door.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from maplebridge.organisation.people import Actor


@dataclass(frozen=True)
class Wanted:
    """One part as one group of readers sees it: equal for all whose Wanted is equal.

    name: of the painter. asked: what the page asked for, as sorted pairs. area_code: of what
    happens there the part tells. top: the area of the reader's post. language: of its words.
    """

    name: str
    asked: tuple[tuple[str, str], ...]
    area_code: str
    top: str
    language: str


@dataclass(frozen=True)
class Painter:
    """area: the area a page's question is about, None when the actor may not ask it.

    draw: the part as HTML, drawn behind the wall of that actor.
    """

    area: Callable[[Actor, Mapping[str, str]], str | None]
    draw: Callable[[Actor, Mapping[str, str]], str]


painters: dict[str, Painter] = {}


def wanted(actor: Actor, name: str, asked: Mapping[str, str], language: str) -> Wanted | None:
    """What a page wants to be sent; None when nobody draws it or the actor may not see it."""
    painter = painters.get(name)
    area = painter.area(actor, asked) if painter else None
    if area is None:
        return None
    return Wanted(name, tuple(sorted(asked.items())), area, actor.area_code, language)
