"""The grades, duties and marks that a case or an assignment can bear."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Supervision(models.IntegerChoices):
    """督办 on units; only ever raised. Source: domain guide, 2.3."""

    NONE = 0, _("None")
    ORDINARY = 1, _("Ordinary supervision")
    YELLOW = 2, _("Yellow card")
    RED = 3, _("Red card")


class Urgency(models.TextChoices):
    """紧急程度."""

    ORDINARY = "ordinary", _("Ordinary")
    URGENT = "urgent", _("Urgent")
    CRITICAL = "critical", _("Most urgent")


class Scale(models.TextChoices):
    """事件规模."""

    INDIVIDUAL = "individual", _("Individual")
    GROUP = "group", _("Group")
    LARGE_GROUP = "large_group", _("Large group")


class Level(models.TextChoices):
    """突发事件等级; empty when the matter is no emergency."""

    I = "I", _("Level I, particularly serious")  # noqa: E741
    II = "II", _("Level II, serious")
    III = "III", _("Level III, larger")
    IV = "IV", _("Level IV, ordinary")


class Confidentiality(models.TextChoices):
    """C0 publishable, C1 masked, C2 named handlers only. Source: domain guide, section 3."""

    C0 = "C0", _("Open")
    C1 = "C1", _("Masked")
    C2 = "C2", _("Named handlers only")


class Duty(models.TextChoices):
    """What a unit is asked for: 主办, 协办, 阅处, 报到, 会商, 督办回复, 移交接收."""

    LEAD = "lead", _("Lead unit")
    ASSIST = "assist", _("Assisting unit")
    READ = "read", _("For information")
    ATTEND = "attend", _("Summoned by whistle")
    ADVISE = "advise", _("Asked for advice")
    ANSWER = "answer", _("Owes an answer to the supervision")
    RECEIVE = "receive", _("Emergency service")


class Way(models.TextChoices):
    """How a case was read."""

    PAGE = "page", _("Page of the case")
    PHOTO = "photo", _("Photo")
    PAPER = "paper", _("Paper")
    LIST = "list", _("First words in a list")
    EXPORT = "export", _("Export")
    REVEAL = "reveal", _("Who reported")
    EVIDENCE = "evidence", _("Original of a photo")


class Wish(models.TextChoices):
    """What a reporter asks about the own personal data. Source: PIPL, articles 45 to 47."""

    ACCESS = "access", _("A copy")
    CORRECT = "correct", _("A correction")
    DELETE = "delete", _("Deletion")


class Progress(models.TextChoices):
    """State of one unit's share. Source: domain guide, 2.2."""

    TO_SIGN = "to_sign", _("To be signed for")
    HANDLING = "handling", _("Being handled")
    DONE = "done", _("Result reported")
    RETURNED = "returned", _("Returned")
    READ = "read", _("Read")
    WITHDRAWN = "withdrawn", _("No longer needed")


# A share with which something is still to be done, and one that no longer opens the case.
LIVE = (Progress.TO_SIGN, Progress.HANDLING)
GONE = (Progress.RETURNED, Progress.WITHDRAWN)


class Rung(models.IntegerChoices):
    """How far a clock has been told of: its number is how many rungs have rung.

    URGED is no rung of a clock: somebody at a desk urged the unit.
    """

    URGED = 0, _("Urged by a desk")
    WARN = 1, _("Time is running out")
    DUE = 2, _("Time is up")
    OVERDUE = 3, _("Overdue, urged")
    LONG_OVERDUE = 4, _("Long overdue")
