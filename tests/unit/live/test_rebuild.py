"""A document from the log is the document of the analysis."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from callcoach.clock import HOP_LENGTH, Samples, Span, to_ms, to_samples
from callcoach.contract import CallDocument
from callcoach.contract.schemas import load_schema
from callcoach.core.delivery.ticks import HopColumns
from callcoach.events import (
    CallEnded,
    Channel,
    Consent,
    CueClosed,
    CueOpened,
    Event,
    FloorTaken,
    Gap,
    Notice,
    OpeningStory,
    Overlap,
    Silence,
    SpeechSegment,
    Turn,
    VoiceClosed,
    VoiceOpened,
    Words,
)
from callcoach.live.closing import CUT_SHORT, RECOVERED, known_until, missing_words, stored_sides
from callcoach.live.curves import CurveLog, measure
from callcoach.live.rebuild import (
    NO_CALLER,
    NO_CURVES,
    Curves,
    close_log,
    has_curves,
    rebuild_document,
    verdict_of,
    why_no_caller,
)
from callcoach.live.tail import read_live_log
from callcoach.sources.stored_call import CallFolderError
from tests.support.live_logs import (
    COLUMNS,
    Analysed,
    analysed,
    ended,
    header,
    said,
    span,
    speech,
    write_log,
)
from tests.support.running import NAMES
from tests.support.stored import store

AGENT, CALLER = Channel.AGENT, Channel.CALLER
EMPTY = Path("no such folder")


def plain(document: CallDocument) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document.to_json())
    return found


def different(a: CallDocument, b: CallDocument) -> list[str]:
    one, two = plain(a), plain(b)
    return [key for key in one if one[key] != two[key]]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that an analysis without words has written."""
    return store(tmp_path_factory.mktemp("stored"))


@pytest.fixture
def folder(stored: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stored, tmp_path / "a call"))


# -- whole calls -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_log_of_a_whole_call_gives_the_document_of_its_analysis(name: str) -> None:
    call = analysed(name)
    rebuilt = rebuild_document(EMPTY, call.events, header=call.header, curves=call.curves)
    assert different(call.document, rebuilt) == []
    jsonschema.validate(plain(rebuilt), load_schema("call-1"))


def test_so_does_the_log_of_a_live_call_whose_words_were_late() -> None:
    call = analysed(NAMES[2], speed=4.0, on_miss="skip")
    late = [e for e in call.events if type(e).__name__ == "TranscriptLate"]
    assert late
    rebuilt = rebuild_document(EMPTY, call.events, header=call.header, curves=call.curves)
    assert different(call.document, rebuilt) == []
    assert rebuilt.quality.missed_text_jobs == 0


def test_a_folder_gives_its_document_again(folder: Path) -> None:
    """From the files as they are, quality and verdict included."""
    wanted = CallDocument.model_validate_json((folder / "call.json").read_text("utf-8"))
    (folder / "call.json").unlink()
    log = read_live_log(folder / "events.jsonl")
    assert log.header is not None
    rebuilt = rebuild_document(folder, log.events, header=log.header, bleed_share=wanted.quality.bleed_share)
    assert different(wanted, rebuilt) == []
    assert (folder / "prosody.npz").exists()


def test_without_curves_only_the_voice_metrics_are_missing() -> None:
    call = analysed(NAMES[1])
    rebuilt = rebuild_document(
        EMPTY, call.events, header=call.header, curves=Curves(speech=call.curves.speech)
    )
    assert set(different(call.document, rebuilt)) <= {"metrics", "scores", "qa_card", "quality"}
    before, after = plain(call.document)["metrics"], plain(rebuilt)["metrics"]
    assert all(before[k] == after[k] for k in before if k[0] in "ML")
    assert after["V01"] == before["V01"]
    assert after["V06"] is None
    assert after["why_null"]["V06"] == NO_CURVES
    assert rebuilt.quality.clipping_pct is None


def test_curves_of_another_analysis_are_not_used(folder: Path) -> None:
    log = read_live_log(folder / "events.jsonl")
    assert log.header is not None
    events = list(log.events)
    at = next(i for i, e in enumerate(events) if isinstance(e, CallEnded))
    events[at:] = [dataclasses.replace(e, known_at=Samples(e.known_at + 512)) for e in events[at:]]
    assert rebuild_document(folder, events, header=log.header).metrics.V06 is None
    assert rebuild_document(folder, log.events, header=log.header).metrics.V06 is not None


