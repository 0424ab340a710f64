"""What desks keep of their own: filters of the queue under a name."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models


class SavedFilter(models.Model):
    """A narrowed list of the queue that somebody comes back to. post: under which it was saved.

    query: tab and filters as the queue's address says them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account_id = models.UUIDField()
    post = models.CharField(max_length=80)
    name = models.CharField(max_length=30)
    query = models.CharField(max_length=500)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account_id", "post", "name"], name="saved_filter_once")
        ]

    def __str__(self) -> str:
        return self.name
