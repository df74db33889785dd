"""A plain window packer for measurements: text mask from Silero, neighbouring speech joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from callcoach.clock import FRAME_LENGTH, SAMPLE_RATE, Samples, Span, from_ms
from callcoach.events import Channel
from callcoach.ports import Audio, SpeechWindow
from callcoach.speech.silero import StreamingSilero


@dataclass(frozen=True, slots=True)
class Packing:
    """How speech is cut and joined; lengths in ms unless said otherwise."""

    pad: int = 200
    """Kept on each side of a piece."""
    joint: int = 300
    """Longest pause between two pieces of a window."""
    real_joints: bool = True
    """Pauses hold the sound that was there; False for digital silence."""
    max_window: int = 15_000
    max_gap: int = 60_000
    """Pieces further apart begin a new window."""
    min_speech: int = 250
    min_silence: int = 500
    open_at: float = 0.5
    close_at: float = 0.35


def probabilities(audio: Audio) -> list[float]:
    """Return the speech probability of every full frame of one channel at 16 kHz."""
    detector = StreamingSilero()
    return [
        detector(audio[at : at + FRAME_LENGTH])
        for at in range(0, len(audio) - FRAME_LENGTH + 1, FRAME_LENGTH)
    ]


def mask(speech: Sequence[float], length: int, packing: Packing) -> list[Span]:
    """Return the speech pieces, padded, in order and apart from each other."""
    raw: list[tuple[int, int]] = []
    begin: int | None = None
    quiet: int | None = None
    hold = from_ms(packing.min_silence)
    for index, value in enumerate(speech):
        at = index * FRAME_LENGTH
        if begin is None:
            if value >= packing.open_at:
                begin, quiet = at, None
        elif value >= packing.close_at:
            quiet = None
        else:
            quiet = at if quiet is None else quiet
            if at + FRAME_LENGTH - quiet >= hold:
                raw.append((begin, quiet))
                begin = None
    if begin is not None:
        raw.append((begin, quiet if quiet is not None else len(speech) * FRAME_LENGTH))
    pad = from_ms(packing.pad)
    longest = from_ms(packing.max_window) - 2 * pad
    spans: list[Span] = []
    for low, high in raw:
        if high - low < from_ms(packing.min_speech):
            continue
        for a, b in _split(low, high, longest, speech):
            start = max(0, a - pad if a == low else a)
            end = min(length, b + pad if b == high else b)
            if spans and start < spans[-1].end:
                middle = Samples((start + spans[-1].end) // 2)
                spans[-1] = Span(spans[-1].start, middle)
                start = middle
            spans.append(Span(Samples(start), Samples(end)))
    return spans


def _split(low: int, high: int, longest: int, speech: Sequence[float]) -> list[tuple[int, int]]:
    """Cut a piece that is too long where speech is least likely, in the second half of its room."""
    cuts = [low]
    while high - cuts[-1] > longest:
        first = (cuts[-1] + longest // 2) // FRAME_LENGTH
        last = (cuts[-1] + longest) // FRAME_LENGTH
        cuts.append(min(range(first, last), key=lambda i: speech[i]) * FRAME_LENGTH + FRAME_LENGTH // 2)
    return list(zip(cuts, [*cuts[1:], high], strict=True))


def pack(audio: Audio, pieces: Sequence[Span], packing: Packing, channel: Channel) -> list[SpeechWindow]:
    """Join neighbouring pieces of a channel to windows of at most ``max_window``."""
    windows: list[SpeechWindow] = []
    group: list[Span] = []
    size = 0
    for piece in pieces:
        gap = piece.start - group[-1].end if group else 0
        more = min(gap, from_ms(packing.joint)) + piece.length
        if group and (size + more > from_ms(packing.max_window) or gap > from_ms(packing.max_gap)):
            windows.append(_join(audio, group, packing, channel))
            group, size, more = [], 0, piece.length
        group.append(piece)
        size += more
    if group:
        windows.append(_join(audio, group, packing, channel))
    return windows


def _join(audio: Audio, pieces: Sequence[Span], packing: Packing, channel: Channel) -> SpeechWindow:
    parts: list[Audio] = []
    offsets: list[int] = []
    at = 0
    for index, piece in enumerate(pieces):
        if index:
            before = pieces[index - 1].end
            pause = min(piece.start - before, from_ms(packing.joint))
            half = pause // 2
            sound = np.concatenate(
                [audio[before : before + half], audio[piece.start - (pause - half) : piece.start]]
            )
            parts.append(sound if packing.real_joints else np.zeros_like(sound))
            at += pause
        offsets.append(at)
        parts.append(audio[piece.start : piece.end])
        at += piece.length
    return SpeechWindow(channel, np.concatenate(parts), tuple(pieces), tuple(offsets))


def windows_of(audio: Audio, packing: Packing, channel: Channel = Channel.AGENT) -> list[SpeechWindow]:
    """Return the windows of one channel at 16 kHz."""
    return pack(audio, mask(probabilities(audio), len(audio), packing), packing, channel)


def seconds(windows: Sequence[SpeechWindow]) -> float:
    """Return the sound in the windows, in seconds."""
    return sum(len(window.audio) for window in windows) / SAMPLE_RATE
