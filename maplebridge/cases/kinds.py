"""The words in which a manifest declares a kind of case: states, moves, fields, effects.

A manifest is data: everything here is a frozen value. The engine reads it; `checks` refuses
one that is unsound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from maplebridge.organisation.people import Role, Tier

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Words = str | _StrPromise
else:
    Words = str


class Type(StrEnum):
    """What a field of a form holds; TEXT and NOTE are free words and go into the payload.

    SEALED are free words, too, but sealed before they are written: they stand in no list, search,
    count or timeline, and only `cases.sealed.pages` opens them.
    """

    TEXT = "text"
    NOTE = "note"
    SEALED = "sealed"
    UNIT = "unit"
    UNITS = "units"
    CATEGORY = "category"
    AREA = "area"
    CASE = "case"
    CHOICE = "choice"
    DAYS = "days"
    DATE = "date"
    FLAG = "flag"
    PHOTOS = "photos"
    CODE = "code"
    CODES = "codes"
    NUMBER = "number"


FREE = frozenset({Type.TEXT, Type.NOTE, Type.SEALED})
REPORTED = _("Reported")


@dataclass(frozen=True)
class Field:
    """One thing a move needs to know.

    choices: pairs of code and words, for CHOICE. most: longest text, or largest number.
    kinds: for UNIT and UNITS, the kinds of unit offered and taken. among: for the same, only units
    that have such a share (duty and progress) are offered.
    """

    name: str
    type: Type
    label: Words
    required: bool = True
    choices: tuple[tuple[str, Words], ...] = ()
    most: int = 5000
    kinds: tuple[str, ...] = ()
    among: tuple[tuple[str, str], ...] = ()


class Who(StrEnum):
    """How an actor must stand to the case, besides having one of the move's roles."""

    REPORTER = "reporter"  # reported this case
    OWNER = "owner"  # post in the accountable unit
    LEAD = "lead"  # post in the unit that leads now
    WORKING = "working"  # post in a unit that leads, assists or attends now
    ASKED = "asked"  # post in a unit with one of the move's shares
    SEES = "sees"  # whoever may see it
    ABOVE = "above"  # post in a room above the accountable unit, over the case's area
    AREA = "area"  # post whose area covers the case, or in the accountable unit
    OTHER = "other"  # post whose area covers the case, never the unit or person that handled it
    FILER = "filer"  # post in the room that filed it or answers for it now, or above
    SYSTEM = "system"


class Effect(StrEnum):
    """What a move changes besides the state; each is carried out once, in `effects`."""

    TRIAGE = "triage"
    ASK = "ask"
    ASSIGN_LEAD = "assign_lead"
    ASSIGN_ASSIST = "assign_assist"
    SUMMON = "summon"
    ATTEND = "attend"
    RATE_UNIT = "rate_unit"
    ASK_ADVICE = "ask_advice"
    ADVISE = "advise"
    CONCLUDE = "conclude"
    TAKE_NOTE = "take_note"
    ANSWER = "answer"
    NOTE_RECEIPT = "note_receipt"
    WITHDRAW = "withdraw"
    DELEGATE = "delegate"
    KEEP_SIGHT = "keep_sight"
    SEND_COPY = "send_copy"
    READ_COPY = "read_copy"
    SIGN = "sign"
    RETURN = "return"
    RULE = "rule"
    FINISH_ASSIST = "finish_assist"
    FINISH_LEAD = "finish_lead"
    REWORK = "rework"
    ESCALATE = "escalate"
    APPEAL = "appeal"
    FILE = "file"
    TAKE = "take"
    CALL_BACK = "call_back"
    BACK_TO_FILER = "back_to_filer"
    CLOSE = "close"
    REOPEN = "reopen"
    ASK_EXTENSION = "ask_extension"
    ANSWER_EXTENSION = "answer_extension"
    SUPERVISE = "supervise"
    RELEASE = "release"
    HAND_OFF = "hand_off"
    NAME_UNIT = "name_unit"
    CONFIRM_UNIT = "confirm_unit"
    CLEAR_UNIT = "clear_unit"
    SEAL_OVER = "seal_over"
    OPEN_SEAL = "open_seal"
    DESTROY_SEAL = "destroy_seal"
    UNSEAL = "unseal"
    EXPEDITE = "expedite"
    MARK_LEGACY = "mark_legacy"
    GRADE = "grade"
    MERGE = "merge"
    UNMERGE = "unmerge"
    RATE = "rate"


class Guard(StrEnum):
    """What must be true before a move; each is asked once, in `effects`."""

    PLACED = "placed"
    CLASSIFIED = "classified"
    ON_THE_SPOT = "on_the_spot"
    ONCE_ASKED = "once_asked"
    ASSISTS_DONE = "assists_done"
    SHARES_DONE = "shares_done"
    ATTENDED = "attended"
    CONSULTING = "consulting"
    HANDED_OVER = "handed_over"
    OURS_TO_WITHDRAW = "ours_to_withdraw"
    BELOW = "below"
    MAY_RETURN = "may_return"
    NOT_IN_RULING = "not_in_ruling"
    IN_RULING = "in_ruling"
    MAY_EXTEND = "may_extend"
    EXTENSION_ASKED = "extension_asked"
    REVIEW_WITHIN_30_DAYS = "review_within_30_days"
    HIGHER_LEVEL = "higher_level"
    SUPERVISED = "supervised"
    TIER_ABOVE = "tier_above"
    REOPEN_WINDOW = "reopen_window"
    ONE_APPEAL = "one_appeal"
    UNRATED = "unrated"
    NOT_ITSELF = "not_itself"
    IN_REACH = "in_reach"
    NOT_CONFIDENTIAL = "not_confidential"
    IN_SIGHT = "in_sight"
    APART = "apart"
    SOMEBODY_ELSE = "somebody_else"
    ABOUT_SOMEBODY = "about_somebody"
    ABOUT_ASKED = "about_asked"
    RECEIVING_ORGAN = "receiving_organ"
    NOT_YET_OPENED = "not_yet_opened"
    ALREADY_OPENED = "already_opened"


