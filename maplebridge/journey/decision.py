"""What an automatic step answers: a value, how sure it is, why, and by which rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Decision:
    """The answer of one automatic step.

    value: the answer, or None when the step leaves it to a person.
    confidence: share from 0 to 1.
    reason: one sentence that a person can read, in the product's default language.
    version: name of the rule, word list or model that decided.
    evidence: what the reason rests on: words, candidates, row numbers; JSON values only.
    """

    value: str | None
    confidence: float
    reason: str
    version: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence is a share from 0 to 1, not {self.confidence}")