def test_a_damaged_archive_is_as_none(folder: Path) -> None:
    (folder / "prosody.npz").write_bytes(b"PK")
    log = read_live_log(folder / "events.jsonl")
    assert log.header is not None
    assert rebuild_document(folder, log.events, header=log.header).metrics.V06 is None


def test_a_folder_knows_whether_its_curves_are_whole(folder: Path) -> None:
    log = read_live_log(folder / "events.jsonl")
    assert has_curves(folder, log.events)
    assert not has_curves(folder, log.events[:5])
    assert not has_curves(folder, [ended(3)])
    with np.load(folder / "prosody.npz") as archive:
        arrays = {name: archive[name] for name in archive if not name.endswith("nuclei")}
    np.savez_compressed(folder / "prosody.npz", **arrays)
    assert not has_curves(folder, log.events)
    (folder / "prosody.npz").unlink()
    assert not has_curves(folder, log.events)


def test_kept_columns_stand_in_for_an_archive_without_them(folder: Path) -> None:
    """A recovery has written what it had and is run again."""
    log = read_live_log(folder / "events.jsonl")
    assert log.header is not None
    with np.load(folder / "prosody.npz") as archive:
        kept = HopColumns(**{n: archive[f"agent_{n}"] for n in COLUMNS})
        arrays = {n: archive[n] for n in archive if n.rpartition("_")[2] in {"s", "dbfs", "hz", "speech"}}
    wanted = rebuild_document(folder, log.events, header=log.header)
    np.savez_compressed(folder / "prosody.npz", **arrays)
    assert rebuild_document(folder, log.events, header=log.header).metrics.V06 is None
    with CurveLog(folder) as curves:
        curves.append(AGENT, 0, kept)
    rebuilt = rebuild_document(folder, log.events, header=log.header)
    assert rebuilt.metrics.V06 == wanted.metrics.V06
    assert rebuilt.segments == wanted.segments


def test_a_log_without_an_end_has_to_be_closed_first() -> None:
    with pytest.raises(ValueError, match="closing_events"):
        rebuild_document(EMPTY, [speech(AGENT, 1, 2)], header=header())


@pytest.mark.parametrize(
    "first",
    [
        dataclasses.replace(header(), settings={"nothing": {"x": 1}}),
        dataclasses.replace(header(), profile={"level_dbfs": "loud"}),
    ],
)
def test_what_this_version_does_not_know_is_said(first: Any) -> None:
    curves = Curves({c: HopColumns.of(*([np.zeros(32)] * 7)) for c in Channel})
    with pytest.raises(CallFolderError):
        rebuild_document(EMPTY, [ended(1)], header=first, curves=curves)


# -- dead calls --------------------------------------------------------------------------------------------


def died(folder: Path, call: Analysed, share: float, *, torn: bytes = b"") -> tuple[int, int]:
    """Leave what a process leaves that dies after a share of a call; return the audio's and the log's end."""
    before = [e for e in call.events if e.known_at < call.length * share]
    path = write_log(folder, before, call.header)
    with path.open("ab") as file:
        file.write(torn)
    hops = int(call.length * share) // HOP_LENGTH - 40
    with CurveLog(folder) as log:
        for channel, whole in call.curves.columns.items():
            log.append(channel, 0, HopColumns(**{n: getattr(whole, n)[:hops] for n in COLUMNS}))
    return int(call.length * share), known_until(before)


