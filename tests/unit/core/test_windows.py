"""Windows for the recogniser: nothing of the speech is lost or heard twice."""

from __future__ import annotations

import numpy as np
import pytest

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE, to_samples, to_seconds
from callcoach.config import TextSettings
from callcoach.core.activity import Ipu
from callcoach.core.utterances import Party
from callcoach.core.windows import WindowPacker
from callcoach.events import Channel
from callcoach.ports import Audio, SpeechWindow

Runs = list[tuple[float, float]]

WINDOWS = TextSettings(settle_s=2.0, settle_speech_s=3.0, patience_s=15.0)
"""Named here, so that the defaults may be tuned."""


class Line:
    """One channel whose sound is a ramp, so that every sample tells its own position (exact up to 2**24)."""

    def __init__(
        self, runs: Runs, length: float, *, sound: Audio | None = None, probability: float = 0.95
    ) -> None:
        self.runs = [(to_samples(a), to_samples(b)) for a, b in runs]
        frames = -(-to_samples(length) // FRAME_LENGTH)
        self.sound = np.arange(frames * FRAME_LENGTH, dtype=np.float32) if sound is None else sound
        self.party = Party(to_samples(0.5), FRAME_LENGTH)
        self.packer = WindowPacker(WINDOWS, Channel.CALLER, self.party)
        self.cut_at: list[int] = []
        self.pending: list[int | None] = []
        self.windows = self._run(frames, probability)

    def _run(self, frames: int, probability: float) -> list[SpeechWindow]:
        known: list[Ipu] = []
        windows: list[SpeechWindow] = []
        now = 0
        for i in range(frames):
            now = (i + 1) * FRAME_LENGTH
            while len(known) < len(self.runs) and self.runs[len(known)][0] < now:
                known.append(Ipu(self.runs[len(known)][0], self.runs[len(known)][0], now))
            for ipu, (_, end) in zip(known, self.runs, strict=False):
                ipu.end, ipu.closed = min(end, now), end <= now
            speaking = bool(known) and not known[-1].closed
            self.party.update(known, speaking, now)
            frame = self.sound[i * FRAME_LENGTH : now]
            middle = now - FRAME_LENGTH // 2
            inside = any(a - FRAME_LENGTH <= middle < b + FRAME_LENGTH for a, b in self.runs)
            cut = self.packer.step(frame, probability if inside else 0.01, now)
            self.cut_at += [now] * len(cut)
            self.pending.append(self.packer.pending_from)
            windows += cut
        self.party.finish()
        last = self.packer.finish(now)
        self.cut_at += [now] * len(last)
        return windows + last

    @property
    def pieces(self) -> list[tuple[float, float]]:
        return [(to_seconds(p.start), to_seconds(p.end)) for w in self.windows for p in w.pieces]


def check(line: Line) -> None:
    """What holds for every window."""
    heard: list[np.ndarray] = []
    for window in line.windows:
        assert window.channel is Channel.CALLER
        assert window.audio.dtype == np.float32
        assert len(window.audio) <= 15 * SAMPLE_RATE
        covered = np.zeros(len(window.audio), bool)
        for piece, offset in zip(window.pieces, window.offsets, strict=True):
            part = window.audio[offset : offset + piece.length]
            assert np.array_equal(part, line.sound[piece.start : piece.end])
            covered[offset : offset + piece.length] = True
            heard.append(np.arange(piece.start, piece.end))
        assert not window.audio[~covered].any()  # silence between pieces
    positions = np.concatenate(heard) if heard else np.zeros(0, int)
    assert np.array_equal(positions, np.unique(positions)), "a sample is heard twice, or out of order"
    assert lost(line) == []


def lost(line: Line) -> list[tuple[int, int]]:
    """Runs of which a part lies in no piece."""
    held = np.zeros(len(line.sound), bool)
    for window in line.windows:
        for piece in window.pieces:
            held[piece.start : piece.end] = True
    return [(a, b) for a, b in line.runs if not held[a:b].all()]


@pytest.mark.parametrize(
    "runs",
    [
        [(1.0, 2.0)],
        [(0.0, 1.0)],
        [(1.0, 2.0), (2.6, 3.0), (4.0, 9.0), (11.5, 12.0), (13.0, 20.0)],
        [(t, t + 0.4) for t in np.arange(1, 60, 1.3).tolist()],
        [(t, t + 4.6) for t in range(1, 50, 5)],
    ],
)
def test_no_speech_is_lost_or_heard_twice(runs: Runs) -> None:
    line = Line(runs, runs[-1][1] + 1.0)
    check(line)
    assert line.packer.pending_from is None


@pytest.mark.parametrize("runs", [[(1.0, 14.0), (14.3, 29.0), (29.6, 40.0)], [(0.5, 60.0)]])
def test_of_overlong_speech_nothing_is_lost(runs: Runs) -> None:
    line = Line(runs, runs[-1][1] + 1.0)
    assert lost(line) == []
    assert all(len(w.audio) <= 15 * SAMPLE_RATE for w in line.windows)


def test_a_piece_has_0_2_s_around_it() -> None:
    assert Line([(1.0, 2.0)], 6).pieces == [(0.8, 2.2)]


def test_the_pad_stays_inside_the_recording() -> None:
    assert Line([(0.0, 1.0)], 1.0).pieces[0][0] == 0.0
    assert Line([(0.1, 1.0)], 1.024).pieces == [(0.0, 1.024)]


def test_a_pause_of_half_a_second_separates_pieces_of_one_window() -> None:
    line = Line([(1.0, 2.0), (2.45, 3.0), (3.6, 5.0)], 12)
    assert line.pieces == [(0.8, 3.2), (3.4, 5.2)]
    assert len(line.windows) == 1
    assert line.windows[0].offsets == (0, to_samples(2.4 + 0.3))


def test_short_fragments_share_a_window() -> None:
    line = Line([(t, t + 0.3) for t in (1.0, 3.0, 5.0, 7.0, 9.0)], 30)
    assert [len(w.pieces) for w in line.windows] == [5]


def test_2_s_of_silence_cut_a_window_that_holds_3_s_of_speech() -> None:
    line = Line([(1.0, 5.0), (20.0, 21.0)], 40)
    assert [len(w.pieces) for w in line.windows] == [1, 1]
    assert to_seconds(line.cut_at[0]) == pytest.approx(5.2 + 2.0, abs=0.04)


def test_a_short_one_waits_15_s_for_neighbours() -> None:
    line = Line([(1.0, 1.6)], 40)
    assert to_seconds(line.cut_at[0]) == pytest.approx(0.8 + 15.0, abs=0.04)


def test_speech_under_a_quarter_of_a_second_is_not_sent() -> None:
    assert Line([(1.0, 1.24)], 30).windows == []
    assert len(Line([(1.0, 1.26)], 30).windows) == 1


def test_what_the_detector_never_believed_is_not_sent() -> None:
    assert Line([(1.0, 4.0)], 20, probability=0.29).windows == []
    assert len(Line([(1.0, 4.0)], 20, probability=0.31).windows) == 1


def test_an_overlong_run_is_cut_at_its_quietest_frame() -> None:
    sound = np.ones(to_samples(32) // FRAME_LENGTH * FRAME_LENGTH, np.float32)
    quiet = to_samples(13.1) // FRAME_LENGTH
    sound[quiet * FRAME_LENGTH : (quiet + 1) * FRAME_LENGTH] = 0.01
    line = Line([(0.0, 20.0)], 31, sound=sound)
    first = line.windows[0].pieces[0]
    assert first.start == 0
    assert first.end - to_samples(0.2) == quiet * FRAME_LENGTH


def test_pending_from_is_the_start_of_the_first_speech_without_a_window() -> None:
    line = Line([(1.0, 2.0), (5.0, 6.0)], 30)
    at = [None if p is None else to_seconds(p) for p in line.pending]

    def pending(second: float) -> float | None:
        return at[to_samples(second) // FRAME_LENGTH]

    assert pending(0.5) is None
    assert pending(1.5) == 1.0
    assert pending(4.0) == 0.8  # a piece now, with its pad
    assert pending(6.5) == 0.8
    assert pending(20.0) is None


def test_nothing_is_pending_of_speech_that_was_not_worth_a_window() -> None:
    line = Line([(1.0, 1.2)], 10)
    assert line.pending[-1] is None


def test_an_hour_keeps_little_audio() -> None:
    line = Line([(t, t + 3.0) for t in range(0, 600, 6)], 600, sound=np.zeros(to_samples(600.5), np.float32))
    assert len(line.packer._cutter._frames) * FRAME_LENGTH < 60 * SAMPLE_RATE
    assert sum(len(w.pieces) for w in line.windows) == 100


def test_silence_gives_no_windows() -> None:
    line = Line([], 60)
    assert line.windows == []
    assert line.pending[-1] is None
