"""What stood in the tables of categories, durations and responsibilities becomes edition 1."""

import hashlib
import json

from django.db import migrations
from django.utils import timezone

ALWAYS = "2000-01-01"
NOTE = "Taken over from the table of the release before."


def _edition(apps, using, name, columns, key, rows):
    if not rows:
        return
    ordered = sorted(rows, key=lambda cells: [cells[column] for column in key])
    cells = [[row[column] for column in columns] for row in ordered]
    text = json.dumps([list(columns), *cells], ensure_ascii=False, separators=(",", ":"))
    apps.get_model("organisation", "Edition").objects.using(using).create(
        name=name,
        number=1,
        begins=ALWAYS,
        columns=list(columns),
        rows=cells,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        note=NOTE,
        role="system",
        at=timezone.now(),
    )


def take_over(apps, schema_editor):
    """One edition for each table that holds rows."""
    using = schema_editor.connection.alias

    def all_of(app, model):
        return apps.get_model(app, model).objects.using(using).all()

    _edition(
        apps,
        using,
        "durations",
        ("sla_class", "category", "clock", "amount", "unit", "clause", "checked", "begins"),
        ("sla_class", "category", "clock", "begins"),
        [
            {
                "sla_class": row.sla_class,
                "category": row.category,
                "clock": row.clock,
                "amount": str(row.amount),
                "unit": row.unit,
                "clause": row.clause,
                "checked": "yes" if row.checked else "no",
                "begins": row.begins.isoformat(),
            }
            for row in all_of("cases", "Duration")
        ],
    )
    _edition(
        apps,
        using,
        "categories",
        (
            "code", "name", "name_en", "group", "group_en", "line", "sla_class",
            "confidentiality", "on_the_spot", "anonymous", "handoff",
        ),
        ("code",),
        [
            {
                "code": row.code,
                "name": row.name,
                "name_en": row.name_en,
                "group": row.group,
                "group_en": row.group_en,
                "line": row.line,
                "sla_class": row.sla_class,
                "confidentiality": row.confidentiality,
                "on_the_spot": "1" if row.on_the_spot else "0",
                "anonymous": "1" if row.anonymous else "0",
                "handoff": row.handoff,
            }
            for row in all_of("journey", "Category")
        ],
    )  # fmt: skip
    _edition(
        apps,
        using,
        "responsibilities",
        ("category", "area_code", "unit_code", "begins", "ends", "clause"),
        ("category", "area_code", "begins"),
        [
            {
                "category": row.category,
                "area_code": row.area_code,
                "unit_code": row.unit_code,
                "begins": row.begins.isoformat(),
                "ends": row.ends.isoformat() if row.ends else "",
                "clause": row.clause,
            }
            for row in all_of("journey", "Responsibility")
        ],
    )


class Migration(migrations.Migration):
    """Adds rows only; the old tables stay readable for one release."""

    dependencies = [
        ("journey", "0001_initial"),
        ("cases", "0001_initial"),
        ("organisation", "0002_editions"),
    ]

    operations = [migrations.RunPython(take_over, migrations.RunPython.noop)]
