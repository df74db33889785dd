from __future__ import annotations

from collections.abc import Sequence

from callcoach.clock import Samples, Span
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel, Word, Words, event_to_json
from callcoach.lexicon.redacting_words import RedactingWords, mask_words
from callcoach.lexicon.redaction_kinds import MaskKind, readable
from tests.support.spoken import spoken

SETTINGS = RedactionSettings()


def words_event(channel: Channel, words: Sequence[Word]) -> Words:
    span = Span(words[0].span.start, words[-1].span.end)
    return Words(span=span, known_at=Samples(span.end + 16_000), channel=channel, items=tuple(words))


def test_a_number_across_two_windows_never_stands_in_an_event() -> None:
    words = spoken("my number is four two <1.5> seven nine thank you")
    stage = RedactingWords(SETTINGS)
    first = stage.take(words_event(Channel.CALLER, words[:5]))
    assert [w.text for w in first.items] == ["my", "number", "is"]
    second = stage.take(words_event(Channel.CALLER, words[5:]))
    assert [w.text for w in second.items] == ["[number]"] * 4 + ["thank", "you"]
    assert second.span.start == words[3].span.start
    assert stage.finish(Samples(words[-1].span.end)) == []
    assert "four" not in str([event_to_json(e) for e in (first, second)])


def test_parties_do_not_mix() -> None:
    stage = RedactingWords(SETTINGS)
    caller = stage.take(words_event(Channel.CALLER, spoken("four two")))
    agent = stage.take(words_event(Channel.AGENT, spoken("seven nine", 0.8)))
    assert caller.items == agent.items == ()
    assert [w.text for e in stage.finish(Samples(10**6)) for w in e.items] == ["four", "two", "seven", "nine"]
    assert stage.matches == []


def test_silence_gives_an_event_of_its_own() -> None:
    words = spoken("it is four two")
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.CALLER, words))
    assert stage.settle(Channel.CALLER, words[-1].span.end, Samples(10**6)) == []
    assert stage.settle(Channel.AGENT, 10**6, Samples(10**6)) == []
    (event,) = stage.settle(Channel.CALLER, 10**6, Samples(10**6))
    assert [w.text for w in event.items] == ["four", "two"]
    assert event.span == Span(words[2].span.start, words[3].span.end)
    assert event.known_at == 10**6


def test_a_short_answer_to_a_question_for_a_secret_is_masked() -> None:
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.AGENT, spoken("and what is the security code on the card")))
    events = [stage.take(words_event(Channel.CALLER, spoken("yes it is one two three", 4.0)))]
    events += [event for event in stage.finish(Samples(10**6)) if event.channel is Channel.CALLER]
    assert readable([w.text for event in events for w in event.items]) == "yes it is [secret]"


def test_an_answer_to_a_question_for_an_address_may_have_several_words() -> None:
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.AGENT, spoken("what is your email address please")))
    answer = stage.take(words_event(Channel.CALLER, spoken("anna maria keller at gmail dot com", 4.0)))
    told = [
        *answer.items,
        *(w for e in stage.finish(Samples(10**6)) if e.channel is Channel.CALLER for w in e.items),
    ]
    assert readable([w.text for w in told]) == "[email]"


def test_a_whole_transcript_at_once() -> None:
    words: dict[Channel | None, Sequence[Word]] = {
        Channel.AGENT: spoken("what is your pin"),
        Channel.CALLER: spoken("it is one two three four", 3.0),
    }
    done, matches = mask_words(words, SETTINGS)
    assert readable([w.text for w in done[Channel.CALLER]]) == "it is [secret]"
    assert [w.text for w in done[Channel.AGENT]] == ["what", "is", "your", "pin"]
    assert [(m.kind, m.channel) for m in matches] == [(MaskKind.SECRET, Channel.CALLER)]


# -- late and missing words --------------------------------------------------------------------------------


def told(events: Sequence[Words]) -> str:
    return readable([w.text for event in events for w in event.items])


def test_few_digits_beside_missing_words_are_masked() -> None:
    words = spoken("the number is four two <0.7> seven nine eight <0.7> one and then I wait")
    stage = RedactingWords(SETTINGS)
    events = [stage.take(words_event(Channel.CALLER, words[:5]))]
    missing = Span(words[5].span.start, words[7].span.end)
    events += stage.missing(Channel.CALLER, missing, Samples(10**6))
    events.append(stage.take(words_event(Channel.CALLER, words[8:])))
    events += stage.finish(Samples(10**6))
    assert [
        w.text for e in events for w in e.items
    ] == "the number is [number] [number] [number] and then I wait".split()
    late = stage.take(words_event(Channel.CALLER, words[5:8]))
    assert [w.text for w in late.items] == ["[number]"] * 3


def test_missing_words_do_not_hold_others_for_ever() -> None:
    words = spoken("hello it is four")
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.CALLER, words))
    (event,) = stage.missing(Channel.CALLER, Span(Samples(40_000), Samples(50_000)), Samples(60_000))
    assert told([event]) == "[number]"
    assert stage.held_from(Channel.CALLER) is None


def test_a_secret_in_late_words_is_masked() -> None:
    words = spoken("so my password is <0.7> fluffy bear <0.7> can you try it")
    stage = RedactingWords(SETTINGS)
    events = [stage.take(words_event(Channel.CALLER, words[:4]))]
    events += stage.missing(Channel.CALLER, Span(words[4].span.start, words[5].span.end), Samples(10**6))
    stage.take(words_event(Channel.CALLER, words[6:]))
    late = stage.take(words_event(Channel.CALLER, words[4:6]))
    assert told([late]) == "[secret]"
    assert told(events) == "so my password is"


def test_numbers_far_from_missing_words_stay_readable() -> None:
    stage = RedactingWords(SETTINGS)
    stage.missing(Channel.CALLER, Span(Samples(0), Samples(16_000)), Samples(16_000))
    event = stage.take(words_event(Channel.CALLER, spoken("error 404 there", 20.0)))
    assert told([event, *stage.finish(Samples(10**6))]) == "error 404 there"


def test_held_words_of_a_removed_stretch_are_dropped() -> None:
    words = spoken("it is four two")
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.CALLER, words))
    stage.forget(words[3].span.start, 10**6, [Channel.AGENT])
    stage.forget(words[3].span.start, 10**6)
    assert told(stage.finish(Samples(10**6))) == "four"
