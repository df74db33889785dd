"""How the log of a call ends whose process died: nothing stays open, and what is missing is said.

What the closing adds is in the log itself, so that a recovery that is cut short and run again finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from callcoach.clock import FRAME_LENGTH, Samples, Span, to_samples, to_seconds
from callcoach.config import Settings
from callcoach.core.log_facts import Floor, parties_of, segments_of
from callcoach.core.utterances import Party
from callcoach.events import (
    CallEnded,
    Channel,
    Consent,
    CueClosed,
    CueOpened,
    Event,
    FloorTaken,
    Monologue,
    Overlap,
    SpeechSegment,
    TranscriptLate,
    Trouble,
    Turn,
    VoiceClosed,
    VoiceOpened,
    Words,
)

RECOVERED: Final = "recovered"
"""Why a cue closes that was open when the process died."""
CUT_SHORT: Final = "The program ended before the call was over"
"""How the reason of the `Trouble` begins that marks a log as closed afterwards."""
_UNREADABLE: Final = "of the event log could not be read."
_AFTER_RUN: Final = to_samples(0.3)
"""Words begin this long after the last known run of speech when they belong to a later one: word times are
good to 0.15 s, and windows reach a little beyond the speech in them."""


def cut_short(events: Sequence[Event]) -> Trouble | None:
    """Return the mark of a log that was closed afterwards, or None."""
    return next((e for e in events if isinstance(e, Trouble) and e.reason.startswith(CUT_SHORT)), None)


def stored_sides(events: Sequence[Event]) -> frozenset[Channel]:
    """Return the sides of which anything is stored: both where nobody had to be asked (a recording).

    The last word counts: when consent is refused or withdrawn, what was kept of the caller is erased.
    """
    consents = [e for e in events if isinstance(e, Consent)]
    return frozenset({Channel.AGENT, *consents[-1].stored}) if consents else frozenset(Channel)


def unreadable_lines(count: int) -> str:
    """Return the reason that a log lacks lines."""
    return f"{count} {'line' if count == 1 else 'lines'} {_UNREADABLE}"


def flaws(events: Sequence[Event]) -> list[Trouble]:
    """Return what a log itself says about what is missing of it."""
    return [
        e
        for e in events
        if isinstance(e, Trouble) and (e.reason.startswith(CUT_SHORT) or e.reason.endswith(_UNREADABLE))
    ]


def known_until(events: Sequence[Event]) -> int:
    """Return the last position of which a log tells, in samples; 0 where it tells nothing."""
    return max((e.known_at for e in events), default=0)


def closing_events(
    events: Sequence[Event],
    *,
    settings: Settings,
    length: int,
    words: bool,
    dual: bool = True,
    damaged_lines: int = 0,
) -> list[Event]:
    """Return what is to be added to the log of a call whose process died.

    Runs of speech, turns, states of delivery and cues that are open end where the log does. A log that is
    complete, or was closed before, gives nothing.

    Parameters
    ----------
    events : the log after its header.
    length : int
        Samples at 16 kHz of the stored audio; the log may end before it, or up to a frame or two after.
    words : whether words were recognised.
    dual : False for one channel.
    damaged_lines : of the log; the count is kept in it.
    """
    if cut_short(events) is not None:
        return []
    ended = next((e for e in events if isinstance(e, CallEnded)), None)
    channels: list[Channel | None] = list(Channel) if dual else [None]
    known = known_until(events)
    now = Samples(_frame_end(known))
    closing: list[Event] = []
    for channel in channels:
        closing += _open_speech(events, channel, settings, now)
    spoken = [*events, *closing]
    if dual:
        parties = parties_of(spoken, settings)
        turn = Floor(parties).open_turn(spoken)
        if turn is None and Channel.CALLER not in stored_sides(events):
            turn = _own_turn(spoken, parties[Channel.AGENT], settings)
        if turn is not None:
            closing += _turn_events(*turn, parties, settings, now)
    closing += _open_states(events, now)
    closing += _open_cues(events, now)
    waiting = words and any(_unheard(events, c, settings) for c in channels)
    if ended is not None:
        length, end = ended.span.end, Samples(max(now, ended.known_at))
    else:
        end = Samples(max(now, _frame_end(length)))
    at_end = Span(Samples(length), Samples(length))
    if damaged_lines:
        closing.append(Trouble(span=at_end, known_at=end, reason=unreadable_lines(damaged_lines)))
    if ended is not None and not closing and not waiting:
        return []
    if ended is None or waiting or len(closing) > bool(damaged_lines):
        missing = max(0, length - known)
        reason = f"{CUT_SHORT}."
        if missing:
            reason = f"{CUT_SHORT}; {to_seconds(missing):.1f} s of audio at its end have no events."
        span = Span(Samples(length - missing), at_end.end)
        closing.append(Trouble(span=span, known_at=end, reason=reason))
    if ended is None:
        closing.append(CallEnded(span=at_end, known_at=end))
    return closing


def missing_words(
    events: Sequence[Event], settings: Settings | None = None
) -> list[tuple[Channel | None, Span]]:
    """Return the stretches of speech whose words are still missing in a call with words, by position.

    These are the pieces that were late or put off (`TranscriptLate`) and not recognised since and, in a log
    that was cut short, the speech after the last piece. Runs with short pauses between them share a stretch
    of up to the length of a window; a single longer run is one stretch.
    """
    settings = settings or Settings()
    least = to_samples(settings.text.least_speech_s)
    found: list[tuple[Channel | None, Span]] = []
    for channel in dict.fromkeys(e.channel for e in events if isinstance(e, SpeechSegment | TranscriptLate)):
        heard = _heard(events, channel)
        late = [e.span for e in events if isinstance(e, TranscriptLate) and e.channel is channel]
        left = [part for span in late for part in _without(span, heard) if part.length >= least]
        found += [(channel, span) for span in left]
        if cut_short(events) is not None or not any(isinstance(e, CallEnded) for e in events):
            found += [(channel, span) for span in _unheard(events, channel, settings)]
    length = min((e.span.end for e in events if isinstance(e, CallEnded)), default=None)
    if length is not None:  # the very last sound may be lost although it was heard
        found = [(c, Span(s.start, min(s.end, length))) for c, s in found if s.start + least <= length]
    return sorted(found, key=lambda item: (item[1], item[0] or ""))


def _unheard(events: Sequence[Event], channel: Channel | None, settings: Settings) -> list[Span]:
    """Return the speech after the last piece of a channel, in stretches of up to the length of a window."""
    last = max(
        (e.span.end for e in events if isinstance(e, Words | TranscriptLate) and e.channel is channel),
        default=0,
    )
    longest, gap = to_samples(settings.text.window_s), to_samples(settings.text.least_silence_s)
    packed: list[Span] = []
    for run in segments_of(events, channel):
        start, end = Samples(max(run.span.start, last)), run.span.end
        if end <= start:
            continue
        before = packed[-1] if packed else None
        if before is not None and start - before.end < gap and end - before.start <= longest:
            packed[-1] = Span(before.start, end)
        else:
            packed.append(Span(start, end))
    least = to_samples(settings.text.least_speech_s)
    return [span for span in packed if span.length >= least]


def _heard(events: Sequence[Event], channel: Channel | None) -> list[Span]:
    return sorted(e.span for e in events if isinstance(e, Words) and e.channel is channel)


def _without(span: Span, taken: Sequence[Span]) -> Iterator[Span]:
    """Yield what is left of a span outside of others, which are in order of time."""
    start = span.start
    for other in taken:
        if other.end <= start:
            continue
        if other.start >= span.end:
            break
        if other.start > start:
            yield Span(start, other.start)
        start = other.end
    if start < span.end:
        yield Span(start, span.end)


def _open_speech(
    events: Sequence[Event], channel: Channel | None, settings: Settings, now: int
) -> Iterator[SpeechSegment]:
    """Yield the run of speech that had begun and whose end was never told, as far as other events show it."""
    runs = segments_of(events, channel)
    last = runs[-1].span.end if runs else Samples(0)
    shown: list[Span] = []
    for event in events:
        match event:
            case FloorTaken() if event.channel is channel and event.span.end > last:
                shown.append(_taking(event, runs, settings))
            case Overlap() if event.incomer is channel:
                shown.append(event.utterance)
            case Words() if event.channel is channel:
                shown += [w.span for w in event.items if w.span.start >= last + _AFTER_RUN]
            case _:
                pass
    parts = [Span(max(s.start, last), s.end) for s in shown if s.end > last]
    if not parts:
        return
    span = Span(min(p.start for p in parts), Samples(min(now, max(p.end for p in parts))))
    if span.length >= to_samples(settings.activity.least_segment_s):
        yield SpeechSegment(span=span, known_at=Samples(now), channel=channel)


def _taking(event: FloorTaken, runs: Sequence[SpeechSegment], settings: Settings) -> Span:
    """Return the speech that the taking of the floor proves beyond the runs that were told.

    It takes ``take_s`` of speech; where a part of that was told as runs of its own, the run that was open
    held the rest at least.
    """
    told = sum(r.span.overlap(event.span) for r in runs)
    if not told:
        return event.span
    left = max(to_samples(settings.activity.least_segment_s), to_samples(settings.floor.take_s) - told)
    return Span(Samples(max(event.span.start, event.span.end - left)), event.span.end)


def _own_turn(events: Sequence[Event], agent: Party, settings: Settings) -> tuple[Channel, int] | None:
    """Return the turn that the agent had begun, where its log tells nothing of the floor: own side alone."""
    ended = max((e.span.end for e in events if isinstance(e, Turn)), default=0)
    left = [u for u in agent.utterances if u.start >= ended]
    if any(u.speech >= to_samples(settings.floor.take_s) for u in left):
        return Channel.AGENT, left[0].start
    return None


def _turn_events(
    channel: Channel,
    start: int,
    parties: Mapping[Channel | None, Party],
    settings: Settings,
    now: int,
) -> Iterator[Event]:
    """Yield the end of the turn that nobody had ended, at the end of its last speech."""
    runs = [r for r in parties[channel].ipus if r.end > start]
    span = Span(Samples(start), Samples(max(start, runs[-1].end if runs else start)))
    known = Samples(max(now, span.end))
    yield Turn(span=span, known_at=known, channel=channel, segments=len(runs))
    if span.length >= to_samples(settings.silence.monologue_s):
        yield Monologue(span=span, known_at=known, channel=channel)


def _open_states(events: Sequence[Event], now: int) -> Iterator[VoiceClosed]:
    closed = {e.number for e in events if isinstance(e, VoiceClosed)}
    for event in events:
        if isinstance(event, VoiceOpened) and event.number not in closed:
            yield VoiceClosed(
                span=Span(event.span.start, Samples(now)),
                known_at=Samples(now),
                number=event.number,
                channel=event.channel,
                kind=event.kind,
                facts=event.facts,
            )


def _open_cues(events: Sequence[Event], now: int) -> Iterator[CueClosed]:
    closed = {e.number for e in events if isinstance(e, CueClosed)}
    left: dict[int, CueOpened] = {}
    for event in events:
        if isinstance(event, CueOpened) and event.number not in closed:
            left.setdefault(event.number, event)
    for number, event in left.items():
        yield CueClosed(
            span=Span(event.span.start, Samples(now)),
            known_at=Samples(now),
            number=number,
            cue=event.cue,
            reason=RECOVERED,
        )


def _frame_end(position: int) -> int:
    """Return the first position at or after this one at which a frame ends."""
    return -(-position // FRAME_LENGTH) * FRAME_LENGTH
