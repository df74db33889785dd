"""Cuts the windows of a recording ahead of the analysis, so that words are ready when they are due.

Words are due about a second of the call after their piece of speech has ended, as in a live call. A
recording is listened to twice: first by the text mask alone, some time ahead, which joins neighbouring pieces
to windows (better words, less work) and hands them to the recogniser; then by the analysis, which finds the
words of its pieces in work. The second pass takes the detector's values of the first. A piece that was not
foreseen is handed over alone when it is cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from callcoach.clock import FRAME_LENGTH, Span, to_samples
from callcoach.config import Settings
from callcoach.core.activity import SpeechActivity
from callcoach.core.bleed import BleedGate
from callcoach.core.level import hop_levels
from callcoach.core.reframe import Reframer
from callcoach.core.track import OFFSET_FOLLOW
from callcoach.core.utterances import Party
from callcoach.core.windows import WindowPacker
from callcoach.events import Channel, Word
from callcoach.ports import Audio, Pending, SpeechDetector, SpeechWindow

SPARE_S: Final = 5.0
"""Seconds by which the first pass is further ahead than a window may take.

A window is cut at latest ``patience_s`` and one piece after its first piece began, so every piece lies in a
cut window when the analysis asks for it.
"""

_Key = tuple[Channel | None, Span]


@dataclass(frozen=True, slots=True)
class _Part:
    """The words of one piece out of those of its window."""

    whole: Pending
    piece: Span

    def done(self) -> bool:
        return self.whole.done()

    def result(self) -> tuple[Word, ...]:
        inside = (self.piece.start, self.piece.end)
        return tuple(w for w in self.whole.result() if inside[0] <= w.span.start and w.span.end <= inside[1])


class LookAhead:
    """First pass over a recording; not for live calls.

    Parameters
    ----------
    settings : Settings
    rate : int
        Hz of the blocks.
    channels : {1, 2}
    detector : callable returning a SpeechDetector
        Called once per channel.
    submit : callable taking a SpeechWindow and returning a Pending
        Hands a window to the recogniser.
    ahead_s : float or None
        Seconds of the call, at least 0; None for as long as a window may take.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        rate: int,
        channels: int,
        detector: Callable[[], SpeechDetector],
        submit: Callable[[SpeechWindow], Pending],
        ahead_s: float | None = None,
    ) -> None:
        keys: list[Channel | None] = list(Channel) if channels == 2 else [None]
        self.foreseen = 0
        """Pieces that the analysis asked for and that were in work already."""
        self._reframer = Reframer(rate, channels)
        text = settings.text
        self._ahead = round(
            (text.patience_s + text.window_s + SPARE_S if ahead_s is None else ahead_s) * rate
        )
        self._submit = submit
        self._ears = [_Ear(settings, key, detector()) for key in keys]
        self._bleed = BleedGate(settings.bleed)
        self._now = 0
        self._unheard = iter(self._ears)
        self._early: dict[_Key, tuple[Audio, Pending]] = {}

    def blocks(self, source: Iterable[Audio]) -> Iterator[Audio]:
        """Yield the blocks of a source unchanged and in order, each after the first pass has gone ahead."""
        held: deque[Audio] = deque()
        length = 0
        for block in source:
            for frame in self._reframer.push(block):
                self._frame(frame)
            held.append(block)
            length += len(block)
            while held and length - len(held[0]) >= self._ahead:
                length -= len(held[0])
                yield held.popleft()
        self._finish()
        yield from held

    def detector(self) -> SpeechDetector:
        """Return a detector that repeats what the first pass heard; once per channel, in their order."""
        return next(self._unheard).recall

    def submit(self, window: SpeechWindow) -> Pending:
        """Return the words of a piece, in work since the first pass if that cut the same one."""
        (piece,) = window.pieces
        audio, words = self._early.pop((window.channel, piece), (None, None))
        if audio is None or words is None or not np.array_equal(audio, window.audio):
            return self._submit(window)
        self.foreseen += 1
        return words

    def _frame(self, frame: Audio) -> None:
        start = self._now
        self._now = now = start + FRAME_LENGTH
        if len(self._ears) == 1:
            (ear,) = self._ears
            ear.hear(frame[:, 0])
            ear.decide(start, now, allowed=True)
        else:
            agent, caller = self._ears
            agent_levels, caller_levels = agent.hear(frame[:, 0]), caller.hear(frame[:, 1])
            caller.decide(start, now, allowed=True)
            allowed = self._bleed.step(
                start,
                agent_levels,
                caller_levels,
                agent_active=agent.activity.speaking,
                caller_active=caller.activity.speaking,
            )
            agent.decide(start, now, allowed=allowed)
            if self._bleed.echo_since is not None:
                agent.party.withdraw(self._bleed.echo_since)
                agent.activity.drop_open()
                self._bleed.echo_since = None
        for ear in self._ears:
            self._hand_over(ear.windows(now))

    def _finish(self) -> None:
        for frame in self._reframer.finish():
            self._frame(frame)
        for ear in self._ears:
            self._hand_over(ear.finish(self._now, self._reframer.samples))

    def _hand_over(self, windows: list[SpeechWindow]) -> None:
        for window in windows:
            words = self._submit(window)
            for piece, offset in zip(window.pieces, window.offsets, strict=True):
                audio = window.audio[offset : offset + piece.length]
                self._early[window.channel, piece] = (audio, _Part(words, piece))


class _Ear:
    """One channel as far as the text mask needs it: the same steps as `callcoach.core.track.ChannelTrack`."""

    def __init__(self, settings: Settings, channel: Channel | None, detector: SpeechDetector) -> None:
        self.activity = SpeechActivity(settings.activity)
        self.party = Party(to_samples(settings.floor.chain_gap_s), self.activity.delay)
        self._packer = WindowPacker(settings.text, channel, self.party)
        self._detector = detector
        self._heard: deque[float] = deque()
        self._offset = 0.0
        self._frame: Audio = np.zeros(0, np.float32)
        self._probability = 0.0
        self._levels = (0.0, 0.0)

    def recall(self, frame: Audio) -> float:
        """Return the probability of the oldest frame that was not asked for yet."""
        return self._heard.popleft() if self._heard else self._detector(frame)

    def hear(self, samples: Audio) -> tuple[float, float]:
        self._offset += OFFSET_FOLLOW * (float(samples.sum(dtype=np.float64)) / len(samples) - self._offset)
        self._frame = samples - np.float32(self._offset)
        self._probability = self._detector(self._frame)
        self._heard.append(self._probability)
        self._levels = hop_levels(self._frame)
        return self._levels

    def decide(self, start: int, now: int, *, allowed: bool) -> None:
        self.activity.step(start, self._probability, self._levels, allowed)
        self.party.update(self.activity.ipus, self.activity.speaking, now)

    def windows(self, now: int) -> list[SpeechWindow]:
        return self._packer.step(self._frame, self._probability, now)

    def finish(self, now: int, length: int) -> list[SpeechWindow]:
        self.activity.finish(now)
        for ipu in self.activity.ipus[-2:]:
            ipu.end = min(ipu.end, length)
            ipu.dropped = ipu.dropped or ipu.end <= ipu.start
        self.party.update(self.activity.ipus, False, now)
        self.party.finish()
        return self._packer.finish(now)
