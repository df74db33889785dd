"""Live words: delay to first appearance and to final form, work of the recogniser, errors beside offline words.

The call runs on a virtual clock: every window is really recognised, and the clock moves by what that took. So a
call takes less time than it lasts, and the machine's other work disturbs only the decoding itself.

``python -m tests.bench.live_words [CALL ...]`` prints the table for the given calls, else for the development calls.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE, Span, to_samples
from callcoach.config import Settings
from callcoach.core.analyzer import Analyzer
from callcoach.core.lookahead import LookAhead
from callcoach.core.windows import PieceCutter, join_pieces
from callcoach.events import Channel, Word
from callcoach.live.context import JOINT
from callcoach.live.interim import InterimRecord
from callcoach.live.recogniser import LiveRecogniser
from callcoach.live.words import LiveWords
from callcoach.ports import Audio, Pending, SpeechWindow
from callcoach.speech.guards import plain
from callcoach.speech.silero import StreamingSilero
from tests.bench.lab import decode, truth_path
from tests.bench.scoring import edits, true_text, words_of

PAD: Final = to_samples(0.2)
NEAR_S: Final = 0.6
"""A shown word is the true one with the same text when their middles are closer."""

Decode = Callable[[SpeechWindow], tuple[tuple[Word, ...], float]]
"""Words of a window and the seconds that they took."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What one channel's cutter has to say after one frame."""

    open: Span | None
    cut: tuple[Span, ...]


@dataclass(slots=True)
class Trace:
    """How the analyzer cuts one call: made once, played many times."""

    name: str
    truth: dict[str, Any]
    sound: dict[Channel, Audio]
    """As the recogniser gets it."""
    moments: dict[Channel, list[Moment]]
    offline: list[SpeechWindow]

    @property
    def seconds(self) -> float:
        """Length of the call."""
        return len(self.moments[Channel.AGENT]) * FRAME_LENGTH / SAMPLE_RATE


class _Ready:
    """Words that nobody waits for."""

    def done(self) -> bool:
        return True

    def result(self) -> tuple[Word, ...]:
        return ()


def trace(path: Path) -> Trace:
    """Run the analyzer over a call without words and write down how it cuts."""
    agent, caller = decode(path)
    length = min(len(agent), len(caller))
    sound = np.stack([agent[:length], caller[:length]], axis=1)
    windows: list[SpeechWindow] = []
    cut: list[SpeechWindow] = []

    def take(into: list[SpeechWindow]) -> Callable[[SpeechWindow], Pending]:
        def submit(window: SpeechWindow) -> Pending:
            into.append(window)
            return _Ready()

        return submit

    settings = Settings()
    ahead = LookAhead(settings, rate=SAMPLE_RATE, channels=2, detector=StreamingSilero, submit=take(windows))
    analyzer = Analyzer(settings, rate=SAMPLE_RATE, channels=2, detector=ahead.detector, submit=take(cut))
    kept = {channel: np.zeros(length + FRAME_LENGTH, np.float32) for channel in Channel}
    moments: dict[Channel, list[Moment]] = {channel: [] for channel in Channel}
    blocks = (sound[at : at + FRAME_LENGTH] for at in range(0, length - FRAME_LENGTH + 1, FRAME_LENGTH))
    for block in ahead.blocks(blocks):
        analyzer.push(block)
        now = analyzer.now
        for track in analyzer.tracks:
            channel = track.channel
            assert channel is not None
            kept[channel][now - FRAME_LENGTH : now] = track._frame
            pieces = tuple(w.pieces[0] for w in cut if w.channel is channel)
            piece = track.cutter.open_piece(now)
            moments[channel].append(Moment(None if piece is None else piece.pieces[0], pieces))
        cut.clear()
    analyzer.finish()
    for window in cut:
        assert window.channel is not None
        last = moments[window.channel][-1]
        moments[window.channel][-1] = Moment(None, (*last.cut, *window.pieces))
    truth = json.loads(truth_path(path).read_text(encoding="utf-8"))
    return Trace(path.stem, truth, kept, moments, windows)


class _Open:
    """Plays the cutter of one channel; implements `callcoach.live.schedule.OpenSpeech`."""

    def __init__(self, channel: Channel, sound: Audio) -> None:
        self._channel = channel
        self._sound = sound
        self.span: Span | None = None

    def open_span(self, now: int) -> Span | None:
        return self.span

    def open_piece(self, now: int) -> SpeechWindow | None:
        return None if self.span is None else self.window(self.span)

    def window(self, span: Span) -> SpeechWindow:
        return SpeechWindow(self._channel, self._sound[span.start : span.end], (span,), (0,))


