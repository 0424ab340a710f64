"""Areas, units, posts, the accounts that hold posts for a time, and editions of configuration."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from maplebridge.organisation.people import TIER_OF_LENGTH, Actor, Role, Tier


def code_field(length: int = 15, **options: Any) -> models.CharField[str, str]:
    """A column for codes that are compared as ranges: byte order, whatever the database's."""
    return models.CharField(max_length=length, db_collation="C", **options)


class AreaQuerySet(models.QuerySet["Area"]):
    """Questions about many areas."""

    def within(self, code: str) -> AreaQuerySet:
        """The area itself and all below it, by key range."""
        return self.filter(code__gte=code, code__lt=code[:-1] + chr(ord(code[-1]) + 1))


class Area(models.Model):
    """A city, county, township, village or grid; its code's length is its level.

    outline: GeoJSON geometry, always WGS-84, or null where no outline is known.
    datum: the datum of the outline's source. synthetic: made up for demonstration.
    Source of codes: National Bureau of Statistics, statistical division codes.
    """

    code = code_field(primary_key=True)
    name = models.CharField(max_length=120)
    source = models.CharField(max_length=120, default="")
    synthetic = models.BooleanField(default=False)
    datum = models.CharField(max_length=12, default="", blank=True)
    outline = models.JSONField(null=True, default=None)
    inner_lon = models.FloatField(null=True, default=None)
    inner_lat = models.FloatField(null=True, default=None)

    objects = AreaQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} {self.code}"

    @property
    def tier(self) -> Tier:
        """The area's tier."""
        return TIER_OF_LENGTH[len(self.code)]


class UnitKind(models.TextChoices):
    """What a unit is."""

    CITY_CENTER = "city_center", _("City linkage centre")
    COUNTY_CENTER = "county_center", _("County linkage centre")
    TOWN_ROOM = "town_room", _("Township command room")
    PLATFORM = "platform", _("Township platform")
    VILLAGE_STATION = "village_station", _("Village station")
    DEPARTMENT = "department", _("Department")
    UTILITY = "utility", _("Public utility")
    POLICE_STATION = "police_station", _("Police station")
    MEDIATION_COMMITTEE = "mediation_committee", _("Mediation committee")
    RESCUE_TEAM = "rescue_team", _("Rescue team")
    GRID_POST = "grid_post", _("Grid")


class Unit(models.Model):
    """An organisation that can own a case; never a person.

    line: the vertical department's code of the domain guide, section 3; empty for all lines.
    hours: working hours; {} means the city's usual hours, {"around_the_clock": true} a duty room.
    """

    code = code_field(40, primary_key=True)
    name = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120, default="", blank=True)
    kind = models.CharField(max_length=24, choices=UnitKind.choices)
    area_code = code_field()
    line = models.CharField(max_length=8, default="", blank=True)
    synthetic = models.BooleanField(default=False)
    hours = models.JSONField(default=dict)
    begins = models.DateField(default=dt.date(2000, 1, 1))
    ends = models.DateField(null=True, default=None)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["area_code", "kind"], name="unit_area_kind")]

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        """The name in the reader's language."""
        if self.name_en and not (get_language() or "zh").startswith("zh"):
            return self.name_en
        return self.name

    @property
    def tier(self) -> Tier:
        """The unit's tier, by its area."""
        return TIER_OF_LENGTH[len(self.area_code)]


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts with hashed passwords."""

    def create(self, **fields: Any) -> Account:
        """An account; `password` is hashed, None leaves it unusable."""
        password = fields.pop("password", None)
        account = self.model(**fields)
        account.set_password(password)
        account.save(using=self._db)
        return account


class Account(AbstractBaseUser):
    """A login of a member of staff: work data only."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=80, unique=True)
    display_name = models.CharField(max_length=80)
    language = models.CharField(max_length=12, default="", blank=True)
    is_active = models.BooleanField(default=True)
    synthetic = models.BooleanField(default=False)

    USERNAME_FIELD = "username"
    objects = AccountManager()

    def __str__(self) -> str:
        return self.display_name


class Post(models.Model):
    """A place in a unit with a role; people hold it for a time."""

    code = code_field(60, primary_key=True)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="posts")
    role = models.CharField(max_length=16, choices=Role.choices)
    title = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.title


class Holding(models.Model):
    """Who holds a post, from when until when."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="holdings")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="holdings")
    begins = models.DateField()
    ends = models.DateField(null=True, default=None)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "post", "begins"], name="holding_once"),
            models.CheckConstraint(
                condition=Q(ends__isnull=True) | Q(ends__gte=models.F("begins")),
                name="holding_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.post_id}"


class Edition(models.Model):
    """One edition of a configuration table, whole; added, never changed or removed.

    name: the table's. number: 1, 2, 3 ... within it. begins: the first day on which it holds.
    columns, rows: names, and for each row its cells in that order, sorted by the table's key.
    sha256: over columns and rows, as `editions.digest` writes them. note: why it was published.
    account_id, role, unit_code: who published it, under which post.
    """

    pk = models.CompositePrimaryKey("name", "number")
    name = models.CharField(max_length=24)
    number = models.IntegerField()
    begins = models.DateField()
    columns = models.JSONField()
    rows = models.JSONField()
    sha256 = models.CharField(max_length=64)
    note = models.CharField(max_length=400)
    account_id = models.UUIDField(null=True, default=None)
    role = models.CharField(max_length=16)
    unit_code = code_field(40, default="", blank=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}:{self.number}"


# Rows the application's role may add but never change or remove.
APPEND_ONLY = (Edition,)


def actors_for(account: Account, on: dt.date) -> list[Actor]:
    """The posts an account holds on a day, as actors; one statement."""
    held = (
        Holding.objects.filter(account=account, begins__lte=on)
        .filter(Q(ends__isnull=True) | Q(ends__gte=on))
        .filter(Q(post__unit__ends__isnull=True) | Q(post__unit__ends__gte=on))
        .select_related("post__unit")
        .order_by("post_id")
    )
    return [
        Actor(
            role=Role(h.post.role),
            account_id=account.pk,
            unit_code=h.post.unit_id,
            area_code=h.post.unit.area_code,
            line=h.post.unit.line,
            name=account.display_name,
        )
        for h in held
    ]
