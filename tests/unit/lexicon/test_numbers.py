from __future__ import annotations

import pytest

from callcoach.lexicon.numbers import Part, digits_of, number_parts, stands_alone


def digits(text: str) -> str:
    return digits_of([part for word in text.split() for part in number_parts(word)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("four two double seven oh nine", "427709"),
        ("twenty three forty five", "2345"),
        ("nineteen eighty four", "1984"),
        ("nineteen oh five", "1905"),
        ("4-1-1-1", "4111"),
        ("one hundred and five", "105"),
        ("four hundred twelve", "412"),
        ("eight hundred five five five", "800555"),
        ("two thousand", "2000"),
        ("two thousand and four", "2004"),
        ("two thousand nineteen", "2019"),
        ("twenty five thousand", "25000"),
        ("a thousand two hundred", "1200"),
        ("thousand", ""),
        ("triple eight o zero", "88800"),
        ("forty-five twenty-one", "4521"),
        ("four-two-oh", "420"),
        ("(555) 123-4567", "5551234567"),
        ("5 thousand", "5000"),
        ("$1,200.50", "120050"),
        ("niner fife", "95"),
        ("double", ""),
        ("seventy zero", "700"),
    ],
)
def test_digits_as_on_paper(text: str, expected: str) -> None:
    assert digits(text) == expected


@pytest.mark.parametrize(
    "word", ["won", "to", "for", "second", "tent", "one-on-one", "", "anyone", "hundreds"]
)
def test_other_words_have_no_parts(word: str) -> None:
    assert number_parts(word) == ()


def test_every_part_of_a_joined_word_is_found() -> None:
    assert [part.text for part in number_parts("seventy-one")] == ["70", "1"]
    assert all(isinstance(part, Part) for part in number_parts("9:30"))


@pytest.mark.parametrize("word", ["64-bit", "2nd", "20%", "$50", "10gb", "3pm"])
def test_units_and_amounts_stand_alone(word: str) -> None:
    assert stands_alone(word)


@pytest.mark.parametrize(
    "word",
    [
        "4111",
        "4-1-1-1",
        "9:30",
        "a4",
        "7b",
        "+44",
        "(020)",
        "12/05/1984",
        "four",
        "490oops-0427",
        "7-o-i-think",
    ],
)
def test_plain_numbers_join_their_neighbours(word: str) -> None:
    assert not stands_alone(word)
