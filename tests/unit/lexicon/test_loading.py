"""Users' own files: add, change, switch off; and every way in which they can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from callcoach.errors import ConfigError
from callcoach.lexicon import Matcher, load_lexicon
from callcoach.lexicon.loading import LARGEST_FILE, apply_own_file

HEAD = "version = 1\n"


def own(folder: Path, text: str) -> Path:
    path = folder / "words.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_own_rows_are_added_changed_and_switched_off(tmp_path: Path) -> None:
    path = own(
        tmp_path,
        """
        off = ["N74"]
        [[row]]
        id = "OWN1"
        list = "jargon"
        patterns = ["blue portal"]
        say = "the form page"
        [[row]]
        id = "N14"
        severity = 3
        """,
    )
    before = load_lexicon()
    after, changes = apply_own_file(before, path)
    assert [row.id for row in changes.added] == ["OWN1"]
    assert [(a.severity, b.severity) for a, b in changes.overridden] == [(2, 3)]
    assert [row.id for row in changes.off] == ["N74"]
    assert after.row("N74") is None
    changed = after.row("N14")
    shipped = before.row("N14")
    assert changed is not None
    assert shipped is not None
    assert (changed.severity, changed.own) == (3, True)
    assert changed.patterns == shipped.patterns
    assert shipped.severity == 2
    found = Matcher(load_lexicon(extra=path), ["jargon"]).find(["Open", "the", "blue", "portal."])
    assert [(m.row.id, m.row.say, m.row.own) for m in found] == [("OWN1", "the form page", True)]


def test_an_empty_own_file_changes_nothing(tmp_path: Path) -> None:
    assert load_lexicon(extra=own(tmp_path, "")) == load_lexicon()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('[[row]]\nid = "N14"\nfoo = 1', ["N14", "foo", "not known"]),
        ("[[row]]\nseverity = 2", ["row number 1", "id", "missing"]),
        ('[[row]]\nid = "N14"\nseverity = 4', ["N14", "severity"]),
        ('[[row]]\nid = "N14"\nseverity = "3"', ["N14", "severity"]),
        ('[[row]]\nid = "N14"\npatterns = "x"', ["N14", "patterns"]),
        ('[[row]]\nid = "N14"\nat = ["somewhere"]', ["N14", "at"]),
        ('[[row]]\nid = "N14"\nlist = "jargon"', ["N14", "discouraged"]),
        ('[[row]]\nid = "N14"\n[[row]]\nid = "N14"', ["N14", "twice"]),
        ('[[row]]\nid = "OWN1"\npatterns = ["x"]', ["OWN1", "list"]),
        ('[[row]]\nid = "OWN1"\nlist = "nothing"\npatterns = ["x"]', ["OWN1", "nothing"]),
        ('[[row]]\nid = "OWN1"\nlist = "jargon"', ["OWN1", "patterns"]),
        ('[[row]]\nid = "OWN1"\nlist = "jargon"\npatterns = ["(x"]', ["OWN1", "(x", "not closed"]),
        ('[[row]]\nid = "OWN1"\nlist = "jargon"\npatterns = ["x"]\nexcept = ["y)"]', ["OWN1", "y)"]),
        ('[[row]]\nid = "N14"\nshort = "one two three four five"', ["N14", "short", "4 words"]),
        ('[[row]]\nid = "no spaces please"', ["row no spaces please", "id"]),
        ('off = ["N999"]', ["N999", "does not exist"]),
        ('off = ["N14"]\n[[row]]\nid = "N14"\nseverity = 1', ["N14", "switched off"]),
        ('language = "de"', ["'de'", "'en'"]),
        ("colour = 1", ["colour", "not known"]),
        ("version = 2", ["not valid TOML"]),
        ("= =", ["not valid TOML"]),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence_that_names_the_row(
    tmp_path: Path, text: str, names: list[str]
) -> None:
    with pytest.raises(ConfigError) as error:
        load_lexicon(extra=own(tmp_path, text))
    message = str(error.value)
    assert "\n" not in message.strip()
    assert all(name in message for name in ["words.toml", *names]), message


def test_another_format_no_text_and_too_much_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    for data, why in (
        (b"version = 2", "version"),
        (b"", "version"),
        (b"\xff\xfe", "UTF-8"),
        (b"#" * (LARGEST_FILE + 1), "1 MiB"),
    ):
        path.write_bytes(data)
        with pytest.raises(ConfigError, match=why):
            load_lexicon(extra=path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_lexicon(extra=tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_lexicon(extra=tmp_path)


@pytest.mark.parametrize("language", ["xx", "../en", ""])
def test_a_language_without_lists_is_refused(language: str) -> None:
    with pytest.raises(ConfigError, match="no word lists"):
        load_lexicon(language)
