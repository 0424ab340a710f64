"""Sessions that know their account, and the limits that all web processes share."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Session",
            fields=[
                (
                    "session_key",
                    models.CharField(
                        max_length=40, primary_key=True, serialize=False, verbose_name="session key"
                    ),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("account_id", models.UUIDField(default=None, null=True)),
                ("began_at", models.DateTimeField(default=None, null=True)),
                ("seen_at", models.DateTimeField(default=None, null=True)),
                ("device", models.CharField(blank=True, default="", max_length=60)),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("account_id__isnull", False)),
                        fields=["account_id"],
                        name="session_account",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Spent",
            fields=[
                (
                    "key",
                    models.CharField(
                        db_collation="C", max_length=80, primary_key=True, serialize=False
                    ),
                ),
                ("until", models.DateTimeField()),
            ],
            options={"indexes": [models.Index(fields=["until"], name="spent_until")]},
        ),
        # What is spent is worth minutes: it need survive neither a crash nor reach a replica.
        migrations.RunSQL(
            "ALTER TABLE parts_spent SET UNLOGGED", "ALTER TABLE parts_spent SET LOGGED"
        ),
    ]
