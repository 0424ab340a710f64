"""Reads what a person or a program said with a move: the right fields, of the right types."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from maplebridge.cases.kinds import FREE, Field, Move, Type
from maplebridge.lib.text import printable
from maplebridge.organisation.units import Directory

AREA = re.compile(r"\d{4}(\d{2}(\d{3}(\d{3}(\d{3})?)?)?)?")
CODE = re.compile(r"[A-Za-z0-9_.-]{0,40}")
MOST_CODES = 50


class FactsError(ValueError):
    """Something said does not fit: `problems` gives a sentence for each field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {said}" for name, said in problems.items()))
        self.problems = dict(problems)


class MissingFacts(FactsError):
    """A field that the move needs was not said."""


def read_facts(
    move: Move,
    said: Mapping[str, Any],
    units: Directory,
    knows_case: Callable[[UUID], bool] = lambda _case: True,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Splits what was said into structured facts and free words, both checked.

    said: by field name; empty strings count as not said; JSON or form values.
    knows_case: whether the actor may name another case.
    Returns (facts, words): facts go into the event, words into its payload, those of SEALED fields
    under a seal.
    Raises MissingFacts when only required fields are missing, else FactsError.
    """
    facts: dict[str, Any] = {}
    words: dict[str, Any] = {}
    missing: dict[str, str] = {}
    wrong: dict[str, str] = {}
    known = {need.name for need in move.needs}
    for name in said:
        if name not in known:
            wrong[name] = _("The move %(move)s does not know this field.") % {"move": move.name}
    for need in move.needs:
        value = said.get(need.name)
        empty_list = value == [] and need.type is not Type.CODES
        if value is None or value == "" or empty_list:
            if need.required:
                missing[need.name] = _("Please fill in: %(label)s.") % {
                    "label": str(need.label).rstrip("?？")
                }
            continue
        try:
            read = _read(need, value, units)
            if need.type is Type.CASE and not knows_case(UUID(read)):
                raise ValueError(_("No case you may see has that number, or it was merged itself."))
        except ValueError as problem:
            wrong[need.name] = str(problem)
            continue
        (words if need.type in FREE else facts)[need.name] = read
    if wrong:
        raise FactsError({**wrong, **missing})
    if missing:
        raise MissingFacts(missing)
    return facts, words


def _read(need: Field, value: Any, units: Directory) -> Any:
    match need.type:
        case Type.TEXT | Type.NOTE | Type.SEALED:
            text = printable(str(value))
            if len(text) > need.most:
                said = _(
                    "The text has %(n)d characters; at most %(most)d are kept. Please shorten it."
                )
                raise ValueError(said % {"n": len(text), "most": need.most})
            return text
        case Type.UNIT:
            return _unit(need, str(value), units)
        case Type.UNITS:
            codes = value if isinstance(value, list | tuple) else [value]
            return sorted({_unit(need, str(code), units) for code in codes})
        case Type.AREA:
            if not AREA.fullmatch(str(value)):
                raise ValueError(_("An area code has 4, 6, 9, 12 or 15 digits."))
            return str(value)
        case Type.CATEGORY | Type.CODE:
            if not CODE.fullmatch(str(value)):
                raise ValueError(_("A code has at most 40 letters and digits."))
            return str(value)
        case Type.CODES:
            if not isinstance(value, list | tuple) or len(value) > MOST_CODES:
                raise ValueError(_("A list of codes is needed."))
            if not all(CODE.fullmatch(str(code)) for code in value):
                raise ValueError(_("A code has at most 40 letters and digits."))
            return [str(code) for code in value]
        case Type.CHOICE:
            if str(value) not in {code for code, _label in need.choices}:
                raise ValueError(_("Please choose one of the offered answers."))
            return str(value)
        case Type.CASE:
            try:
                return str(UUID(str(value)))
            except ValueError:
                raise ValueError(
                    _("No case you may see has that number, or it was merged itself.")
                ) from None
        case Type.DAYS | Type.NUMBER:
            try:
                number = int(value)
            except (TypeError, ValueError):
                raise ValueError(_("A whole number is needed.")) from None
            if not 0 <= number <= need.most:
                raise ValueError(
                    _("The number must lie between 0 and %(most)d.") % {"most": need.most}
                )
            return number
        case Type.DATE:
            try:
                return dt.date.fromisoformat(str(value)).isoformat()
            except ValueError:
                raise ValueError(_("A date looks like 2026-01-31.")) from None
        case Type.FLAG:
            if value in (True, "true", "on", "1", "yes", 1):
                return True
            if value in (False, "false", "off", "0", "no", 0):
                return False
            raise ValueError(_("Please answer yes or no."))
        case Type.PHOTOS:
            raise ValueError(_("Photos are sent as files."))


def _unit(need: Field, code: str, units: Directory) -> str:
    if code not in units:
        raise ValueError(_("There is no unit %(code)s.") % {"code": code[:40]})
    if need.kinds and units.unit(code).kind not in need.kinds:
        raise ValueError(_("%(name)s cannot take this.") % {"name": units.unit(code).name})
    return code
