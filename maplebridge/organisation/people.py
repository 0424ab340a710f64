"""Who acts: roles, and the actor under whose post an act is done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a post allows; people hold posts, never roles. Source: domain guide, section 5."""

    RESIDENT = "resident", _("Resident")
    GRID_WORKER = "grid_worker", _("Grid worker")
    STATION = "station", _("Village station")
    CLERK = "clerk", _("Command room clerk")
    OFFICER = "officer", _("Department officer")
    MEDIATOR = "mediator", _("Mediator")
    DISPATCHER = "dispatcher", _("Linkage centre dispatcher")
    REVISITOR = "revisitor", _("Revisit clerk")
    SUPERVISOR = "supervisor", _("Supervisor")
    LEADER = "leader", _("Leader")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")
    SECURITY = "security", _("Security officer")
    SYSTEM = "system", _("System")


# 三员分立: who sets up, who lets in, who looks at both. Source: GB/T 22239-2019, 8.1.5.
OFFICERS = frozenset({Role.ADMINISTRATOR, Role.SECURITY, Role.AUDITOR})


def are_apart(roles: Collection[str]) -> bool:
    """Whether one person may hold these posts together: an officer's post stands alone."""
    return not OFFICERS.intersection(roles) or len(set(roles)) == 1


class Tier(models.IntegerChoices):
    """The tiers, from the resident's phone up; a unit's tier follows from its area code."""

    RESIDENT = 0, _("Resident")
    GRID = 1, _("Grid")
    VILLAGE = 2, _("Village")
    TOWN = 3, _("Township")
    COUNTY = 4, _("County")
    CITY = 5, _("City")


TIER_OF_LENGTH = {15: Tier.GRID, 12: Tier.VILLAGE, 9: Tier.TOWN, 6: Tier.COUNTY, 4: Tier.CITY}


@dataclass(frozen=True)
class Actor:
    """A person (or the system) acting under one post.

    area_code and line bound what the post is for; an empty line means all lines.
    reporter_of: the case this actor reported, when acting as its reporter.
    also: units of the other posts that the person holds; they only take away, by conflict of
    interest.
    """

    role: Role
    account_id: UUID | None = None
    unit_code: str = ""
    area_code: str = ""
    line: str = ""
    name: str = ""
    reporter_of: UUID | None = None
    also: frozenset[str] = frozenset()

    @property
    def held_units(self) -> frozenset[str]:
        """The units of all posts the person holds, this one's included."""
        return self.also | {self.unit_code} if self.unit_code else self.also

    @property
    def tier(self) -> Tier:
        """Tier of the post, by the length of its area code."""
        if self.role == Role.RESIDENT:
            return Tier.RESIDENT
        return TIER_OF_LENGTH.get(len(self.area_code), Tier.GRID)


SYSTEM = Actor(role=Role.SYSTEM, area_code="", name="system")


def reporter_of(case_id: UUID, account_id: UUID | None = None) -> Actor:
    """The actor who stands for whoever reported the case."""
    return Actor(role=Role.RESIDENT, account_id=account_id, reporter_of=case_id)
