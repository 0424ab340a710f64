"""Declared kinds: what is refused before anything starts, and that the standard kind is whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import translation

from maplebridge.cases.checks import check_manifests, problems_of
from maplebridge.cases.effects import EFFECTS, GUARDS
from maplebridge.cases.kinds import (
    Effect,
    Field,
    Guard,
    Kind,
    KindRegistry,
    Move,
    State,
    Type,
    Who,
    registry,
)
from maplebridge.organisation.people import Role, Tier

CLERK = frozenset({Role.CLERK})


def go(name: str, source: str, target: str | None, **options) -> Move:
    options = {"by": CLERK, "who": Who.OWNER, **options}
    return Move(name, name, (source,), target, **options)


def state(name: str, **options) -> State:
    return State(name, name, f"{name} next", **{"clocks": ("accept",), **options})


SOUND = Kind(
    name="plain",
    version=1,
    label="plain",
    initial="open",
    states=(state("open"), state("done", clocks=(), ended=True)),
    moves=(go("finish", "open", "done"), go("again", "done", "open")),
)


def with_moves(*moves: Move) -> Kind:
    return replace(SOUND, moves=(*SOUND.moves, *moves))


def with_states(*states: State) -> Kind:
    return replace(SOUND, states=(*SOUND.states, *states))


def test_a_small_whole_kind_is_sound():
    assert problems_of(SOUND) == []


UNSOUND = {
    "a dead end": (
        replace(SOUND, moves=SOUND.moves[:1]),
        ["state done is a dead end: no move leads out, not even an appeal"],
    ),
    "a state only left by staying": (
        replace(SOUND, moves=(SOUND.moves[0], go("note", "done", None))),
        ["state done is a dead end: no move leads out, not even an appeal"],
    ),
    "a state nobody reaches": (
        replace(with_states(state("island")), moves=(*SOUND.moves, go("leave", "island", "open"))),
        ["state island cannot be reached"],
    ),
    "a move without an owner": (
        with_moves(go("push", "open", "done", by=frozenset())),
        ["move push has no owner: nobody may make it"],
    ),
    "a move from a state that is not declared": (
        with_moves(go("push", "nowhere", "done")),
        ["move push names the state nowhere, which is not declared"],
    ),
    "a move to a state that is not declared": (
        with_moves(go("push", "open", "nowhere")),
        ["move push names the state nowhere, which is not declared"],
    ),
    "a move that starts nowhere": (
        with_moves(replace(go("push", "open", "done"), sources=())),
        ["move push starts nowhere"],
    ),
    "a guard nobody wrote": (
        with_moves(go("push", "open", "done", guards=("is_sunny",))),
        ["guard is_sunny of push is not written"],
    ),
    "an effect nobody wrote": (
        with_moves(go("push", "open", "done", effects=("sing",))),
        ["effect sing of push is not written"],
    ),
    "an open state without a clock": (
        replace(SOUND, states=(state("open", clocks=()), SOUND.states[1])),
        ["state open is open and has no clock"],
    ),
    "a state declared twice": (
        with_states(state("open")),
        ["state open is declared twice"],
    ),
    "a move declared twice": (
        with_moves(go("finish", "open", "done")),
        ["move finish is declared twice"],
    ),
    "an initial state that is not declared": (
        replace(SOUND, initial="dawn"),
        ["the initial state dawn is not declared"],
    ),
    "the same field asked for twice": (
        with_moves(
            go("push", "open", "done", needs=(Field("a", Type.TEXT, "A"),) * 2),
        ),
        ["move push asks for the same field twice"],
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_kind_is_refused_with_a_sentence(name):
    kind, said = UNSOUND[name]
    assert problems_of(kind) == said


def test_an_unsound_manifest_stops_the_start(monkeypatch):
    lone = KindRegistry()
    lone.register([UNSOUND["a dead end"][0]])
    monkeypatch.setattr("maplebridge.cases.checks.registry", lone)
    (error,) = check_manifests(None)
    assert (error.id, error.msg) == (
        "cases.E001",
        "Kind plain version 1: state done is a dead end: no move leads out, not even an appeal.",
    )
    assert error.is_serious()


def test_a_version_may_not_mean_two_kinds():
    known = KindRegistry()
    known.register([SOUND, SOUND])
    with pytest.raises(ValueError, match="two manifests declare plain version 1"):
        known.register([replace(SOUND, label="other")])


def test_new_cases_take_the_latest_version_and_old_ones_keep_theirs():
    known = KindRegistry()
    newer = replace(SOUND, version=2, label="newer")
    known.register([newer, SOUND])
    assert known.latest("plain") == newer
    assert known.pinned("plain", 1) == SOUND
    with pytest.raises(KeyError):
        known.latest("unheard")
    with pytest.raises(KeyError):
        known.pinned("plain", 3)


def test_every_word_of_a_manifest_is_written():
    assert set(EFFECTS) == set(Effect)
    assert set(GUARDS) == set(Guard)


# -- the standard kind ----------------------------------------------------------------------

MATTER = registry.latest("matter")
OPEN = {
    "reported", "need_info", "accepted", "filed", "dispatched", "handling", "suspended",
    "feedback", "verified",
}  # fmt: skip
# Open as well, but out of the platform's hands: the organ that receives a lead has it.
AWAY = {"handed_over"}
ENDED = {"closed", "archived", "declined", "merged", "voided", "received"}
# Moves that take, send, judge or verify; who is complained about has no part in any of them.
APART = {
    "name_unit", "confirm_unit", "clear_unit", "overrule", "accept", "handle_on_spot", "file_case",
    "dispatch", "sign_for", "feedback", "verify_pass", "verify_fail", "close", "revisit",
    "try_reach", "check_sample",
    "order_reopen", "pre_verify", "take_over", "call_back", "delegate", "return_back",
    "adjudicate", "consult", "conclude", "whistle", "add_assist", "unmerge", "decline",
    "record_only", "merge", "void", "send_copy", "answer_extend", "suspend", "resume",
    "supervise", "end_supervision",
}  # fmt: skip

# Row of the domain guide's table, 2.2: move, where it must start from at least, where it leads.
ROWS: list[tuple[int, str, set[str], str | None]] = [
    (2, "handle_on_spot", {"reported"}, "feedback"),
    (3, "ask_more", {"reported"}, "need_info"),
    (3, "supply", {"need_info"}, "reported"),
    (4, "decline", {"reported"}, "declined"),
    (4, "appeal", {"declined"}, "reported"),
    (5, "accept", {"reported"}, "accepted"),
    (6, "pre_verify", {"accepted"}, None),
    (7, "file_case", {"accepted"}, "filed"),
    (8, "record_only", {"accepted"}, "archived"),
    (8, "merge", {"accepted"}, "merged"),
    (8, "void", {"accepted"}, "voided"),
    (9, "escalate", {"accepted", "handling"}, "reported"),
    (10, "dispatch", {"filed"}, "dispatched"),
    (11, "sign_for", {"dispatched"}, "handling"),
    (12, "return_back", {"dispatched"}, "filed"),
    (13, "adjudicate", {"filed"}, "dispatched"),
    (14, "log", {"handling"}, None),
    (14, "consult", {"handling"}, None),
    (14, "whistle", {"handling"}, None),
    (14, "add_assist", {"handling"}, None),
    (15, "request_extend", {"handling"}, None),
    (15, "answer_extend", {"handling"}, None),
    (16, "suspend", {"handling"}, "suspended"),
    (16, "resume", {"suspended"}, "handling"),
    (17, "feedback", {"handling"}, "feedback"),
    (18, "verify_fail", {"feedback"}, "handling"),
    (19, "verify_pass", {"feedback"}, "verified"),
    (20, "close", {"verified"}, "closed"),
    (21, "revisit", {"closed"}, "archived"),
    (21, "rate", {"closed"}, "archived"),
    (22, "reopen", {"closed", "archived"}, "filed"),
    (22, "order_reopen", {"closed", "archived"}, "filed"),
    (23, "supervise", OPEN, None),
    (23, "end_supervision", OPEN, None),
    (24, "hand_off", OPEN, None),
]
# Who may make it at all, and the lowest tier that may, where the table says so.
LOWEST = {
    "decline": Tier.TOWN, "file_case": Tier.TOWN, "record_only": Tier.TOWN, "merge": Tier.TOWN,
    "void": Tier.TOWN, "dispatch": Tier.TOWN, "adjudicate": Tier.COUNTY, "suspend": Tier.COUNTY,
    "close": Tier.TOWN, "supervise": Tier.TOWN,
}  # fmt: skip
# Words of the glossary that are moves besides the table: 加急, 阅处, 批示, 备案, 历史遗留, 催办.
GLOSSARY = ("expedite", "send_copy", "read_copy", "instruct", "record_only", "mark_legacy", "urge")


def test_the_standard_kind_is_sound():
    assert problems_of(MATTER) == []


def test_it_begins_with_the_first_row_of_the_table():
    assert (MATTER.opening, MATTER.initial) == ("report", "reported")


def test_the_table_is_covered_wholly():
    assert {row for row, *_rest in ROWS} | {1} == set(range(1, 25))


@pytest.mark.parametrize(("row", "name", "sources", "target"), ROWS)
def test_a_row_of_the_table_is_a_move(row, name, sources, target):
    move = MATTER.move(name)
    assert move is not None, f"row {row} has no move {name}"
    assert sources <= set(move.sources)
    assert move.target == target


@pytest.mark.parametrize("name", LOWEST)
def test_a_move_keeps_its_tier(name):
    assert min(MATTER.move(name).tiers) == LOWEST[name]


@pytest.mark.parametrize("name", GLOSSARY)
def test_a_word_of_the_glossary_is_a_move(name):
    assert MATTER.move(name) is not None


def test_every_needed_guard_stands_at_its_move():
    assert {move.name for move in MATTER.moves if Guard.APART in move.guards} == APART
    names = (r[1] for r in ROWS)
    guards = {name: set(MATTER.move(name).guards) - {Guard.APART} for name in names}
    assert guards["handle_on_spot"] >= {Guard.ON_THE_SPOT}
    assert guards["ask_more"] == {Guard.ONCE_ASKED}
    assert guards["file_case"] == {Guard.PLACED, Guard.CLASSIFIED}
    assert guards["return_back"] == {Guard.MAY_RETURN}
    assert guards["adjudicate"] == {Guard.IN_RULING, Guard.IN_REACH}
    assert guards["dispatch"] == {Guard.NOT_IN_RULING, Guard.IN_REACH}
    assert guards["request_extend"] == {Guard.MAY_EXTEND}
    assert guards["suspend"] == {Guard.REVIEW_WITHIN_30_DAYS}
    assert guards["feedback"] == {Guard.ASSISTS_DONE}
    assert guards["reopen"] == {Guard.REOPEN_WINDOW}
    assert guards["supervise"] == {Guard.HIGHER_LEVEL}
    assert guards["appeal"] == {Guard.ONE_APPEAL}


def test_reasons_are_asked_where_the_table_asks_them():
    for name in ("decline", "escalate", "return_back", "adjudicate", "suspend", "verify_fail"):
        needed = {field.name for field in MATTER.move(name).needs if field.required}
        assert "reason" in needed, name
    declined = {field.name for field in MATTER.move("decline").needs if field.required}
    assert declined == {"ground", "reason", "channel"}


def test_the_verifier_is_never_the_handler():
    for name in ("verify_pass", "verify_fail", "revisit", "try_reach", "check_sample"):
        assert MATTER.move(name).who is Who.OTHER


def test_closed_by_the_centre_and_done_says_the_unit_are_two_states():
    assert MATTER.move("feedback").target != MATTER.move("close").target
    assert not MATTER.state("feedback").ended
    assert MATTER.state("closed").ended


def test_the_states_are_those_of_the_table():
    assert {state.name for state in MATTER.states if not state.ended} == OPEN | AWAY
    assert {s.name for s in MATTER.states if s.ended} == ENDED


def test_every_open_state_has_its_clock_or_stands_still():
    for declared in MATTER.states:
        if declared.ended:
            assert declared.clocks == (), declared.name
        else:
            assert declared.clocks, declared.name


def words_of(kind):
    for declared in kind.states:
        yield f"state {declared.name}", declared.label
        yield f"state {declared.name} next", declared.next
    for move in kind.moves:
        yield f"move {move.name}", move.label
        for need in move.needs:
            yield f"{move.name} {need.name}", need.label
            for code, label in need.choices:
                yield f"{move.name} {need.name} {code}", label
    for need in kind.intake:
        yield f"intake {need.name}", need.label


def test_states_moves_and_fields_have_words_in_both_languages():
    for place, words in words_of(MATTER):
        with translation.override("en"):
            english = str(words)
        with translation.override("zh-hans"):
            chinese = str(words)
        assert english, place
        if english.isdigit() or english in {f"S{n}" for n in range(8)}:
            continue
        assert english.isascii(), place
        assert any("一" <= sign <= "鿿" for sign in chinese), f"{place}: {chinese}"


def test_two_states_or_moves_never_share_their_words():
    for language in ("en", "zh-hans"):
        with translation.override(language):
            states = [str(declared.label) for declared in MATTER.states]
            moves = [str(move.label) for move in MATTER.moves]
        assert len(states) == len(set(states)), language
        assert len(moves) == len(set(moves)), language
