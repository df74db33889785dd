"""``call.json`` of a stored log, without the audio being analysed again.

For a call whose process died, and for every live call: what may be written is exactly what the log holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from callcoach.clock import HOP_LENGTH, SAMPLE_RATE, Span, to_ms, to_samples, to_seconds
from callcoach.config import Settings
from callcoach.contract import CallDocument, CallInfo, ModelInfo, Quality, VerdictInfo
from callcoach.core.delivery.profile import Profile
from callcoach.core.delivery.ticks import HopColumns
from callcoach.core.document import document_of_facts
from callcoach.core.log_facts import facts_of_log
from callcoach.events import (
    Call,
    CallEnded,
    Channel,
    Consent,
    Event,
    Gap,
    Notice,
    PauseKind,
    Words,
)
from callcoach.live.closing import (
    closing_events,
    flaws,
    known_until,
    missing_words,
    unreadable_lines,
)
from callcoach.live.closing import (
    stored_sides as stored_sides,
)
from callcoach.live.curves import Measured, read_curve_log
from callcoach.live.tail import LOG_NAME, LiveLog, event_line, read_live_log, trim_log
from callcoach.sources.stored_call import CallFolderError, is_whole, read_curves
from callcoach.storage import atomic_file

NO_CURVES: Final = "the call was cut short: recover with --full"
"""Why voice metrics are null that need the curves of delivery."""
NO_CALLER: Final = "the caller's side was not stored"
"""Why metrics are null that need the caller."""
LATE_S: Final = 30.0
LATE_SHARE: Final = 0.1
"""A caller stored from this time, or from this share of the call on, counts as stored; [D]."""
KEPT_OUT: Final = frozenset({*get_args(PauseKind), "consent", "scrub"})
"""Reasons of gaps that were meant: nothing was lost there."""
_SILENT_PEAK: Final = 10 ** (-70 / 20)
"""A channel that never rises above -70 dBFS carries no voice; [D], as for recordings."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Delivery curves that are still there."""

    columns: Mapping[Channel | None, HopColumns] = field(default_factory=dict)
    speech: Mapping[Channel | None, NDArray[np.bool_]] | None = None
    """Fast mask in the end; None where it was never written."""
    active: Mapping[Channel | None, NDArray[np.int8]] = field(default_factory=dict)
    """Fast mask as it was known live, of the sides that have one."""


