"""The sentence for a word that does not exist."""

from __future__ import annotations

import doctest

from hypothesis import given
from hypothesis import strategies as st

from watchtime.core import errors
from watchtime.core.errors import nearest, unknown


def test_the_examples_hold() -> None:
    results = doctest.testmod(errors)
    assert results.attempted > 0
    assert results.failed == 0


def test_nothing_is_guessed_where_nothing_is_close() -> None:
    assert nearest("lightgbm", ["vr", "tpm"]) is None
    assert unknown("method", "lightgbm", ["vr", "tpm"]) == "unknown method 'lightgbm'. Allowed: tpm, vr."


def test_nothing_at_all_can_be_allowed() -> None:
    assert unknown("setting", "leaves", [], "x") == "x: unknown setting 'leaves'. Allowed: nothing."


@given(
    st.lists(st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1), min_size=1, max_size=40, unique=True)
)
def test_a_word_is_nearest_to_itself_and_the_allowed_words_are_sorted(words: list[str]) -> None:
    assert all(nearest(word, words) == word for word in words)
    assert unknown("word", "1", words).endswith(f"Allowed: {', '.join(sorted(words))}.")


def test_of_very_many_words_the_most_alike_are_named() -> None:
    jobs = [f"kuairec/watch_time/random_{number:03}" for number in range(200)]
    said = unknown("job", "kuairec/watch_time/random_17", jobs)
    assert "Allowed: 200 names, the most alike: " in said
    assert len(said) < 400
    assert set(said.removesuffix(".").split("alike: ")[1].split(", ")) <= set(jobs)