@dataclass(slots=True, eq=False)
class _Job:
    window: SpeechWindow
    start: int
    final: bool
    submitted: float
    finish: float | None = None
    words: tuple[Word, ...] = ()
    ended: bool = False
    dropped: bool = False

    def done(self) -> bool:
        return self.ended

    def result(self) -> tuple[Word, ...]:
        assert self.ended
        return tuple(word for word in self.words if word.span.start >= self.start)


class VirtualRecogniser:
    """One worker on a virtual clock; the same order of jobs as `callcoach.live.recogniser.LiveRecogniser`."""

    def __init__(self, decode_window: Decode) -> None:
        self._decode = decode_window
        self.now = 0.0
        self.busy = 0.0
        self.jobs = self.dropped = self.kept = 0
        self._finals: deque[_Job] = deque()
        self._interims: dict[Channel | None, _Job] = {}
        self._work: _Job | None = None
        self._free = 0.0

    @property
    def finals_waiting(self) -> bool:
        return bool(self._finals) or (self._work is not None and self._work.final)

    def submit(self, window: SpeechWindow, *, final: bool, before: Sequence[SpeechWindow] = ()) -> _Job:
        whole = join_pieces([*before, window], JOINT)
        job = _Job(whole, window.pieces[0].start, final, self.now)
        if final:
            self._finals.append(job)
        else:
            old = self._interims.pop(window.channel, None)
            if old is not None:
                old.dropped = old.ended = True
                self.dropped += 1
            self._interims[window.channel] = job
        self.advance(self.now)
        return job

    def keep(self, job: _Job) -> bool:
        if job.dropped:
            return False
        self.kept += 1
        job.final = True
        if self._interims.get(job.window.channel) is job:
            del self._interims[job.window.channel]
            self._finals.append(job)
        return True

    def advance(self, now: float) -> None:
        """Let the clock run on to ``now``."""
        self.now = now
        while True:
            if self._work is not None:
                if self._free > now:
                    return
                self._work.ended = True
                self._work = None
            job = self._next()
            if job is None:
                return
            begun = max(self._free, job.submitted)
            job.words, seconds = self._decode(job.window)
            self.jobs += 1
            self.busy += seconds
            job.finish = self._free = begun + seconds
            self._work = job

    def _next(self) -> _Job | None:
        if self._finals:
            return self._finals.popleft()
        if self._interims:
            channel = min(self._interims, key=lambda key: self._interims[key].submitted)
            return self._interims.pop(channel)
        return None


@dataclass(slots=True)
class Outcome:
    """What a call looked like."""

    name: str
    seconds: float
    busy: float
    first: list[float] = field(default_factory=list)
    """Seconds from the spoken end of each word to its first appearance."""
    final: list[float] = field(default_factory=list)
    """Seconds from the end of each piece of speech to its final words."""
    after_cut: list[float] = field(default_factory=list)
    """Seconds from the cut of each piece to its final words."""
    words: int = 0
    errors: int = 0
    offline_errors: int = 0
    never_shown: int = 0
    settled: int = 0
    changed: int = 0
    unstable: int = 0
    """Settled words that changed in a later interim text of their utterance."""
    ahead_used: int = 0
    looks: int = 0
    dropped: int = 0


