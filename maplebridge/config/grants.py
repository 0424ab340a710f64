"""What the application's role in the database may do: it owns nothing, some rows it can only add,
and rows of cases it sees only behind the wall."""

from __future__ import annotations

import hashlib
from typing import Any

from django.apps import apps
from django.db import connections
from psycopg import sql

from maplebridge.cases import wall
from maplebridge.cases.models import Case, FeedCursor

STANDING = """
SELECT c.relrowsecurity, c.relforcerowsecurity,
    (SELECT obj_description(p.oid, 'pg_policy') FROM pg_policy AS p
     WHERE p.polrelid = c.oid AND p.polname = 'wall')
FROM pg_class AS c WHERE c.oid = %s::regclass
"""


def grant(role: str = "maplebridge", using: str = "owner") -> None:
    """Gives the application's role its rights on every table; again changes nothing.

    What a room or an application names in its APPEND_ONLY (events, attachments, feed rows,
    editions ...) may be read and added, never changed or removed.
    using: the connection of the role that owns the tables.
    """
    kept = {
        model._meta.db_table
        for config in apps.get_app_configs()
        for model in getattr(config.models_module, "APPEND_ONLY", ())
    }
    tables = sorted(
        {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
        | {"django_migrations"}
    )
    name = sql.Identifier(role)
    connection = connections[using]
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name))
        cursor.execute(
            sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(name)
        )
        for table in tables:
            if table not in present:
                continue
            identifier = sql.Identifier(table)
            rights = "SELECT, INSERT" if table in kept else "SELECT, INSERT, UPDATE, DELETE"
            if table == "django_migrations":
                rights = "SELECT"
            cursor.execute(sql.SQL("REVOKE ALL ON {} FROM {}").format(identifier, name))
            cursor.execute(
                sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(rights), identifier, name)
            )
        _build_wall(cursor, present)


def walled() -> dict[str, str]:
    """The tables behind the wall, all rows of one case, each with what its policy says."""
    found = {}
    for model in apps.get_models():
        columns = {field.name for field in model._meta.local_fields}
        table = model._meta.db_table
        if model is Case:
            found[table] = wall.POLICY_OF_CASES
        elif "case_id" in columns and model is not FeedCursor:
            said = wall.POLICY_OF_ROWS if "area_code" in columns else wall.POLICY_WITHOUT_AREA
            found[table] = said.format(case_id=f"{table}.case_id")
    return found


def _build_wall(cursor: Any, present: set[str]) -> None:
    """Row level security on every table of cases, for its owner, too.

    Its mark on the policy says which one stands there, so that a start finds nothing to do.
    """
    for table, said in sorted(walled().items()):
        if table not in present:
            continue
        mark = hashlib.sha256(said.encode()).hexdigest()
        cursor.execute(STANDING, [table])
        if cursor.fetchone() == (True, True, mark):
            continue
        name = sql.Identifier(table)
        for statement in (
            "ALTER TABLE {} ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE {} FORCE ROW LEVEL SECURITY",
            "DROP POLICY IF EXISTS wall ON {}",
        ):
            cursor.execute(sql.SQL(statement).format(name))
        policy = sql.SQL(f"CREATE POLICY wall ON {{}} USING ({said}) WITH CHECK ({said})")
        cursor.execute(policy.format(name))
        comment = sql.SQL("COMMENT ON POLICY wall ON {} IS {}")
        cursor.execute(comment.format(name, sql.Literal(mark)))
