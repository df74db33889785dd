"""Live words: delays to first and to final appearance, work of the recogniser, errors beside offline words.

Two ways. On a *virtual clock* every window is really recognised, and the clock moves by the processor time
that this took: a call takes less time than it lasts, and other work on the machine hardly disturbs. In
*real time* the call is played at 1x beside the analysis, with the recogniser in its own process.

``python -m tests.bench.live_words [--real] [CALL ...]`` prints the table, without calls of all those for
development.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

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
from callcoach.speech.store import ModelStore
from callcoach.speech.whisper import WhisperTranscriber
from tests.bench.lab import MODEL, Lab, decode, percent, truth_path
from tests.bench.scoring import edits, true_text, words_of
from tests.bench.table import Row, say, show

PAD: Final = to_samples(0.2)
SILENCE_S: Final = 0.6
"""A piece that is cut within this time after its end was ended by silence; others were too long."""
NEAR_S: Final = 0.6
"""A shown word is the true one with the same text when their middles are closer."""

Decode = Callable[[SpeechWindow, int, bool], tuple[tuple[Word, ...], float]]
"""Words of a window and their seconds; with so many texts followed at once, a second look at loops or not."""


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
    beam_size: int
    lasting: bool
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

    def submit(
        self,
        window: SpeechWindow,
        *,
        final: bool,
        before: Sequence[SpeechWindow] = (),
        beam_size: int = 1,
        lasting: bool = False,
    ) -> _Job:
        whole = join_pieces([*before, window], JOINT)
        job = _Job(whole, window.pieces[0].start, final, beam_size, final or lasting, self.now)
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
            job.words, seconds = self._decode(job.window, job.beam_size, job.lasting)
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
    busy: float = 0.0
    """Seconds with a window in work."""
    cpu: float = 0.0
    """Seconds of processor time of the recogniser."""
    found: dict[Channel, list[Word]] = field(default_factory=dict)
    first: list[float] = field(default_factory=list)
    """Seconds from the spoken end of each word to its first appearance."""
    final: list[float] = field(default_factory=list)
    """Seconds from the end of speech to the final words, where a piece was ended by silence."""
    after_cut: list[float] = field(default_factory=list)
    """Seconds from the cut of each piece to its final words."""
    pieces: int = 0
    words: int = 0
    errors: int = 0
    offline_errors: int = 0
    never_shown: int = 0
    settled: int = 0
    changed: int = 0
    unstable: int = 0
    """Settled words that changed in a later interim text of their utterance."""
    looks: int = 0
    dropped: int = 0


def play(call: Trace, decode_window: Decode) -> Outcome:
    """Play one call on the virtual clock and score it."""
    recogniser = VirtualRecogniser(decode_window)
    outcome = _play(call, cast("LiveRecogniser", recogniser), recogniser)
    outcome.busy, outcome.dropped = recogniser.busy, recogniser.dropped
    outcome.cpu = recogniser.busy
    outcome.looks = recogniser.jobs - outcome.pieces
    _errors(outcome, call, decode_window)
    return outcome


def play_live(call: Trace, recogniser: LiveRecogniser, decode_window: Decode) -> Outcome:
    """Play one call at 1x beside its analysis and score it; takes as long as the call."""
    before = recogniser.figures()
    outcome = _play(call, recogniser, _RealTime(call))
    after = recogniser.figures()
    outcome.busy, outcome.cpu = after.busy_s - before.busy_s, after.cpu_s - before.cpu_s
    outcome.dropped = after.dropped_interims - before.dropped_interims
    outcome.looks = after.interims - before.interims
    _errors(outcome, call, decode_window)
    return outcome


class _Time(Protocol):
    @property
    def now(self) -> float: ...

    def advance(self, now: float) -> None: ...


class _RealTime:
    """Waits for each frame's time and analyses the frame, as a live call does."""

    def __init__(self, call: Trace) -> None:
        both = np.stack([call.sound[channel] for channel in Channel], axis=1)
        self._frames = iter(both[: len(both) // FRAME_LENGTH * FRAME_LENGTH].reshape(-1, FRAME_LENGTH, 2))
        self._analyzer = Analyzer(
            Settings(), rate=SAMPLE_RATE, channels=2, detector=StreamingSilero, submit=None
        )
        self._begun = time.monotonic()

    @property
    def now(self) -> float:
        return time.monotonic() - self._begun

    def advance(self, now: float) -> None:
        time.sleep(max(0.0, now - self.now))
        frame = next(self._frames, None)
        if frame is not None:
            self._analyzer.push(frame)


def _play(call: Trace, recogniser: LiveRecogniser, clock: _Time) -> Outcome:
    shown: dict[Channel, list[InterimRecord]] = {channel: [] for channel in Channel}

    def show(record: InterimRecord) -> None:
        assert record.channel is not None
        shown[record.channel].append(record)

    live = LiveWords(
        recogniser,
        Settings().text,
        allowed=lambda channel, start: True,
        show=show,
        wall=lambda: clock.now,
    )
    speech = {channel: _Open(channel, call.sound[channel]) for channel in Channel}
    ended: list[tuple[Channel, Span, float, Pending]] = []
    outcome = Outcome(call.name, call.seconds)
    frame = 0
    count = len(call.moments[Channel.AGENT])
    while frame < count or ended:
        now = (frame + 1) * FRAME_LENGTH
        clock.advance(now / SAMPLE_RATE)
        for channel in Channel:
            moment = call.moments[channel][frame] if frame < count else Moment(None, ())
            speech[channel].span = moment.open
            for piece in moment.cut:
                pending = live.submit(speech[channel].window(piece))
                assert pending is not None
                ended.append((channel, piece, now / SAMPLE_RATE, pending))
        live.step(now, cast("Mapping[Channel | None, PieceCutter]", speech))
        for item in [item for item in ended if item[3].done()]:
            ended.remove(item)
            channel, piece, cut, pending = item
            ended_at = (piece.end - PAD) / SAMPLE_RATE
            outcome.pieces += 1
            if cut - ended_at < SILENCE_S:
                outcome.final.append(clock.now - ended_at)
            outcome.after_cut.append(clock.now - cut)
            outcome.found[channel] = [*outcome.found.get(channel, []), *pending.result()]
        frame += 1
    outcome.changed = live.changed_stable
    for number, channel in enumerate(Channel):
        _first_appearances(call, number, shown[channel], outcome)
        settled, unstable = _settled(shown[channel])
        outcome.settled += settled
        outcome.unstable += unstable
    return outcome


def _errors(outcome: Outcome, call: Trace, decode_window: Decode) -> None:
    for number, channel in enumerate(Channel):
        reference = words_of(true_text(call.truth, number))
        offline = [
            w
            for window in call.offline
            if window.channel is channel
            for w in decode_window(window, 1, True)[0]
        ]
        outcome.words += len(reference)
        outcome.errors += _edits(reference, outcome.found.get(channel, []))
        outcome.offline_errors += _edits(reference, offline)


def _edits(reference: Sequence[str], found: Sequence[Word]) -> int:
    text = " ".join(word.text for word in sorted(found, key=lambda word: word.span.start))
    return edits(reference, words_of(text))


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


def rows(outcomes: Sequence[Outcome], how: str) -> list[Row]:
    """Return the figures of all calls together with their bars."""
    total = _Total(outcomes)
    first, final, late = total.first, total.final, total.after_cut
    points = 100 * (total.errors - total.offline_errors) / total.words
    changed = total.changed / max(1, total.settled)
    section = f"live words, {how}"
    return [
        Row(
            section,
            "first appearance of a word after it was spoken",
            "mean <= 1.0 s, p95 <= 2.0 s",
            f"mean {first.mean():.2f} s, p95 {_p(first, 95):.2f} s ({len(first)} words; "
            f"{total.never_shown} true words never shown)",
            bool(first.mean() <= 1.0 and _p(first, 95) <= 2.0),
            {"mean_s": float(first.mean()), "p95_s": _p(first, 95)},
        ),
        Row(
            section,
            "final words after the end of a turn (0.5 s of silence)",
            "p95 <= 1.8 s",
            f"p50 {_p(final, 50):.2f} s, p95 {_p(final, 95):.2f} s, max {final.max():.2f} s ({len(final)} "
            f"pieces); of all {len(late)} pieces after the cut, by silence or length: "
            f"p95 {_p(late, 95):.2f} s, p99 {_p(late, 99):.2f} s",
            _p(final, 95) <= 1.8,
            {"p50_s": _p(final, 50), "p95_s": _p(final, 95), "max_s": float(final.max())},
        ),
        Row(
            section,
            "word error rate of live final words against offline",
            "<= +1 point",
            f"{percent(total.errors / total.words)} against {percent(total.offline_errors / total.words)}: "
            f"{points:+.2f} points",
            points <= 1.0,
            {"points": points},
        ),
        Row(
            section,
            "recogniser busy",
            "",
            f"{percent(total.busy / total.seconds)} of the time, processor "
            f"{percent(total.cpu / total.seconds)} of one core; {total.looks} looks at open speech or ahead, "
            f"{total.dropped} gave way",
            None,
            {"busy": total.busy / total.seconds, "cpu": total.cpu / total.seconds},
        ),
        Row(
            section,
            "stable words that change",
            "0 before the final words",
            f"{total.unstable} before the final words; {total.changed} of {total.settled} "
            f"({percent(changed)}) are not in the final words",
            total.unstable == 0,
            {"unstable": total.unstable, "changed": changed},
        ),
    ]


class _Total:
    """Figures of several calls together."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.first = np.array([v for o in outcomes for v in o.first])
        self.final = np.array([v for o in outcomes for v in o.final])
        self.after_cut = np.array([v for o in outcomes for v in o.after_cut])
        self.seconds = sum(o.seconds for o in outcomes)
        self.busy = sum(o.busy for o in outcomes)
        self.cpu = sum(o.cpu for o in outcomes)
        self.words = sum(o.words for o in outcomes)
        self.errors = sum(o.errors for o in outcomes)
        self.offline_errors = sum(o.offline_errors for o in outcomes)
        self.never_shown = sum(o.never_shown for o in outcomes)
        self.settled = sum(o.settled for o in outcomes)
        self.changed = sum(o.changed for o in outcomes)
        self.unstable = sum(o.unstable for o in outcomes)
        self.looks = sum(o.looks for o in outcomes)
        self.dropped = sum(o.dropped for o in outcomes)

    def line(self, name: str) -> str:
        """Return everything in one line."""
        return (
            f"{name[:18]:18} first {self.first.mean():.2f}/{_p(self.first, 95):.2f} "
            f"final {_p(self.final, 50):.2f}/{_p(self.final, 95):.2f}/{self.final.max():.2f} "
            f"cut {_p(self.after_cut, 95):.2f}/{_p(self.after_cut, 99):.2f} "
            f"busy {100 * self.busy / self.seconds:.0f} % cpu {100 * self.cpu / self.seconds:.0f} % "
            f"wer {100 * self.errors / self.words:.2f} offline {100 * self.offline_errors / self.words:.2f} "
            f"looks {self.looks}-{self.dropped} settled {self.settled} changed {self.changed} "
            f"unstable {self.unstable} never {self.never_shown}"
        )


def line(outcomes: Sequence[Outcome], name: str) -> str:
    """Return the figures of some calls in one line, for tuning."""
    return _Total(outcomes).line(name)


def _p(values: NDArray[np.float64], percentile: float) -> float:
    return float(np.percentile(values, percentile))


def run(lab: Lab, *, real: bool = False) -> list[Row]:
    """Measure the development calls, on the virtual clock or in real time."""
    calls = [*lab.calls(), *lab.samples()]
    transcriber = WhisperTranscriber(lab.model_folder, cpu_threads=1)

    def decode_window(window: SpeechWindow, beam_size: int, second: bool) -> tuple[tuple[Word, ...], float]:
        before = time.process_time()
        words = transcriber.transcribe(window, beam_size=beam_size, second_look=second)
        return words, time.process_time() - before

    outcomes = []
    recogniser = LiveRecogniser.of_model(MODEL, store=ModelStore()) if real else None
    try:
        if recogniser is not None:
            recogniser.start()
        for path in calls:
            say(f"live words: {path.stem}")
            call = trace(path)
            if recogniser is not None:
                outcomes.append(play_live(call, recogniser, decode_window))
            else:
                outcomes.append(play(call, decode_window))
            say(line(outcomes[-1:], path.stem))
    finally:
        if recogniser is not None:
            recogniser.close()
    return rows(outcomes, "real time" if real else "virtual clock")


class _Chosen(Lab):
    """Measures the calls of the command line alone."""

    def __init__(self, folder: Path, chosen: Sequence[Path]) -> None:
        super().__init__(folder)
        self._chosen = chosen

    def calls(self) -> list[Path]:
        return list(self._chosen)

    def samples(self) -> list[Path]:
        return []


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.live_words")
    parser.add_argument("calls", nargs="*", type=Path)
    parser.add_argument("--real", action="store_true", help="at 1x, with the recogniser's own process")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lab = _Chosen(Path(folder), options.calls) if options.calls else Lab(Path(folder))
        show(run(lab, real=options.real), details=False)


if __name__ == "__main__":
    main()
