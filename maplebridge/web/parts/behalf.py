"""Reports for somebody else (代报): who helped, never by name, apart from whose matter it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# The fact of the report that says it, and what it may say; nothing for one's own matter.
FACT = "behalf"
HELPERS = {
    "family": gettext_lazy("For somebody of my family or a neighbour"),
    "worker": gettext_lazy("I am a worker and report for a resident"),
}


def behalf_facts(said: str) -> dict[str, str]:
    """The fact for a report's own facts; empty for what no form of ours says."""
    return {FACT: said} if said in HELPERS else {}


def behalf_words(facts: Mapping[str, Any]) -> str:
    """Who helped, as the pages of a case say it; empty where nobody did."""
    if facts.get(FACT) == "family":
        return _("Reported by family or a neighbour")
    return _("Reported by a worker for a resident") if facts.get(FACT) == "worker" else ""
