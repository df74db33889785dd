from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest

from callcoach.config import Settings, setting_names
from callcoach.core.cues.catalogue import (
    MOST_WORDS,
    CatalogueEntry,
    catalogue,
    fits,
    parse_catalogue,
    unknown_settings,
)
from tests.unit.test_vocabulary import uses

# Section 5 of the metric definitions: key, classes, priority, cooldown in seconds (None = once per call).
TABLE: dict[str, tuple[str, str, int, float | None]] = {
    "C01": ("let_them_finish", "AB", 1, 30),
    "C02": ("give_floor", "B", 4, 90),
    "C03": ("narrate_silence", "B", 3, 45),
    "C04": ("answer_now", "AB", 3, 45),
    "C05": ("slow_down", "CB", 5, 60),
    "C06": ("pick_up", "CB", 9, 120),
    "C07": ("soften", "CB", 4, 60),
    "C08": ("speak_up", "B", 6, 90),
    "C09": ("lower_pitch", "B", 7, 90),
    "C10": ("breathe", "AB", 2, 120),
    "C11": ("acknowledge", "B", 2, 60),
    "C12": ("strong_words", "A", 3, 90),
    "C13": ("plain_words", "B", 6, 60),
    "C14": ("check_back", "B", 7, 90),
    "C15": ("say_positively", "B", 6, 90),
    "C16": ("match_pace", "B", 8, 180),
    "C17": ("show_listening", "B", 8, 120),
    "C18": ("give_thinking_time", "B", 8, 120),
    "C19": ("recap_first", "B", 6, None),
    "C20": ("announce_hold", "B", 5, 60),
    "C21": ("come_back", "AB", 1, 30),
    "C22": ("thank_not_sorry", "B", 9, None),
    "C23": ("name_next_step", "B", 5, None),
    "C24": ("good_move", "B", 10, 300),
    "C25": ("words_settled", "A", 10, 120),
    "C26": ("vary_pitch", "B", 9, 240),
}
LANGUAGE = {"C11", "C12", "C13", "C14", "C15", "C19", "C22", "C23", "C25"}
SHORTEST = """
[[cue]]
id = "C07"
key = "soften"
icon = "volume-2"
classes = ["B"]
needs = "sound"
unit = "dB"
formula = "level over the usual"
threshold = ["delivery.spike_db"]
hold = "none"
closes = "level is back"
closing = []
source = "[D] V06"
priority = 4
cooldown_s = 60
reviewer = "somebody"
[[cue.wording]]
text = "Softer voice"
fact = "{rise_db:+.0f} dB"
line = "{rise_db:+.0f} dB over your usual. Lower the volume."
"""


def entries() -> list[CatalogueEntry]:
    return list(catalogue().values())


def texts() -> Iterator[tuple[str, str]]:
    for entry in entries():
        for wording in entry.wording:
            yield from ((entry.id, t) for t in (wording.text, wording.fact, wording.line))


def test_every_cue_of_the_table_has_an_entry_with_its_classes_priority_and_cooldown() -> None:
    found = {
        e.id: (e.key, "".join(e.classes), e.priority, None if e.once_per_call else e.cooldown_s)
        for e in entries()
    }
    assert found == TABLE


def test_what_needs_measures_of_language_says_so() -> None:
    assert {e.id for e in entries() if e.needs == "language"} == LANGUAGE


def test_the_default_set_and_the_set_for_a_new_agent() -> None:
    assert {e.id for e in entries() if e.on_by_default} == {"C01", "C03", "C04", "C05", "C11", "C21"}
    assert {e.id for e in entries() if e.in_ramp} == {"C01", "C05", "C11"}
    assert {e.id: set(e.exempt) for e in entries() if e.exempt} == {
        "C01": {"moment"},
        "C21": {"moment", "quiet", "ramp"},
    }
    assert [e.id for e in entries() if e.soft] == ["C24"]


