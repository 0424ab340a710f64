"""Work done from the feed: a letter whose writer takes the leave back goes off the pages."""

from __future__ import annotations

from django.utils.translation import gettext as _

from maplebridge.applications.village import letters, writing
from maplebridge.applications.village.models import AnsweredLetter
from maplebridge.cases.feed import News
from maplebridge.cases.models import Case
from maplebridge.organisation.people import Actor, Role

# After these the letter is open again, its writer wants it shown no longer, or its file is gone.
TAKES_BACK = frozenset({"keep_private", "reopen", "appeal", "erase_reporter", "destroy"})


def carry_out(news: News) -> None:
    """Withdraws what was published of the letter; again changes nothing."""
    if news.move not in TAKES_BACK:
        return
    case = Case.objects.filter(pk=news.case_id, kind=letters.KIND).first()
    if case is None:
        return
    paper = AnsweredLetter.objects.filter(mark=letters.mark_of(case)).first()
    if paper is None or paper.withdrawn_at is not None:
        return
    by = Actor(role=Role.SYSTEM, unit_code=paper.unit_code)
    key = f"news:{news.case_id}:{news.sequence}"
    writing.withdraw(paper, _("Its writer took the leave back."), by, key)
