"""Accounts, posts and the three officers who are apart; and the log that nobody can skip."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError

from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import acts, staff
from maplebridge.organisation.models import Account, Act, Deed, Holding, Unit, actors_for
from maplebridge.organisation.people import OFFICERS, Actor, Role, are_apart
from maplebridge.organisation.staff import StaffRefused

COUNTY = "330825"


@pytest.fixture
def security(town: Any) -> Actor:
    return office(Role.SECURITY, "sec-county")


@pytest.fixture
def auditor(town: Any) -> Actor:
    return office(Role.AUDITOR, "aud-county")


def office(role: Role, login: str, unit: str = f"{COUNTY}-center") -> Actor:
    account, _secret = staff.make_account(staff.SYSTEM, login, "某某")
    staff.give_post(staff.SYSTEM, account, Unit.objects.get(pk=unit), role, str(role.label))
    return actors_for(account, local_day(now()))[0]


def unit(code: str) -> Unit:
    return Unit.objects.get(pk=code)


def password_changed(account: Account) -> None:
    account.set_password("qing-shan-lv-shui-26")
    account.secret_until = None
    account.save()


def test_every_combination_with_an_officer_is_kept_apart() -> None:
    roles = [role for role in Role if role not in staff.NO_POST]
    for one, other in itertools.combinations(roles, 2):
        assert are_apart([one, other]) is not bool(OFFICERS & {one, other}), (one, other)
    assert all(are_apart([role, role]) for role in roles)


def test_the_security_officer_makes_an_account_and_gives_a_post(security: Actor) -> None:
    account, secret = staff.make_account(security, "xiaoman.zhao", "赵小满")
    assert account.check_password(secret)
    assert len(secret) == 19
    assert account.secret_until is not None
    assert account.secret_until - now() > dt.timedelta(hours=71)
    staff.give_post(security, account, unit(f"{COUNTY}-hsc"), Role.OFFICER, "经办人")
    (actor,) = actors_for(account, local_day(now()))
    assert (actor.role, actor.unit_code) == (Role.OFFICER, f"{COUNTY}-hsc")
    told = Act.objects.filter(account_id=security.account_id).order_by("number")
    assert [act.deed for act in told] == [Deed.ACCOUNT_MADE, Deed.POST_GIVEN]
    assert {act.on for act in told} == {f"account:{account.pk}"}
    assert "赵小满" not in "".join(str(vars(act)) for act in told)


@pytest.mark.parametrize("login", ["", "a", "Zhao Man", "赵", "x" * 81, "-abc"])
def test_a_login_that_cannot_be_is_refused(security: Actor, login: str) -> None:
    with pytest.raises(StaffRefused):
        staff.make_account(security, login, "赵小满")
    assert not Account.objects.filter(display_name="赵小满").exists()


def test_nobody_but_the_security_officer_does_any_of_it(town: Any, security: Actor) -> None:
    account, _secret = staff.make_account(security, "xiaoman.zhao", "赵小满")
    holding = staff.give_post(security, account, unit(f"{COUNTY}-hsc"), Role.OFFICER, "经办人")
    before = Act.objects.count()
    for actor in [*town.people.values(), town.stranger]:
        if actor.role == Role.SECURITY:
            continue
        for attempt in (
            lambda who=actor: staff.make_account(who, "other", "某某"),
            lambda who=actor: staff.give_secret(who, account),
            lambda who=actor: staff.set_open(who, account, is_open=False),
            lambda who=actor: staff.give_post(
                who, account, unit(f"{COUNTY}-enf"), Role.OFFICER, "经办人"
            ),
            lambda who=actor: staff.end_post(who, holding),
        ):
            with pytest.raises(StaffRefused):
                attempt()
    assert Act.objects.count() == before


def test_no_officer_changes_the_own_account_or_posts(security: Actor) -> None:
    mine = Account.objects.get(pk=security.account_id)
    holding = Holding.objects.get(account=mine)
    for attempt in (
        lambda: staff.give_secret(security, mine),
        lambda: staff.set_open(security, mine, is_open=False),
        lambda: staff.give_post(security, mine, unit(f"{COUNTY}-hsc"), Role.OFFICER, "经办人"),
        lambda: staff.end_post(security, holding),
    ):
        with pytest.raises(StaffRefused):
            attempt()


def test_an_account_with_a_post_elsewhere_is_out_of_reach(town: Any, security: Actor) -> None:
    account, _secret = staff.make_account(security, "xiaoman.zhao", "赵小满")
    staff.give_post(security, account, unit(f"{COUNTY}-hsc"), Role.OFFICER, "经办人")
    staff.give_post(staff.SYSTEM, account, unit("3308-center"), Role.DISPATCHER, "调度员")
    with pytest.raises(StaffRefused, match="区域"):
        staff.give_secret(security, account)
    with pytest.raises(StaffRefused):
        staff.give_post(
            security, Account.objects.get(username="grid"), unit("3308-center"), Role.CLERK, ""
        )


@pytest.mark.parametrize("role", sorted(OFFICERS))
def test_an_officers_post_holds_once_an_auditor_agrees(
    security: Actor, auditor: Actor, role: Role
) -> None:
    account, _secret = staff.make_account(security, "xiaoman.zhao", "赵小满")
    holding = staff.give_post(security, account, unit(f"{COUNTY}-center"), role, "某岗")
    today = local_day(now())
    assert actors_for(account, today) == []
    with pytest.raises(StaffRefused):
        staff.agree(security, holding)
    assert staff.waiting_for_agreement(auditor) == [holding]
    # Whoever gave the first password still knows it.
    with pytest.raises(StaffRefused, match="密码"):
        staff.agree(auditor, holding)
    password_changed(account)
    (holding,) = staff.waiting_for_agreement(auditor)
    staff.agree(auditor, holding)
    (actor,) = actors_for(account, today)
    assert actor.role == role
    # Its end is asked for and agreed to the same way.
    holding.refresh_from_db()
    staff.end_post(security, holding)
    holding.refresh_from_db()
    assert (holding.ends, holding.ending) == (None, today)
    assert len(actors_for(account, today)) == 1
    with pytest.raises(StaffRefused):
        staff.set_open(security, account, is_open=False)
    staff.agree(auditor, holding)
    holding.refresh_from_db()
    assert (holding.ends, holding.ending) == (today, None)
    assert actors_for(account, today + dt.timedelta(days=1)) == []


def test_nobody_agrees_to_the_own_post_or_the_own_deed(auditor: Actor, security: Actor) -> None:
    account, _secret = staff.make_account(security, "xiaoman.zhao", "赵小满")
    holding = staff.give_post(security, account, unit(f"{COUNTY}-center"), Role.AUDITOR, "审计")
    self_made = Actor(Role.AUDITOR, account.pk, f"{COUNTY}-center", COUNTY)
    for who in (self_made, Actor(Role.AUDITOR, security.account_id, f"{COUNTY}-center", COUNTY)):
        with pytest.raises(StaffRefused):
            staff.agree(who, holding)
    with pytest.raises(IntegrityError, match="holding_four_eyes"), transaction.atomic():
        Holding.objects.filter(pk=holding.pk).update(agreed=True, agreed_by=holding.given_by)


def test_an_officers_post_beside_another_is_refused_and_would_not_hold(
    security: Actor, town: Any
) -> None:
    account, _secret = staff.make_account(security, "xiaoman.zhao", "赵小满")
    staff.give_post(security, account, unit(f"{COUNTY}-hsc"), Role.OFFICER, "经办人")
    for role in OFFICERS:
        with pytest.raises(StaffRefused):
            staff.give_post(security, account, unit(f"{COUNTY}-center"), role, "某岗")
    post = Holding.objects.get(account__username="administrator").post
    told = {"account": account, "post": post, "begins": dt.date(2026, 1, 1)}
    with pytest.raises(IntegrityError, match="holding_officers_apart"), transaction.atomic():
        Holding.objects.create(**told)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS holding_officers_apart DEFERRED")
    made = Holding.objects.create(**told)
    assert [actor.role for actor in actors_for(account, local_day(now()))] == [Role.OFFICER]
    made.delete()


def test_the_database_refuses_a_role_that_changes_and_a_post_moved_to_somebody_else(
    security: Actor, town: Any
) -> None:
    holding = Holding.objects.get(account__username="housing")
    with pytest.raises(IntegrityError, match="post_role_stays"), transaction.atomic():
        type(holding.post).objects.filter(pk=holding.post_id).update(role=Role.SECURITY)
    with pytest.raises(IntegrityError, match="holding_officers_apart"), transaction.atomic():
        Holding.objects.filter(account__username="town").update(account=security.account_id)


def test_two_posts_given_at_once_are_kept_apart(committed_town: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    account = Account.objects.create(username="at-once", display_name="某某")
    posts = [
        Holding.objects.get(account__username=login).post_id for login in ("security", "housing")
    ]

    def give(post: str) -> bool:
        try:
            Holding.objects.create(account=account, post_id=post, begins=dt.date(2026, 1, 1))
        except IntegrityError:
            return False
        finally:
            connection.close()
        return True

    try:
        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(give, posts)) == [False, True]
    finally:
        Holding.objects.filter(account=account).delete()
        account.delete()


@pytest.mark.parametrize("role", sorted(OFFICERS))
def test_no_security_officer_gets_at_the_sign_in_of_an_officer(
    security: Actor, auditor: Actor, role: Role
) -> None:
    account, _secret = staff.make_account(security, "xiaoman.zhao", "赵小满")
    holding = staff.give_post(security, account, unit(f"{COUNTY}-center"), role, "某岗")
    password_changed(account)
    for _each in range(2):
        with pytest.raises(StaffRefused, match=r"maplebridge accounts secret xiaoman\.zhao"):
            staff.give_secret(security, account)
        with pytest.raises(StaffRefused):
            staff.note_change(security, account, Deed.FACTOR_RESET)
        account.refresh_from_db()
        assert account.check_password("qing-shan-lv-shui-26")
        holding.refresh_from_db()
        if not holding.agreed:
            staff.agree(auditor, holding)
    # Who runs the machine may, and it stands in the log.
    staff.give_secret(staff.SYSTEM, account)
    assert Act.objects.latest("number").deed == Deed.SECRET_GIVEN


def test_days_that_change_under_the_auditors_eyes_are_not_agreed_to(
    security: Actor, auditor: Actor
) -> None:
    account, _secret = staff.make_account(security, "xiaoman.zhao", "赵小满")
    today = local_day(now())
    end = today + dt.timedelta(days=30)
    staff.give_post(security, account, unit(f"{COUNTY}-center"), Role.AUDITOR, "", today, end)
    password_changed(account)
    (read,) = staff.waiting_for_agreement(auditor)
    Holding.objects.filter(pk=read.pk).update(ends=None)
    with pytest.raises(StaffRefused, match="日期"):
        staff.agree(auditor, read)
    # What nobody agreed to is taken back and never held; the log tells of both.
    staff.end_post(security, Holding.objects.get(pk=read.pk))
    assert staff.waiting_for_agreement(auditor) == []
    deeds = Act.objects.filter(on=f"account:{account.pk}").order_by("number")
    assert [act.deed for act in deeds] == [Deed.ACCOUNT_MADE, Deed.POST_GIVEN, Deed.POST_ENDED]


def test_the_last_auditor_stays_until_another_is_there(security: Actor, town: Any) -> None:
    Holding.objects.filter(account__username="auditor").update(ends=dt.date(2026, 1, 2))
    account, _secret = staff.make_account(staff.SYSTEM, "last", "某某")
    holding = staff.give_post(
        staff.SYSTEM, account, unit(f"{COUNTY}-center"), Role.AUDITOR, "审计员"
    )
    with pytest.raises(StaffRefused, match="审计"):
        staff.end_post(security, holding)
    holding.refresh_from_db()
    assert (holding.ends, holding.ending) == (None, None)


def test_an_account_is_unused_after_ninety_days_and_a_new_one_is_not(security: Actor) -> None:
    today = local_day(now())
    long_ago = now() - dt.timedelta(days=200)
    names = ("fresh", "idle", "busy", "closed")
    made = {name: staff.make_account(security, f"r.{name}", "某某")[0] for name in names}
    for name in names[1:]:
        Account.objects.filter(pk=made[name].pk).update(made_at=long_ago)
    Account.objects.filter(pk=made["closed"].pk).update(is_active=False)
    acts.note_sign_in(made["busy"], done=True, by="password")
    acts.note_sign_in(made["idle"], done=False, by="password")
    found = staff.review(security, today)
    assert [a.username for a in found.unused if a.username.startswith("r.")] == ["r.idle"]
    assert acts.last_sign_ins([account.pk for account in made.values()]) == {made["busy"].pk: today}
    soon = staff.give_post(
        security,
        made["fresh"],
        unit(f"{COUNTY}-hsc"),
        Role.OFFICER,
        "",
        today,
        today + dt.timedelta(days=30),
    )
    assert list(staff.review(security, today).ending) == [soon]
    assert not staff.review(security, today - dt.timedelta(days=1)).ending.exists()


def test_a_lock_out_stands_in_the_log_once_in_ten_minutes(town: Any) -> None:
    housing = Account.objects.get(username="housing")
    for _n in range(5):
        acts.note_lock_out("housing", by="password")
        acts.note_lock_out("nobody-of-that-name", by="password")
    told = Act.objects.filter(deed=Deed.LOCKED_OUT)
    assert [(act.account_id, act.done) for act in told] == [(housing.pk, False)]


def test_the_first_officers_are_made_once(db: None) -> None:
    Holding.objects.filter(post__role__in=OFFICERS).delete()
    logins = {role: (f"first-{role}", "某某") for role in OFFICERS}
    made = staff.first_officers(unit("3308-center"), logins)
    for role, (login, secret) in made.items():
        account = Account.objects.get(username=login)
        assert account.check_password(secret)
        assert [actor.role for actor in actors_for(account, local_day(now()))] == [role]
    with pytest.raises(StaffRefused):
        staff.first_officers(unit("3308-center"), {r: (f"x-{r}", "某某") for r in OFFICERS})
    same = dict.fromkeys(OFFICERS, ("one", "某某"))
    with pytest.raises(StaffRefused):
        staff.first_officers(unit("3308-center"), same)


def test_no_two_first_passwords_are_alike_and_none_is_easy() -> None:
    drawn = {staff.fresh_secret() for _n in range(1000)}
    assert len(drawn) == 1000
    assert {len(secret) for secret in drawn} == {19}


def test_an_act_can_neither_be_changed_nor_removed_by_the_application(security: Actor) -> None:
    act = Act.objects.latest("number")
    for wrong in (
        lambda: Act.objects.filter(pk=act.pk).update(done=False),
        lambda: Act.objects.filter(pk=act.pk).delete(),
        lambda: connection.cursor().execute("TRUNCATE organisation_act"),
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            wrong()
    assert acts.broken(Act.objects.order_by("number")) == []


def test_a_changed_or_missing_act_is_found(security: Actor) -> None:
    for n in range(5):
        acts.note(security, Deed.EXPORTED, f"list:{n}")
    rows = list(Act.objects.order_by("number"))
    assert acts.broken(rows) == []
    rows[2].on = "list:x"
    assert acts.broken(rows) == [rows[2].number]
    rows = list(Act.objects.order_by("number"))
    assert acts.broken([*rows[:2], *rows[3:]]) == [rows[3].number]
    assert acts.broken([*rows[:2], rows[3], rows[2], *rows[4:]]) != []


def test_acts_at_once_stand_in_one_chain(committed_town: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    before = Act.objects.count()

    def one(n: int) -> None:
        try:
            acts.note(staff.SYSTEM, Deed.EXPORTED, f"list:{n}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(40)))
    assert Act.objects.count() == before + 40
    assert acts.broken(Act.objects.order_by("number")) == []


def test_only_an_auditor_sees_acts_and_only_of_the_own_area(
    security: Actor, auditor: Actor, town: Any
) -> None:
    act = acts.note(security, Deed.EXPORTED, "list:1")
    assert act in Act.objects.filter(acts.seen_by(auditor))
    elsewhere = office(Role.AUDITOR, "aud-other", "330802-center")
    assert act not in Act.objects.filter(acts.seen_by(elsewhere))
    for actor in town.people.values():
        if actor.role != Role.AUDITOR:
            assert not Act.objects.filter(acts.seen_by(actor)).exists()