def test_every_entry_says_what_it_measures_compares_and_who_reviewed_it() -> None:
    for entry in entries():
        for words in (entry.unit, entry.formula, entry.closes, entry.reviewer, entry.icon):
            assert words.strip() == words
            assert words
        assert entry.threshold
        assert re.search(r"\[(D|P|R\*?)\]", entry.source)
        # a sentence that names a setting means one that the entry lists
        named = set(re.findall(r"\b(?:c\d\d|delivery)\.[a-z_]+", entry.formula + " " + entry.closes))
        listed = entry.setting_keys | {"delivery.match_window_s"}
        assert named <= listed, entry.id


def test_every_action_has_at_most_five_words_and_no_exclamation() -> None:
    for entry in entries():
        for wording in entry.wording:
            assert 0 < len(wording.text.split()) <= MOST_WORDS
            assert "!" not in wording.text + wording.fact + wording.line


def test_every_line_has_a_figure_a_comparison_and_an_action() -> None:
    for entry in entries():
        for wording in entry.wording:
            *facts, action = re.split(r"(?<=[.;?]) ", wording.line)
            assert re.search(r"\{\w+:", " ".join(facts)), f"{entry.id}: no figure in {wording.line}"
            # what the caller said is quoted and compared with nothing (DLV-10)
            if entry.id not in {"C12", "C25"}:
                compared = r"\b(?:usual|target|you said|the caller \{)"
                assert re.search(compared, " ".join(facts)), f"{entry.id}: no comparison in {wording.line}"
            assert action.endswith("."), entry.id
            assert action != wording.line


def test_no_text_names_a_state_of_a_person() -> None:
    found = [(i, word) for i, text in texts() for _, word in uses(text)]
    assert found == []
    judged = re.compile(r"\b(?:you|they|caller) (?:sound|seem|are too|look)\b|\bnormal\b|\bplease\b", re.I)
    assert [(i, t) for i, t in texts() if judged.search(t)] == []


def test_breathing_out_names_the_two_quantities_that_rose() -> None:
    said = {w.case: w.text for w in catalogue()["C10"].wording}
    assert said == {
        "level_pace": "Louder and faster: breathe out",
        "level_pitch": "Louder and higher: breathe out",
        "pitch_pace": "Higher and faster: breathe out",
        "pace_after_words": "Faster than usual: breathe out",
    }
    unit = {"level": "rise_db", "pitch": "rise_st", "pace": "rise_wpm"}
    for wording in catalogue()["C10"].wording[:3]:
        assert wording.figures == {unit[q] for q in wording.case.split("_")}


def test_praise_names_what_was_done_for_each_reason() -> None:
    said = {w.case: w.text for w in catalogue()["C24"].wording}
    assert set(said) == {"open_question", "acknowledged", "announced", "recovered"}
    assert len(set(said.values())) == len(said)


def test_figures_come_with_signs_and_thin_spaces() -> None:
    said = catalogue()["C07"].worded({"rise_db": 6.7, "held_s": 2.1, "more": None})
    assert said.text == "Softer voice"
    assert said.fact == "+7\u2009dB for 2\u2009s"
    assert said.line == "+7\u2009dB over your usual for 2\u2009s. Lower the volume."
    assert catalogue()["C08"].worded({"rise_db": -8.6, "held_s": 8}).fact == "\u22129\u2009dB for 8\u2009s"
    assert catalogue()["C08"].worded({"rise_db": -0.2, "held_s": 8}).fact == "0\u2009dB for 8\u2009s"


def test_times_on_hold_read_as_a_clock() -> None:
    said = catalogue()["C21"].worded({"hold_s": 72.4, "promised_s": 30}, case="time_given")
    assert said.fact == "on hold 1:12 · you said 0:30"


def test_what_was_said_is_quoted_as_it_is() -> None:
    facts = {"phrase": "I can-not {hear} -5", "rise_db": -1.0}
    assert catalogue()["C08"].worded(facts, case="caller_said").fact == 'caller: "I can-not {hear} -5"'


def test_a_missing_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="no figure for held_s"):
        catalogue()["C07"].worded({"rise_db": 7.0})


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "7", True])
def test_a_figure_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="finite number"):
        catalogue()["C07"].worded({"rise_db": value, "held_s": 2.0})


def test_a_case_without_wording_is_refused() -> None:
    with pytest.raises(ValueError, match="C10 has no wording for ''"):
        catalogue()["C10"].worded({"rise_db": 7.0})


