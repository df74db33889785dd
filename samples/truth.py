"""Truth of a call from its placed utterances, and the class rules that every overlap must keep.

Plain Python: nothing here needs the voices, so that shipped truth files can be checked anywhere. Thresholds:
classes of overlap as in the metric definitions 1.5 and 1.6, acknowledgement windows as in 4.4, silences as in
M04 and M05, monologues as in M14. Times are seconds from the first sample.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

Span = tuple[float, float]

BACKCHANNELS = frozenset(
    """mhm mm-hmm mm mmm uh-huh uhuh hm hmm yeah yep yup yes ya aye right okay ok sure go on carry ahead i see get it
    got gotcha understood hear you makes sense that of course fair enough follow with i'm exactly absolutely
    definitely true indeed correct that's certainly agree for oh ah no dear wow ouch ooh really way goodness a pain
    not good great lovely nice perfect brilliant excellent cool super fantastic thanks thank cheers ta worries problem
    nope at all never""".split()  # noqa: SIM905
)
AGREEMENT = frozenset("yes yeah yep right exactly okay sure correct true".split())  # noqa: SIM905
WEIGHTS = {"floor_taking": 1.0, "butting_in": 0.5, "pause_barge_in": 0.5}
INSERTED = frozenset(("backchannel", "cooperative", "butting_in"))
_CLOSED = re.compile(r"[.!?]$")


class RuleError(AssertionError):
    """A placed utterance breaks the rule of the class that its text claims."""


@dataclass(frozen=True, slots=True)
class LabelTime:
    """A labelled phrase with its times; ``number`` is a weight (strong words) or a severity (discouraged)."""

    channel: int
    kind: str
    phrase: str
    start: float
    end: float
    number: int = 0
    explained: bool = False


@dataclass(frozen=True, slots=True)
class Utterance:
    """One placed utterance; ``ipus`` and ``words`` are absolute, ``planned_end`` is where it would have ended uncut."""

    channel: int
    start: float
    end: float
    text: str
    full_text: str
    role: str
    n_syllables: int
    gain_db: float
    pitch_st: float
    speed: float
    ipus: tuple[Span, ...]
    words: tuple[tuple[str, float, float], ...]
    planned_end: float
    story: bool = False
    supplied: bool = False

    @property
    def cut(self) -> bool:
        """True when what is heard differs from what was planned."""
        return self.text != self.full_text

    @property
    def wpm(self) -> float:
        """Words per minute between the edges, as the truth files state it."""
        return 60.0 * len(self.words) / (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Overlap:
    """One entry where a party comes in; for a barge-in into a pause nothing overlaps and start equals end."""

    incomer: int
    klass: str
    start: float
    end: float
    overlap_s: float
    incomer_start: float
    incomer_end: float
    other_end: float
    other_cut: bool
    text: str

    @property
    def counted(self) -> bool:
        """True for the three classes that count as interruptions."""
        return self.klass in WEIGHTS


def shared(a: Utterance, b: Utterance) -> list[Span]:
    """Spans in which both utterances are active."""
    spans = [(max(x[0], y[0]), min(x[1], y[1])) for x in a.ipus for y in b.ipus]
    return sorted(span for span in spans if span[1] - span[0] > 1e-6)


def plain(words: str) -> list[str]:
    """Lower-case words without punctuation (hyphens and apostrophes stay)."""
    return re.findall(r"[a-z][a-z'-]*", words.lower())


def clause_open(spoken: str) -> bool:
    """True when the text stops without a closing mark, so that the clause is incomplete."""
    return not _CLOSED.search(spoken)


def overlaps_of(utterances: list[Utterance]) -> list[Overlap]:
    """All overlaps of a call, each checked against the rule of its class.

    Raises
    ------
    RuleError
        A rule of 1.6 is broken, two parties overlap without a class, or one party overlaps itself.
    """
    order = sorted(utterances, key=lambda u: u.start)
    _check_self(order)
    found: list[Overlap] = []
    covered: set[tuple[int, int]] = set()
    for index, x in enumerate(order):
        if x.role == "turn":
            continue
        y = _other(order, index)
        spans = shared(x, y)
        start, end = (spans[0][0], spans[-1][1]) if spans else (x.start, x.start)
        overlap = sum(b - a for a, b in spans)
        resumed = _resume(order, x, y)
        _check(x, y, overlap, resumed)
        covered.update({(id(x), id(y)), (id(y), id(x))})
        if resumed is not None:
            covered.update({(id(x), id(resumed)), (id(resumed), id(x))})
        if not spans and x.role != "pause_barge_in":
            if x.role != "backchannel":
                raise RuleError(f"{x.role} without overlap: {x.text!r} at {x.start:.2f}")
            continue
        found.append(
            Overlap(x.channel, x.role, start, end, overlap, x.start, x.end, y.end, y.cut, x.text)
        )
    for a in order:
        for b in order:
            if a.channel < b.channel and (id(a), id(b)) not in covered and shared(a, b):
                raise RuleError(f"no class for the overlap of {a.text!r} and {b.text!r} near {b.start:.2f}")
    _check_gaps(order)
    return found


def _check_self(order: list[Utterance]) -> None:
    for channel in (0, 1):
        own = [u for u in order if u.channel == channel]
        for a, b in zip(own, own[1:], strict=False):
            if b.start < a.end + 0.05:
                raise RuleError(f"party {channel} speaks over itself: {a.text!r} and {b.text!r}")


def _check_gaps(order: list[Utterance]) -> None:
    """A change of floor within 0.6 s of an open clause is a barge-in; it must not pass as a plain turn."""
    for x in order:
        if x.role != "turn":
            continue
        before = [u for u in order if u.start < x.start]
        if not before:
            continue
        y = max(before, key=lambda u: u.end)
        if y.channel != x.channel and y.role not in INSERTED and x.start - y.end <= 0.6 and clause_open(y.text):
            raise RuleError(f"plain turn after an open clause: {x.text!r} at {x.start:.2f}")


def _other(order: list[Utterance], index: int) -> Utterance:
    x = order[index]
    rivals = [u for u in order if u.channel != x.channel]
    touching = [u for u in rivals if u.start < x.end and u.end > x.start]
    if x.role in ("terminal", "backchannel", "cooperative", "floor_taking", "butting_in"):
        held = [u for u in touching if u.start <= x.start]
        if held:
            return held[0]
    if touching:
        return touching[0]
    ended = [u for u in rivals if u.end <= x.start + 1e-6]
    if not ended:
        raise RuleError(f"nobody to come in on: {x.text!r} at {x.start:.2f}")
    return max(ended, key=lambda u: u.end)


def _resume(order: list[Utterance], x: Utterance, y: Utterance) -> Utterance | None:
    """Return Y's next utterance when it begins within 1.0 s of the end of X."""
    later = [u for u in order if u.channel == y.channel and u.start >= y.end]
    return later[0] if later and later[0].start <= x.end + 1.0 else None


