"""A call whose process died: its folder is finished from the journal and the log (DUR-8).

First the folder as the log tells it, within seconds; then, where a recogniser is at hand, the words that were
still missing. Every step may be killed and run again with the same result, and nothing goes before a verified
copy of it exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from callcoach import __version__
from callcoach.capture.archive import StoredAudio, write_flac
from callcoach.capture.marker import claim_call, find_interrupted, read_marker, set_aside
from callcoach.clock import FRAME_LENGTH, HOP_LENGTH, SAMPLE_RATE, Samples, Span
from callcoach.config import Settings
from callcoach.contract import CallDocument, ModelInfo
from callcoach.errors import StoreError
from callcoach.events import Call, CallEnded, Channel, Event, SpeechSegment, Words
from callcoach.lexicon.redacting_words import RedactingWords
from callcoach.live.closing import missing_words, stored_sides
from callcoach.live.curves import Measured, measure, measure_from, read_curve_log, recovered_prosody
from callcoach.live.finishing import marker_facts, silence_secrets, write_folder
from callcoach.live.rebuild import close_log, has_curves, rebuild_document, settings_of
from callcoach.live.tail import LOG_NAME, event_line, read_live_log, trim_log
from callcoach.ports import Pending, SpeechWindow
from callcoach.sinks.folder import ProsodyTrack, write_prosody
from callcoach.storage import atomic_file

Submit = Callable[[SpeechWindow], Pending]
_BLOCK: Final = FRAME_LENGTH * 1000
Progress = Callable[[int, int], None]


class NotRecoverableError(StoreError):
    """A call that cannot be rebuilt; it may be set aside."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of one call."""

    folder: Path
    document: CallDocument
    missing: int
    """Stretches of speech that are still without words."""


def interrupted_calls(place: Path) -> list[Path]:
    """Return the call folders that can be recovered at a place: itself, or those in it."""
    if read_marker(place) is not None:
        return [place]
    return [call.folder for call in find_interrupted(place)]


def recover_call(
    folder: Path, *, submit: Submit | None = None, progress: Progress | None = None
) -> Recovered:
    """Finish one call.

    Parameters
    ----------
    submit : hands a window to the recogniser; None leaves missing words missing.
    progress : gets the number of missing stretches that are done, and how many there are.

    Raises
    ------
    StoreError
        If the call is still running, holds nothing to recover, or a file cannot be written.
    NotRecoverableError
        If neither log nor marker says what call it is.
    """
    lock = claim_call(folder)
    if lock is None:
        raise StoreError(f"{folder} is still running; end that call first.")
    with lock:
        return _recover(folder, submit, progress)


def give_up(folder: Path) -> Path:
    """Leave a call that cannot be rebuilt as it is, and list it no longer."""
    return set_aside(folder)


def _recover(folder: Path, submit: Submit | None, progress: Progress | None) -> Recovered:
    facts = marker_facts(folder)
    header = read_live_log(folder / LOG_NAME).header or _header(folder, facts)
    settings = settings_of(header, folder)
    told = read_live_log(folder / LOG_NAME).events
    silence_secrets(folder, header.id, told, settings, bleed_share=None)
    audio = write_flac(folder)
    events = list(close_log(folder, length=audio.samples, header=header).events)
    prosody: Mapping[Channel | None, ProsodyTrack] = {}
    if not has_curves(folder, events):
        prosody = _curves(folder, events, audio)
        if prosody:
            write_prosody(folder, prosody)
    missing = missing_words(events, settings) if header.words else []
    if submit is not None and missing:
        found = _hear(missing, audio, settings, submit, events, progress)
        whole = trim_log(read_live_log(folder / LOG_NAME))
        with atomic_file(folder / LOG_NAME) as file:
            file.write(whole + b"".join(event_line(e) for e in found))
        events += found
        missing = missing_words(events, settings)
    document = rebuild_document(
        folder,
        events,
        header=header,
        language=str(facts["language"]) if facts.get("language") else None,
        model=ModelInfo.model_validate(facts["model"]) if facts.get("model") else None,
    )
    write_folder(folder, document, audio, prosody, _formats(facts))
    return Recovered(folder, document, len(missing))


