"""Which phones may keep work: one row for a phone and an account, until it is signed off."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models


class Device(models.Model):
    """A phone on which an account may keep work without a net.

    mark: a hash of the name in the phone's own cookie. name: browser and system in a word or two.
    revoked_at: from then on it is wiped when it meets the server. When or how often a phone comes
    is not kept.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    account_id = models.UUIDField()
    mark = models.CharField(max_length=32)
    name = models.CharField(max_length=60, default="", blank=True)
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, default=None)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account_id", "mark"],
                name="device_once",
                condition=models.Q(revoked_at__isnull=True),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["mark"], name="device_mark")]

    def __str__(self) -> str:
        return f"{self.id} {self.name}"
