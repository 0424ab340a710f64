"""Accounts and posts: made, given and ended by the security officer, an officer's with four eyes.

Source: GB/T 22239-2019, 8.1.4.1, 8.1.4.2 and 8.1.5 (the three officers are apart).
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from dataclasses import dataclass
from typing import Final

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.organisation import acts
from maplebridge.organisation.models import Account, Act, Deed, Holding, Post, Unit
from maplebridge.organisation.people import OFFICERS, SYSTEM, TIER_OF_LENGTH, Actor, Role, are_apart

LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,79}")
LONGEST_NAME: Final = 80
# A first password: no letters or digits that look like one another.
SIGNS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
SECRET_HOURS: Final = 72
# An account that nobody used for so long should be closed. Source: GB/T 22239-2019, 8.1.4.2 c.
UNUSED_DAYS: Final = 90
ENDS_SOON_DAYS: Final = 30
# Roles that are no post of anybody's.
NO_POST: Final = frozenset({Role.RESIDENT, Role.SYSTEM})


class StaffRefused(Exception):
    """Nothing was changed; the text is a sentence for whoever asked."""


def may_manage(actor: Actor) -> bool:
    """Whether somebody may make accounts and give posts: the security officers."""
    return actor.role == Role.SECURITY


def may_agree(actor: Actor) -> bool:
    """Whether somebody may be the second pair of eyes over an officer's post: the auditors."""
    return actor.role == Role.AUDITOR


def accounts_of(actor: Actor) -> Q:
    """The accounts a security officer looks after: with a post in the own area, or with none."""
    if not may_manage(actor) or not actor.area_code:
        return Q(pk__in=[])
    return Q(holdings__isnull=True) | _inside("holdings__post__unit__area_code", actor)


def make_account(actor: Actor, username: str, display_name: str) -> tuple[Account, str]:
    """A new account without a post, and its first password, which is shown once.

    It opens the page on which it is changed, for SECRET_HOURS. Raises StaffRefused.
    """
    _must(may_manage(actor) or actor.role == Role.SYSTEM)
    username, display_name = username.strip().lower(), display_name.strip()
    if not LOGIN.fullmatch(username):
        raise StaffRefused(
            _("A login name has 2 to 80 small letters, digits, dots, dashes or underscores.")
        )
    if not display_name or len(display_name) > LONGEST_NAME:
        raise StaffRefused(_("Please give a name of at most %(n)d signs.") % {"n": LONGEST_NAME})
    if Account.objects.filter(username=username).exists():
        raise StaffRefused(_("The login name %(name)s is taken.") % {"name": username})
    secret = fresh_secret()
    with transaction.atomic():
        account = Account.objects.create(
            username=username,
            display_name=display_name,
            password=secret,
            secret_until=now() + dt.timedelta(hours=SECRET_HOURS),
        )
        acts.note(actor, Deed.ACCOUNT_MADE, _named(account))
    return account, secret


def give_secret(actor: Actor, account: Account) -> str:
    """A new first password for somebody who lost the own one; the old one ends.

    Not for an officer: whoever gives it could sign in as that officer. Raises StaffRefused.
    """
    must_not_reach(actor, account)
    secret = fresh_secret()
    with transaction.atomic():
        account.set_password(secret)
        account.secret_until = now() + dt.timedelta(hours=SECRET_HOURS)
        account.save(update_fields=["password", "secret_until"])
        acts.note(actor, Deed.SECRET_GIVEN, _named(account))
    return secret


def set_open(actor: Actor, account: Account, *, is_open: bool) -> None:
    """Closes an account, or opens it again; its rows stay. The caller ends its sessions."""
    _must_manage(actor, account)
    if not is_open and _holds_an_office(account):
        raise StaffRefused(
            _("This person holds an officer's post; end the post first, with the auditor.")
        )
    with transaction.atomic():
        account.is_active = is_open
        account.save(update_fields=["is_active"])
        acts.note(actor, Deed.ACCOUNT_OPENED if is_open else Deed.ACCOUNT_CLOSED, _named(account))


def note_change(actor: Actor, account: Account, deed: Deed) -> None:
    """Adds to the log that something was taken from an account; the caller does it."""
    if deed == Deed.FACTOR_RESET:
        must_not_reach(actor, account)
    _must_manage(actor, account)
    acts.note(actor, deed, _named(account))


def note_refused(actor: Actor, account: Account, deed: Deed) -> None:
    """Adds to the log that something was tried on an account and refused."""
    acts.note(actor, deed, _named(account), done=False)


def must_not_reach(actor: Actor, account: Account) -> None:
    """Raises StaffRefused when the actor would get at the sign-in of an officer.

    Only who runs the machine may: a security officer could be auditor as well for an hour.
    """
    _must_manage(actor, account)
    if actor.role != Role.SYSTEM and _holds_an_office(account, waiting=True):
        raise StaffRefused(
            _(
                "This person holds an officer's post, or waits for one. Who runs the machine "
                "gives a new first password: %(command)s"
            )
            % {"command": f"maplebridge accounts secret {account.username}"}
        )


