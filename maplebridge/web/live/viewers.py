"""Who looks at a page that wants to stay true, and which cases they may be told of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, QueryDict

from maplebridge.cases import permissions, wall
from maplebridge.cases.feed import News
from maplebridge.cases.models import Assignment, Case
from maplebridge.organisation.people import SYSTEM, Actor, Role
from maplebridge.web.parts import limits, proof, words
from maplebridge.web.parts.desk import actor_of
from maplebridge.web.parts.position import Position, news_after

# Rows a page shows, with room for more of them.
MOST_ROWS = 60
MOST_KNOWN = 500
# Whoever was away for longer than this many events looks at the page anew.
MOST_REPLAYED = 2000

# What a page may ask of the part it wants to be sent.
ASKED = ("area", "layout")

# Where the pages keep their sessions, whatever the settings say.
SESSIONS = SessionMiddleware(lambda _request: HttpResponse()).SessionStore

# Tries that use up nobody's budget.
NOBODYS = (limits.FOLLOW_NETWORK, "")

Told = tuple[News, Case, Collection[Assignment]]


@dataclass(frozen=True)
class Ticket:
    """What a page shows to be let in: its session or its query code, and the rows it shows.

    tries: whose budget a query code that finds nothing uses up. draws: the part that it wants to
    be sent, by its painter's name, with what it asks; language: of the words in it.
    """

    session_key: str = ""
    code: str = ""
    after: Position | None = None
    rows: frozenset[UUID] = frozenset()
    tries: tuple[limits.Budget, str] = NOBODYS
    draws: str = ""
    asked: tuple[tuple[str, str], ...] = ()
    language: str = ""


@dataclass(frozen=True)
class Viewer:
    """Someone who was let in.

    follows: for a reporter, the cases whose moves change the own receipt; they are told as own.
    """

    actor: Actor
    follows: frozenset[UUID] = frozenset()

    def sees(self, case: Case, shares: Collection[Assignment]) -> bool:
        """Whether the viewer may be told of a case as it stands. Costs no statement."""
        if self.actor.role == Role.RESIDENT:
            return case.pk in self.follows
        return permissions.sees(self.actor, case, shares)

    def message(self, news: News, case: Case) -> dict[str, Any]:
        """What is told: which case, its event's number, its state and unit; never a word of it."""
        own = self.actor.reporter_of
        if own is not None:
            return {"case": str(own), "sequence": news.sequence}
        return {
            "case": str(news.case_id),
            "sequence": news.sequence,
            "state": news.to_state,
            "unit": case.unit_code,
        }


@dataclass
class Known:
    """Cases a page was told of: when one goes out of its sight, it is told that, once."""

    cases: OrderedDict[UUID, None] = field(default_factory=OrderedDict)

    def add(self, case_ids: Iterable[UUID]) -> None:
        for case_id in case_ids:
            self.cases[case_id] = None
            self.cases.move_to_end(case_id)
        while len(self.cases) > MOST_KNOWN:
            self.cases.popitem(last=False)

    def lose(self, case_id: UUID) -> bool:
        """Forgets a case; whether it was known."""
        return self.cases.pop(case_id, self) is None


def ticket(
    query: QueryDict,
    session_key: str,
    last_id: str = "",
    tries: tuple[limits.Budget, str] = NOBODYS,
    language: str = "",
) -> Ticket:
    """What a request shows; last_id: what the browser says after a broken stream."""
    rows = set()
    for said in query.get("rows", "").split(",")[:MOST_ROWS]:
        try:
            rows.add(UUID(said))
        except ValueError:
            continue
    after = Position.read(last_id) or Position.read(query.get("after", ""))
    asked = tuple((name, query.get(name, "")[:40]) for name in ASKED if name in query)
    code = query.get("code", "")
    draws = query.get("draws", "")[:20]
    return Ticket(session_key, code, after, frozenset(rows), tries, draws, asked, language)


def let_in(shown: Ticket) -> Viewer | None:
    """The viewer behind a ticket; None for a stranger. At most four statements.

    A session that has ended, or that lacks the second factor its post needs, is a stranger's.
    Raises TooMany for a code when too many that find nothing came from there.
    """
    if shown.code:
        found = limits.followed(shown.tries, shown.code)
        if found is None:
            return None
        own, other = found.own, found.shown
        hidden = words.tells_only_its_state(own, other)
        return Viewer(found.actor, frozenset({own.pk} if hidden else {own.pk, other.pk}))
    if not shown.session_key:
        return None
    request = HttpRequest()
    request.session = SESSIONS(shown.session_key)
    request.user = get_user(request)
    actor = actor_of(request)
    if actor is None or proof.lacks_second_factor(request, actor):
        return None
    return Viewer(actor)


def out_of_sight(viewer: Viewer, rows: Collection[UUID]) -> list[UUID]:
    """Those of a page's rows that the viewer does not see (any more). One statement."""
    if not rows or viewer.actor.role == Role.RESIDENT:
        return []
    with wall.standing(viewer.actor):
        seen = Case.objects.visible_to(viewer.actor).filter(pk__in=rows)
        return sorted(set(rows) - set(seen.values_list("pk", flat=True)))


def batch_after(start: Position) -> tuple[list[Told], Position]:
    """The next news, each with its case and the case's shares as they stand. Three statements."""
    with wall.standing(SYSTEM):
        return _batch_after(start)


def _batch_after(start: Position) -> tuple[list[Told], Position]:
    news, reached = news_after(start)
    if not news:
        return [], reached
    ids = {one.case_id for one in news}
    cases: Mapping[UUID, Case] = Case.objects.in_bulk(ids)
    shares: dict[UUID, list[Assignment]] = {}
    for share in Assignment.objects.filter(case_id__in=ids):
        shares.setdefault(share.case_id, []).append(share)
    told: list[Told] = [
        (one, cases[one.case_id], shares.get(one.case_id, []))
        for one in news
        if one.case_id in cases
    ]
    return told, reached


def missed(
    viewer: Viewer, start: Position, end: Position | None = None
) -> tuple[list[tuple[News, Case]], Position] | None:
    """What a viewer missed after a position (and not after `end`), and how far that reaches.

    None when it is too much to tell one by one.
    """
    found: list[tuple[News, Case]] = []
    passed = 0
    while True:
        batch, reached = batch_after(start)
        for news, case, shares in batch:
            at = Position(int(news.txid), news.case_id, news.sequence)
            if end is not None and at > end:
                return found, max(start, end)
            if viewer.sees(case, shares):
                found.append((news, case))
        passed += len(batch)
        if passed > MOST_REPLAYED:
            return None
        if reached == start:
            return found, start
        start = reached
