"""``callcoach words``: lists, search, check and diff of own files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from callcoach.cli.words import app
from callcoach.errors import ConfigError

OWN = """
version = 1
off = ["N74"]
[[row]]
id = "N14"
severity = 3
[[row]]
id = "OWN1"
list = "jargon"
patterns = ["blue portal"]
say = "the form page"
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return path


def run(*arguments: str | Path) -> str:
    outcome = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def test_all_lists_are_listed_with_their_rows() -> None:
    lists = {each["list"]: each for each in json.loads(run("list", "--json"))}
    assert lists["discouraged"]["rows"] == 86
    assert lists["strong"]["said_by"] == "caller"
    assert "discouraged" in run("list")


def test_rows_of_a_list_and_rows_that_hold_a_text() -> None:
    assert len(json.loads(run("list", "--list", "check_back", "--json"))) == 28
    found = json.loads(run("list", "--search", "Secure Link", "--json"))
    assert {row["id"] for row in found} == {"J29", "J30"}
    assert "J29" in run("list", "--search", "secure link", "--list", "jargon")
    assert run("list", "--search", "no row holds this").strip() == "No row holds this text."


def test_an_own_file_is_checked_and_its_changes_are_shown(own: Path) -> None:
    assert run("check", own).strip() == "own.toml is right: 1 row added, 1 row changed, 1 row switched off."
    assert json.loads(run("check", own, "--json")) == {
        "file": "own.toml",
        "right": True,
        "added": 1,
        "overridden": 1,
        "off": 1,
    }
    changes = json.loads(run("diff", own, "--json"))
    assert [row["id"] for row in changes["added"]] == ["OWN1"]
    assert changes["overridden"][0]["fields"] == {"severity": {"from": 2, "to": 3}}
    assert [row["id"] for row in changes["off"]] == ["N74"]
    shown = run("diff", own)
    assert all(text in shown for text in ("added", "OWN1", "2 -> 3", "N74"))
    assert "OWN1 (own)" in run("list", "--words", own, "--search", "blue portal")


def test_a_file_without_changes_says_so(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("version = 1\n")
    assert run("diff", path).strip() == "own.toml changes nothing."


@pytest.mark.parametrize("command", ["check", "diff"])
def test_a_wrong_file_ends_with_status_2_and_one_sentence(tmp_path: Path, command: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text('version = 1\n[[row]]\nid = "N14"\nfoo = 1\n')
    with pytest.raises(ConfigError, match="row N14: the key 'foo' is not known") as error:
        run(command, path)
    assert error.value.exit_status == 2


def test_an_unknown_list_is_named() -> None:
    with pytest.raises(ConfigError, match="no list 'nothing'"):
        run("list", "--list", "nothing")
