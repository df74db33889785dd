"""Voice metrics V01 to V16 of a finished call (section 3): the agent's, except pace and clipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Final

from callcoach.clock import SAMPLE_RATE, to_seconds
from callcoach.config import Settings
from callcoach.contract import delivery_metrics as v
from callcoach.core.call_facts import Voices
from callcoach.core.delivery.word_pace import BAND_WPM, pace_windows, words_per_minute
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party
from callcoach.events import Channel, VoiceClosed, VoiceKind

_LEAST_RATE_S: Final = 4.0
"""Speech without which a syllable rate says nothing; one window of V02."""
_LEAST_FILLED_S: Final = 20.0
"""Speech without which filled pauses per minute say nothing; [D]."""
_CLIPPED: Final = ("V06", "V07", "V09", "V10", "V11", "V12", "V16")
"""What a clipped microphone makes unusable (V08)."""
_NO_USUAL = "too little speech of the agent to know the usual"


def delivery_metrics(
    voices: Voices,
    parties: Mapping[Channel | None, Party],
    transcript: Transcript,
    settings: Settings,
    length: int,
) -> tuple[dict[str, object], dict[str, str]]:
    """Compute what a recording with one party per channel allows.

    The agent's delivery is needed; the caller's may be missing.

    Returns
    -------
    Values by key, and the reason of every key that has none.
    """
    agent, caller = voices.states[Channel.AGENT], voices.states.get(Channel.CALLER)
    tally, meter, ratios = agent.tally, agent.meter, voices.ratios
    values: dict[str, object] = {}
    why: dict[str, str] = {"V04": "strong words of the caller are not looked for yet"}

    def put(key: str, value: object | None, reason: str) -> None:
        if value is None:
            why[key] = reason
        else:
            values[key] = value

    put("V01", *words_a_minute(parties, transcript, settings))
    enough = tally.speech_s >= _LEAST_RATE_S
    put(
        "V02",
        v.SyllableRate(agent_per_s=round(tally.nuclei / tally.speech_s, 3)) if enough else None,
        "too little speech of the agent",
    )
    usual = meter.usual_wpm
    put(
        "V03",
        None
        if usual is None or not tally.pace_s
        else v.PaceState(
            usual_wpm=round(usual, 1),
            fast_pct=_pct(tally.fast_s, tally.pace_s),
            very_fast_pct=_pct(tally.very_fast_s, tally.pace_s),
            slow_pct=_pct(tally.slow_s, tally.pace_s),
        ),
        _NO_USUAL,
    )
    band = settings.c16
    put(
        "V05",
        v.PaceMatch(
            median_ratio=round(float(median(ratios)), 3),
            outside_pct=_pct(sum(not band.low_ratio <= r <= band.high_ratio for r in ratios), len(ratios)),
            n=len(ratios),
        )
        if ratios
        else None,
        voices.no_ratios or f"one side speaks for less than {settings.delivery.least_match_s:.0f} s",
    )
    per_10min = 600 * SAMPLE_RATE / length if length else 0.0
    closed = [e for e in agent.told if isinstance(e, VoiceClosed)]
    spikes = _strongest(closed, "level_spike", "rise_db")
    base = meter.usual_level.median
    put(
        "V06",
        None
        if base is None
        else v.Level(
            usual_dbfs=round(base, 2),
            spikes=len(spikes),
            per_10min=round(len(spikes) * per_10min, 3),
            strongest_db=max(spikes, default=None),
            quiet=sum(e.kind == "quiet" for e in closed),
        ),
        _NO_USUAL,
    )
    index = tally.level_index
    put(
        "V07",
        None if index is None else v.LevelIndex(median_index=round(index, 1)),
        "too little speech of the agent",
    )
    put(
        "V08",
        v.Clipping(
            agent_pct=round(tally.clipped_pct, 4),
            caller_pct=None if caller is None else round(caller.tally.clipped_pct, 4),
        )
        if length
        else None,
        "the recording is empty",
    )
    rises = _strongest(closed, "pitch_spike", "rise_st")
    base = meter.usual_pitch.median
    put(
        "V09",
        None
        if base is None
        else v.Pitch(
            usual_hz=round(100 * 2 ** (base / 12), 1),
            spikes=len(rises),
            per_10min=round(len(rises) * per_10min, 3),
            strongest_st=max(rises, default=None),
        ),
        _NO_USUAL,
    )
    variation = tally.variation_st
    put(
        "V10",
        None
        if variation is None
        else v.PitchVariation(median_st=round(variation, 2), flat_pct=_pct(tally.flat_s, tally.varied_s)),
        "too little voiced speech of the agent",
    )
    known = meter.usual_level.median is not None and meter.usual_pitch.median is not None
    low = [to_seconds(e.span.length) for e in closed if e.kind == "quiet_and_flat"]
    put("V11", v.QuietAndFlat(openings=len(low), total_s=round(sum(low), 3)) if known else None, _NO_USUAL)
    raised = [to_seconds(e.span.length) for e in closed if e.kind == "raised_delivery"]
    put(
        "V12",
        v.RaisedDelivery(
            openings=len(raised),
            per_10min=round(len(raised) * per_10min, 3),
            total_s=round(sum(raised), 3),
        )
        if known
        else None,
        _NO_USUAL,
    )
    put(
        "V14",
        v.FilledPauses(count=tally.filled, per_min=round(60 * tally.filled / tally.speech_s, 3))
        if tally.speech_s >= _LEAST_FILLED_S
        else None,
        "too little speech of the agent",
    )
    put(
        "V16",
        v.RecoveryTime(median_s=round(median(raised), 3), longest_s=round(max(raised), 3), n=len(raised))
        if raised
        else None,
        "delivery was never raised" if known else _NO_USUAL,
    )
    if tally.clipped_pct > settings.delivery.clip_pct:
        for key in _CLIPPED:
            values.pop(key, None)
            why[key] = f"{tally.clipped_pct:.1f} % of the agent's samples are clipped"
    return values, why


def words_a_minute(
    parties: Mapping[Channel | None, Party], transcript: Transcript, settings: Settings
) -> tuple[v.WordsPerMinute | None, str]:
    """Return V01, which needs no audio, and why it is null if it is."""
    reason = "too few words of the agent" if transcript.enabled else "no words were asked for"
    return _wpm(parties, transcript, settings), reason


def _wpm(
    parties: Mapping[Channel | None, Party], transcript: Transcript, settings: Settings
) -> v.WordsPerMinute | None:
    pause = settings.delivery.longest_pause_s
    runs = {c: [(i.start, i.end) for i in parties[c].ipus] for c in Channel}
    agent = words_per_minute(transcript.all(Channel.AGENT), runs[Channel.AGENT], pause)
    if agent is None:
        return None
    caller = words_per_minute(transcript.all(Channel.CALLER), runs[Channel.CALLER], pause)
    windows = pace_windows(transcript.all(Channel.AGENT), runs[Channel.AGENT], pause)
    inside = sum(BAND_WPM[0] <= w.wpm <= BAND_WPM[1] for w in windows)
    return v.WordsPerMinute(
        agent_wpm=round(agent, 1),
        caller_wpm=None if caller is None else round(caller, 1),
        in_band_pct=_pct(inside, len(windows)) if windows else None,
        n=len(windows),
    )


def _strongest(closed: Sequence[VoiceClosed], kind: VoiceKind, fact: str) -> list[float]:
    """Return the largest rise of every event of a kind."""
    return [float(e.facts[fact] or 0.0) for e in closed if e.kind == kind]


def _pct(part: float, whole: float) -> float:
    return round(min(100.0, 100 * part / whole), 2) if whole else 0.0
