"""Counts the roll-up again: what is confidential or complains about a unit has cells of its own."""

from typing import Any

from django.db import migrations

AREA, END = "maplebridge.area", "maplebridge.area_end"


def count_again(apps: Any, schema_editor: Any) -> None:
    """As `counts.rebuild`, with the words of this day."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT set_config('{AREA}', '', true), set_config('{END}', ':', true)")
        cursor.execute("DELETE FROM insight_rollup")
        cursor.execute("DELETE FROM insight_counted")
        cursor.execute("""
            INSERT INTO insight_counted (case_id, sequence, day, township, category, state)
            SELECT id, sequence, (opened_at AT TIME ZONE 'Asia/Shanghai')::date,
                left(area_code, 9),
                CASE WHEN confidentiality = 'C2' OR about_unit <> '' THEN 'C2' ELSE category END,
                state
            FROM cases_case
        """)
        cursor.execute("""
            INSERT INTO insight_rollup (day, township, category, state, count)
            SELECT day, township, category, state, count(*) FROM insight_counted
            GROUP BY day, township, category, state
        """)


class Migration(migrations.Migration):
    dependencies = [
        ("insight", "0001_rollup"),
        ("cases", "0005_access_and_erasure"),
    ]

    operations = [migrations.RunPython(count_again, migrations.RunPython.noop)]