def give_post(
    actor: Actor,
    account: Account,
    unit: Unit,
    role: Role,
    title: str,
    begins: dt.date | None = None,
    ends: dt.date | None = None,
    *,
    waits: bool | None = None,
) -> Holding:
    """Gives an account a post in a unit, from a day on. Raises StaffRefused.

    An officer's post waits until an auditor agrees. Nobody holds an officer's post beside another.
    waits: whether the system's own giving of an officer's post waits, too; not when left out.
    """
    _must_manage(actor, account)
    if not _covers(actor, unit.area_code):
        raise StaffRefused(_("This unit lies outside of your area."))
    if waits is None:
        waits = actor.role != Role.SYSTEM
    begins = begins or local_day(now())
    if role in NO_POST:
        raise StaffRefused(_("This is no post that somebody can hold."))
    if ends is not None and ends < begins:
        raise StaffRefused(_("A post cannot end before it begins."))
    held = Holding.objects.filter(account=account).filter(Q(ends=None) | Q(ends__gte=begins))
    if ends is not None:
        held = held.filter(begins__lte=ends)
    roles = set(held.values_list("post__role", flat=True))
    if not are_apart([*roles, role]):
        raise StaffRefused(
            _(
                "Administrator, security officer and auditor are apart: such a post stands alone, "
                "and nobody holds it beside another one."
            )
        )
    with transaction.atomic():
        post, _made = Post.objects.get_or_create(
            code=f"{unit.code}:{role}",
            defaults={"unit": unit, "role": role, "title": title.strip()[:80] or str(role.label)},
        )
        if Holding.objects.filter(account=account, post=post, begins=begins).exists():
            raise StaffRefused(_("This post was given already from that day on."))
        holding = Holding.objects.create(
            account=account,
            post=post,
            begins=begins,
            ends=ends,
            given_by=actor.account_id,
            agreed=role not in OFFICERS or not waits,
        )
        acts.note(actor, Deed.POST_GIVEN, _named(account), {"post": post.code})
    return holding


def end_post(actor: Actor, holding: Holding, day: dt.date | None = None) -> None:
    """Ends a post after a day, today when left out; an officer's once an auditor agrees.

    What nobody has agreed to yet is taken back: it never held. Raises StaffRefused.
    """
    _must_manage(actor, holding.account)
    if not _covers(actor, holding.post.unit.area_code):
        raise StaffRefused(_("This unit lies outside of your area."))
    day = max(day or local_day(now()), holding.begins)
    with transaction.atomic():
        if not holding.agreed:
            holding.delete()
        else:
            if holding.post.role in OFFICERS and could_agree(holding):
                holding.ending, holding.given_by, holding.agreed_by = day, actor.account_id, None
            elif holding.post.role in OFFICERS and actor.role != Role.SYSTEM:
                raise StaffRefused(_("No other auditor is there to agree; give that post first."))
            else:
                holding.ends = day
            holding.save(update_fields=["ends", "ending", "given_by", "agreed_by"])
        acts.note(actor, Deed.POST_ENDED, _named(holding.account), {"post": holding.post_id})


def agree(actor: Actor, holding: Holding) -> None:
    """An auditor agrees to an officer's post that was given, or to its end. Raises StaffRefused.

    holding: as the auditor read it; when it says something else by now, nothing is agreed to.
    """
    _must(may_agree(actor))
    if not _covers(actor, holding.post.unit.area_code):
        raise StaffRefused(_("This unit lies outside of your area."))
    with transaction.atomic():
        found = Holding.objects.select_for_update().filter(pk=holding.pk).first()
        if found is None or (found.agreed and found.ending is None):
            raise StaffRefused(_("There is nothing to agree to any more."))
        if (found.ending, found.begins, found.ends) != (
            holding.ending,
            holding.begins,
            holding.ends,
        ):
            raise StaffRefused(_("The days were changed meanwhile; please look again."))
        if actor.account_id in (found.given_by, found.account_id):
            raise StaffRefused(
                _("Nobody agrees to what they did themselves, or to their own post.")
            )
        if found.ending is None and holding.account.secret_until is not None:
            raise StaffRefused(
                _(
                    "This person has not changed the first password yet, so somebody else knows "
                    "it. Agree afterwards."
                )
            )
        if found.ending is not None:
            found.ends, found.ending = found.ending, None
        found.agreed, found.agreed_by = True, actor.account_id
        found.save(update_fields=["ends", "ending", "agreed", "agreed_by"])
        acts.note(actor, Deed.POST_AGREED, _named(holding.account), {"post": found.post_id})


def could_agree(holding: Holding) -> bool:
    """Whether an auditor other than the holder is there to agree to the end of a post."""
    return auditors_over(holding.post.unit.area_code).exclude(account=holding.account_id).exists()


def auditors_over(area_code: str) -> models.QuerySet[Holding]:
    """The posts of auditors that hold today at or above an area, of open accounts."""
    today = local_day(now())
    above = [area_code[:n] for n in TIER_OF_LENGTH if n <= len(area_code)]
    return Holding.objects.filter(
        Q(ends=None) | Q(ends__gte=today),
        post__role=Role.AUDITOR,
        post__unit__area_code__in=above,
        agreed=True,
        begins__lte=today,
        account__is_active=True,
    )


