"""The folder of a live call once it is over: the same steps after an orderly end and after a recovery.

Each step may be cut off and repeated. The document is built from the written log, so it tells what was stored
and nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from callcoach.capture.archive import StoredAudio, complete, write_flac
from callcoach.capture.clocks import SystemClock
from callcoach.capture.journal import JournalWriter
from callcoach.capture.journal_format import AUDIO_FOLDER, journal_files
from callcoach.capture.marker import read_marker
from callcoach.config import Settings
from callcoach.contract import CallDocument, ModelInfo
from callcoach.core.track import ChannelTrack
from callcoach.core.transcript import in_order
from callcoach.events import CallEnded, Channel, Event, Word, Words
from callcoach.live.curves import CURVES_NAME
from callcoach.live.rebuild import rebuild_document
from callcoach.live.tail import LOG_NAME, read_live_log
from callcoach.runner import masked_stretches, write_report
from callcoach.sinks.folder import ProsodyTrack, write_call_folder, write_prosody
from callcoach.sinks.report import encode_audio
from callcoach.sources.file import open_recording


def finish_call(
    folder: Path,
    *,
    formats: Sequence[str],
    tracks: Sequence[ChannelTrack],
    stored: frozenset[Channel],
    settings: Settings,
    bleed_share: float | None,
) -> CallDocument:
    """Turn the journal and the log of a call that has ended into its folder.

    Parameters
    ----------
    formats : as for recordings.
    tracks : what was measured on each channel.
    stored : sides that may be kept.
    settings : of the call.
    bleed_share : as measured; None without the caller's side.

    Raises
    ------
    StoreError
        If a file cannot be written; the journal stays, and `callcoach recover` goes on from there.
    """
    log = read_live_log(folder / LOG_NAME)
    if log.header is None:
        raise ValueError("a call that was run to its end has a header")
    ended = next(e for e in log.events if isinstance(e, CallEnded))
    silence_secrets(folder, log.header.id, log.events, settings, bleed_share=bleed_share)
    audio = write_flac(folder, end=ended.span.end)
    prosody: dict[Channel | None, ProsodyTrack] = {
        t.channel: kept_curves(t) for t in tracks if t.channel in stored
    }
    facts = marker_facts(folder)
    if prosody:
        write_prosody(folder, prosody)
    document = rebuild_document(
        folder,
        log.events,
        header=log.header,
        language=facts.get("language"),
        model=ModelInfo.model_validate(facts["model"]) if facts.get("model") else None,
        bleed_share=bleed_share,
        damaged_lines=log.damaged_lines,
    )
    write_folder(folder, document, audio, prosody, formats)
    return document


def write_folder(
    folder: Path,
    document: CallDocument,
    audio: StoredAudio,
    prosody: Mapping[Channel | None, ProsodyTrack],
    formats: Sequence[str],
) -> None:
    """Write report, exports and ``call.json``; then let journal and marker go."""
    if "html" in formats:
        sound = None
        if audio.path is not None and audio.samples:
            with contextlib.closing(open_recording(audio.path)) as source:
                seconds = document.call.duration_ms / 1000
                sound = encode_audio(source.blocks(), source.rate, expected_s=seconds) if seconds else None
        write_report(folder, document, sound, prosody)
    write_call_folder(folder, document, formats=tuple(formats))
    complete(folder, audio)
    (folder / CURVES_NAME).unlink(missing_ok=True)


def silence_secrets(
    folder: Path,
    call_id: str,
    events: Sequence[Event],
    settings: Settings,
    *,
    bleed_share: float | None,
) -> None:
    """Take the sound of masked numbers and secrets out of the journal before it becomes FLAC (PRV-5)."""
    said: dict[Channel | None, list[Word]] = {channel: [] for channel in Channel}
    for event in events:
        if isinstance(event, Words):
            in_order(said[event.channel], event.items)
    columns = masked_stretches(said, settings, bleed_share=bleed_share or 0.0)
    if not any(columns.values()) or not journal_files(folder / AUDIO_FOLDER):
        return
    journal = JournalWriter(folder, call_id, clock=SystemClock())
    try:
        for column, spans in columns.items():
            for span in spans:
                journal.erase(span.start, span.end, [list(Channel)[column]])
    finally:
        journal.close()


def kept_curves(track: ChannelTrack) -> ProsodyTrack:
    """Return what may be kept of a channel's curves: of the caller only when they spoke (DLV-7)."""
    times, levels, f0 = track.curves()
    mask = track.speech_mask()
    if track.channel is not Channel.CALLER:
        return ProsodyTrack(times, levels, f0, mask, track.hops(0, len(levels)).for_replay())
    unknown = np.full(len(levels), np.nan, np.float32)
    return ProsodyTrack(times, unknown, unknown, mask, {"active": np.array(track.active, np.int8)})


def marker_facts(folder: Path) -> Mapping[str, Any]:
    """Return what the session noted for a recovery; {} where the marker cannot be read."""
    marker = read_marker(folder)
    return {} if marker is None else marker.settings
