"""What is true of village life: who writes for which village, what a letter is about, what of a
letter may be shown."""

from __future__ import annotations

import hashlib
import hmac
import re
from uuid import UUID

from maplebridge.cases.permissions import covers
from maplebridge.lib.masking import ANY_18, CARD, ID_18, mask
from maplebridge.organisation.people import Actor, Role, Tier

VILLAGE = re.compile(r"[0-9]{12}")
WRITERS = {Role.STATION: Tier.VILLAGE, Role.CLERK: Tier.TOWN}
# What a letter is about, and the category under which it is counted (domain guide, section 3).
CATEGORIES = {"question": "1501", "suggestion": "1502", "covenant": "1507", "thanks": "1503"}
# Five working days for the answer, whatever it is about.
TIME_CLASS = "S4"


def writes(actor: Actor) -> bool:
    """Whether a post writes for any village."""
    return WRITERS.get(actor.role) == actor.tier


def may_write(actor: Actor, village: str) -> bool:
    """Whether an actor writes what a village shows: its station, or the room of its township."""
    return (
        writes(actor)
        and VILLAGE.fullmatch(village) is not None
        and covers(actor.area_code, village)
    )


def numbers_of_persons(text: str) -> bool:
    """Whether a text holds what looks like an identity number or a bank card."""
    return any(pattern.search(text) for pattern in (ID_18, ANY_18, CARD))


def without_names(text: str) -> str:
    """A text as it may be shown to everybody: names, telephones, addresses and plates hidden."""
    return mask(text)


def mark_of(case_id: UUID, secret: str) -> str:
    """What ties a published letter to its case for whoever has the case, and for nobody else."""
    said = f"village letter {case_id}".encode()
    return hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()