def play(call: Trace, decode_window: Decode) -> Outcome:
    """Play one call on the virtual clock and score it."""
    recogniser = VirtualRecogniser(decode_window)
    shown: dict[Channel, list[InterimRecord]] = {channel: [] for channel in Channel}

    def show(record: InterimRecord) -> None:
        assert record.channel is not None
        shown[record.channel].append(record)

    live = LiveWords(
        cast("LiveRecogniser", recogniser),
        Settings().text,
        allowed=lambda channel, start: True,
        show=show,
        wall=lambda: recogniser.now,
    )
    speech = {channel: _Open(channel, call.sound[channel]) for channel in Channel}
    ended: list[tuple[Channel, Span, float, Pending]] = []
    found: list[tuple[Channel, Span, float, float, tuple[Word, ...]]] = []
    frame = 0
    count = len(call.moments[Channel.AGENT])
    while frame < count or ended:
        now = (frame + 1) * FRAME_LENGTH
        recogniser.advance(now / SAMPLE_RATE)
        for channel in Channel:
            moment = call.moments[channel][frame] if frame < count else Moment(None, ())
            speech[channel].span = moment.open
            for piece in moment.cut:
                pending = live.submit(speech[channel].window(piece))
                assert pending is not None
                ended.append((channel, piece, recogniser.now, pending))
        live.step(now, cast("Mapping[Channel | None, PieceCutter]", speech))
        for item in [item for item in ended if item[3].done()]:
            ended.remove(item)
            channel, piece, cut, pending = item
            found.append((channel, piece, cut, recogniser.now, pending.result()))
        frame += 1
    outcome = Outcome(call.name, call.seconds, recogniser.busy, dropped=recogniser.dropped)
    outcome.changed, outcome.looks = live.changed_stable, recogniser.jobs - len(found)
    outcome.ahead_used = recogniser.kept
    for _, piece, cut, at, _ in found:
        outcome.final.append(at - (piece.end - PAD) / SAMPLE_RATE)
        outcome.after_cut.append(at - cut)
    for number, channel in enumerate(Channel):
        _first_appearances(call, number, shown[channel], outcome)
        settled, unstable = _settled(shown[channel])
        outcome.settled += settled
        outcome.unstable += unstable
        live_words = [w for c, piece, _, _, words in found if c is channel for w in words]
        live_words.sort(key=lambda word: word.span.start)
        reference = words_of(true_text(call.truth, number))
        outcome.words += len(reference)
        outcome.errors += edits(reference, words_of(" ".join(w.text for w in live_words)))
        offline = [
            w for window in call.offline if window.channel is channel for w in decode_window(window)[0]
        ]
        offline.sort(key=lambda word: word.span.start)
        outcome.offline_errors += edits(reference, words_of(" ".join(w.text for w in offline)))
    return outcome


def _first_appearances(call: Trace, number: int, shown: Sequence[InterimRecord], outcome: Outcome) -> None:
    for utterance in call.truth["utterances"]:
        if utterance["channel"] != number:
            continue
        for text, start, end in utterance["words"]:
            middle = (start + end) / 2
            wanted = plain(text)
            at = next((r.wall_s for r in shown if _shows(r, wanted, middle)), None)
            if at is None:
                outcome.never_shown += 1
            else:
                outcome.first.append(at - end)


def _shows(record: InterimRecord, wanted: str, middle: float) -> bool:
    return any(
        plain(w.text) == wanted and abs((w.span.start + w.span.end) / 2 / SAMPLE_RATE - middle) <= NEAR_S
        for w in record.words
    )


def _settled(shown: Sequence[InterimRecord]) -> tuple[int, int]:
    """Count settled words, and those of them that a later interim text has in another form."""
    settled: dict[int, list[str]] = {}
    wrong = 0
    for record in shown:
        before = settled.get(record.begin, [])
        words = record.text.split()
        if not record.final:
            wrong += sum(a != b for a, b in zip(before, words, strict=False)) + max(
                0, len(before) - len(words)
            )
            settled[record.begin] = words[: record.stable]
    return sum(len(words) for words in settled.values()), wrong


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Return one line per call and one for all."""

    def line(name: str, some: Sequence[Outcome]) -> str:
        first = np.array([v for o in some for v in o.first])
        final = np.array([v for o in some for v in o.final])
        cut = np.array([v for o in some for v in o.after_cut])
        words = sum(o.words for o in some)
        wer, offline = (sum(getattr(o, k) for o in some) / words for k in ("errors", "offline_errors"))
        total = {
            k: sum(getattr(o, k) for o in some)
            for k in Outcome.__slots__
            if k not in ("name",) and isinstance(getattr(some[0], k), (int, float))
        }
        return (
            f"{name[:18]:18} first {first.mean():.2f}/{np.quantile(first, 0.95):.2f} s  "
            f"final p50/95 {np.median(final):.2f}/{np.quantile(final, 0.95):.2f} max {final.max():.2f} after cut {np.quantile(cut, 0.95):.2f}/{np.quantile(cut, 0.99):.2f}  "
            f"busy {100 * total['busy'] / total['seconds']:.0f} %  wer {100 * wer:.1f} offline {100 * offline:.1f}  "
            f"looks {total['looks']} ahead used {total['ahead_used']} "
            f"settled {total['settled']} changed {total['changed']} unstable {total['unstable']} never {total['never_shown']}"
        )

    return [*(line(o.name, [o]) for o in outcomes), line("all", outcomes)]