@pytest.mark.parametrize("share", [0.03, 0.31, 0.6, 0.97])
def test_a_dead_call_keeps_what_was_known(tmp_path: Path, share: float) -> None:
    call = analysed(NAMES[1])
    length, known = died(tmp_path, call, share)
    log = close_log(tmp_path, length=length)
    document = rebuild_document(tmp_path, log.events, header=call.header)
    jsonschema.validate(plain(document), load_schema("call-1"))
    assert document.verdict.status == "salvaged"
    seconds = (length - known) / 16_000
    assert document.verdict.reasons == (f"{CUT_SHORT}; {seconds:.1f} s of audio at its end have no events.",)
    assert document.verdict.spans == ((to_ms(known), to_ms(length)),)
    assert document.call.duration_ms == to_ms(length)
    whole = plain(call.document)
    told = [s for s in whole["segments"] if s["end"] < known // 16 - 1500]
    assert [s for s in plain(document)["segments"] if s["end"] < known // 16 - 1500] == told
    for key in ("turns", "cues", "voice_events"):
        end = "closed" if key == "cues" else "end"
        wanted = [x for x in whole[key] if x[end] < known // 16 - 3000]
        got = plain(document)[key]
        for entry in wanted:
            alike = [g for g in got if {**g, "phase": 0} == {**entry, "phase": 0}]
            assert alike or key == "cues", entry
    assert document.metrics.V08 is not None
    assert document.quality.missed_text_jobs == len(missing_words(log.events))


def test_recovering_again_gives_the_same(tmp_path: Path) -> None:
    call = analysed(NAMES[1])
    length, _ = died(tmp_path, call, 0.5, torn=b'{"type":"Turn","span":[1')
    first = close_log(tmp_path, length=length)
    content = (tmp_path / "events.jsonl").read_bytes()
    document = rebuild_document(tmp_path, first.events, header=call.header)
    again = close_log(tmp_path, length=length)
    assert (tmp_path / "events.jsonl").read_bytes() == content
    assert again == first
    assert rebuild_document(tmp_path, again.events, header=call.header) == document
    assert document.verdict.reasons[0] == "1 line of the event log could not be read."
    assert document.verdict.reasons[1].startswith(CUT_SHORT)


def test_words_that_come_after_the_recovery_are_no_longer_missing(tmp_path: Path) -> None:
    call = analysed(NAMES[1])
    length, _ = died(tmp_path, call, 0.5)
    log = close_log(tmp_path, length=length)
    missing = missing_words(log.events)
    end = log.events[-1].known_at
    found = [
        Words(
            span=where,
            known_at=end,
            channel=c,
            items=said(c, *(p / 16_000 for p in (where.start, where.end)), "later words").items,
        )
        for c, where in missing
    ]
    assert found
    before = rebuild_document(tmp_path, log.events, header=call.header)
    after = rebuild_document(tmp_path, [*log.events, *found], header=call.header)
    assert (before.quality.missed_text_jobs, after.quality.missed_text_jobs) == (len(missing), 0)
    texts = " ".join(e.text for e in after.transcript)
    assert texts.count("later words") == len(missing)


def test_what_was_open_is_closed_as_recovered(tmp_path: Path) -> None:
    call = analysed(NAMES[1])
    opened = [e for e in call.events if isinstance(e, CueOpened)]
    closed = {e.number: e.known_at for e in call.events if isinstance(e, CueClosed)}
    cue = next(e for e in opened if closed[e.number] - e.known_at > 16_000)
    length = cue.known_at + 8000
    died(tmp_path, call, length / call.length)
    log = close_log(tmp_path, length=length)
    (end,) = [e for e in log.events if isinstance(e, CueClosed) and e.number == cue.number]
    assert end.reason == RECOVERED
    document = rebuild_document(tmp_path, log.events, header=call.header)
    assert any(c.id == cue.cue and c.opened == cue.span.start * 1000 // 16_000 for c in document.cues)


def test_a_call_without_any_event(tmp_path: Path) -> None:
    log = close_log(tmp_path, length=to_samples(3), header=header())
    document = rebuild_document(tmp_path, log.events, header=header())
    assert document.call.duration_ms == 3000
    assert document.verdict.status == "salvaged"
    assert document.segments == ()
    with pytest.raises(ValueError, match="header"):
        close_log(tmp_path / "elsewhere", length=0)


def test_a_complete_log_is_left_alone(tmp_path: Path) -> None:
    call = analysed(NAMES[1])
    path = write_log(tmp_path, call.events, call.header)
    before = path.stat().st_mtime_ns, path.read_bytes()
    log = close_log(tmp_path, length=call.length)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    assert log.events == call.events
    assert verdict_of(log.events, call.length).status == "ok"


def test_audio_that_was_gone_through_tells_of_silence_and_clipping() -> None:
    pcm = np.zeros((16_000, 2), np.int16)
    pcm[:160, 0] = 32_767
    length, measured = measure([(0, pcm)])
    document = rebuild_document(EMPTY, [ended(1)], header=header(), curves=Curves(), measured=measured)
    assert length == 16_000
    assert document.verdict.reasons == ("The caller's channel is silent throughout.",)
    assert document.verdict.status == "ok"
    assert document.quality.clipping_pct == pytest.approx(100 * 160 / (2 * 32 * 512))


def test_lost_sound_is_said_and_pauses_are_not_lost() -> None:
    def gap(start: float, end: float, reason: str, channel: Channel | None = None) -> Gap:
        return Gap(span=span(start, end), known_at=to_samples(end), reason=reason, channel=channel)

    events: list[Event] = [
        gap(1, 2, "lost", AGENT),
        gap(1.5, 3, "lost", CALLER),
        gap(4, 6, "card"),
        gap(7, 9, "scrub"),
        ended(10),
    ]
    document = rebuild_document(EMPTY, events, header=header(), curves=Curves())
    assert document.quality.lost_audio_ms == 2000
    assert document.verdict.status == "salvaged"
    assert document.verdict.spans == ((1000, 3000),)
    assert verdict_of(events[2:], to_samples(10)).status == "ok"


def test_the_last_notice_of_bleed_counts() -> None:
    def notice(at: float, value: float) -> Notice:
        where = Span(to_samples(at), to_samples(at))
        return Notice(span=where, known_at=where.end, code="S-BLEED", value=value)

    events: list[Event] = [notice(1, 0.25), notice(2, 0.5), ended(3)]
    assert rebuild_document(EMPTY, events, header=header(), curves=Curves()).quality.bleed_share == 0.5
    given = rebuild_document(EMPTY, events, header=header(), curves=Curves(), bleed_share=0.1)
    assert given.quality.bleed_share == 0.1
    assert rebuild_document(EMPTY, events[2:], header=header(), curves=Curves()).quality.bleed_share is None


# -- consent -----------------------------------------------------------------------------------------------


def consent(at: float, *stored: Channel, answer: Any = "set") -> Consent:
    where = Span(to_samples(at), to_samples(at))
    return Consent(span=where, known_at=where.end, basis="asked", answer=answer, stored=stored)


def own_side(call: Analysed) -> list[Event]:
    """What the log of the own side holds."""
    both = (Overlap, Silence, OpeningStory, FloorTaken)
    of_caller = (SpeechSegment, Words, Turn, VoiceOpened, VoiceClosed)
    return [
        consent(0, AGENT),
        *(
            e
            for e in call.events
            if not isinstance(e, both) and not (isinstance(e, of_caller) and e.channel is CALLER)
        ),
    ]


def test_the_own_side_alone_gives_what_it_can() -> None:
    call = analysed(NAMES[1])
    curves = Curves({AGENT: call.curves.columns[AGENT]}, {AGENT: call.curves.speech[AGENT]})  # type: ignore[index]
    document = rebuild_document(EMPTY, own_side(call), header=call.header, curves=curves)
    jsonschema.validate(plain(document), load_schema("call-1"))
    for entries in (document.segments, document.turns, document.transcript):
        assert {e.role for e in entries} == {AGENT}
    assert document.overlaps == ()
    assert document.silences == ()
    assert document.opening_story is None
    metrics, whole = document.metrics, call.document.metrics
    for key in (
        "M01",
        "M02",
        "M03",
        "M04",
        "M05",
        "M06",
        "M07",
        "M08",
        "M09",
        "M10",
        "M11",
        "M12",
        "M15",
        "M16",
        "M17",
    ):
        assert getattr(metrics, key) is None
        assert metrics.why_null[key] == NO_CALLER
    assert metrics.why_null["V05"] == NO_CALLER
    assert metrics.M21 == whole.M21
    assert metrics.M14 == whole.M14
    assert metrics.V01 is not None
    assert whole.V01 is not None
    assert metrics.V01.agent_wpm == whole.V01.agent_wpm
    assert metrics.V01.caller_wpm is None
    assert metrics.V08 is not None
    assert metrics.V08.caller_pct is None


def test_curves_of_a_side_that_may_not_be_stored_are_not_used() -> None:
    call = analysed(NAMES[1])
    document = rebuild_document(EMPTY, own_side(call), header=call.header, curves=call.curves)
    assert document.metrics.V05 is None
    assert document.metrics.V08 is not None
    assert document.metrics.V08.caller_pct is None


@pytest.mark.parametrize(
    ("events", "sides", "why"),
    [
        ([], {AGENT, CALLER}, ""),
        ([consent(0, AGENT, CALLER)], {AGENT, CALLER}, ""),
        ([consent(0, AGENT)], {AGENT}, NO_CALLER),
        ([consent(0, AGENT), consent(20, AGENT, CALLER)], {AGENT, CALLER}, ""),
        (
            [consent(0, AGENT), consent(70, AGENT, CALLER)],
            {AGENT, CALLER},
            "the caller's side was stored only from 70 s on",
        ),
        ([consent(0, AGENT, CALLER), consent(40, AGENT, answer="withdrawn")], {AGENT}, NO_CALLER),
    ],
)
def test_consent_decides_about_the_caller(events: list[Event], sides: set[Channel], why: str) -> None:
    assert stored_sides(events) == sides
    assert why_no_caller(events, to_samples(300)) == why


def test_reading_changes_nothing(folder: Path) -> None:
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    log = read_live_log(folder / "events.jsonl")
    assert log.header is not None
    rebuild_document(folder, log.events, header=log.header)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