def waiting_for_agreement(actor: Actor) -> list[Holding]:
    """Officers' posts, given or to be ended, that wait for this auditor."""
    if not may_agree(actor) or not actor.area_code:
        return []
    there = Q(agreed=False) & (Q(ends=None) | Q(ends__gte=local_day(now())))
    waits = Holding.objects.filter(there | Q(ending__isnull=False))
    waits = waits.filter(_inside("post__unit__area_code", actor))
    found = waits.select_related("account", "post__unit").order_by("begins", "pk")
    return [h for h in found if actor.account_id not in (h.account_id, h.given_by)]


def first_officers(unit: Unit, logins: dict[Role, tuple[str, str]]) -> dict[Role, tuple[str, str]]:
    """The first administrator, security officer and auditor of an installation, all at once.

    logins: by role, login and name. Returns by role login and first password, shown once.
    Raises StaffRefused when any of the three posts is held already.
    """
    if set(logins) != OFFICERS or len({login for login, _name in logins.values()}) != 3:
        raise StaffRefused(_("Please name three different people, one for each officer's post."))
    with transaction.atomic():
        if Holding.objects.filter(post__role__in=OFFICERS, agreed=True, ends=None).exists():
            raise StaffRefused(_("This installation has its officers already."))
        made = {}
        for role, (login, name) in sorted(logins.items()):
            account, secret = make_account(SYSTEM, login, name)
            give_post(SYSTEM, account, unit, role, str(role.label))
            made[role] = (account.username, secret)
    return made


def fresh_secret() -> str:
    """A first password: 16 signs at random, about 79 bits, in groups that can be read out."""
    drawn = "".join(secrets.choice(SIGNS) for _n in range(16))
    return "-".join(drawn[n : n + 4] for n in range(0, 16, 4))


@dataclass(frozen=True)
class Review:
    """What a security officer looks at from time to time.

    ending: posts that end by a day. unused: open accounts that nobody signed in with since
    another day. Days of people, no counts: for closing what nobody needs, and for nothing else.
    """

    ending: models.QuerySet[Holding]
    unused: models.QuerySet[Account]


def review(actor: Actor, today: dt.date) -> Review:
    """Posts of the own area that end within ENDS_SOON_DAYS, accounts unused for UNUSED_DAYS.

    Source: GB/T 22239-2019, 8.1.4.2 c.
    """
    if not may_manage(actor) or not actor.area_code:
        return Review(Holding.objects.none(), Account.objects.none())
    ending = Holding.objects.filter(
        _inside("post__unit__area_code", actor),
        ends__gte=today,
        ends__lte=today + dt.timedelta(days=ENDS_SOON_DAYS),
    )
    return Review(
        ending.select_related("account", "post__unit").order_by("ends", "pk"),
        Account.objects.filter(accounts_of(actor))
        .filter(is_unused(today))
        .distinct()
        .order_by("username"),
    )


def is_unused(today: dt.date) -> Q:
    """The condition under which an open account was not used for UNUSED_DAYS."""
    since = dt.datetime.combine(today - dt.timedelta(days=UNUSED_DAYS), dt.time.min, tzinfo=CHINA)
    used = Act.objects.filter(account_id=OuterRef("pk"), deed=Deed.SIGNED_IN, at__gte=since)
    return Q(is_active=True, made_at__lt=since) & ~Q(Exists(used))


def _named(account: Account) -> str:
    return f"account:{account.pk}"


def _holds_an_office(account: Account, *, waiting: bool = False) -> bool:
    held = Holding.objects.filter(account=account, post__role__in=OFFICERS)
    if not waiting:
        held = held.filter(agreed=True)
    return held.filter(Q(ends=None) | Q(ends__gte=local_day(now()))).exists()


def _covers(actor: Actor, area_code: str) -> bool:
    return actor.role == Role.SYSTEM or (
        bool(actor.area_code) and area_code.startswith(actor.area_code)
    )


def _inside(field: str, actor: Actor) -> Q:
    code = actor.area_code
    return Q(**{f"{field}__gte": code, f"{field}__lt": code[:-1] + chr(ord(code[-1]) + 1)})


def _must_manage(actor: Actor, account: Account) -> None:
    if actor.role == Role.SYSTEM:
        # Who runs the machine; what they do stands in the log, too.
        return
    _must(may_manage(actor))
    if actor.account_id == account.pk:
        raise StaffRefused(_("Nobody changes the own account or posts; ask another officer."))
    held = Holding.objects.filter(account=account).filter(
        Q(ends=None) | Q(ends__gte=local_day(now()))
    )
    if held.exclude(_inside("post__unit__area_code", actor)).exists():
        raise StaffRefused(_("This account also holds a post outside of your area."))


def _must(allowed: bool) -> None:
    if not allowed:
        raise StaffRefused(_("Your post may not do this."))
