"""Random lives of a few cases, for what counts over many of them."""

from __future__ import annotations

import random
from typing import Any

from maplebridge.cases.tests.machine import GAPS, World


class Lives:
    """The world of the engine's own tests, led on by a seeded draw instead of by hypothesis."""

    def __init__(self, town: Any, seed: int) -> None:
        self.world = World(town)
        self.world.begin()
        self.draw = random.Random(seed)

    @property
    def cases(self) -> list[Any]:
        return self.world.cases

    @property
    def made(self) -> int:
        """How many moves were made."""
        return sum(self.world.made.values())

    def step(self) -> None:
        """One try: mostly by somebody who may, sometimes by anybody."""
        world, draw = self.world, self.draw
        world.at += draw.choice(GAPS)
        case_id = draw.choice(world.cases)
        choose = world.choose if draw.random() < 0.9 else world.anybody
        actor, move, facts = choose(case_id, draw)
        world.attempt(case_id, actor, move, facts, again=False)
