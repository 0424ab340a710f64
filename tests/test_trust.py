"""docs/trust.md is true: each promise and clause has its test, or says that it has none.

The clauses: OWASP ASVS 5.0, levels 1 and 2; GB/T 22239-2019, 8.1 (level 3); PIPL.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
TRUST = ROOT / "docs" / "trust.md"
TEST = re.compile(r"`(test_\w+)`")
# Sections of ASVS 5.0 and the number of the last requirement of levels 1 and 2; each begins with 1.
ASVS = {
    "V1.1": 2, "V1.2": 9, "V1.3": 11, "V1.4": 3, "V1.5": 2,
    "V2.1": 3, "V2.2": 3, "V2.3": 4, "V2.4": 1,
    "V3.2": 2, "V3.3": 4, "V3.4": 6, "V3.5": 5, "V3.7": 2,
    "V4.1": 3, "V4.2": 1, "V4.3": 2, "V4.4": 4,
    "V5.1": 1, "V5.2": 3, "V5.3": 2, "V5.4": 3,
    "V6.1": 3, "V6.2": 12, "V6.3": 4, "V6.4": 4, "V6.5": 5, "V6.6": 3, "V6.8": 4,
    "V7.1": 3, "V7.2": 4, "V7.3": 2, "V7.4": 5, "V7.5": 2, "V7.6": 2,
    "V8.1": 2, "V8.2": 3, "V8.3": 1, "V8.4": 1,
    "V9.1": 3, "V9.2": 4,
    "V10.1": 2, "V10.2": 2, "V10.3": 4, "V10.4": 11, "V10.5": 5, "V10.6": 2, "V10.7": 3,
    "V11.1": 2, "V11.2": 3, "V11.3": 3, "V11.4": 4, "V11.5": 1, "V11.6": 1,
    "V12.1": 3, "V12.2": 2, "V12.3": 4,
    "V13.1": 1, "V13.2": 5, "V13.3": 2, "V13.4": 5,
    "V14.1": 2, "V14.2": 4, "V14.3": 3,
    "V15.1": 3, "V15.2": 3, "V15.3": 7,
    "V16.1": 1, "V16.2": 5, "V16.3": 4, "V16.4": 3, "V16.5": 3,
    "V17.1": 1, "V17.2": 4, "V17.3": 2,
}  # fmt: skip


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    text = TRUST.read_text()
    below = text[text.index(f"## {heading}") :].split("\n## ")[0]
    lines = [line for line in below.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def all_tests() -> set[str]:
    found: set[str] = set()
    for place in (ROOT / "maplebridge", ROOT / "tests"):
        for file in place.rglob("test_*.py"):
            found |= set(re.findall(r"def (test_\w+)\(", file.read_text()))
    return found


def test_every_clause_of_asvs_is_listed_once():
    listed = [clause for cells in rows("OWASP ASVS 5.0") for clause in cells[0].split()]
    wanted = [f"{section}.{n}" for section, last in ASVS.items() for n in range(1, last + 1)]
    assert sorted(listed) == sorted(wanted)


@pytest.mark.parametrize("heading", ["OWASP ASVS 5.0", "等保2.0", "PIPL"])
def test_every_clause_has_a_test_or_says_that_it_has_none(heading):
    there = all_tests()
    found = rows(heading)
    assert len(found) > 10
    for clause, _meaning, proof in found:
        tests = TEST.findall(proof)
        assert set(tests) <= there, clause
        assert tests or proof.startswith(("open: ", "none here: ")), clause


def test_the_promises_name_tests_that_exist():
    text = TRUST.read_text()
    promises = text[: text.index("## Not kept yet")]
    named = TEST.findall(promises)
    assert len(named) > 20
    assert set(named) <= all_tests()


def test_nothing_runs_in_debug():
    assert settings.DEBUG is False


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/report/", "/sign-in/", "/api/v1/reports/XXXX"])
def test_no_answer_is_open_to_another_origin(client, address):
    answer = client.get(address, headers={"origin": "https://elsewhere.example"})
    opened = [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert opened == []


@pytest.mark.django_db
def test_of_the_interface_only_its_description_is_served(client):
    assert client.get("/api/openapi.json").json()["info"]["title"] == "Maplebridge"
    for address in ("/api/docs", "/api/redoc", "/admin/", "/__debug__/", "/.git/HEAD"):
        assert client.get(address).status_code == 404, address


@pytest.mark.django_db
def test_a_request_to_trace_is_refused(client):
    assert client.trace("/").status_code == 405
    assert client.trace("/report/").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/report/", "/follow/", "/sign-in/", "/nowhere/"])
def test_every_page_says_how_it_may_be_used(client, address):
    answer = client.get(address)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    policy = answer["Content-Security-Policy"].split("; ")
    assert {"frame-ancestors 'none'", "base-uri 'none'", "default-src 'none'"} <= set(policy)
    assert "unsafe" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("password", "taken"),
    [("abc", False), ("password123", False), ("12345678901", False), ("qing-shan-lv-shui", True),
     ("青山绿水就是金山银山", True), ("很长的一句话" * 12, True)],
)  # fmt: skip
def test_short_and_common_passwords_are_refused_and_sentences_taken(password, taken):
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    if taken:
        validate_password(password)
    else:
        with pytest.raises(ValidationError):
            validate_password(password)


def test_passwords_are_kept_by_argon2id():
    from django.contrib.auth.hashers import check_password, make_password

    kept = make_password("qing-shan-lv-shui")
    assert kept.startswith("argon2$argon2id$")
    assert check_password("qing-shan-lv-shui", kept)
    assert not check_password("qing-shan-lv-shu1", kept)
