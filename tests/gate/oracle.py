"""Who may see what, told from the specification, over rows as plain values; no query, no gate.

It shares no line with `maplebridge.cases.permissions`: it is written from the domain guide,
section 5, and from what the decision page on the gate says, so that a mistake there is found here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]

WORK_ON_CASES = {"grid_worker", "station", "clerk", "officer", "mediator", "dispatcher"}
SEE_NOTHING = {"administrator", "auditor", "security"}
WHOLE_AREA = {"station", "clerk", "dispatcher", "leader"}
NO_LONGER_SHARED = {"returned", "withdrawn"}
WORKING_DUTIES = {"lead", "assist", "attend"}


@dataclass(frozen=True)
class Post:
    """One post of one person on one day. held: units of all posts the person holds that day."""

    account: Any
    role: str
    unit: str
    area: str
    line: str
    held: frozenset[str]


@dataclass
class Rows:
    """All rows of the world, grouped as the rules ask for them."""

    cases: dict[Any, Row]
    shares: dict[Any, list[Row]] = field(default_factory=lambda: defaultdict(list))
    grants: dict[Any, list[Row]] = field(default_factory=lambda: defaultdict(list))


def posts_of(
    account: Any, on: dt.date, holdings: Iterable[Row], posts: Mapping[Any, Row],
    units: Mapping[str, Row],
) -> list[Post]:  # fmt: skip
    """The posts a person holds on a day, in the order of their codes; none of a unit that ended.

    Who sets up, who lets in and who audits stand apart (三员分立): such a post holds once somebody
    else agreed to it, and not beside a post of another role.
    """
    held = []
    for holding in holdings:
        if holding["account_id"] != account or holding["begins"] > on:
            continue
        if holding["ends"] is not None and holding["ends"] < on:
            continue
        if not holding.get("agreed", True):
            continue
        post = posts[holding["post_id"]]
        unit = units[post["unit_id"]]
        if unit["ends"] is not None and unit["ends"] < on:
            continue
        held.append((post["code"], post["role"], unit))
    everything = frozenset(unit["code"] for _code, _role, unit in held)
    if len({role for _code, role, _unit in held}) > 1:
        held = [each for each in held if each[1] not in SEE_NOTHING]
    return [
        Post(account, role, unit["code"], unit["area_code"], unit["line"], everything)
        for _code, role, unit in sorted(held, key=lambda each: each[0])
    ]


def is_granted(post: Post, grants: Iterable[Row], at: dt.datetime) -> bool:
    """Whether somebody else said yes, for this person under this post, for now."""
    for grant in grants:
        whom = (grant["account_id"], grant["unit_code"], grant["role"])
        if whom != (post.account, post.unit, post.role):
            continue
        if grant["given"] is not True or grant["revoked_at"] is not None:
            continue
        if grant["begins_at"] is None or grant["ends_at"] is None:
            continue
        if grant["begins_at"] <= at < grant["ends_at"]:
            return True
    return False


def conflicts(post: Post, case: Row) -> bool:
    """Whether the matter complains about a unit of the person, in whatever post."""
    return case["about_unit"] != "" and case["about_unit"] in post.held


def has_share(post: Post, shares: Iterable[Row], duties: set[str] | None = None) -> bool:
    """Whether the unit was asked for something in the case and it was not given or taken back."""
    return any(
        share["unit_code"] == post.unit
        and share["progress"] not in NO_LONGER_SHARED
        and (duties is None or share["duty"] in duties)
        for share in shares
    )


def covers(post: Post, case: Row, at: dt.datetime) -> bool:
    """Whether the case lies in the post's area and is of the sort the role looks after."""
    if not case["area_code"].startswith(post.area) or case["confidentiality"] == "C2":
        return False
    if post.role == "grid_worker":
        return case["confidentiality"] == "C0"
    if post.role == "officer":
        return post.line != "" and case["line"] == post.line
    if post.role == "supervisor":
        running_late = not case["ended"] and case["due_at"] is not None and case["due_at"] < at
        return case["supervision"] > 0 or case["late"] or running_late
    if post.role == "revisitor":
        return case["closed_at"] is not None
    return post.role in WHOLE_AREA


def own_or_assigned(post: Post, case: Row, shares: Iterable[Row]) -> bool:
    """Whether the unit answers for the case or was asked for something in it."""
    if case["confidentiality"] == "C2" and post.role not in WORK_ON_CASES:
        return False
    return case["unit_code"] == post.unit or has_share(post, shares)


def sees(post: Post, case: Row, rows: Rows, at: dt.datetime, *, with_grants: bool = True) -> bool:
    """(area and line, not C2) or own or assigned or granted; less conflict of interest."""
    if post.role in SEE_NOTHING or not post.unit or conflicts(post, case):
        return False
    key = case["id"]
    granted = with_grants and is_granted(post, rows.grants[key], at)
    return granted or own_or_assigned(post, case, rows.shares[key]) or covers(post, case, at)


def works_on(post: Post, case: Row, rows: Rows) -> bool:
    """Whether the post works on the case itself: of its unit, or leading, assisting, summoned."""
    if post.role not in WORK_ON_CASES or conflicts(post, case):
        return False
    return case["unit_code"] == post.unit or has_share(post, rows.shares[case["id"]],
                                                       WORKING_DUTIES)  # fmt: skip


def sees_reporter(post: Post, case: Row, rows: Rows) -> bool:
    """Whether the post may learn who reported; of a complaint about a service only rooms may."""
    if case["nature"] == "service" and post.role not in {"clerk", "dispatcher"}:
        return False
    return works_on(post, case, rows)


def reads_full(post: Post, case: Row, rows: Rows, at: dt.datetime) -> bool:
    """Whether words are shown as written; everybody else who sees the case reads them masked."""
    if not sees(post, case, rows, at):
        return False
    if works_on(post, case, rows) or is_granted(post, rows.grants[case["id"]], at):
        return True
    # Rooms send cases on, so they read them as written.
    return post.role in {"clerk", "dispatcher"}


def behind_the_wall(post: Post, case: Row, rows: Rows, at: dt.datetime) -> bool:
    """The coarse bound: all of the area, and beyond it what the unit works on or was granted."""
    if post.role == "administrator" or not post.unit or not post.area:
        return False
    if case["area_code"].startswith(post.area):
        return True
    if post.role in {"auditor", "security"}:
        return False
    key = case["id"]
    granted = any(
        is_granted(Post(post.account, grant["role"], post.unit, "", "", frozenset()), [grant], at)
        for grant in rows.grants[key]
    )
    return case["unit_code"] == post.unit or has_share(post, rows.shares[key]) or granted
