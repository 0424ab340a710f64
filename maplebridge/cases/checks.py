"""Refuses an unsound manifest before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks

from maplebridge.cases.effects import EFFECTS, GUARDS
from maplebridge.cases.kinds import Kind, registry


def problems_of(kind: Kind) -> list[str]:
    """What is unsound about a kind, a sentence each; empty when it is sound.

    A state nobody can reach, a state without a way out, a move nobody may make, a move between
    states that are not declared, a guard or effect nobody wrote, an open state without a clock.
    """
    said: list[str] = []
    names = [state.name for state in kind.states]
    known = set(names)
    said += [f"state {name} is declared twice" for name in known if names.count(name) > 1]
    moves = [move.name for move in kind.moves]
    said += [f"move {name} is declared twice" for name in set(moves) if moves.count(name) > 1]
    if kind.initial not in known:
        return [*said, f"the initial state {kind.initial} is not declared"]
    for move in kind.moves:
        led = filter(None, (move.target, move.taken))
        for named in (*move.sources, *move.taken_from, *led):
            if named not in known:
                said.append(f"move {move.name} names the state {named}, which is not declared")
        if not move.by:
            said.append(f"move {move.name} has no owner: nobody may make it")
        if not move.sources:
            said.append(f"move {move.name} starts nowhere")
        said += [f"guard {g} of {move.name} is not written" for g in move.guards if g not in GUARDS]
        said += [
            f"effect {e} of {move.name} is not written" for e in move.effects if e not in EFFECTS
        ]
        fields = [need.name for need in move.needs]
        if len(fields) != len(set(fields)):
            said.append(f"move {move.name} asks for the same field twice")
    reached = {kind.initial}
    while True:
        further = {
            move.target for move in kind.moves if move.target and reached & set(move.sources)
        }
        if further <= reached:
            break
        reached |= further
    said += [f"state {name} cannot be reached" for name in names if name not in reached]
    for state in kind.states:
        leaving = {move.target for move in kind.moves if state.name in move.sources}
        if not leaving - {None, state.name}:
            said.append(f"state {state.name} is a dead end: no move leads out, not even an appeal")
        if not state.ended and not state.clocks and not state.pauses:
            said.append(f"state {state.name} is open and has no clock")
    return said


@checks.register()
def check_manifests(app_configs: Sequence[Any] | None, **options: Any) -> list[checks.CheckMessage]:
    """Every problem of every declared kind, as an error that stops the start."""
    return [
        checks.Error(f"Kind {kind.name} version {kind.version}: {said}.", id="cases.E001")
        for kind in registry.all()
        for said in problems_of(kind)
    ]
