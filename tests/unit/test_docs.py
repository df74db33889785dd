"""The pages for people say what the code does: settings, rules, options, links."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer
from pydantic.fields import FieldInfo

from callcoach.cli import app
from callcoach.core import classes, clause, metrics
from callcoach.core.document import CONVERSATION_METRICS
from callcoach.events import OverlapClass
from callcoach.speech import guards

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "models/README.md", "samples/README.md"]
UNITS = {"_s": "s", "_db": "dB", "_dbfs": "dBFS", "_hz": "Hz", "_words": "words"}
THRESHOLD = re.compile(r"(-?[\d.]+)(?: (s|dB|dBFS|Hz|words))?\s+\(`\[(\w+)\]\s+(\w+)`\s+(\[[^\]]+\])\)")
"""A threshold in docs/metrics.md: value, unit, stage, name, tag."""


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_settings", DOCS / "make_settings.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


MAKER = maker()
SETTINGS: dict[tuple[str, str], FieldInfo] = {
    (stage, name): field
    for stage, model in MAKER.stages().items()
    for name, field in model.model_fields.items()
}


def rules() -> str:
    return (DOCS / "metrics.md").read_text("utf-8")


def test_the_page_of_settings_is_the_one_that_the_code_makes() -> None:
    assert (DOCS / "settings.md").read_text("utf-8") == MAKER.settings_page(), (
        "run: python docs/make_settings.py"
    )


def test_the_page_of_settings_has_a_row_for_every_setting() -> None:
    page = (DOCS / "settings.md").read_text("utf-8")
    rows = re.findall(r"^## \[(\w+)\]|^\| `(\w+)` \|", page, re.MULTILINE)
    found, stage = [], ""
    for title, name in rows:
        stage = title or stage
        found += [(stage, name)] if name else []
    assert found == list(SETTINGS)
    assert len(found) > 50


@pytest.mark.parametrize("key", SETTINGS, ids=".".join)
def test_a_setting_has_unit_meaning_source_and_range(key: tuple[str, str]) -> None:
    field, (_, name) = SETTINGS[key], key
    extra = MAKER.extras(field)
    assert field.description
    assert re.match(r"\[(?:D|P|R|R\*)(?:: [^\]]+)?\]", extra["source"])
    for ending, unit in UNITS.items():
        if name.endswith(ending):
            assert extra["unit"] == unit
    if field.annotation is bool:
        return
    least, most = MAKER.bounds(field)
    assert least is not None
    assert least <= field.default
    assert most is None or field.default <= most
    if not extra["unit"]:
        assert (least, most) >= (0, 0), "a plain number is a share, probability or correlation"
        assert most is not None
        assert most <= 1


def test_the_rules_mention_every_class_of_overlap_and_every_metric_that_the_core_measures() -> None:
    text = rules()
    assert [kind.value for kind in OverlapClass if f"| `{kind.value}` |" not in text] == []
    rows = re.findall(r"^\| (M\d\d) \|", text, re.MULTILINE)
    assert rows == list(CONVERSATION_METRICS)


def test_the_weights_of_the_rules_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| \d \| `(\w+)` \|.*\| ([\d.]+) \|$", rules(), re.MULTILINE)
    assert {name for name, _ in rows} == {kind.value for kind in OverlapClass}
    assert all(float(weight) == OverlapClass(name).weight for name, weight in rows)


def test_the_rules_give_every_threshold_with_its_default_unit_and_source() -> None:
    found = {
        (stage, name): (value, unit, tag) for value, unit, stage, name, tag in THRESHOLD.findall(rules())
    }
    assert set(found) <= set(SETTINGS)
    numbers = [key for key, field in SETTINGS.items() if field.annotation is not bool]
    assert [key for key in numbers if key not in found] == []
    for key, (value, unit, tag) in found.items():
        field = SETTINGS[key]
        extra = MAKER.extras(field)
        assert float(value) == field.default, key
        assert unit == extra["unit"], key
        assert extra["source"].startswith(tag[:2]), key
    assert [f"{s}.{n}" for s, n in SETTINGS if f"`[{s}] {n}`" not in " ".join(rules().split())] == []


FIXED = [
    (guards.GUESS_LOG_PROBABILITY, "mean log probability per token is below {:g},"),
    (guards.NO_SPEECH_PROBABILITY, "no-speech probability is above {:g} and"),
    (guards.MIN_LOG_PROBABILITY, "that mean is below {:.1f} or"),
    (guards.FIRST_WORD_PROBABILITY, "first word has a probability below {:g}."),
    (guards.MAX_COMPRESSION_RATIO, "compresses by more than {:g},"),
    (classes.EDGE_SLACK_S, "`[overlap] pause_barge_in_s` [D]) + {:g} s (fixed"),
    (classes.EDGE_SLACK_S, "`[overlap] yield_s` [D]) + {:g} s (fixed"),
    (metrics.LEAST_SPEECH_S, "`T_c` < {:g} s (fixed)"),
    (clause._HIGH, "F0 lies at {:g} (fixed) of the range"),
    (clause._HARD_TRUSTED, "without a mark: below {:g}, fixed"),
    (clause._SENTENCE_S, "in the last {:g} s, fixed"),
    (clause._HISTORY_S / 60, "Y's F0 in the last {:g} min;"),
]


@pytest.mark.parametrize(("value", "text"), FIXED)
def test_the_rules_give_fixed_values_as_the_code_has_them(value: float, text: str) -> None:
    assert text.format(value) in " ".join(rules().split())


def test_the_rules_have_the_sections_that_the_settings_name() -> None:
    text = rules()
    sections = set(re.findall(r"^#+ (\d(?:\.\d)?) ", text, re.MULTILINE))
    for key, field in SETTINGS.items():
        source = MAKER.extras(field)["source"]
        for section in re.findall(r"(?<![\d.])([12]\.\d)(?![\d.])", source):
            assert section in sections, key
        for name in re.findall(r"\b(?:[MVL]\d\d|ASR-\d)\b", source):
            assert name in text, key
    purposes = " ".join(model.__doc__ or "" for model in MAKER.stages().values())
    assert set(re.findall(r"\d\.\d", purposes)) <= sections


def test_the_readme_lists_the_options_of_analyze() -> None:
    table = re.search(r"\| Option of `analyze` .*?\n\n", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert table is not None
    commands = getattr(typer.main.get_command(app), "commands", {})
    options = {name for p in commands["analyze"].params if p.param_type_name == "option" for name in p.opts}
    assert set(re.findall(r"`(-[\w-]+)", table.group())) == options - {"--help", "-h"}


def anchor(heading: str) -> str:
    """Return the address of a heading as web pages of repositories make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / name for name in PAGES] + sorted(DOCS.glob("*.md"))
    broken, count = [], 0
    for page in pages:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if target.startswith(("http://", "https://")):
                continue
            count += 1
            name, _, part = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            if not file.exists():
                broken.append(f"{page.name}: {target}")
            elif part:
                headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
                if part not in map(anchor, headings):
                    broken.append(f"{page.name}: {target}")
    assert broken == []
    assert count > 10
