"""Areas, units, posts, the accounts that hold posts for a time, and editions of configuration."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from maplebridge.lib.clock import now
from maplebridge.organisation.people import OFFICERS, TIER_OF_LENGTH, Actor, Role, Tier, are_apart


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


class Deed(models.TextChoices):
    """What the log of acts tells of."""

    ACCOUNT_MADE = "account_made", _("Made an account")
    ACCOUNT_CLOSED = "account_closed", _("Closed an account")
    ACCOUNT_OPENED = "account_opened", _("Opened an account again")
    SECRET_GIVEN = "secret_given", _("Gave a first password")
    FACTOR_RESET = "factor_reset", _("Reset a second factor")
    SESSIONS_ENDED = "sessions_ended", _("Signed out everywhere")
    POST_GIVEN = "post_given", _("Gave a post")
    POST_ENDED = "post_ended", _("Ended a post")
    POST_AGREED = "post_agreed", _("Agreed to an officer's post")
    PUBLISHED = "published", _("Published an edition")
    UNIT_SET = "unit_set", _("Changed a unit")
    GRANT_GIVEN = "grant_given", _("Granted reading")
    GRANT_REFUSED = "grant_refused", _("Refused to grant reading")
    GRANT_REVOKED = "grant_revoked", _("Revoked a grant")
    HOLD_SET = "hold_set", _("Set a legal hold")
    HOLD_LIFTED = "hold_lifted", _("Lifted a legal hold")
    DESTRUCTION = "destruction", _("Ruled on a destruction list")
    KEYS_CHANGED = "keys_changed", _("Changed the keys")
    EXPORTED = "exported", _("Took out a list")
    SIGNED_IN = "signed_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("Could not sign in")
    LOCKED_OUT = "locked_out", _("Had no try left")
    RESPONSE_SET = "response_set", _("Declared a response level")


class Act(models.Model):
    """One act of administration, or one signing in; added, never changed or removed.

    on: what it was done to, as "kind:code"; never a name. done: False when it was refused.
    area_code: of the post under which it was done. facts: codes and numbers, no personal data.
    hash: over this row and the hash of the one before, so that a removed row is found.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    account_id = models.UUIDField(null=True, default=None)
    role = models.CharField(max_length=16, default="", blank=True)
    unit_code = code_field(40, default="", blank=True)
    area_code = code_field(default="", blank=True)
    deed = models.CharField(max_length=16, choices=Deed.choices)
    on = models.CharField(max_length=120, default="", blank=True)
    done = models.BooleanField(default=True)
    facts = models.JSONField(default=dict)
    previous_hash = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["area_code", "number"], name="act_area"),
            models.Index(fields=["account_id", "deed", "at"], name="act_account"),
            # Few among many sign-ins: the changes of units are read by themselves.
            models.Index(
                fields=["on", "number"], name="act_unit", condition=models.Q(deed=Deed.UNIT_SET)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.deed} {self.on}"


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
    """A login of a member of staff: work data only.

    secret_until: the password is a first one, given by somebody else: until then it opens the page
    on which it is changed, and nothing else. made_at: an account that nobody used since is unused
    from then on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=80, unique=True)
    display_name = models.CharField(max_length=80)
    language = models.CharField(max_length=12, default="", blank=True)
    is_active = models.BooleanField(default=True)
    synthetic = models.BooleanField(default=False)
    secret_until = models.DateTimeField(null=True, default=None)
    made_at = models.DateTimeField(default=now, db_default=Now(), editable=False)

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
    """Who holds a post, from when until when.

    given_by, agreed_by: accounts. An officer's post holds once somebody else has agreed, and is
    ended the same way: ending is the last day that given_by proposes, until agreed. That it stands
    alone is also kept by the database (holding_officers_apart).
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="holdings")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="holdings")
    begins = models.DateField()
    ends = models.DateField(null=True, default=None)
    given_by = models.UUIDField(null=True, default=None)
    agreed = models.BooleanField(default=True, db_default=True)
    agreed_by = models.UUIDField(null=True, default=None)
    ending = models.DateField(null=True, default=None)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "post", "begins"], name="holding_once"),
            models.CheckConstraint(
                condition=Q(agreed_by=None) | Q(given_by=None) | ~Q(agreed_by=models.F("given_by")),
                name="holding_four_eyes",
            ),
            models.CheckConstraint(
                condition=Q(agreed_by=None) | ~Q(agreed_by=models.F("account_id")),
                name="holding_not_by_oneself",
            ),
            models.CheckConstraint(
                condition=Q(ends__isnull=True) | Q(ends__gte=models.F("begins")),
                name="holding_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.post_id}"


class Shift(models.Model):
    """A time in which a post of a unit is on duty; of posts and desks, never of hours worked.

    id: from the key of the form that planned it, so that it is planned once. desk_phone: the
    telephone of the desk. taken_back_at: it does not take place.
    """

    id = models.UUIDField(primary_key=True)
    unit_code = code_field(40)
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="shifts")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    desk_phone = models.CharField(max_length=24, default="", blank=True)
    made_by = models.UUIDField(null=True, default=None)
    made_at = models.DateTimeField()
    taken_back_by = models.UUIDField(null=True, default=None)
    taken_back_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("begins_at")), name="shift_ends_after_it_begins"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["unit_code", "ends_at", "begins_at"],
                name="shift_unit",
                condition=Q(taken_back_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_code} {self.begins_at:%Y-%m-%d %H:%M}"


class ShiftNote(models.Model):
    """What a shift hands over to the next (交接班记录): written by one person, taken by another.

    matters: ids of the cases to be watched; whoever reads the note sees of them what the gate
    shows. words: promises made and what else has to be known.
    """

    shift = models.OneToOneField(
        Shift, on_delete=models.PROTECT, related_name="note", primary_key=True
    )
    unit_code = code_field(40)
    matters = ArrayField(models.UUIDField(), default=list)
    words = models.CharField(max_length=2000, default="", blank=True)
    written_by = models.UUIDField()
    written_at = models.DateTimeField()
    taken_by = models.UUIDField(null=True, default=None)
    taken_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(taken_by=None) | ~Q(taken_by=models.F("written_by")),
                name="shift_note_taken_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_code} {self.written_at:%Y-%m-%d %H:%M}"


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
APPEND_ONLY = (Edition, Act)


def actors_for(account: Account, on: dt.date) -> list[Actor]:
    """The posts an account holds on a day, as actors; one statement.

    An officer's post that nobody has agreed to yet is none; an officer's post beside another one
    is none either, should it ever have come so.
    """
    held = (
        Holding.objects.filter(account=account, begins__lte=on, agreed=True)
        .filter(Q(ends__isnull=True) | Q(ends__gte=on))
        .filter(Q(post__unit__ends__isnull=True) | Q(post__unit__ends__gte=on))
        .select_related("post__unit")
        .order_by("post_id")
    )
    rows = list(held)
    # Conflicts of interest count every post, also one that does not hold.
    units = frozenset(h.post.unit_id for h in rows)
    if not are_apart([h.post.role for h in rows]):
        rows = [h for h in rows if h.post.role not in OFFICERS]
    return [
        Actor(
            role=Role(h.post.role),
            account_id=account.pk,
            unit_code=h.post.unit_id,
            area_code=h.post.unit.area_code,
            line=h.post.unit.line,
            name=account.display_name,
            also=units - {h.post.unit_id},
        )
        for h in rows
    ]
