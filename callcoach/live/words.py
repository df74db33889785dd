"""Live words of a call: final windows as they are cut, interim text, and less of both under load."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from callcoach.clock import to_samples
from callcoach.config import TextSettings
from callcoach.core.windows import PieceCutter
from callcoach.events import Channel, Word
from callcoach.live.context import Before
from callcoach.live.interim import InterimRecord, InterimText
from callcoach.live.jobs import Job
from callcoach.live.recogniser import FINAL_BEAM, LiveRecogniser
from callcoach.live.schedule import InterimSchedule, Wish
from callcoach.ports import Pending, SpeechWindow

NO_INTERIM = 1
"""Level of the overload ladder from which on growing speech is not looked at (OVL-1)."""
NOTHING_AHEAD = 2
"""Level from which on final windows are not tried ahead of time."""


@dataclass(slots=True)
class _Side:
    texts: dict[int, InterimText] = field(default_factory=dict)
    """Utterances without final words, by the start of their piece."""
    looks: deque[tuple[Job, int, int, int]] = field(default_factory=deque)
    """Interim windows in work: job, start of the piece, begin and end of the window."""
    ahead: tuple[SpeechWindow, Job] | None = None
    finals: deque[tuple[Job, int, int]] = field(default_factory=deque)
    """Final windows in work: job, start and end of the piece."""
    before: Before = field(default_factory=Before)


class _Unless:
    """Words of a job, or none once the agent has taken that stretch back."""

    def __init__(
        self, job: Job, window: SpeechWindow, taken: Callable[[Channel | None, int, int], bool]
    ) -> None:
        self._job, self._channel, self._taken = job, window.channel, taken

    def done(self) -> bool:
        return self._job.done()

    def result(self) -> tuple[Word, ...]:
        words = self._job.result()
        return tuple(w for w in words if not self._taken(self._channel, w.span.start, w.span.end))


class LiveWords:
    """Stands between the analyzer, the recogniser and the display.

    Parameters
    ----------
    recogniser : LiveRecogniser
    settings : text settings of the call.
    allowed : tells of a party and the start of its speech whether it may be transcribed.
    show : takes every change of the text of an utterance.
    wall : seconds since the capture began.
    """

    def __init__(
        self,
        recogniser: LiveRecogniser,
        settings: TextSettings,
        *,
        allowed: Callable[[Channel | None, int], bool],
        show: Callable[[InterimRecord], None],
        wall: Callable[[], float],
    ) -> None:
        self._recogniser = recogniser
        self._pad = to_samples(settings.pad_s)
        self._allowed = allowed
        self._show = show
        self._wall = wall
        self._schedule = InterimSchedule()
        self._sides: dict[Channel | None, _Side] = {}
        self._taken_back: list[tuple[Channel | None, int, int]] = []
        self.level = 0
        """Of the overload ladder."""
        self.changed_stable = 0
        """Stable words that the final words changed after all."""

    def submit(self, window: SpeechWindow) -> Pending | None:
        """Take a piece of speech that has ended; None when it may not be transcribed."""
        (piece,) = window.pieces
        if not self._allowed(window.channel, piece.start):
            return None
        side = self._sides.setdefault(window.channel, _Side())
        job: Job | None = None
        if side.ahead is not None:
            early, candidate = side.ahead
            same = early.pieces == window.pieces and np.array_equal(early.audio, window.audio)
            if same and self._recogniser.keep(candidate):
                job = candidate
            side.ahead = None
        if job is None:
            job = self._recogniser.submit(
                window, final=True, before=self._in_front(side, window), beam_size=self._beam
            )
        side.before.add(window)
        side.finals.append((job, piece.start, piece.end))
        return _Unless(job, window, self._is_taken_back)

    def step(self, now: int, cutters: Mapping[Channel | None, PieceCutter]) -> None:
        """Look for finished words and for growing speech at ``now``."""
        for channel, side in self._sides.items():
            self._collect(channel, side)
        if self.level >= NOTHING_AHEAD:
            return
        for channel, cutter in cutters.items():
            span = cutter.open_span(now)
            if span is None or not self._allowed(channel, span.start):
                continue
            side = self._sides.setdefault(channel, _Side())
            text = side.texts.get(span.start)
            wish = self._schedule.step(
                now,
                channel,
                cutter,
                pad=self._pad,
                begin=None if text is None else text.begin_next,
                interim=self.level < NO_INTERIM and not self._recogniser.finals_waiting,
                ahead=True,
            )
            if wish is not None:
                self._ask(side, wish)

    def take_back(self, start: int, end: int, channels: Collection[Channel] = tuple(Channel)) -> None:
        """Words of these parties in this stretch are not wanted any more."""
        for channel in channels:
            self._taken_back.append((channel, start, end))
            side = self._sides.setdefault(channel, _Side())
            side.looks = deque(look for look in side.looks if look[3] <= start)
            side.texts = {at: text for at, text in side.texts.items() if text.end <= start}
            side.before.clear()

    def _is_taken_back(self, channel: Channel | None, start: int, end: int) -> bool:
        return any(c is channel and start < e and s < end for c, s, e in self._taken_back)

    @property
    def _beam(self) -> int:
        return FINAL_BEAM if self.level < NOTHING_AHEAD else 1

    def _in_front(self, side: _Side, window: SpeechWindow) -> Sequence[SpeechWindow]:
        """Return what is put in front of a final window for better words; nothing when time is short."""
        return side.before.of(window) if self.level < NOTHING_AHEAD else ()

    def _ask(self, side: _Side, wish: Wish) -> None:
        side.texts.setdefault(wish.start, InterimText(wish.start))
        before = self._in_front(side, wish.window) if wish.ahead else ()
        job = self._recogniser.submit(
            wish.window,
            final=False,
            before=before,
            beam_size=self._beam if wish.ahead else 1,
            lasting=wish.ahead,
        )
        (piece,) = wish.window.pieces
        side.looks.append((job, wish.start, piece.start, piece.end))
        if wish.ahead:
            side.ahead = (wish.window, job)

    def _collect(self, channel: Channel | None, side: _Side) -> None:
        for look in [look for look in side.looks if look[0].done()]:
            side.looks.remove(look)
            job, start, begin, end = look
            text = side.texts.get(start)
            if text is not None and not job.dropped and text.hear(job.result(), begin, end):
                self._show(text.record(channel, self._wall()))
        while side.finals and side.finals[0][0].done():
            job, start, end = side.finals.popleft()
            text = side.texts.pop(start, None)
            if self._is_taken_back(channel, start, end):
                continue
            text = text or InterimText(start)  # type: ignore[arg-type]
            self.changed_stable += text.finish(job.result(), end)
            self._show(text.record(channel, self._wall()))