def _header(folder: Path, facts: Mapping[str, Any]) -> Call:
    """Return the header of a call that died before its log had one."""
    marker = read_marker(folder)
    if marker is None:
        raise NotRecoverableError(
            f"{folder} says nowhere what call it holds; "
            f"'callcoach recover --set-aside {folder}' leaves it as it is and lists it no longer."
        )
    at = Span(Samples(0), Samples(0))
    return Call(
        span=at,
        known_at=Samples(0),
        id=marker.call_id,
        source=str(facts.get("source", "live")),
        started_at=marker.started_at.astimezone(UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
        channel_mode="dual",
        settings_digest=str(facts.get("settings_digest", "")),
        weights=(facts.get("model") or {}).get("sha256"),
        version=__version__,
        settings=facts.get("settings") or {},
        words=facts.get("model") is not None,
        profile=facts.get("profile"),
    )


def _curves(folder: Path, events: Sequence[Event], audio: StoredAudio) -> dict[Channel | None, ProsodyTrack]:
    ended = next(e for e in events if isinstance(e, CallEnded))
    hops = int(ended.known_at) // HOP_LENGTH
    kept = read_curve_log(folder)
    measured: Mapping[Channel, Measured] = {}
    if audio.path is not None:
        start = min(measure_from(kept), audio.samples // FRAME_LENGTH * FRAME_LENGTH)
        with soundfile.SoundFile(audio.path) as file:
            file.seek(start)
            _, measured = measure(_blocks(file, start), start)
    sides = stored_sides(events)
    found = recovered_prosody(
        hops,
        [e for e in events if isinstance(e, SpeechSegment)],
        kept,
        measured,
        sides,
    )
    caller = found.get(Channel.CALLER)
    if caller is not None:  # no acoustic history of the caller (DLV-7)
        unknown = np.full(hops, np.nan, np.float32)
        found[Channel.CALLER] = replace(caller, level_dbfs=unknown, f0_hz=unknown)
    return found


def _blocks(file: soundfile.SoundFile, position: int) -> Iterator[tuple[int, NDArray[np.int16]]]:
    while len(block := file.read(_BLOCK, "int16", always_2d=True)):
        yield position, block
        position += len(block)


def _formats(facts: Mapping[str, Any]) -> tuple[str, ...]:
    given = facts.get("formats")
    return tuple(str(f) for f in given) if isinstance(given, list) else ("json", "html")


def _hear(
    missing: Sequence[tuple[Channel | None, Span]],
    audio: StoredAudio,
    settings: Settings,
    submit: Submit,
    events: Sequence[Event],
    progress: Progress | None,
) -> list[Event]:
    """Recognise stretches of the stored audio."""
    if audio.path is None:
        return []
    now = max(e.known_at for e in events)
    most = round(settings.text.window_s * SAMPLE_RATE)
    jobs: list[tuple[Channel | None, Span, Pending]] = []
    with soundfile.SoundFile(audio.path) as file:
        for channel, span in missing:
            for start in range(span.start, min(span.end, audio.samples), most):
                end = min(start + most, span.end, audio.samples)
                file.seek(start)
                pcm = file.read(end - start, "int16", always_2d=True)
                column = list(Channel).index(channel) if channel is not None else 0
                sound = pcm[:, column].astype(np.float32) / np.float32(32768)
                piece = Span(Samples(start), Samples(end))
                jobs.append((channel, piece, submit(SpeechWindow(channel, sound, (piece,), (0,)))))
    found: list[Event] = []
    masking = RedactingWords(settings.redaction)
    for number, (channel, piece, job) in enumerate(jobs, 1):
        known = Samples(max(now, piece.end))
        # its neighbours are not here: what may go on in them is masked, however short
        found += masking.missing(channel, piece, known)
        found.append(masking.take(Words(span=piece, known_at=known, channel=channel, items=job.result())))
        if progress is not None:
            progress(number, len(jobs))
    return [*found, *masking.finish(Samples(now))]
