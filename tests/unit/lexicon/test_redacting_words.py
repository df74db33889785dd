from __future__ import annotations

from collections.abc import Sequence

from callcoach.clock import Samples, Span
from callcoach.config_redaction import RedactionSettings
from callcoach.events import Channel, Word, Words, event_to_json
from callcoach.lexicon.redacting_words import RedactingWords, mask_words
from callcoach.lexicon.redaction_kinds import MaskKind, readable
from tests.support.spoken import spoken

SETTINGS = RedactionSettings()
LATER = Samples(10**6)


def words_event(channel: Channel, words: Sequence[Word]) -> Words:
    span = Span(words[0].span.start, words[-1].span.end)
    return Words(span=span, known_at=Samples(span.end + 16_000), channel=channel, items=tuple(words))


def told(events: Sequence[Words]) -> str:
    return " ".join(word.text for event in events for word in event.items)


def test_a_number_across_two_windows_never_stands_in_an_event() -> None:
    words = spoken("my number is four two <1.5> seven nine thank you")
    stage = RedactingWords(SETTINGS)
    first = stage.take(words_event(Channel.CALLER, words[:5]))
    assert told([first]) == "my number is"
    second = stage.take(words_event(Channel.CALLER, words[5:]))
    assert told([second]) == "[number] [number] [number] [number] thank you"
    assert second.span.start == words[3].span.start
    assert stage.finish(LATER) == []
    assert "four" not in str([event_to_json(event) for event in (first, second)])


def test_parties_do_not_mix() -> None:
    stage = RedactingWords(SETTINGS)
    caller = stage.take(words_event(Channel.CALLER, spoken("four two")))
    agent = stage.take(words_event(Channel.AGENT, spoken("seven nine", 0.8)))
    assert caller.items == agent.items == ()
    assert told(stage.finish(LATER)) == "four two seven nine"
    assert stage.matches == []


def test_silence_gives_an_event_of_its_own() -> None:
    words = spoken("it is four two")
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.CALLER, words))
    assert stage.settle(Channel.CALLER, words[-1].span.end, LATER) == []
    assert stage.settle(Channel.AGENT, 10**6, LATER) == []
    (event,) = stage.settle(Channel.CALLER, 10**6, LATER)
    assert told([event]) == "four two"
    assert event.span == Span(words[2].span.start, words[3].span.end)
    assert event.known_at == LATER
    assert stage.settle(Channel.CALLER, 2 * 10**6, Samples(2 * 10**6)) == []


def test_an_event_without_words_passes() -> None:
    event = Words(span=Span(Samples(0), Samples(9)), known_at=Samples(9), channel=Channel.AGENT, items=())
    assert RedactingWords(SETTINGS).take(event) == event


def test_a_short_answer_to_a_question_for_a_secret_is_masked() -> None:
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.AGENT, spoken("and what is the security code on the card")))
    events = [stage.take(words_event(Channel.CALLER, spoken("yes it is one two three", 4.0)))]
    events += [event for event in stage.finish(LATER) if event.channel is Channel.CALLER]
    assert told(events) == "yes it is [secret] [secret] [secret]"


def test_an_answer_to_a_question_for_an_address_may_have_several_words() -> None:
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.AGENT, spoken("what is your email address please")))
    events = [stage.take(words_event(Channel.CALLER, spoken("anna maria keller at gmail dot com", 4.0)))]
    events += [event for event in stage.finish(LATER) if event.channel is Channel.CALLER]
    assert set(told(events).split()) == {"[email]"}


def test_a_whole_transcript_at_once() -> None:
    words: dict[Channel | None, Sequence[Word]] = {
        Channel.AGENT: spoken("what is your pin"),
        Channel.CALLER: spoken("it is one two three four", 3.0),
    }
    done, matches = mask_words(words, SETTINGS)
    assert readable([word.text for word in done[Channel.CALLER]]) == "it is [secret]"
    assert done[Channel.AGENT] == tuple(words[Channel.AGENT])
    assert [(m.kind, m.channel) for m in matches] == [(MaskKind.SECRET, Channel.CALLER)]


