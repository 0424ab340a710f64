"""What the application's database role may do: it owns nothing, and some rows it can only add."""

from __future__ import annotations

from django.apps import apps
from django.db import connections
from psycopg import sql

from maplebridge.cases.models import APPEND_ONLY
from maplebridge.organisation import models as organisation


def grant(role: str = "maplebridge", using: str = "owner") -> None:
    """Gives the application's role its rights on every table; again changes nothing.

    Events, attachments, feed rows and editions may be read and added, never changed or removed.
    using: the connection of the role that owns the tables.
    """
    kept = {model._meta.db_table for model in (*APPEND_ONLY, *organisation.APPEND_ONLY)}
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
