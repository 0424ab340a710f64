"""Identifiers: the same for the same, different for others, and forgiving to whoever types them."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maplebridge.lib import ids

SECRET = "a secret only for tests"
CASES = st.uuids()
PARTS = st.lists(st.text(max_size=12), min_size=1, max_size=4)


def code(case_id: uuid.UUID) -> str:
    return ids.query_code(SECRET, case_id)


# -- ids ------------------------------------------------------------------------------------


def test_new_ids_are_version_seven_and_sort_by_time() -> None:
    made = [ids.new_id() for _ in range(200)]
    assert {case_id.version for case_id in made} == {7}
    assert made == sorted(made)
    assert len(set(made)) == 200


@given(PARTS)
def test_the_same_parts_give_the_same_id_of_version_eight(parts: list[str]) -> None:
    made = ids.keyed_id(SECRET, *parts)
    assert made == ids.keyed_id(SECRET, *parts)
    assert (made.version, made.variant) == (8, uuid.RFC_4122)


@given(PARTS, PARTS)
def test_other_parts_give_another_id(one: list[str], other: list[str]) -> None:
    same = ids.keyed_id(SECRET, *one) == ids.keyed_id(SECRET, *other)
    assert same == (one == other)


@given(st.text(max_size=6), st.text(max_size=6), st.text(min_size=1, max_size=6))
def test_where_one_part_ends_and_the_next_begins_counts(a: str, c: str, b: str) -> None:
    assert ids.keyed_id(SECRET, a + b, c) != ids.keyed_id(SECRET, a, b + c)


def test_another_secret_gives_another_id_and_none_gives_none() -> None:
    assert ids.keyed_id("one", "web", "a", "1") != ids.keyed_id("two", "web", "a", "1")
    with pytest.raises(ValueError, match="needs a secret"):
        ids.keyed_id("", "web", "a", "1")


# -- query codes ----------------------------------------------------------------------------


@given(CASES)
def test_a_query_code_is_three_groups_of_four_and_reads_itself(case_id: uuid.UUID) -> None:
    made = code(case_id)
    assert [len(group) for group in made.split("-")] == [4, 4, 4]
    assert set(made) <= set(ids.ALPHABET) | {"-"}
    assert ids.tidy_code(made) == made


@given(CASES)
def test_a_query_code_is_always_the_same_and_hangs_on_the_secret(case_id: uuid.UUID) -> None:
    assert code(case_id) == code(case_id)
    assert ids.query_code("another secret", case_id) != code(case_id)


@given(CASES)
def test_it_may_be_typed_small_without_groups_and_with_spaces(case_id: uuid.UUID) -> None:
    made = code(case_id)
    plain = made.replace("-", "")
    assert ids.tidy_code(plain.lower()) == made
    assert ids.tidy_code(f"  {plain[:4]} {plain[4:8]} {plain[8:]}\n") == made
    assert ids.tidy_code("-".join(plain)) == made


@given(CASES)
def test_misread_letters_are_mended(case_id: uuid.UUID) -> None:
    made = code(case_id)
    for written, read in (("1", "I"), ("1", "L"), ("0", "O"), ("1", "l"), ("0", "o"), ("V", "U")):
        assert ids.tidy_code(made.replace(written, read)) == made


@given(CASES, st.integers(0, 10), st.sampled_from(ids.ALPHABET))
def test_a_single_wrong_character_is_found(case_id: uuid.UUID, place: int, wrong: str) -> None:
    plain = code(case_id).replace("-", "")
    typed = plain[:place] + wrong + plain[place + 1 :]
    # The check counts modulo 31, so of 32 characters it cannot tell the first from the last.
    if wrong != plain[place] and {wrong, plain[place]} != {"0", "Z"}:
        assert ids.tidy_code(typed) is None


@given(CASES, st.sampled_from(ids.ALPHABET))
def test_a_wrong_check_character_is_found(case_id: uuid.UUID, wrong: str) -> None:
    plain = code(case_id).replace("-", "")
    if wrong != plain[-1]:
        assert ids.tidy_code(plain[:-1] + wrong) is None


@given(CASES, st.integers(0, 9))
def test_two_swapped_neighbours_are_found(case_id: uuid.UUID, place: int) -> None:
    plain = code(case_id).replace("-", "")
    left, right = plain[place], plain[place + 1]
    typed = plain[:place] + right + left + plain[place + 2 :]
    if left != right and {left, right} != {"0", "Z"}:
        assert ids.tidy_code(typed) is None


@given(st.text(max_size=40))
def test_anything_typed_is_a_sound_code_or_none(typed: str) -> None:
    read = ids.tidy_code(typed)
    assert read is None or ids.tidy_code(read) == read


@pytest.mark.parametrize(
    "typed", ["", " ", "ABCD", "ABCD-EFGH-JKM", "<script>alert(1)</script>", "！！！", "A" * 10_000]
)
def test_what_is_no_code_is_none(typed: str) -> None:
    assert ids.tidy_code(typed) is None


def test_codes_do_not_repeat_nor_follow_one_another() -> None:
    made = [code(uuid.UUID(int=n)) for n in range(2000)]
    assert len(set(made)) == 2000
    first = Counter(text[0] for text in made)
    assert len(first) == 32


# -- numbers and buckets --------------------------------------------------------------------


@given(CASES, st.sampled_from(["3308", "330825", "330825209201001"]))
def test_a_case_number_shows_area_day_and_six_characters(case_id: uuid.UUID, area: str) -> None:
    made = ids.case_number(area, "20261122", case_id)
    where, day, rest = made.split("-")
    assert (where, day, len(rest)) == (area[:6], "20261122", 6)
    assert set(rest) <= set(ids.ALPHABET)
    assert made == ids.case_number(area, "20261122", case_id)


def test_case_numbers_of_one_day_hardly_ever_meet() -> None:
    """Five characters of 32 are 33 million; of a thousand a day one pair in 67 days may meet."""
    made = {ids.case_number("330825", "20261122", uuid.UUID(int=n)) for n in range(1000)}
    assert len(made) == 1000


def test_a_number_tells_nothing_of_the_query_code() -> None:
    case_id = uuid.UUID(int=7)
    number = ids.case_number("330825", "20261122", case_id).split("-")[-1]
    assert number not in code(case_id).replace("-", "")


@given(CASES)
def test_a_bucket_lies_in_range_and_stays(case_id: uuid.UUID) -> None:
    assert 0 <= ids.bucket_of(case_id) < ids.BUCKETS
    assert ids.bucket_of(case_id) == ids.bucket_of(uuid.UUID(str(case_id)))


@pytest.mark.parametrize("make", [ids.new_id, lambda: ids.keyed_id(SECRET, str(uuid.uuid4()))])
def test_buckets_fill_evenly(make) -> None:
    """4,096 cases over 64 buckets: 64 each on average, standard deviation 8."""
    filled = Counter(ids.bucket_of(make()) for _ in range(4096))
    assert len(filled) == ids.BUCKETS
    assert max(filled.values()) < 64 + 6 * 8
    assert min(filled.values()) > 64 - 6 * 8