def test_few_digits_beside_missing_words_are_masked() -> None:
    words = spoken("the number is four two <0.7> seven nine eight <0.7> one and then I wait")
    stage = RedactingWords(SETTINGS)
    events = [stage.take(words_event(Channel.CALLER, words[:5]))]
    events += stage.missing(Channel.CALLER, Span(words[5].span.start, words[7].span.end), LATER)
    events.append(stage.take(words_event(Channel.CALLER, words[8:])))
    events += stage.finish(LATER)
    assert told(events) == "the number is [number] [number] [number] and then I wait"
    late = stage.take(words_event(Channel.CALLER, words[5:8]))
    assert told([late]) == "[number] [number] [number]"


def test_missing_words_do_not_hold_others_for_ever() -> None:
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.CALLER, spoken("hello it is four")))
    (event,) = stage.missing(Channel.CALLER, Span(Samples(40_000), Samples(50_000)), Samples(60_000))
    assert told([event]) == "[number]"
    assert stage.held_from(Channel.CALLER) is None


def test_a_secret_in_late_words_is_masked() -> None:
    words = spoken("so my password is <0.7> fluffy bear <0.7> can you try it")
    stage = RedactingWords(SETTINGS)
    events = [stage.take(words_event(Channel.CALLER, words[:4]))]
    events += stage.missing(Channel.CALLER, Span(words[4].span.start, words[5].span.end), LATER)
    assert told(events) == "so my password is"
    stage.take(words_event(Channel.CALLER, words[6:]))
    late = stage.take(words_event(Channel.CALLER, words[4:6]))
    assert told([late]) == "[secret] [secret]"


def test_numbers_far_from_missing_words_stay_readable() -> None:
    stage = RedactingWords(SETTINGS)
    stage.missing(Channel.CALLER, Span(Samples(0), Samples(16_000)), Samples(16_000))
    event = stage.take(words_event(Channel.CALLER, spoken("error 404 there", 20.0)))
    assert told([event, *stage.finish(LATER)]) == "error 404 there"


def test_held_words_of_a_removed_stretch_are_dropped() -> None:
    words = spoken("it is four two")
    stage = RedactingWords(SETTINGS)
    stage.take(words_event(Channel.CALLER, words))
    stage.forget(words[3].span.start, 10**6, [Channel.AGENT])
    assert stage.held_from(Channel.CALLER) == words[2].span.start
    stage.forget(words[3].span.start, 10**6)
    assert told(stage.finish(LATER)) == "four"


def test_switched_off_nothing_is_held_or_masked() -> None:
    stage = RedactingWords(RedactionSettings(on=False))
    event = words_event(Channel.CALLER, spoken("4111 1111 1111 1111"))
    assert stage.take(event) == event
    assert stage.missing(Channel.CALLER, event.span, LATER) == stage.finish(LATER) == []


def test_what_is_masked_is_reported_once_and_again_when_it_grew() -> None:
    stage = RedactingWords(SETTINGS)
    words = spoken("my password is fluffy <0.6> bear two thanks")
    stage.take(words_event(Channel.CALLER, words[:4]))
    (first,) = stage.new_matches()
    assert first.span == words[3].span
    assert stage.new_matches() == []
    stage.take(words_event(Channel.CALLER, words[4:]))
    (grown,) = stage.new_matches()
    assert grown.span.start == words[3].span.start
    assert grown.span.end > first.span.end


def test_interim_words_are_seen_behind_final_ones_that_were_not_taken_yet() -> None:
    stage = RedactingWords(SETTINGS)
    words = spoken("my password is <0.6> fluffy bear")
    assert stage.glimpse(Channel.CALLER, words[:3], final=True) == words[:3]
    assert [w.text for w in stage.glimpse(Channel.CALLER, words[3:])] == ["[secret]", "[secret]"]
    taken = stage.take(words_event(Channel.CALLER, words[:3]))
    assert told([taken]) == "my password is"
    assert [w.text for w in stage.glimpse(Channel.CALLER, words[3:])] == ["[secret]", "[secret]"]
    assert stage.matches == []


def test_interim_words_of_a_stretch_that_was_taken_are_masked_too() -> None:
    stage = RedactingWords(SETTINGS)
    words = spoken("it is four two seven nine and then I wait for it")
    stage.take(words_event(Channel.CALLER, words))
    shown = [w.text for w in stage.glimpse(Channel.CALLER, words, final=True)]
    assert shown[:6] == ["it", "is", *["[number]"] * 4]