def rebuild_document(
    folder: Path,
    events: Sequence[Event],
    *,
    header: Call,
    curves: Curves | None = None,
    measured: Mapping[Channel, Measured] | None = None,
    language: str | None = None,
    model: ModelInfo | None = None,
    sample_rate: int | None = SAMPLE_RATE,
    bleed_share: float | None = None,
    damaged_lines: int = 0,
) -> CallDocument:
    """Return the document of a call from its log, closed if need be (`closing_events`).

    Parameters
    ----------
    folder : the call folder; only its curves are read, and only where ``curves`` is None.
    events : the log after its header, with `CallEnded`.
    curves : delivery curves; None: those of the folder, if they are whole.
    measured : the stored audio, if it was gone through (`callcoach.live.curves.measure`).
    language, model : of the recogniser; None where no words were recognised.
    sample_rate : Hz of the source.
    bleed_share : as measured; None: the last notice S-BLEED tells.
    damaged_lines : lines of the log that could not be read, where it does not say so itself.

    Raises
    ------
    CallFolderError
        If the header tells of settings or a profile that this version does not have.
    ValueError
        If the log has no end.
    """
    ended = next((e for e in events if isinstance(e, CallEnded)), None)
    if ended is None:
        raise ValueError("the log has no end; add closing_events first")
    length = ended.span.end
    settings = settings_of(header, folder)
    dual = header.channel_mode != "mono"
    if curves is None:
        curves = read_folder_curves(folder, hops=ended.known_at // HOP_LENGTH, dual=dual)
    sides = stored_sides(events)
    no_caller = why_no_caller(events, length)
    facts = facts_of_log(
        events,
        settings=settings,
        length=length,
        words=header.words,
        dual=dual,
        columns=_of_sides(curves.columns, sides) or None,
        speech=curves.speech,
        active=curves.active,
        profile=_profile(header, folder),
        no_voices=NO_CURVES,
        no_caller=no_caller,
    )
    info = CallInfo.model_validate(
        {
            "id": header.id,
            "source": header.source,
            "started_at": header.started_at,
            "duration_ms": to_ms(length),
            "sample_rate": sample_rate,
            "channel_mode": header.channel_mode,
            "language": language,
            "model": model,
            "settings_digest": header.settings_digest,
            "version": header.version,
        }
    )
    return document_of_facts(
        facts,
        info=info,
        verdict=verdict_of(events, length, measured=measured, damaged_lines=damaged_lines),
        quality=quality_of(
            events,
            settings,
            words=header.words,
            columns=curves.columns,
            measured=measured,
            bleed_share=bleed_share,
        ),
        settings=settings,
        length=length,
    )


def close_log(folder: Path, *, length: int, header: Call | None = None) -> LiveLog:
    """Bring the log of a call whose process died to its end, on disk, and return it.

    The log is written anew only where something is to be added or left out, and whole or not at all; run
    again it is as it was. Lines that cannot be read are gone from it then: keep a copy where that matters.

    Parameters
    ----------
    length : int
        Samples at 16 kHz of the stored audio.
    header : stands in for that of the log where it is damaged or missing.

    Raises
    ------
    CallFolderError
        If the log cannot be read, or its settings are unknown.
    StoreError
        If it cannot be written; it stays as it was.
    ValueError
        If there is no header at all.
    """
    path = folder / LOG_NAME
    log = read_live_log(path)
    first = log.header or header
    if first is None:
        raise ValueError("a log begins with its header")
    added = closing_events(
        log.events,
        settings=settings_of(first, folder),
        length=length,
        words=first.words,
        dual=first.channel_mode != "mono",
        damaged_lines=log.damaged_lines,
    )
    if log.header is not None and not added and not log.changed:
        return log
    with atomic_file(path) as file:
        file.write(trim_log(log, first) + b"".join(event_line(e) for e in added))
    return read_live_log(path)


def settings_of(header: Call, folder: Path) -> Settings:
    """Return the settings that a call was analysed with.

    Raises
    ------
    CallFolderError
        If this version does not know them.
    """
    try:
        return Settings.model_validate(header.settings)
    except ValidationError:
        raise CallFolderError(
            f"The call in {folder.name} was made with settings that this version of callcoach does not have; "
            "use the version that recorded it."
        ) from None


def why_no_caller(events: Sequence[Event], length: int) -> str:
    """Return why metrics that need the caller are null; empty where enough of the caller is stored.

    A caller who agrees at the beginning, as they do when asked, leaves out too little to matter.
    """
    if Channel.CALLER not in stored_sides(events):
        return NO_CALLER
    since = 0
    stored = True
    for event in events:
        if isinstance(event, Consent):
            if Channel.CALLER in event.stored and not stored:
                since = event.span.start
            stored = Channel.CALLER in event.stored
    if since <= max(to_samples(LATE_S), LATE_SHARE * length):
        return ""
    return f"the caller's side was stored only from {to_seconds(since):.0f} s on"


def read_folder_curves(folder: Path, *, hops: int, dual: bool = True) -> Curves:
    """Return the curves of a call folder: those of ``prosody.npz`` if it is whole, or what was kept of them.

    Parameters
    ----------
    hops : int
        How many the log tells of; an archive of another length belongs to another analysis.
    dual : False for one channel.
    """
    try:
        found = read_curves(folder, list(Channel) if dual else [None])
    except CallFolderError:
        found = {}
    found = {c: v for c, v in found.items() if all(len(column) == hops for column in v.values())}
    names = [f.name for f in fields(HopColumns)]
    columns = {c: HopColumns.of(**{n: v[n] for n in names}) for c, v in found.items() if is_whole(v)}
    if not columns:
        columns = read_curve_log(folder)
    return Curves(
        columns,
        {c: v["speech"] for c, v in found.items() if "speech" in v},
        {c: v["active"] for c, v in found.items() if "active" in v},
    )


def has_curves(folder: Path, events: Sequence[Event]) -> bool:
    """Tell whether ``prosody.npz`` is whole and of this very call, so that a recovery need not write it."""
    ended = next((e for e in events if isinstance(e, CallEnded)), None)
    try:
        found = read_curves(folder, list(Channel))
    except CallFolderError:
        return False
    agent = found.get(Channel.AGENT, {})
    return ended is not None and is_whole(agent) and len(agent["active"]) * HOP_LENGTH == ended.known_at


def verdict_of(
    events: Sequence[Event],
    length: int,
    *,
    measured: Mapping[Channel, Measured] | None = None,
    damaged_lines: int = 0,
) -> VerdictInfo:
    """Return what became of a live call: whole, or salvaged with the reasons and the stretches that miss.

    Parameters
    ----------
    length : int
        Samples at 16 kHz.
    measured : names channels without any sound.
    damaged_lines : of the log, where it does not say so itself.
    """
    reasons: list[str] = []
    spans: list[Span] = []
    for flaw in flaws(events):
        reasons.append(flaw.reason)
        spans += [flaw.span] if flaw.span.length else []
    if damaged_lines:
        reasons.append(unreadable_lines(damaged_lines))
    lost = lost_spans(events)
    if lost:
        seconds = sum(s.length for s in lost) / SAMPLE_RATE
        reasons.append(f"{seconds:.1f} s of sound did not arrive; silence stands in their place.")
        spans += lost
    status = "salvaged" if reasons else "ok"
    sides = stored_sides(events)
    for channel, part in (measured or {}).items():
        if channel in sides and part.first == 0 and part.loudest < _SILENT_PEAK:
            reasons.append(f"The {channel.value}'s channel is silent throughout.")
    pairs = tuple((to_ms(min(s.start, length)), to_ms(min(s.end, length))) for s in sorted(spans))
    return VerdictInfo.model_validate({"status": status, "reasons": tuple(reasons), "spans": pairs})


def lost_spans(events: Sequence[Event]) -> list[Span]:
    """Return where sound was lost, in order, joined over both channels; pauses that were meant are none."""
    found: list[Span] = []
    gaps = sorted(e.span for e in events if isinstance(e, Gap) and e.reason not in KEPT_OUT)
    for span in gaps:
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        elif span.length:
            found.append(span)
    return found


def quality_of(
    events: Sequence[Event],
    settings: Settings,
    *,
    words: bool,
    columns: Mapping[Channel | None, HopColumns],
    measured: Mapping[Channel, Measured] | None = None,
    bleed_share: float | None = None,
) -> Quality:
    """Return how far the recording and the words can be trusted, as far as the log and the curves tell."""
    heard = [w.probability for e in events if isinstance(e, Words) for w in e.items]
    if bleed_share is None:
        bleed_share = next(
            (e.value for e in reversed(events) if isinstance(e, Notice) and e.code == "S-BLEED"), None
        )
    return Quality(
        bleed_share=bleed_share,
        clipping_pct=_clipping(columns, measured, known_until(events)),
        mean_word_probability=float(np.mean(heard)) if heard else None,
        missed_text_jobs=len(missing_words(events, settings)) if words else 0,
        lost_audio_ms=to_ms(sum(s.length for s in lost_spans(events))),
    )


def _clipping(
    columns: Mapping[Channel | None, HopColumns], measured: Mapping[Channel, Measured] | None, until: int
) -> float | None:
    """Return the share of clipped samples, per cent, from what covers the call."""
    if measured and all(m.first == 0 for m in measured.values()):
        clipped = sum(m.clipped for m in measured.values())
        samples = sum(len(m.level_dbfs) for m in measured.values()) * HOP_LENGTH
    else:
        clipped = sum(int(c.clipped.sum(dtype=np.int64)) for c in columns.values())
        samples = sum(len(c.clipped) for c in columns.values()) * HOP_LENGTH
        if samples < until * len(columns) // 2:
            return None
    return 100 * clipped / samples if samples else None


def _of_sides(
    columns: Mapping[Channel | None, HopColumns], sides: frozenset[Channel]
) -> dict[Channel | None, HopColumns]:
    """Return the columns of the sides that may be stored; without the agent's there is no delivery."""
    kept = {c: v for c, v in columns.items() if c is None or c in sides}
    return kept if None in kept or Channel.AGENT in kept else {}


def _profile(header: Call, folder: Path) -> Profile | None:
    if header.profile is None:
        return None
    try:
        return Profile.from_json(header.profile)
    except ValueError:
        raise CallFolderError(f"The stored profile in events.jsonl of {folder.name} is damaged.") from None