def test_a_cue_of_the_log_is_worded_by_its_case() -> None:
    facts = {"case": "level_pitch", "rise_db": 6.2, "rise_st": 3.46, "rise_wpm": None}
    said = catalogue()["C10"].said(facts)
    assert said.text == "Louder and higher: breathe out"
    assert said.fact == "+6\u2009dB · +3.5\u2009st"
    with pytest.raises(ValueError, match="no wording for 'level'"):
        catalogue()["C10"].said({"case": "level"})


def test_what_was_not_measurable_is_left_out() -> None:
    said = catalogue()["C08"].said({"case": "caller_said", "phrase": "speak up", "rise_db": None})
    assert (said.text, said.fact, said.line) == ("Speak up a bit", 'caller: "speak up"', "")


def test_an_alternative_that_is_too_long_gives_no_text() -> None:
    facts = {"term": "VPN", "count": 2, "window_s": 30.0}
    assert catalogue()["C13"].worded({**facts, "short": "your work connection"}).text.endswith("connection")
    with pytest.raises(ValueError, match="at most 5 words"):
        catalogue()["C13"].worded({**facts, "short": "the line to your office network"})


def test_settings_of_stages_that_exist_are_settings_that_exist() -> None:
    there = {e for e in entries() for k in e.setting_keys if k.split(".")[0] in Settings.model_fields}
    unknown = unknown_settings(there, setting_names())
    assert [k for k in unknown if k.split(".")[0] in Settings.model_fields] == []
    own_or_shared = re.compile(r"delivery\.|(c\d\d)\.")
    for entry in entries():
        for key in entry.setting_keys:
            found = own_or_shared.match(key)
            assert found is not None, key
            assert found[1] in (None, entry.id.lower()), key


def test_unknown_settings_are_named() -> None:
    assert unknown_settings([catalogue()["C02"]], ["c02.hold_s"]) == ("c02.story_hold_s",)


@pytest.mark.parametrize("missing", ["unit", "formula", "threshold", "hold", "reviewer", "source", "closes"])
def test_an_entry_without_a_field_is_refused(missing: str) -> None:
    text = "\n".join(line for line in SHORTEST.splitlines() if not line.startswith(f"{missing} ="))
    assert "C07" in parse_catalogue(SHORTEST)
    with pytest.raises(ValueError, match=f"0.{missing}"):
        parse_catalogue(text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('text = "Softer voice"', 'text = "Please use a much softer voice"', "1 to 5 words"),
        ('text = "Softer voice"', 'text = ""', "1 to 5 words"),
        ('fact = "{rise_db:+.0f} dB"', 'fact = "{rise_db:+.0q} dB"', "not a template"),
        ('fact = "{rise_db:+.0f} dB"', 'fact = "{rise_db dB"', "not a template"),
        ("priority = 4", "priority = 0", "priority"),
        ("cooldown_s = 60", "cooldown_s = 0", "cooldown_s"),
        ('hold = "none"', 'hold = "never"', "hold"),
        ('source = "[D] V06"', 'source = "V06"', "source"),
        ('classes = ["B"]', 'classes = ["D"]', "classes"),
        ('icon = "volume-2"', 'icon = "volume-2"\ncolour = "red"', "colour"),
        ('id = "C07"', 'id = "7"', "id"),
    ],
)
def test_a_wrong_entry_is_refused(old: str, new: str, said: str) -> None:
    assert old in SHORTEST
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_catalogue(SHORTEST.replace(old, new))


def test_an_id_or_a_case_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="id used twice: C07"):
        parse_catalogue(SHORTEST + SHORTEST)
    with pytest.raises(ValueError, match="worded twice"):
        parse_catalogue(SHORTEST + SHORTEST[SHORTEST.index("[[cue.wording]]") :])


def test_a_file_without_cues_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no \[\[cue\]\]"):
        parse_catalogue("version = 1")


def test_length_of_actions() -> None:
    assert fits("Answer, or say you're checking")
    assert not fits("Answer them, or say you're checking")
    assert not fits(" ")
