"""The end of a log whose process died."""

from __future__ import annotations

import dataclasses

import pytest

from callcoach.clock import FRAME_LENGTH, Samples, Span, to_samples
from callcoach.config import Settings
from callcoach.events import (
    CallEnded,
    Channel,
    Consent,
    CueClosed,
    CueOpened,
    Event,
    FloorTaken,
    Monologue,
    Overlap,
    OverlapClass,
    SpeechSegment,
    TranscriptLate,
    Trouble,
    Turn,
    VoiceClosed,
    VoiceOpened,
)
from callcoach.live.closing import (
    CUT_SHORT,
    RECOVERED,
    closing_events,
    cut_short,
    flaws,
    known_until,
    missing_words,
)
from tests.support.live_logs import analysed, ended, said, span, speech

AGENT, CALLER = Channel.AGENT, Channel.CALLER


def taken(channel: Channel, start: float, known: float, offset: int | None = None) -> FloorTaken:
    return FloorTaken(span=span(start, known), known_at=to_samples(known), channel=channel, offset=offset)


def late(channel: Channel, start: float, end: float) -> TranscriptLate:
    return TranscriptLate(span=span(start, end), known_at=to_samples(end + 1), channel=channel, reason="late")


def closing(events: list[Event], seconds: float, **more: bool | int) -> list[Event]:
    settings = {"words": False, **more}
    return closing_events(
        events,
        settings=Settings(),
        length=to_samples(seconds),
        words=bool(settings["words"]),
        damaged_lines=int(settings.get("damaged_lines", 0)),
    )


def test_an_empty_log_ends_with_the_audio() -> None:
    trouble, end = closing([], 7.01)
    assert isinstance(trouble, Trouble)
    assert trouble.reason == f"{CUT_SHORT}; 7.0 s of audio at its end have no events."
    assert (trouble.span, end.span) == (span(0, 7.01), Span(to_samples(7.01), to_samples(7.01)))
    assert isinstance(end, CallEnded)
    assert end.known_at % FRAME_LENGTH == 0
    assert 0 <= end.known_at - end.span.end < FRAME_LENGTH


def test_a_log_that_reaches_beyond_the_audio() -> None:
    """The last half second of audio may be lost, events are not."""
    events: list[Event] = [speech(AGENT, 1, 5)]
    trouble, end = closing(events, 4.8)
    assert trouble.span == Span(to_samples(4.8), to_samples(4.8))
    assert isinstance(trouble, Trouble)
    assert trouble.reason == f"{CUT_SHORT}."
    assert end.span.end == to_samples(4.8)
    assert end.known_at >= to_samples(5)


