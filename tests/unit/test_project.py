"""The project frame: what is tracked, pinned, packaged and promised."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock"]

# Written so that this file does not match itself.
INDEX_ADDRESS = re.compile(
    r"https?://[^\s\"'<>)]*(?:py[p]i|pythonh[o]sted|np[m]js|registry[.]|/simp[l]e\b|deb[.]deb[i]an|artif[a]ctory)",
    re.IGNORECASE,
)
INDEX_OPTION = re.compile(r"--(?:extra-)?ind[e]x-url|--find-l[i]nks\s*[= ]\s*\S*/|--trusted-h[o]st")
MACHINE_PATH = re.compile(r"(?<![\w.~$}*/-])/(?:w[o]rk|r[o]ot|h[o]me|t[m]p/w|Us[e]rs)/[\w.]")


def tracked() -> list[Path]:
    """Files that a commit would hold."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        (INDEX_ADDRESS, "https://py" + "pi.org/simple"),
        (INDEX_OPTION, "--extra-ind" + "ex-url https://example.org"),
        (MACHINE_PATH, "open('/ho" + "me/ann/call.wav')"),
    ],
    ids=["index address", "index option", "machine path"],
)
def test_no_tracked_file_names_a_package_index_or_a_path_of_one_machine(
    pattern: re.Pattern[str], example: str
) -> None:
    assert pattern.search(example)
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for name, text in texts()
        for match in pattern.finditer(text)
    ]
    assert found == []


def test_weights_environments_and_results_are_not_tracked() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    assert [name for name in names if name.startswith("models/")] == [
        "models/README.md",
        "models/manifest.toml",
    ]
    assert not [
        name for name in names if re.match(r"(\.venv|calls|dist|build)/|uv\.lock$|.*__pycache__", name)
    ]


def pins(lock: str) -> dict[str, list[str]]:
    """Locked versions by package; a package may have one per Python version."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / lock).read_text("utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", line):
            found.setdefault(canonicalize_name(match[1]), []).append(match[2])
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes_and_the_lock_has_nothing_else(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    entries = [entry for entry in re.split(r"(?<!\\)\n", text) if entry]
    name = r"[A-Za-z0-9._-]+(?:\[[a-z0-9,_-]+\])?"
    for entry in entries:
        assert re.fullmatch(
            rf"{name}==[^\s;]+(?: ; [^\\\n]+)?(?: \\\n    --hash=sha256:[0-9a-f]{{64}})+", entry
        )
    assert len(entries) > 50


def test_the_locks_satisfy_the_declared_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    run = [*project["dependencies"], *extras["weights"]]
    for lock, declared in (("requirements.lock", run), ("requirements-dev.lock", run + extras["dev"])):
        locked = pins(lock)
        for requirement in map(Requirement, declared):
            versions = locked.get(canonicalize_name(requirement.name), [])
            assert versions, f"{requirement.name} is not in {lock}: run make lock"
            assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_developers_run_the_same_versions_as_everybody() -> None:
    developer = pins("requirements-dev.lock")
    assert {name: developer[name] for name in pins("requirements.lock")} == pins("requirements.lock")


def readme_commands() -> set[str]:
    """Commands of the README's table: the words behind ``callcoach`` up to the first argument or option."""
    rows = re.findall(r"^\| `callcoach ([^`]+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    found = set()
    for row in rows:
        words = [re.match(r"[a-z]+(?:-[a-z]+)*$", word) for word in row.split()]
        stop = words.index(None) if None in words else len(words)
        found.add(" ".join(row.split()[:stop]))
    return found


def cli_commands(command: click.Command, path: tuple[str, ...] = ()) -> set[str]:
    below = getattr(command, "commands", None)
    if not below:
        return {" ".join(path)}
    return {
        found
        for name, child in below.items()
        if not child.hidden
        for found in cli_commands(child, (*path, name))
    }


def test_the_table_of_the_readme_has_the_commands_of_the_program() -> None:
    from callcoach.cli import app

    assert readme_commands() == cli_commands(typer.main.get_command(app))


def test_the_readme_starts_with_the_two_commands_that_do_everything() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    first = re.findall(r"^make ([a-z-]+)", blocks[0], re.MULTILINE)
    assert first == ["demo", "test"]
    promised = set(re.findall(r"`make ([a-z-]+)`", readme + (ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    recipes = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert promised | set(first) <= recipes
    assert re.search(r"^exec make test$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)


def test_the_command_line_needs_neither_sound_device_nor_window() -> None:
    """Both imports fail on machines without their system libraries."""
    code = "import callcoach.cli, sys; print(sorted({'sounddevice', 'PySide6'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_wheel_holds_the_packages_the_manifest_and_all_data(tmp_path: Path) -> None:
    """`make smoke` installs it too; this one only looks inside."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        assert wheel.read("callcoach/_data/models.toml") == (ROOT / "models" / "manifest.toml").read_bytes()
    in_tree = {
        path.relative_to(base).as_posix()
        for base, package in ((ROOT, "callcoach"), (ROOT / "ui", "callcoach_ui"))
        for path in (base / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in names if ".dist-info/" not in name} - {"callcoach/_data/models.toml"}
    assert packed == in_tree
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
