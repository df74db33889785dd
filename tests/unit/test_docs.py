"""The pages for people say what the code does: settings, rules, options, links."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
import typer
from pydantic.fields import FieldInfo

from callcoach.cli import app
from callcoach.contract.metrics import METRIC_KEYS
from callcoach.core import classes, clause, delivery_metrics, metrics, scores, track
from callcoach.core.cues import c03_narrate_silence, c04_answer_now, c08_speak_up, c24_good_move
from callcoach.core.cues.catalogue import catalogue
from callcoach.core.cues.rules import RULES
from callcoach.core.delivery import meter, states, ticks, word_pace
from callcoach.core.document import CONVERSATION_METRICS
from callcoach.core.pitch import LONGEST_DELAY_HOPS
from callcoach.core.syllables import SyllableTrack
from callcoach.events import OverlapClass, VoiceKind
from callcoach.speech import guards

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "models/README.md", "samples/README.md"]
UNITS = {
    "_db_s": "dB/s",
    "_db_per_s": "dB/s",
    "_s": "s",
    "_db": "dB",
    "_dbfs": "dBFS",
    "_hz": "Hz",
    "_st": "st",
    "_wpm": "WPM",
    "_pct": "%",
    "_z": "spreads",
    "_ratio": "times",
    "_words": "words",
}
"""Unit by ending of the name; the longest ending decides."""


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


THRESHOLD = re.compile(
    r"(?<![\w.])(-?[\d.]+)(?:\s({}))?\s+\(`\[(\w+)\]\s+(\w+)`\s+\[([^\]]+)\]\)".format(
        "|".join(
            sorted({re.escape(MAKER.extras(f)["unit"]) for f in SETTINGS.values()} - {""}, key=len)[::-1]
        )
    )
)
"""A threshold in docs/metrics.md: value, unit, stage, name, tag."""
NUMBERS = [key for key, field in SETTINGS.items() if not isinstance(field.default, bool | tuple)]
LISTS = [key for key, field in SETTINGS.items() if isinstance(field.default, tuple)]


def rules() -> str:
    """The page of the rules, with section 4 and the masking from their own pages."""
    language = (DOCS / "language-metrics.md").read_text("utf-8")
    return (
        (DOCS / "metrics.md")
        .read_text("utf-8")
        .replace("## 4 Language\n", language[language.index("## 4 ") :])
    ) + (DOCS / "redaction.md").read_text("utf-8")


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
    ending = max((e for e in UNITS if name.endswith(e)), key=len, default=None)
    if ending is not None:
        assert extra["unit"] == UNITS[ending]
    if key in LISTS:
        assert field.default
        assert extra["unit"]
        return
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


def measured_voice_metrics() -> set[str]:
    """Return the metrics that the core gives a value: the keys that it hands to ``put``."""
    tree = ast.parse(inspect.getsource(delivery_metrics.delivery_metrics))
    calls = (n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name))
    return {str(ast.literal_eval(c.args[0])) for c in calls if getattr(c.func, "id", "") == "put"}


def test_the_rules_mention_every_class_of_overlap_and_every_metric_that_the_core_measures() -> None:
    text = rules()
    assert [kind.value for kind in OverlapClass if f"| `{kind.value}` |" not in text] == []
    assert re.findall(r"^\| (M\d\d) \|", text, re.MULTILINE) == list(CONVERSATION_METRICS)
    voice = re.findall(r"^\| (V\d\d) \|.*\| ([^|]+) \|$", text, re.MULTILINE)
    assert [key for key, _ in voice] == [key for key in METRIC_KEYS if key.startswith("V")]
    measured = measured_voice_metrics()
    assert len(measured) > 10
    assert {key for key, null_when in voice if null_when != "always"} == measured


def test_the_rules_have_a_row_for_every_state_of_delivery() -> None:
    section = rules().split("### 3.4 ")[1].split("### 3.5 ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(get_args(VoiceKind))


def test_every_cue_with_a_rule_has_a_row_as_the_catalogue_has_it() -> None:
    entries = catalogue()
    with_rule = [rule.cue for rule in RULES]
    rows = re.findall(r"^\| (C\d\d) \| ([^|]+) \|.*\| (\d+) \| (\w+) \|$", rules(), re.MULTILINE)
    assert rows == [
        (cue, entries[cue].text, str(entries[cue].priority), f"{entries[cue].cooldown_s:g}")
        for cue in with_rule
    ]
    told = re.search(r"^\*\*No rule yet\*\*.*$", rules(), re.MULTILINE)
    assert told is not None
    assert re.findall(r"C\d\d", told.group()) == [cue for cue in entries if cue not in with_rule]


def test_the_rules_of_the_cues_give_every_setting_of_theirs() -> None:
    section = " ".join(rules().split("### 5.2 ")[1].split("\n## ")[0].split())
    own = [(stage, name) for stage, name in SETTINGS if re.fullmatch(r"c\d\d", stage)]
    assert {stage.upper() for stage, _ in own} <= {rule.cue for rule in RULES}
    assert len(own) > 20
    assert [f"{s}.{n}" for s, n in own if f"`[{s}] {n}`" not in section] == []


def test_the_cues_of_the_ramp_and_those_exempt_are_those_of_the_catalogue() -> None:
    section = rules().split("\n## 6 ")[1].split("\n## ")[0]
    ramp = re.search(r"`\[budget\] ramp_few` \[D\]\) only ([^.]+)\.", section)
    assert ramp is not None
    assert re.findall(r"C\d\d", ramp.group(1)) == [e.id for e in catalogue().values() if e.in_ramp]
    rows = dict(re.findall(r"^\| (\w+) \| (.+) \|$", section, re.MULTILINE))
    for row, words, rule in (
        ("Moment", "do not wait", "moment"),
        ("Stale", "do not go stale", "moment"),
        ("Quiet", "is exempt", "quiet"),
        ("Ramp", "is exempt", "ramp"),
    ):
        named = rows[row][: rows[row].index(words)].rsplit(". ", 1)[-1]
        assert re.findall(r"C\d\d", named) == [e.id for e in catalogue().values() if rule in e.exempt], row


def test_the_weights_of_the_rules_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| \d \| `(\w+)` \|.*\| ([\d.]+) \|$", rules(), re.MULTILINE)
    assert {name for name, _ in rows} == {kind.value for kind in OverlapClass}
    assert all(float(weight) == OverlapClass(name).weight for name, weight in rows)


def test_the_rules_give_every_threshold_with_its_default_unit_and_source() -> None:
    found = THRESHOLD.findall(rules())
    named = {(stage, name) for _, _, stage, name, _ in found}
    assert named <= set(SETTINGS)
    assert [key for key in NUMBERS if key not in named] == []
    for value, unit, stage, name, tag in found:
        field = SETTINGS[stage, name]
        extra = MAKER.extras(field)
        assert float(value) == field.default, (stage, name)
        assert unit == extra["unit"], (stage, name)
        source = re.match(r"\[(\w\*?)", extra["source"])
        assert source is not None
        assert tag.split(":")[0] == source.group(1), (stage, name)
    assert [f"{s}.{n}" for s, n in SETTINGS if f"`[{s}] {n}`" not in " ".join(rules().split())] == []


@pytest.mark.parametrize("key", LISTS, ids=".".join)
def test_the_rules_give_every_list_with_its_default(key: tuple[str, str]) -> None:
    stage, name = key
    before, mark, _ = " ".join(rules().split()).partition(f" (`[{stage}] {name}` [D])")
    assert mark
    default = SETTINGS[key].default
    assert tuple(re.findall(r"C\d\d", before)[-len(default) :]) == default
    assert before.endswith(f"own: {', '.join(default[:-1])} and {default[-1]}")


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
    (1000 * LONGEST_DELAY_HOPS * ticks.HOP_S, "F0 is known {:g} ms after the start of its hop at latest"),
    (1000 * SyllableTrack.LAG * ticks.HOP_S, "It is told {:g} ms later"),
    (ticks.HOPS, "A **tick** is {:g} hops"),
    (1000 * ticks.TICK_S, "hops ({:g} ms). It is read one tick after its end"),
    (meter._LEVEL_TICKS, "voice hops of the last {:g} ticks (1 s) of speech;"),
    (meter._LEAST_VOICE_HOPS, "of speech; at least {:g} hops. * **F0** now"),
    (meter._PITCH_TICKS, "voiced hops of the last {:g} ticks (1.5 s) of speech;"),
    (meter._LEAST_VOICED_HOPS, "at least {:g} hops. Neither"),
    (meter._STALE_TICKS, "Neither reaches back more than {:g} ticks"),
    (meter._LONG_TICKS, "median over the last {:g} ticks (4 s) of speech"),
    (meter._LONG_LEAST, "at least {:g} ticks with"),
    (meter._TICK_VOICED, "ticks with {:g} voiced hops"),
    (meter._PRIOR_WORDS, "with the weight of {:g} words"),
    (meter._PAUSE_MEMORY, "the median of the last {:g} (10 s)"),
    (meter._STEADY_DB, "from each other by at most {:g} dB"),
    (states._SHARE, "was in {:g} of the ticks of speech of its hold"),
    (states._IDLE_S, "has been silent for {:g} s."),
    (word_pace.WINDOW_S, "Windows of {:g} s of such speech"),
    (word_pace.LEAST_S, "(the last one {:g} s or more)"),
    (word_pace.LEAST_WORDS, "with {:g} words or more; share of them"),
    (word_pace.BAND_WPM[0], "share of them from {:g} to"),
    (word_pace.BAND_WPM[1], "to {:g} WPM | under 6 s of speech"),
    (delivery_metrics._LEAST_RATE_S, "| under {:g} s of speech | | V03"),
    (delivery_metrics._LEAST_FILLED_S, "per minute of speech | under {:g} s of speech |"),
    (track.CLIP_LEVEL, "share of all samples at {:g} of full scale"),
    (c03_narrate_silence._STRONG_S, "{:g} s (fixed) without words or while"),
    (c04_answer_now._SENTENCE_REACH_S, "(of the last {:g} s, fixed)"),
    (c08_speak_up._FRESH_S, "known within {:g} s (fixed)"),
    (c24_good_move._ANSWER_S, "(within {:g} s, fixed) with a turn"),
    (scores.LEAST_WEIGHT_PCT, "below {:g} % of the weight the score is null"),
]


@pytest.mark.parametrize(("value", "text"), FIXED)
def test_the_rules_give_fixed_values_as_the_code_has_them(value: float, text: str) -> None:
    assert text.format(value) in " ".join(rules().split())


def test_the_rules_have_the_sections_that_the_settings_name() -> None:
    text = rules()
    sections = set(re.findall(r"^#+ (\d(?:\.\d)?) ", text, re.MULTILINE))
    for key, field in SETTINGS.items():
        source = MAKER.extras(field)["source"]
        told = re.findall(r"(?<![\d.])([1-7]\.\d)(?![\d.]| (?:s|st|dB)\b)", source)
        told += re.findall(r"^\[[^\]]+\] (\d)(?=$|,| C\d\d)", source)
        for section in told:
            assert section in sections, key
        for name in re.findall(r"\b(?:[MVLC]\d\d|ASR-\d)\b", source):
            assert name in text, key
    purposes = " ".join(model.__doc__ or "" for model in MAKER.stages().values())
    assert set(re.findall(r"\d\.\d", purposes)) <= sections
    assert set(re.findall(r"section (\d)\b", purposes)) <= sections


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
                text = file.read_text("utf-8")
                headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
                marks = re.findall(r'^<a id="([\w-]+)"></a>$', text, re.MULTILINE)
                if part not in {*marks, *map(anchor, headings)}:
                    broken.append(f"{page.name}: {target}")
    assert broken == []
    assert count > 10