def test_an_open_turn_ends_with_its_last_speech() -> None:
    events: list[Event] = [taken(AGENT, 1, 2.1), speech(AGENT, 1, 4), speech(AGENT, 4.4, 6)]
    (turn, *_) = closing(events, 9)
    assert turn == Turn(
        span=span(1, 6), known_at=Samples(-(-to_samples(6) // 512) * 512), channel=AGENT, segments=2
    )


def test_a_long_open_turn_is_a_monologue() -> None:
    events: list[Event] = [taken(CALLER, 1, 2.1), speech(CALLER, 1, 50)]
    kinds = [type(e) for e in closing(events, 55)]
    assert kinds == [Turn, Monologue, Trouble, CallEnded]


def test_speech_that_had_no_end_is_known_as_far_as_it_was_proven() -> None:
    events: list[Event] = [taken(AGENT, 1, 2.1)]
    run, turn, *_ = closing(events, 9)
    assert isinstance(run, SpeechSegment)
    assert (run.channel, run.span) == (AGENT, span(1, 2.1))
    assert turn.span == span(1, 2.1)


def test_of_speech_that_was_told_in_part_only_the_rest_is_proven() -> None:
    """A second of speech takes the floor: 0.4 s of it were told, so that 0.6 s at least were open."""
    events: list[Event] = [speech(AGENT, 1, 1.4), taken(AGENT, 1, 3)]
    run, *_ = closing(events, 9)
    assert run.span == span(2.4, 3)


def test_an_utterance_of_a_meeting_and_words_prove_speech() -> None:
    meeting = Overlap(
        span=span(5, 6),
        known_at=to_samples(6),
        number=1,
        incomer=CALLER,
        kind=OverlapClass.UNSURE,
        stage="sound",
        confidence="high",
        utterance=span(5, 6),
        overlap=to_samples(1),
        holder_end=None,
        clause_complete=None,
    )
    events: list[Event] = [speech(CALLER, 1, 2), meeting, said(AGENT, 3, 7, "one two three four")]
    runs = {e.channel: e.span for e in closing(events, 9) if isinstance(e, SpeechSegment)}
    assert runs == {AGENT: span(3, 7), CALLER: span(5, 6)}


def test_words_at_the_edge_of_a_known_run_prove_nothing_more() -> None:
    events: list[Event] = [speech(AGENT, 1, 3), said(AGENT, 0.9, 3.2, "one two")]
    assert not any(isinstance(e, SpeechSegment) for e in closing(events, 9))


def opened() -> list[Event]:
    return [
        VoiceOpened(
            span=span(2, 3),
            known_at=to_samples(3),
            number=1,
            channel=AGENT,
            kind="fast",
            facts={"wpm": 200.0},
        ),
        VoiceOpened(span=span(2, 4), known_at=to_samples(4), number=2, channel=AGENT, kind="flat", facts={}),
        VoiceClosed(span=span(2, 5), known_at=to_samples(5), number=2, channel=AGENT, kind="flat", facts={}),
        CueOpened(
            span=span(4, 5), known_at=to_samples(5), number=7, cue="C05", form="ring", facts={}, evidence=()
        ),
        CueOpened(
            span=span(4, 6), known_at=to_samples(6), number=7, cue="C05", form="text", facts={}, evidence=()
        ),
        CueOpened(
            span=span(5, 6), known_at=to_samples(6), number=8, cue="C01", form="text", facts={}, evidence=()
        ),
        CueClosed(span=span(5, 7), known_at=to_samples(7), number=8, cue="C01", reason="over"),
    ]


def test_what_is_open_closes_where_the_log_ends() -> None:
    voice, cue, *_ = closing(opened(), 9)
    now = Samples(-(-to_samples(7) // 512) * 512)
    assert voice == VoiceClosed(
        span=Span(to_samples(2), now),
        known_at=now,
        number=1,
        channel=AGENT,
        kind="fast",
        facts={"wpm": 200.0},
    )
    assert cue == CueClosed(
        span=Span(to_samples(4), now), known_at=now, number=7, cue="C05", reason=RECOVERED
    )


def test_an_open_turn_of_the_own_side_follows_from_its_speech() -> None:
    """The floor is of both parties and stands in no log of one."""
    own = Consent(span=span(0, 0), known_at=Samples(0), basis="own-side", answer="set", stored=(AGENT,))
    over = Turn(span=span(1, 4), known_at=to_samples(7), channel=AGENT, segments=1)
    events: list[Event] = [own, speech(AGENT, 1, 4), over, speech(AGENT, 8, 9.5), speech(AGENT, 9.8, 11)]
    (turn,) = [e for e in closing(events, 12) if isinstance(e, Turn)]
    assert turn.span == span(8, 11)
    assert not any(isinstance(e, Turn) for e in closing(events[1:], 12))
    short: list[Event] = [*events[:3], speech(AGENT, 8, 8.4)]
    assert not any(isinstance(e, Turn) for e in closing(short, 12))


def test_positions_never_go_back_and_fall_on_frames() -> None:
    events = [*opened(), taken(AGENT, 1, 7.5)]
    known = [e.known_at for e in closing(events, 9)]
    assert known == sorted(known)
    assert known[0] >= known_until(events)
    assert all(k % FRAME_LENGTH == 0 for k in known)


def test_a_closed_log_is_closed() -> None:
    events = opened()
    once = [*events, *closing(events, 9)]
    assert closing(once, 9) == []
    assert cut_short(once) is not None


def test_a_complete_log_needs_nothing() -> None:
    whole: list[Event] = [taken(AGENT, 1, 2), speech(AGENT, 1, 4)]
    turn = Turn(span=span(1, 4), known_at=to_samples(7), channel=AGENT, segments=1)
    events = [*whole, turn, ended(8)]
    assert closing(events, 8) == []
    assert cut_short(events) is None
    words: list[Event] = [*events, said(AGENT, 1, 4, "one two", known=9)]
    assert closing(words, 8, words=True) == []


def test_an_end_whose_last_words_are_missing_is_cut_short() -> None:
    """The audio was over, the process died while it waited for words."""
    events: list[Event] = [speech(AGENT, 1, 2), said(AGENT, 1, 2, "one"), ended(8), speech(AGENT, 6, 7)]
    events[-1] = dataclasses.replace(events[-1], known_at=events[-2].known_at)
    (trouble,) = closing(events, 8, words=True)
    assert isinstance(trouble, Trouble)
    assert trouble.reason == f"{CUT_SHORT}."
    assert missing_words([*events, trouble]) == [(AGENT, span(6, 7))]


def test_lines_that_could_not_be_read_are_counted_in_the_log() -> None:
    whole: list[Event] = [speech(AGENT, 1, 2), ended(8)]
    (trouble,) = closing(whole, 8, damaged_lines=2)
    assert isinstance(trouble, Trouble)
    assert trouble.reason == "2 lines of the event log could not be read."
    assert cut_short([*whole, trouble]) is None
    torn = closing(whole[:1], 8, damaged_lines=1)
    assert [e.reason[:22] for e in flaws(torn)] == ["1 line of the event lo", CUT_SHORT[:22]]


# -- words -------------------------------------------------------------------------------------------------


def test_nothing_is_missing_where_every_piece_has_words() -> None:
    events: list[Event] = [speech(AGENT, 1, 3), said(AGENT, 0.8, 3.2, "one"), ended(9)]
    assert missing_words(events) == []


def test_a_late_piece_is_missing_until_its_words_come() -> None:
    events: list[Event] = [speech(AGENT, 1, 3), late(AGENT, 0.8, 3.2), ended(9)]
    assert missing_words(events) == [(AGENT, span(0.8, 3.2))]
    assert missing_words([*events, said(AGENT, 0.8, 3.2, "one two", known=10)]) == []
    nothing = dataclasses.replace(said(AGENT, 0.8, 3.2, "", known=10), items=())
    assert missing_words([*events, nothing]) == []


def test_only_the_rest_of_a_late_piece_is_missing() -> None:
    events: list[Event] = [late(AGENT, 1, 9), said(AGENT, 1, 4, "one"), said(AGENT, 4.1, 6, "two"), ended(11)]
    assert missing_words(events) == [(AGENT, span(6, 9))]


def test_speech_after_the_last_piece_of_a_dead_call_is_missing() -> None:
    events: list[Event] = [
        speech(AGENT, 1, 3),
        speech(CALLER, 3.5, 4),
        said(AGENT, 1, 3.2, "one", known=5),
        speech(AGENT, 5, 7),
        speech(AGENT, 7.3, 9),
        speech(AGENT, 10, 10.1),
        speech(AGENT, 12, 13),
    ]
    wanted = [(CALLER, span(3.5, 4)), (AGENT, span(5, 9)), (AGENT, span(12, 13))]
    assert missing_words(events) == wanted
    whole = [*events, *closing(events, 14, words=True)]
    assert missing_words(whole) == wanted
    # of a call that ended in order nothing waits behind the last piece: the rest holds no words
    assert missing_words([*events, ended(14)]) == []


def test_speech_whose_sound_is_lost_is_not_waited_for() -> None:
    events: list[Event] = [speech(AGENT, 1, 3), speech(AGENT, 5, 6)]
    whole = [*events, *closing(events, 2.5, words=True)]
    assert missing_words(whole) == [(AGENT, span(1, 2.5))]


def test_long_speech_is_cut_between_runs() -> None:
    runs: list[Event] = [speech(AGENT, 5 * i, 5 * i + 4.8) for i in range(5)]
    assert missing_words(runs) == [(AGENT, span(0, 14.8)), (AGENT, span(15, 24.8))]


@pytest.mark.parametrize("share", [0.2, 0.45, 0.7, 0.95])
def test_every_word_of_a_dead_call_is_there_or_missing(share: float) -> None:
    call = analysed("s02_interrupted_scanner")
    first = next(i for i, e in enumerate(call.events) if isinstance(e, CallEnded))
    events = list(call.events[: int(first * share)])
    events += closing(events, known_until(events) / 16_000, words=True)
    runs = [e for e in events if isinstance(e, SpeechSegment) and e.span.length >= to_samples(0.25)]
    heard = [(e.channel, e.span) for e in events if type(e).__name__ == "Words"] + missing_words(events)
    for run in runs:
        covered = sum(s.overlap(run.span) for c, s in heard if c is run.channel)
        assert covered >= run.span.length - to_samples(0.05), run
