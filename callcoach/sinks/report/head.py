"""The head of the page: what was analysed and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from callcoach.contract import CallDocument
from callcoach.sinks.report.wording import figure, seconds

BLEED_LIMIT: Final = 0.2
"""S-BLEED: above a share of 20 % interruptions of the agent are uncertain."""
CLIP_LIMIT_PCT: Final = 1.0
"""S-CLIP, V08."""
WORDS_LIMIT: Final = 0.5
"""Mean word probability below which the words are called uncertain; [D]."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A short fact with an icon."""

    icon: str
    text: str


def started(document: CallDocument) -> str:
    """Return the day and time of the call; empty when unknown."""
    when = document.call.started_at
    return "" if when is None else when.strftime("%Y-%m-%d %H:%M")


def chips(document: CallDocument, *, has_audio: bool) -> tuple[Chip, ...]:
    """Return the facts about the recording beside the title."""
    call, quality = document.call, document.quality
    found = [
        {
            "dual": Chip("headset", "own channel each"),
            "mono": Chip("headset", "one channel, sides not told apart"),
            "transcript": Chip("quote", "transcript, no sound"),
        }[call.channel_mode]
    ]
    if quality.bleed_share is not None:
        found.append(Chip("activity", f"bleed {figure(100 * quality.bleed_share, '%')}"))
    if call.channel_mode != "transcript" and document.verdict.status != "rejected":
        if call.model is None:
            found.append(Chip("quote", "without words"))
        elif quality.mean_word_probability is not None:
            sure = figure(100 * quality.mean_word_probability, "%")
            found.append(Chip("quote", f"words by {call.model.id}, {sure} sure"))
        if not has_audio:
            found.append(Chip("info", "page without sound"))
    return tuple(found)


def notices(document: CallDocument) -> tuple[str, ...]:
    """Return what limits the figures of this call, as sentences with a next step."""
    quality, status = document.quality, document.verdict.status
    found = list(document.verdict.reasons)
    if status == "salvaged" and quality.lost_audio_ms:
        found.append(f"{seconds(quality.lost_audio_ms)} of sound are missing; figures leave them out.")
    if document.call.channel_mode == "mono":
        found.append(
            "Both sides share one channel: record each side on its own to see turns and interruptions."
        )
    if quality.bleed_share is not None and quality.bleed_share > BLEED_LIMIT:
        share = figure(100 * quality.bleed_share, "%")
        found.append(f"Caller in your microphone: {share}. Your interruptions are uncertain; use a headset.")
    if quality.clipping_pct is not None and quality.clipping_pct > CLIP_LIMIT_PCT:
        found.append(f"Microphone too hot: {figure(quality.clipping_pct, '%', 1)} clipped. Turn it down.")
    if quality.missed_text_jobs:
        found.append(f"{quality.missed_text_jobs} stretches have no words: the recogniser missed them.")
    if quality.mean_word_probability is not None and quality.mean_word_probability < WORDS_LIMIT:
        found.append("The words are uncertain; figures from words are too.")
    return tuple(found)
