"""Laws of the live language log: nothing that was known is taken back, however words arrive."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from callcoach.clock import Samples, Span, to_samples
from callcoach.config_language import LanguageSettings
from callcoach.core.language.finder import Finder
from callcoach.core.language.scene import LanguageScene
from callcoach.core.language.text import chunks_of
from callcoach.events import Channel, Word
from callcoach.lexicon import load_lexicon

SETTINGS = LanguageSettings()
LINES = (
    *("This is ridiculous.", "nobody called me back", "I give up!", "It works now, thank you.", "The what?"),
    *("I hear you.", "There is nothing I can do.", "Check the firewall.", "Tell me when you are there."),
    *(
        "Let me play that back.",
        "I'll call you by four.",
        "sorry about",
        "that",
        "Open the door, press it.",
        "on",
    ),
)
utterances = st.lists(
    st.tuples(st.sampled_from(list(Channel)), st.sampled_from(LINES), st.floats(0.0, 4.0)), max_size=14
)


def spoken(talk: Sequence[tuple[Channel, str, float]]) -> list[tuple[Channel, tuple[Word, ...]]]:
    """Words of 0.3 s; one party after the other, with pauses."""
    at, found = 0, []
    for channel, line, pause in talk:
        at += to_samples(pause)
        words = []
        for token in line.split():
            words.append(Word(token, Span(Samples(at), Samples(at + 4800)), 0.9))
            at += 5000
        found.append((channel, tuple(words)))
    return found


def log_of(scene: LanguageScene) -> list[list[object]]:
    """What only grows, in the order in which it became known."""
    return [
        [(f.row.id, f.channel, f.start, f.end) for f in scene.found],
        list(scene.orders),
        [s.said for s in scene.sentences[Channel.AGENT]],
        [s.said for s in scene.sentences[Channel.CALLER]],
        list(scene.played_back),
    ]


@settings(deadline=None, max_examples=60)
@given(utterances, st.data())
def test_what_is_known_stays_when_more_words_come(
    talk: list[tuple[Channel, str, float]], data: st.DataObject
) -> None:
    pieces = spoken(talk)
    cut = data.draw(st.integers(0, len(pieces)))
    scene = LanguageScene(load_lexicon(), SETTINGS)
    for channel, words in pieces[:cut]:
        scene.hear(channel, words)
    before, marks = log_of(scene), set(scene.level.marks)
    for channel, words in pieces[cut:]:
        scene.hear(channel, words)
    after = log_of(scene)
    for known, later in zip(before, after, strict=True):
        assert later[: len(known)] == known
    assert marks <= set(scene.level.marks)


@settings(deadline=None, max_examples=60)
@given(utterances)
def test_events_of_a_finished_call_do_not_change_when_it_goes_on(
    talk: list[tuple[Channel, str, float]],
) -> None:
    """Chunks that have ended tell the same, whatever follows."""

    def told(pieces: Sequence[tuple[Channel, tuple[Word, ...]]]) -> list[tuple[str, int]]:
        words: dict[Channel, list[Word]] = {c: [] for c in Channel}
        for channel, listed in pieces:
            words[channel] += listed
        finder = Finder(load_lexicon(), SETTINGS)
        return [(f.row.id, f.start) for chunk in chunks_of(words, SETTINGS) for f in finder.take(chunk)]

    pieces = spoken(talk)
    late = spoken([*talk, (Channel.AGENT, "Right.", 5.0), (Channel.CALLER, "No.", 5.0)])
    first = told(pieces)
    assert told(late)[: len(first)] == first