@dataclass(frozen=True)
class State:
    """Where a case can be.

    clocks: those that run here, the first of them the state's own; pauses: the one that stands
    still here; keeps: those that go on counting here if they ran before. ended: nobody owes work
    any more. next: one plain sentence for the reporter.
    """

    name: str
    label: Words
    next: Words
    clocks: tuple[str, ...] = ()
    pauses: str = ""
    keeps: tuple[str, ...] = ()
    ended: bool = False


@dataclass(frozen=True)
class Move:
    """A named step from a state to a state.

    sources: states it may start from. target: the state after it, None when it stays.
    by: roles. tiers: acting tiers, empty for any. who: how the actor must stand to the case.
    shares: for who=ASKED, the duty and progress of the share that the actor's unit must have.
    needs: the fields of its form. stops: clocks that end with it though the state stays.
    renews: clocks that begin anew with it. recounts: every timer is written again.
    taken: the state after it when it starts in one of `taken_from` and takes the work out of the
    hands of whoever led or did it.
    public: the reporter sees that it happened. plain: offered as a button; False for moves that
    only programs make.
    """

    name: str
    label: Words
    sources: tuple[str, ...]
    target: str | None
    by: frozenset[Role]
    who: Who
    tiers: tuple[Tier, ...] = ()
    shares: tuple[tuple[str, str], ...] = ()
    needs: tuple[Field, ...] = ()
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    stops: tuple[str, ...] = ()
    renews: tuple[str, ...] = ()
    public: bool = False
    recounts: bool = False
    plain: bool = True
    taken_from: tuple[str, ...] = ()
    taken: str | None = None

    def leads_from(self, state: str) -> bool:
        """Whether it may start in the state."""
        return state in self.sources


class Aside(models.TextChoices):
    """What may happen to a case of any kind without moving it: no state, unit or clock changes."""

    CORRECT_REPORTER = "correct_reporter", _("The reporter corrected name or telephone")
    ERASE_REPORTER = "erase_reporter", _("Who reported was erased")
    DESTROY = "destroy", _("Words, photos and place were destroyed when their time was over")
    LEND = "lend", _("The right to write went to a node of its own for a time")
    RETURN = "return", _("The right to write came back")
    RECALL = "recall", _("The right to write was taken back when its time was over")
    JOIN = "join", _("What was written on the other side joined")

    @property
    def is_of_a_reporter(self) -> bool:
        """Whether it concerns who reported or what was said, and not where the case is written."""
        return self in (Aside.CORRECT_REPORTER, Aside.ERASE_REPORTER, Aside.DESTROY)


@dataclass(frozen=True)
class Kind:
    """A kind of case: the whole of its life, declared.

    name and version pin a case to what it was opened under.
    opening: the move recorded when a case is opened, opened: how that is said. initial: the state
    then.
    """

    name: str
    version: int
    label: Words
    initial: str
    states: tuple[State, ...]
    moves: tuple[Move, ...]
    opening: str = "report"
    opened: Words = REPORTED
    intake: tuple[Field, ...] = ()
    ratings: tuple[tuple[str, Words], ...] = ()
    _moves: Mapping[str, Move] = field(init=False, repr=False, compare=False)
    _states: Mapping[str, State] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_moves", {move.name: move for move in self.moves})
        object.__setattr__(self, "_states", {state.name: state for state in self.states})

    def move(self, name: str) -> Move | None:
        """The move of that name, or None."""
        return self._moves.get(name)

    def state(self, name: str) -> State:
        """The state of that name. Raises KeyError."""
        return self._states[name]


class KindRegistry:
    """Every kind and version known to this process; filled once, from the manifests."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, int], Kind] = {}
        self._latest: dict[str, Kind] = {}

    def register(self, kinds: Iterable[Kind]) -> None:
        """Adds kinds; the same (name, version) again must be the same kind."""
        for kind in kinds:
            known = self._kinds.setdefault((kind.name, kind.version), kind)
            if known != kind:
                raise ValueError(f"two manifests declare {kind.name} version {kind.version}")
            latest = self._latest.get(kind.name)
            if latest is None or kind.version > latest.version:
                self._latest[kind.name] = kind

    def latest(self, name: str) -> Kind:
        """The version under which new cases open. Raises KeyError for an unknown kind."""
        return self._latest[name]

    def pinned(self, name: str, version: int) -> Kind:
        """The version a case was opened under. Raises KeyError."""
        return self._kinds[name, version]

    def all(self) -> list[Kind]:
        """Every kind and version."""
        return list(self._kinds.values())


registry = KindRegistry()
