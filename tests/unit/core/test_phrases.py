"""How text is compared with the word lists, and the lists themselves."""

from __future__ import annotations

import pytest

from callcoach.core.phrases import (
    contains,
    covered_by,
    has_final_mark,
    normal,
    phrases,
    starts_with,
    trails_off,
)

LIST = frozenset({"yeah", "i see", "all right", "oh"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I\u2019m with you!", "i'm with you"),
        ("  Mm-hmm, ", "mm-hmm"),
        ("- and so -", "and so"),
        ("'Quoted'", "quoted"),
        ("5 o'clock?", "5 o'clock"),
        ("...", ""),
    ],
)
def test_normal_form(text: str, expected: str) -> None:
    assert normal(text) == expected


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("yeah", True),
        ("oh i see", True),
        ("yeah yeah all right", True),
        ("yeah see", False),
        ("i", False),
        ("", False),
        ("yeahs", False),
    ],
)
def test_covered_by_nothing_but_phrases(text: str, covered: bool) -> None:
    assert covered_by(text, LIST) is covered


def test_phrases_match_whole_words_only() -> None:
    assert contains("well all right then", LIST)
    assert not contains("overall rights", LIST)
    assert starts_with("i see it", LIST)
    assert not starts_with("i seem", LIST)
    assert not starts_with("well i see", LIST)


@pytest.mark.parametrize(
    ("text", "final", "broken"),
    [
        ("done.", True, False),
        ("done?", True, False),
        ('done."', True, False),
        ("done...", False, True),
        ("done…", False, True),
        ("done-", False, True),
        ("done", False, False),
        ("done,", False, False),
    ],
)
def test_marks_at_the_end(text: str, final: bool, broken: bool) -> None:
    assert has_final_mark(text) is final
    assert trails_off(text) is broken


def test_the_shipped_lists_are_in_normal_form() -> None:
    """A phrase with a capital or a full stop would never match."""
    shipped = phrases()
    for name in shipped.__dataclass_fields__:
        entries = getattr(shipped, name)
        assert entries
        assert [p for p in entries if normal(p) != p] == []


def test_no_listeners_word_opens_the_floor() -> None:
    assert phrases().backchannels & phrases().floor_openers == frozenset()


def test_a_language_without_lists_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        phrases("xx")
