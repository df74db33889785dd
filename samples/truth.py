"""What follows from placed utterances and labels: silences, monologues, story, delivery, acknowledgements.

Plain Python, as ``rules``. Thresholds: silences as in the metric definitions M04 and M05, monologues as in
M14, delivery as in V03, V06 and V09, acknowledgement windows as in 4.4. Times: seconds from the first sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samples.rules import INSERTED, RuleError

if TYPE_CHECKING:
    from samples.rules import LabelTime, Utterance


@dataclass(frozen=True, slots=True)
class Silence:
    """A mutual silence of 3 s or more; ``announced_by`` is the channel that said so in the 12 s before."""

    start: float
    end: float
    announced_by: int | None


def silences_of(utterances: list[Utterance], labels: list[LabelTime]) -> list[Silence]:
    """Mutual silences of 3 s or more between the first and the last speech of the call."""
    found: list[Silence] = []
    reach = 0.0
    for start, end in sorted(span for u in utterances for span in u.ipus):
        if reach > 0.0 and start - reach >= 3.0:
            notices = [x for x in labels if x.kind == "hold_notice" and reach - 12.0 <= x.end <= reach + 0.05]
            found.append(Silence(reach, start, notices[-1].channel if notices else None))
        reach = max(reach, end)
    return found


def monologues_of(utterances: list[Utterance]) -> list[tuple[int, float, float]]:
    """Floors of 45 s or more as (channel, start, end); what does not take the floor does not end them."""
    turns = [u for u in sorted(utterances, key=lambda u: u.start) if u.role not in INSERTED]
    found: list[tuple[int, float, float]] = []
    begin, last = 0, 0
    for index in range(1, len(turns) + 1):
        same = (
            index < len(turns)
            and turns[index].channel == turns[last].channel
            and turns[index].start - turns[last].end < 3.0
        )
        if same:
            last = index
            continue
        if turns[last].end - turns[begin].start >= 45.0:
            found.append((turns[begin].channel, turns[begin].start, turns[last].end))
        begin = last = index
    return found


@dataclass(frozen=True, slots=True)
class Story:
    """The opening story; ``cut_at`` is where the agent took the floor inside it, or None."""

    start: float
    end: float
    cut_at: float | None
    words: int


def story_of(utterances: list[Utterance]) -> Story | None:
    """Return the opening story: the caller's lines that the text marks as such."""
    told = [u for u in utterances if u.story]
    if not told:
        return None
    start, end = min(u.start for u in told), max(u.end for u in told)
    takes = [
        u.start
        for u in utterances
        if u.channel == 0 and u.role in ("floor_taking", "pause_barge_in") and start < u.start <= end + 0.6
    ]
    return Story(start, end, min(takes) if takes else None, sum(len(u.words) for u in told))


@dataclass(frozen=True, slots=True)
class VoiceEvent:
    """A stretch of raised, quiet, fast or slow delivery."""

    channel: int
    kind: str
    start: float
    end: float
    speech_s: float
    own_speech_before_s: float
    wpm: float
    baseline_wpm: float
    gain_db: float
    pitch_st: float


def baseline_wpm(utterances: list[Utterance], channel: int) -> float:
    """Return the speaker's own rate: words per minute over the lines whose delivery is unchanged."""
    plain_lines = [
        u
        for u in utterances
        if u.channel == channel
        and u.role != "backchannel"
        and u.speed == 1.0
        and abs(u.gain_db) < 6.0
        and u.pitch_st < 3.0
    ]
    speech = sum(u.end - u.start for u in plain_lines)
    return 60.0 * sum(len(u.words) for u in plain_lines) / speech if speech else math.nan


def _voice_kinds(u: Utterance, base: float) -> list[str]:
    kinds = []
    if u.gain_db >= 6.0:
        kinds.append("level_spike")
    if u.pitch_st >= 3.0:
        kinds.append("pitch_spike")
    if u.gain_db <= -8.0:
        kinds.append("quiet")
    if u.speed > 1.0 and u.wpm > max(1.15 * base, 170.0):
        kinds.append("fast")
    if u.speed < 1.0 and u.wpm < min(0.75 * base, 105.0):
        kinds.append("slow")
    return kinds


