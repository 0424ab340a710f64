"""Phones on which an account may keep work without a net."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("account_id", models.UUIDField()),
                ("mark", models.CharField(max_length=32)),
                ("name", models.CharField(blank=True, default="", max_length=60)),
                ("made_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(default=None, null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["mark"], name="device_mark")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True)),
                        fields=("account_id", "mark"),
                        name="device_once",
                    )
                ],
            },
        ),
    ]
