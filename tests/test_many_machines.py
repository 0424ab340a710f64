"""Fit for many machines: every statement of the hot paths stays with one case, and is proved so.

The rules stand in docs/decisions/many-machines.md. Statements are taken from the running engine
and from the literals in the code, and read with PostgreSQL's own parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext
from pglast import ast, parse_sql
from pglast.enums import A_Expr_Kind, BoolExprType

from maplebridge.cases import engine, feed, looks, reading, statements, timers
from maplebridge.cases.grades import Confidentiality, Way
from maplebridge.cases.models import HOT, Case
from maplebridge.config.worker import carry_out_all
from maplebridge.journey import advance
from maplebridge.journey.intake import Report, take_in

JOURNEY = tuple(apps.get_model("journey", name) for name in ("DecisionRecord", "Fingerprint"))
MODELS: tuple[type[models.Model], ...] = (*HOT, *JOURNEY)


def case_column(model: type[models.Model]) -> str:
    return "id" if model is Case else "case_id"


CASE_COLUMN = {model._meta.db_table: case_column(model) for model in MODELS}
STATEMENTS = (ast.SelectStmt, ast.UpdateStmt, ast.DeleteStmt, ast.InsertStmt)
BLANK = re.compile(r"%s|%\(\w+\)s")


# -- the checker ----------------------------------------------------------------------------


def children(node: Any) -> Iterator[Any]:
    """The nodes directly below one, whatever its kind."""
    if isinstance(node, tuple | list):
        yield from node
    elif isinstance(node, ast.Node):
        for name in node:
            yield getattr(node, name)


def statements_below(node: Any) -> Iterator[Any]:
    """The statements nearest below a node; not those inside them."""
    for child in children(node):
        if isinstance(child, STATEMENTS):
            yield child
        elif child is not None:
            yield from statements_below(child)


def relations(node: Any) -> Iterator[ast.RangeVar]:
    """The tables a FROM clause names itself, through joins, not through sub-selects."""
    if isinstance(node, ast.RangeVar):
        yield node
    elif isinstance(node, ast.JoinExpr | tuple | list):
        for child in children(node):
            yield from relations(child)


def conditions(node: Any) -> Iterator[Any]:
    """What must all be true: the parts of an AND, and of the ON of inner and left joins."""
    if isinstance(node, ast.BoolExpr) and node.boolop == BoolExprType.AND_EXPR:
        for part in node.args:
            yield from conditions(part)
    elif isinstance(node, tuple | list):
        for part in node:
            yield from conditions(part)
    elif isinstance(node, ast.JoinExpr):
        yield from conditions(node.larg)
        yield from conditions(node.rarg)
        yield from conditions(node.quals)
    elif node is not None:
        yield node


def named(node: Any) -> str:
    return node.alias.aliasname if node.alias else node.relname


def term(node: Any, hot: dict[str, str]) -> str | None:
    """One side of an equality: "alias" for a case id column, "=value" for a value, else None."""
    while isinstance(node, ast.TypeCast):
        node = node.arg
    if isinstance(node, ast.ColumnRef):
        parts = [field.sval for field in node.fields if isinstance(field, ast.String)]
        if len(parts) == 1:
            found = [alias for alias, column in hot.items() if column == parts[0]]
            return found[0] if len(found) == 1 else None
        return parts[-2] if hot.get(parts[-2]) == parts[-1] else None
    if isinstance(node, ast.ParamRef):
        return f"=${node.number}"
    if isinstance(node, ast.A_Const) and node.val is not None:
        return f"={getattr(node.val, 'sval', None) or getattr(node.val, 'ival', None)}"
    return None


def equalities(node: Any, hot: dict[str, str]) -> list[tuple[str, str]]:
    found = []
    for part in conditions(node):
        plain = isinstance(part, ast.A_Expr) and part.kind == A_Expr_Kind.AEXPR_OP
        if plain and [name.sval for name in part.name] == ["="]:
            left, right = term(part.lexpr, hot), term(part.rexpr, hot)
            if left is not None and right is not None:
                found.append((left, right))
    return found


def groups(names: list[str], pairs: list[tuple[str, str]]) -> dict[str, set[str]]:
    """For each name, everything it is equal to."""
    group = {name: {name} for name in names}
    for left, right in pairs:
        whole = group.setdefault(left, {left}) | group.setdefault(right, {right})
        for name in whole:
            group[name] = whole
    return group


def problems_of(sql: str) -> list[str]:
    """What a statement does that cases on many machines would not allow; empty when nothing."""
    numbered = BLANK.sub("$1", sql) if BLANK.search(sql) else sql
    said: list[str] = []
    for raw in parse_sql(numbered):
        if isinstance(raw.stmt, ast.LockStmt | ast.TruncateStmt):
            said.append("locks or empties a whole table")
        said += list(sequences(raw.stmt))
        if isinstance(raw.stmt, STATEMENTS):
            said += problems_of_statement(raw.stmt, {}, [])
        else:
            for inner in statements_below(raw.stmt):
                said += problems_of_statement(inner, {}, [])
    return said


def sequences(node: Any) -> Iterator[str]:
    if isinstance(node, ast.FuncCall):
        name = node.funcname[-1].sval
        if name in ("nextval", "setval", "currval", "lastval"):
            yield f"draws from a sequence: {name}"
    for child in children(node):
        yield from sequences(child)


def problems_of_statement(
    node: Any, outer: dict[str, str], known: list[tuple[str, str]]
) -> list[str]:
    """outer: hot aliases of the statements around it; known: what those say is equal."""
    said: list[str] = []
    target = node.relation if not isinstance(node, ast.SelectStmt) else None
    own: dict[str, str] = {}
    sources = [*relations(getattr(node, "fromClause", None)), *relations(usings(node))]
    for relation in (*((target,) if target else ()), *sources):
        if relation.relname in CASE_COLUMN:
            own[named(relation)] = CASE_COLUMN[relation.relname]
    scope = {**outer, **own}
    where = [getattr(node, "whereClause", None), getattr(node, "fromClause", None), usings(node)]
    pairs = [*known, *equalities(where, scope)]
    if isinstance(node, ast.InsertStmt):
        if target is not None and target.relname in CASE_COLUMN:
            said += problems_of_insert(node, CASE_COLUMN[target.relname], target.relname)
    elif own:
        group = groups(list(scope), pairs)
        first = next(iter(scope))
        for alias in scope:
            if alias not in group[first]:
                said.append(f"joins {first} and {alias} over different cases")
    writes = isinstance(node, ast.UpdateStmt | ast.DeleteStmt) and target.relname in CASE_COLUMN
    locks = bool(getattr(node, "lockingClause", None)) and bool(own)
    if writes or locks:
        group = groups(list(scope), pairs)
        for alias in own:
            if not any(name.startswith("=") for name in group[alias]):
                verb = "locks" if locks else "changes"
                said.append(f"{verb} {alias} without naming one case")
    for inner in statements_below(node):
        in_with = inner in with_queries(node)
        said += problems_of_statement(inner, {} if in_with else scope, [] if in_with else pairs)
    return said


def usings(node: Any) -> Any:
    return getattr(node, "usingClause", None)


def with_queries(node: Any) -> list[Any]:
    clause = getattr(node, "withClause", None)
    return [cte.ctequery for cte in clause.ctes] if clause else []


def problems_of_insert(node: ast.InsertStmt, column: str, table: str) -> Iterator[str]:
    if column not in [target.name for target in node.cols or ()]:
        yield f"adds to {table} without a case id"
    conflict = node.onConflictClause
    if conflict is not None and conflict.infer is not None:
        named_columns = [element.name for element in conflict.infer.indexElems or ()]
        if column not in named_columns:
            yield f"asks {table} for a conflict over several cases"


def case_named_by(sql: str) -> set[str]:
    """The case ids whose rows a statement locks, changes or adds, as far as it spells them out."""
    found: set[str] = set()
    for raw in parse_sql(sql):
        node = raw.stmt
        relation = getattr(node, "relation", None)
        if isinstance(node, ast.InsertStmt) and relation.relname in CASE_COLUMN:
            place = [t.name for t in node.cols].index(CASE_COLUMN[relation.relname])
            for row in getattr(node.selectStmt, "valuesLists", None) or ():
                found.add((term(row[place], {}) or "").lstrip("="))
        elif isinstance(node, ast.UpdateStmt | ast.DeleteStmt) or (
            isinstance(node, ast.SelectStmt) and node.lockingClause
        ):
            tables = [relation] if relation else list(relations(node.fromClause))
            hot = {named(t): CASE_COLUMN[t.relname] for t in tables if t.relname in CASE_COLUMN}
            for pair in equalities(node.whereClause, hot) if hot else ():
                found |= {side[1:] for side in pair if side.startswith("=")}
    return found


# -- the hot paths --------------------------------------------------------------------------


LITERALS = {
    f"{module.__name__.rsplit('.', 1)[-1]}.{name}": value
    for module in (statements, feed, looks, reading)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, str) and " " in value
}


def walk_the_hot_paths(town) -> list[str]:
    """Everything a report meets on its way, with all its statements."""
    said = "龙游县社阳乡社阳村村口下水道堵了，污水漫到路上"
    with CaptureQueriesContext(connection) as seen:
        for n in range(3):
            receipt = take_in(Report(channel="web", account="a", key=f"hot-key-{n}", text=said))
        again = take_in(Report(channel="web", account="a", key="hot-key-2", text=said))
        assert not again.fresh
        engine.load(
            engine.Opening(
                kind="matter", channel="file", account="f", key=f"row {n}", area_code="330825",
                unit_code="330825-center", words={"text": said}, reporter={"name": "赵小满"},
                photos=[engine.Photo("0" * 64, "image/webp", 10)],
            )
            for n in range(3)
        )  # fmt: skip
        advance.advance(receipt.case_id)
        case = town.opened("handling")
        town.move(case.pk, "whistle", town.town, {"units": ["330825-utl"], "reason": "抽水"})
        town.move(
            case.pk, "finish_assist", town.utility, {"result": "已抽水"},
            photos=[engine.Photo("1" * 64, "image/webp", 10)],
        )  # fmt: skip
        town.move(case.pk, "urge", town.town)
        town.move(case.pk, "feedback", town.housing, {"result": "好了"})
        town.move(case.pk, "verify_fail", town.village, {"reason": "没好"})
        town.opened("archived")
        kept, twin = town.opened("accepted"), town.opened("accepted")
        town.move(twin.pk, "merge", town.town, {"into": str(kept.pk)})
        with pytest.raises(engine.NotAllowed):
            town.move(kept.pk, "void", town.stranger)
        for actor in (town.town, town.housing, town.grid, town.county, town.resident(case.pk)):
            list(Case.objects.visible_to(actor).open().order_by("due_at", "id")[:50])
        kept.confidentiality = Confidentiality.C1
        looks.note(town.town, kept, Way.PAGE)
        looks.note_list(town.town, [kept, twin])
        reading.readings(town.leader, [kept, twin])
        looks.looked(kept)
        list(Case.objects.visible_to(town.town).waiting_for(town.town)[:50])
        assert carry_out_all("tester") > 0
    return [query["sql"] for query in seen.captured_queries]


def test_every_statement_of_the_hot_paths_stays_with_one_case(committed_town):
    seen = walk_the_hot_paths(committed_town)
    wrong = {sql[:200]: problems_of(sql) for sql in seen if problems_of(sql)}
    assert wrong == {}
    # The walk met every hot table, by writing to it; otherwise it would prove nothing.
    for table in CASE_COLUMN:
        assert any(re.search(rf'INSERT INTO "?{table}\b', sql) for sql in seen), table
    assert any("FOR UPDATE" in sql for sql in seen)
    assert any("EXISTS" in sql for sql in seen)


def test_a_transaction_never_holds_two_cases(committed_town):
    """Also no transaction of a merge: the feed ties the two cases."""
    held: set[str] = set()
    outside = True
    most = 0
    for sql in walk_the_hot_paths(committed_town):
        if sql.startswith("BEGIN"):
            held, outside = set(), False
        elif sql.startswith(("COMMIT", "ROLLBACK")) and " " not in sql.strip():
            outside = True
        elif not outside:
            held |= case_named_by(sql)
            most = max(most, len(held))
            assert len(held) <= 1, (held, sql[:200])
    assert most == 1


@pytest.mark.parametrize("name", LITERALS)
def test_sql_written_by_hand_stays_with_one_case(name):
    assert problems_of(LITERALS[name]) == []


def test_the_literals_are_found():
    assert {"statements.OPEN_CASES", "feed.READ", "feed.CLAIM", "feed.ADVANCE"} <= set(LITERALS)
    assert {"statements.SET_TIMERS", "looks.NOTE_LIST", "reading.HOW_READ"} <= set(LITERALS)


# What the worker does for many cases at once, and why each may: docs/decisions/many-machines.md.
IN_THE_BACKGROUND = {
    "DUE_BUCKETS": [],
    "TAKE_DUE": ["locks cases_timer without naming one case"],
    "RING": ["changes t without naming one case"],
    "LATENESS": [],
    "UNTOLD": [],
    "GATHER": ["changes a without naming one case"],
    "TELL_SINGLY": ["changes a without naming one case"],
}


def test_timers_ring_for_many_cases_at_once_but_touch_no_other_table_of_theirs():
    literals = {
        name: value
        for name, value in vars(timers).items()
        if name.isupper()
        and isinstance(value, str)
        and " " in value
        and name not in vars(statements)
    }
    found = {name: problems_of(sql) for name, sql in literals.items()}
    assert found == IN_THE_BACKGROUND
    tables = {table for sql in literals.values() for table in re.findall(r"cases_\w+", sql)}
    assert tables == {"cases_timer", "cases_alarm"}


GOOD = [
    "UPDATE cases_case SET state = 'x' WHERE id = %s",
    "UPDATE cases_case SET state = 'x' WHERE cases_case.id = '0'::uuid AND state = 'y'",
    "DELETE FROM cases_payload WHERE case_id = %s AND sequence = 3",
    "SELECT * FROM cases_case c WHERE c.id = %s FOR UPDATE",
    "SELECT * FROM cases_case WHERE area_code >= '33' AND area_code < '34' LIMIT 9",
    "SELECT * FROM cases_case c JOIN cases_event e ON e.case_id = c.id",
    "SELECT * FROM cases_case c, cases_event e WHERE e.case_id = c.id",
    "SELECT * FROM cases_case c, cases_event e WHERE c.id = %s AND e.case_id = %s",
    "SELECT * FROM cases_case c WHERE EXISTS (SELECT 1 FROM cases_assignment a "
    "WHERE a.case_id = c.id AND a.unit_code = 'x')",
    "INSERT INTO cases_event (case_id, sequence) VALUES (%s, 1)",
    "INSERT INTO cases_assignment (case_id, number) VALUES (%s, 1) "
    "ON CONFLICT (case_id, number) DO UPDATE SET number = 1",
    "SELECT * FROM cases_feedcursor WHERE reader = 'x' FOR UPDATE",
    "SAVEPOINT s",
]
BAD = {
    "UPDATE cases_case SET state = 'x'": ["changes cases_case without naming one case"],
    "UPDATE cases_case SET state = 'x' WHERE unit_code = 'y'": [
        "changes cases_case without naming one case"
    ],
    "UPDATE cases_case SET state = 'x' WHERE id = %s OR true": [
        "changes cases_case without naming one case"
    ],
    "UPDATE cases_case SET state = 'x' WHERE id > %s": [
        "changes cases_case without naming one case"
    ],
    "UPDATE cases_case SET state = 'x' WHERE id IN (%s, '2')": [
        "changes cases_case without naming one case"
    ],
    "UPDATE cases_case SET merged_into = id WHERE merged_into = %s": [
        "changes cases_case without naming one case"
    ],
    "DELETE FROM cases_feed WHERE sequence = 1": ["changes cases_feed without naming one case"],
    "SELECT * FROM cases_case WHERE unit_code = 'y' FOR UPDATE": [
        "locks cases_case without naming one case"
    ],
    "SELECT * FROM cases_case WHERE state = 'x' LIMIT 1 FOR UPDATE SKIP LOCKED": [
        "locks cases_case without naming one case"
    ],
    "SELECT * FROM cases_case c JOIN cases_event e ON e.unit_code = c.unit_code": [
        "joins c and e over different cases"
    ],
    "SELECT * FROM cases_case a JOIN cases_case b ON a.merged_into = b.id": [
        "joins a and b over different cases"
    ],
    "SELECT * FROM cases_case a, journey_fingerprint b": ["joins a and b over different cases"],
    "SELECT * FROM cases_case c WHERE EXISTS (SELECT 1 FROM cases_assignment a "
    "WHERE a.unit_code = c.unit_code)": ["joins c and a over different cases"],
    "WITH x AS (UPDATE cases_case SET late = true RETURNING id) SELECT * FROM x": [
        "changes cases_case without naming one case"
    ],
    "INSERT INTO cases_event (sequence) VALUES (1)": ["adds to cases_event without a case id"],
    "INSERT INTO cases_case (id) VALUES (%s) ON CONFLICT (number) DO NOTHING": [
        "asks cases_case for a conflict over several cases"
    ],
    "INSERT INTO cases_event (case_id, sequence) VALUES (%s, nextval('s'))": [
        "draws from a sequence: nextval"
    ],
    "LOCK TABLE cases_case": ["locks or empties a whole table"],
    "TRUNCATE cases_case": ["locks or empties a whole table"],
}


@pytest.mark.parametrize("sql", GOOD)
def test_the_checker_lets_a_statement_of_one_case_pass(sql):
    assert problems_of(sql) == []


@pytest.mark.parametrize("sql", BAD)
def test_the_checker_can_fail(sql):
    assert problems_of(sql) == BAD[sql]


# -- the tables -----------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_hot_table_carries_its_case_and_its_area(model):
    fields = {field.name: field for field in model._meta.concrete_fields}
    assert {case_column(model), "area_code"} <= set(fields)
    assert not fields["area_code"].null
    assert not fields[case_column(model)].null
    key = model._meta.pk
    columns = key.field_names if isinstance(key, models.CompositePrimaryKey) else [key.name]
    assert next(iter(columns)) == case_column(model)
    assert isinstance(fields[case_column(model)], models.UUIDField)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_hot_table_points_at_no_other(model):
    assert [f.name for f in model._meta.get_fields() if f.is_relation] == []


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


@pytest.mark.django_db
def test_whatever_is_unique_in_a_hot_table_begins_with_the_case(town):
    found = rows(
        """
        SELECT c.relname, i.relname, a.attname FROM pg_index x
        JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
        WHERE x.indisunique AND c.relname = ANY(%s)
        """,
        list(CASE_COLUMN),
    )
    assert {table for table, _index, _column in found} == set(CASE_COLUMN)
    assert [row for row in found if row[2] != CASE_COLUMN[row[0]]] == []


@pytest.mark.django_db
def test_no_foreign_key_leaves_or_reaches_a_hot_table(town):
    found = rows(
        """
        SELECT conname FROM pg_constraint
        WHERE contype = 'f' AND (conrelid = ANY(%s::regclass[]) OR confrelid = ANY(%s::regclass[]))
        """,
        list(CASE_COLUMN),
        list(CASE_COLUMN),
    )
    assert found == []


@pytest.mark.django_db
def test_no_hot_table_draws_numbers_from_a_counter(town):
    found = rows(
        """
        SELECT c.relname, a.attname FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relname = ANY(%s) AND a.attnum > 0
          AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE '%%nextval%%')
        """,
        list(CASE_COLUMN),
    )
    assert found == []


@pytest.mark.django_db
def test_the_database_has_no_rules_and_no_triggers_but_two_that_refuse(town):
    """What keeps three officers apart reaches over rows, as no constraint can; neither of the two
    writes anything, and both stand on tables that every machine has whole."""
    found = rows(
        "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    )
    assert found == [
        ("holding_officers_apart", "organisation_holding"),
        ("post_role_stays", "organisation_post"),
    ]
    found = "SELECT rulename FROM pg_rules WHERE schemaname = 'public'"
    assert rows(found) == []


@pytest.mark.django_db
def test_the_application_owns_nothing_and_cannot_make_a_table(town):
    (who, mighty), *_none = rows(
        "SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls "
        "FROM pg_roles WHERE rolname = current_user"
    )
    assert (who, mighty) == ("maplebridge", False)
    assert rows("SELECT relname FROM pg_class WHERE relowner = current_user::regrole") == []
    assert rows("SELECT nspname FROM pg_namespace WHERE nspowner = current_user::regrole") == []
    for sql in (
        "CREATE TABLE mine (n int)",
        "ALTER TABLE cases_event ADD COLUMN n int",
        "DROP TABLE cases_event",
        "TRUNCATE cases_event",
        "CREATE INDEX mine ON cases_event (at)",
    ):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
