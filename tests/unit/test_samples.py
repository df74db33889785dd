"""The shipped sample calls: files, class rules on the truth edges, and truth against the audio itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from samples import rules, truth
from samples.rules import LabelTime, RuleError, Utterance
from samples.script import load_script

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
NAMES = sorted(path.name.removesuffix(".truth.json") for path in SAMPLES.glob("*.truth.json"))
LIMIT_BYTES = 12_000_000


@dataclass(frozen=True)
class Sample:
    """A shipped call: the truth as parsed, its utterances, and the audio as (samples, 2)."""

    entry: dict[str, object]
    utterances: list[Utterance]
    labels: list[LabelTime]
    audio: npt.NDArray[np.float32]
    rate: int


def _utterance(raw: dict[str, object], story: dict[str, object]) -> Utterance:
    told = (
        raw["channel"] == 1
        and raw["role"] not in rules.INSERTED
        and story["start"] <= raw["start"]  # type: ignore[operator]
        and raw["end"] <= story["end"]  # type: ignore[operator]
    )
    return Utterance(
        **{k: raw[k] for k in ("channel", "start", "end", "text", "full_text", "role")},  # type: ignore[arg-type]
        **{k: raw[k] for k in ("n_syllables", "gain_db", "pitch_st", "speed")},  # type: ignore[arg-type]
        ipus=tuple((a, b) for a, b in raw["ipus"]),  # type: ignore[attr-defined]
        words=tuple((w, a, b) for w, a, b in raw["words"]),  # type: ignore[attr-defined]
        # What was cut is not in the file; a cut happens in mid sentence, at least one word before the end.
        planned_end=raw["end"] + (0.35 if raw["cut"] else 0.0),  # type: ignore[operator]
        story=told,
        supplied=raw["role"] == "cooperative" and len(raw["words"]) <= 2,  # type: ignore[arg-type]
    )


def _load(name: str, folder: Path = SAMPLES) -> Sample:
    entry = json.loads((folder / f"{name}.truth.json").read_text(encoding="utf-8"))
    audio, rate = soundfile.read(folder / f"{name}.flac", dtype="float32", always_2d=True)
    labels = [
        LabelTime(
            x["channel"], x["kind"], x["phrase"], x["start"], x["end"], x.get("weight", x.get("severity", 0))
        )
        for x in entry["language"]
    ]
    utterances = [_utterance(u, entry["opening_story"]) for u in entry["utterances"]]
    return Sample(entry, utterances, labels, audio, rate)


@pytest.fixture(scope="module", params=NAMES)
def sample(request: pytest.FixtureRequest) -> Sample:
    """Each shipped call in turn."""
    return _load(request.param)


def _dbfs(x: npt.NDArray[np.float32]) -> float:
    return float(20.0 * np.log10(np.sqrt(np.mean(np.square(x.astype(np.float64)))) + 1e-9))


def test_four_calls_and_their_size() -> None:
    assert len(NAMES) >= 4
    assert {path.stem for path in SAMPLES.glob("*.flac")} == set(NAMES)
    total = sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.suffix in (".flac", ".json"))
    assert total < LIMIT_BYTES


def test_every_shipped_call_has_its_text() -> None:
    for name in NAMES:
        script = load_script(SAMPLES / "scripts" / f"{name}.toml")
        heard = [u.text for u in _load(name).utterances]
        written = [" ".join(line.words[: line.spoken]) for line in script.lines]
        assert sorted(heard) == sorted(written)


def test_audio_is_as_the_truth_says(sample: Sample) -> None:
    info = soundfile.info(SAMPLES / f"{sample.entry['name']}.flac")
    assert (info.channels, info.subtype) == (2, "PCM_16")
    assert info.samplerate == sample.entry["sample_rate"]
    assert len(sample.audio) / sample.rate == pytest.approx(sample.entry["duration_s"], abs=0.001)
    assert 60.0 <= len(sample.audio) / sample.rate <= 120.0
    assert np.abs(sample.audio).max() < 0.99


def test_class_rules_hold_on_the_truth_edges(sample: Sample) -> None:
    found = rules.overlaps_of(sample.utterances)
    listed = sample.entry["overlaps"]
    assert isinstance(listed, list)
    assert [(o.klass, o.incomer, o.counted) for o in found] == [
        (x["class"], x["incomer"], x["counted"]) for x in listed
    ]
    for o, x in zip(found, listed, strict=True):
        assert (o.start, o.end, o.overlap_s) == pytest.approx(
            (x["start"], x["end"], x["overlap_s"]), abs=0.003
        )


def test_derived_lists_follow_from_utterances_and_labels(sample: Sample) -> None:
    entry = sample.entry
    silences = truth.silences_of(sample.utterances, sample.labels)
    assert [s.announced_by is not None for s in silences] == [x["announced"] for x in entry["silences"]]  # type: ignore[attr-defined]
    windows = truth.windows_of(sample.utterances, sample.labels, [])
    assert [w.result for w in windows] == [x["result"] for x in entry["acknowledgement_windows"]]  # type: ignore[attr-defined]
    story = truth.story_of(sample.utterances)
    assert story is not None
    assert (story.cut_at is None) == entry["opening_story"]["completed"]  # type: ignore[index]
    for channel in (0, 1):
        seconds = rules.talk_time(sample.utterances, channel)
        assert seconds == pytest.approx(entry["talk_time_s"][channel], abs=0.05)  # type: ignore[index]
    for label in sample.labels:
        assert any(u.start - 0.01 <= label.start < label.end <= u.end + 0.01 for u in sample.utterances)


def test_energy_inside_speech_and_noise_outside(sample: Sample) -> None:
    bleed = any("bleed" in str(x) for x in sample.entry["conditions"])  # type: ignore[attr-defined]
    for channel in (0, 1):
        quiet = np.ones(len(sample.audio), bool)
        for u in sample.utterances:
            if u.channel == channel or (bleed and channel == 0):
                quiet[int((u.start - 0.06) * sample.rate) : int((u.end + 0.12) * sample.rate)] = False
        floor = _dbfs(sample.audio[quiet, channel])
        assert floor < -60.0
        for u in (u for u in sample.utterances if u.channel == channel):
            level = _dbfs(
                np.concatenate(
                    [sample.audio[int(a * sample.rate) : int(b * sample.rate), channel] for a, b in u.ipus]
                )
            )
            assert level > -42.0 + min(0.0, u.gain_db)
            assert level > floor + 20.0


def test_words_lie_in_their_utterance_in_order(sample: Sample) -> None:
    for u in sample.utterances:
        assert " ".join(w for w, _, _ in u.words) == u.text
        times = [t for _, a, b in u.words for t in (a, b)]
        assert times == sorted(times)
        assert times[0] >= u.start - 0.002
        assert times[-1] <= u.end + 0.002


def test_the_set_covers_what_it_is_for() -> None:
    calls = [_load(name) for name in NAMES]
    classes = {o.klass for call in calls for o in rules.overlaps_of(call.utterances)}
    assert {
        "floor_taking",
        "butting_in",
        "pause_barge_in",
        "cooperative",
        "terminal",
        "backchannel",
    } <= classes
    good = [call for call in calls if call.entry["quality"] == "good"]
    assert good
    assert not any(o.counted and o.incomer == 0 for call in good for o in rules.overlaps_of(call.utterances))
    stories = {call.entry["opening_story"]["completed"] for call in calls}  # type: ignore[index]
    assert stories == {True, False}
    silences = [s for call in calls for s in truth.silences_of(call.utterances, call.labels)]
    assert {s.announced_by is None for s in silences if s.end - s.start >= 6.0} == {True, False}
    assert any(call.rate == 8_000 for call in calls)


def test_another_annotators_calls_give_the_same_lists() -> None:
    """Rules and lists, run on truth files made by another generator, give what those files say."""
    folder = SAMPLES.parents[1] / "shared" / "data" / "synthetic_calls"
    names = sorted(path.name.removesuffix(".truth.json") for path in folder.glob("*.truth.json"))
    if not names:
        pytest.skip("the development calls are not beside the checkout (../shared/data/synthetic_calls)")
    for name in names:
        sample = _load(name, folder)
        found, listed = rules.overlaps_of(sample.utterances), sample.entry["overlaps"]
        for o, x in zip(found, listed, strict=True):  # type: ignore[call-overload]
            assert (o.klass, o.incomer, o.other_cut) == (x["class"], x["incomer"], x["other_cut"])
            assert (o.start, o.end, o.overlap_s) == pytest.approx(
                (x["start"], x["end"], x["overlap_s"]), abs=0.02
            )
        windows = truth.windows_of(sample.utterances, sample.labels, [])
        assert [w.result for w in windows] == [x["result"] for x in sample.entry["acknowledgement_windows"]]  # type: ignore[attr-defined]
        assert len(truth.monologues_of(sample.utterances)) == len(sample.entry["monologues"])  # type: ignore[arg-type]


def _plain(
    channel: int, start: float, end: float, text: str, role: str = "turn", full: str = ""
) -> Utterance:
    return Utterance(
        channel, start, end, text, full or text, role, 5, 0.0, 0.0, 1.0,
        ((start, end),), tuple((w, start, end) for w in text.split()), end + (1.0 if full else 0.0),
    )  # fmt: skip


CALLER = _plain(1, 0.0, 5.0, "I wanted to ask because", full="I wanted to ask because it broke.")


@pytest.mark.parametrize(
    ("incomer", "broken"),
    [
        (
            _plain(0, 4.4, 7.0, "Which one is it?", "floor_taking"),
            {"start": 4.9, "end": 5.5, "ipus": ((4.9, 5.5),)},
        ),
        (_plain(0, 5.3, 7.0, "Which one is it?", "pause_barge_in"), {"start": 5.7, "ipus": ((5.7, 7.0),)}),
        (_plain(0, 5.3, 7.0, "Which one is it?", "pause_barge_in"), {"role": "turn"}),
        (_plain(0, 4.4, 7.0, "Which one is it?", "floor_taking"), {"role": "turn"}),
        (_plain(0, 4.4, 7.0, "Which one is it?", "floor_taking"), {"role": "terminal"}),
    ],
)
def test_a_broken_rule_is_refused(incomer: Utterance, broken: dict[str, object]) -> None:
    assert [o.klass for o in rules.overlaps_of([CALLER, incomer])] == [incomer.role]
    with pytest.raises(RuleError):
        rules.overlaps_of([CALLER, replace(incomer, **broken)])  # type: ignore[arg-type]
