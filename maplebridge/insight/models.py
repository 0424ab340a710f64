"""The roll-up of cases by township, category, day and state, and what each case adds to it.

Both tables are derived: they can be thrown away and counted again from the cases. They live
together, apart from the cases; docs/decisions/many-machines.md says why.
"""

from __future__ import annotations

from django.db import models

from maplebridge.organisation.models import code_field


class Rollup(models.Model):
    """How many cases are in one cell; a cell without cases has no row.

    township: the area code's first 9 digits, or the whole shorter code of a case that nobody has
    placed in a township yet. category: empty until it is sorted, `counts.APART` for what no board
    counts. day: of the opening, in China.
    """

    pk = models.CompositePrimaryKey("day", "township", "category", "state")
    day = models.DateField()
    township = code_field(9)
    category = models.CharField(max_length=8, default="", blank=True, db_collation="C")
    state = models.CharField(max_length=24, db_collation="C")
    count = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.day} {self.township} {self.category} {self.state} {self.count}"


class Counted(models.Model):
    """In which cell a case stands, as of which of its events; sequence 0 is in none yet."""

    case_id = models.UUIDField(primary_key=True)
    sequence = models.IntegerField()
    day = models.DateField(null=True)
    township = code_field(9, default="", blank=True)
    category = models.CharField(max_length=8, default="", blank=True, db_collation="C")
    state = models.CharField(max_length=24, default="", blank=True, db_collation="C")

    def __str__(self) -> str:
        return f"{self.case_id} {self.sequence}"