def _check(x: Utterance, y: Utterance, overlap: float, resumed: Utterance | None) -> None:
    keeps = y.end >= x.end or resumed is not None
    words = plain(x.text)
    backchannel = all(w in BACKCHANNELS for w in words) and x.end - x.start <= 1.0
    lead = y.planned_end - x.start
    rules: dict[str, bool] = {
        "backchannel": backchannel
        and y.start < x.start
        and x.start - y.end < 0.3
        and (any(a <= x.end + 1.0 and b > x.end for a, b in y.ipus) or resumed is not None),
        "terminal": 0 < overlap < 0.35 and not y.cut and not clause_open(y.text) and x.start > y.start,
        "simultaneous_start": abs(x.start - y.start) <= 0.25 and overlap > 0,
        "cooperative": x.end - x.start <= 2.0
        and keeps
        and (
            (len(words) <= 4 and x.text.endswith("?"))
            or x.supplied
            or (words[0] in AGREEMENT and len(words) <= 4)
        ),
        "floor_taking": not backchannel
        and y.start < x.start
        and lead >= 0.35
        and overlap > 0
        and (overlap >= 0.5 or y.end - x.start <= 0.5)
        and x.end - y.end >= 1.0
        and clause_open(y.text),
        "butting_in": not backchannel and overlap >= 0.8 and keeps and y.end > x.start,
        "pause_barge_in": overlap == 0
        and 0 < x.start - y.end <= 0.6
        and clause_open(y.text)
        and x.end - x.start >= 1.0,
    }
    if not rules[x.role]:
        raise RuleError(
            f"{x.role} breaks its rule: {x.text!r} at {x.start:.2f}-{x.end:.2f} over {y.text!r} "
            f"{y.start:.2f}-{y.end:.2f}, overlap {overlap:.2f}"
        )


def backchannels_of(utterances: list[Utterance]) -> list[tuple[Utterance, float]]:
    """Every backchannel with the seconds in which the other party is active too."""
    return [
        (x, sum(b - a for y in utterances if y.channel != x.channel for a, b in shared(x, y)))
        for x in sorted(utterances, key=lambda u: u.start)
        if x.role == "backchannel"
    ]


def talk_time(utterances: list[Utterance], channel: int) -> float:
    """Seconds of speech of one party: the sum of its IPUs."""
    return sum(b - a for u in utterances if u.channel == channel for a, b in u.ipus)


@dataclass(frozen=True, slots=True)
class Silence:
    """A mutual silence of 3 s or more; ``announced_by`` is the channel that said so in the 12 s before, or None."""

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
    """Return the speaker's own rate in this call: words per minute over the lines whose delivery is unchanged."""
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
                raise RuleError(f"neither fast nor slow: {u.text!r} with {u.wpm:.0f} of {base:.0f} words per minute")
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