def voice_events_of(utterances: list[Utterance]) -> list[VoiceEvent]:
    """Stretches of spoken lines with the same change, by the thresholds of V03, V06 and V09.

    Raises
    ------
    RuleError
        A line is written faster or slower than 15 % but its rate stays inside the limits of V03.
    """
    found: list[VoiceEvent] = []
    for channel in (0, 1):
        own = sorted((u for u in utterances if u.channel == channel), key=lambda u: u.start)
        own = [u for u in own if u.role != "backchannel"]
        base = baseline_wpm(utterances, channel)
        kinds = [_voice_kinds(u, base) for u in own]
        for u, has in zip(own, kinds, strict=True):
            if not 0.85 <= u.speed <= 1.15 and not {"fast", "slow"} & set(has):
                raise RuleError(
                    f"neither fast nor slow: {u.text!r} with {u.wpm:.0f} of {base:.0f} words per minute"
                )
        for kind in ("level_spike", "pitch_spike", "quiet", "fast", "slow"):
            run: list[Utterance] = []
            for u, has in [*zip(own, kinds, strict=True), (own[-1], [])]:
                if kind in has:
                    run.append(u)
                    continue
                if run:
                    speech = sum(x.end - x.start for x in run)
                    before = sum(x.end - x.start for x in own if x.end <= run[0].start)
                    rate = 60.0 * sum(len(x.words) for x in run) / speech
                    found.append(
                        VoiceEvent(
                            channel,
                            kind,
                            run[0].start,
                            run[-1].end,
                            speech,
                            before,
                            rate,
                            base,
                            max((x.gain_db for x in run), key=abs),
                            max((x.pitch_st for x in run), key=abs),
                        )
                    )
                run = []
    return sorted(found, key=lambda e: (e.channel, e.start, e.kind))


@dataclass(frozen=True, slots=True)
class Window:
    """An acknowledgement window of 4.4; ``result`` is hit, late or miss."""

    t0: float
    level: float
    result: str
    acknowledged_at: float | None


def windows_of(utterances: list[Utterance], labels: list[LabelTime], relief: list[float]) -> list[Window]:
    """Acknowledgement windows of 4.4, computed on the labelled markers.

    Parameters
    ----------
    utterances, labels
        The placed call.
    relief
        Times of the caller's relief markers, each of which lowers the level by 1.5.
    """
    strong = [(x.start, float(x.number)) for x in labels if x.kind == "strong_words"]
    steps = sorted(strong + [(t, -1.5) for t in relief])
    turns = [u for u in sorted(utterances, key=lambda u: u.start) if u.role not in INSERTED]
    found: list[Window] = []
    level, clock, fresh = 0.0, 0.0, False
    position = 0
    for index, u in enumerate(turns):
        if u.channel != 1:
            continue
        while position < len(steps) and steps[position][0] <= u.end:
            at, weight = steps[position]
            level = max(0.0, level * math.exp(-(at - clock) / 45.0) + weight)
            fresh = fresh or weight > 0.0
            clock = at
            position += 1
        yields = index + 1 < len(turns) and turns[index + 1].channel == 0
        now = level * math.exp(-(u.end - clock) / 45.0)
        if not (yields and fresh) or now < 1.0 or (found and u.end - found[-1].t0 < 20.0):
            continue
        fresh = False
        found.append(_window(turns, index, u.end, now, labels))
    return found


def _window(turns: list[Utterance], index: int, t0: float, level: float, labels: list[LabelTime]) -> Window:
    turn_end = turns[index + 1].end
    for u in turns[index + 2 :]:
        if u.channel != 0:
            break
        turn_end = u.end
    answer = turns[index + 1].start
    acks = [x.start for x in labels if x.kind == "acknowledgement" and x.start >= answer]
    if acks and acks[0] <= min(t0 + 15.0, answer + 8.0) and acks[0] <= turn_end:
        return Window(t0, level, "hit", acks[0])
    if acks and acks[0] <= t0 + 45.0:
        return Window(t0, level, "late", acks[0])
    return Window(t0, level, "miss", None)
