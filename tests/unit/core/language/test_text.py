"""Chunks and sentences: cut by words and times alone, however the words arrive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from callcoach.clock import Samples, Span, to_samples
from callcoach.config_language import LanguageSettings
from callcoach.core.language.text import Chunk, Chunker
from callcoach.events import Channel, Word

SETTINGS = LanguageSettings()


def words(text: str, gaps: dict[int, float] | None = None) -> list[Word]:
    """Words of 0.3 s, with a pause before some of them."""
    at, found = 0.0, []
    for i, token in enumerate(text.split()):
        at += (gaps or {}).get(i, 0.05)
        found.append(Word(token, Span(to_samples(at), to_samples(at + 0.3)), 0.9))
        at += 0.3
    return found


def sentences(text: str, gaps: dict[int, float] | None = None) -> list[str]:
    chunk = Chunk(Channel.AGENT, tuple(words(text, gaps)))
    return [s.said for s in chunk.sentences(SETTINGS)]


def test_sentences_end_at_final_marks() -> None:
    text = "Okay, open it. Did it work? Great! And then"
    assert sentences(text) == ["Okay, open it.", "Did it work?", "Great!", "And then"]


def test_an_abbreviating_pause_does_not_end_a_punctuated_sentence() -> None:
    assert sentences("let me play that back.", {3: 0.8}) == ["let me play that back."]


def test_without_any_mark_pauses_and_questions_cut() -> None:
    text = "hello my name is ann how can i help you"
    assert sentences(text) == ["hello my name is ann", "how can i help you"]
    assert sentences("i see which card is it", {2: 0.5}) == ["i see", "which card is it"]
    assert sentences("tell me what is your name") == ["tell me what is your name"]


def test_what_asks() -> None:
    chunk = Chunk(Channel.AGENT, tuple(words("which card would you like")))
    assert [s.asks for s in chunk.sentences(SETTINGS)] == [True]
    chunk = Chunk(Channel.AGENT, tuple(words("Which card it is, I know.")))
    assert [s.asks for s in chunk.sentences(SETTINGS)] == [False]


def test_chunks_end_at_pauses() -> None:
    chunker = Chunker(Channel.AGENT, SETTINGS)
    ended = chunker.take(words("one two. three four five", {2: 0.5, 4: 1.5}))
    assert [" ".join(w.text for w in c.words) for c in ended] == ["one two.", "three four"]
    current = chunker.current()
    assert current is not None
    assert [w.text for w in current.words] == ["five"]


@given(
    st.lists(st.tuples(st.sampled_from(["so", "yes.", "open", "it?"]), st.floats(0, 2)), max_size=30),
    st.data(),
)
def test_chunks_do_not_depend_on_how_words_arrive(
    listed: list[tuple[str, float]], data: st.DataObject
) -> None:
    at, all_words = 0, []
    for text, gap in listed:
        at += to_samples(gap)
        all_words.append(Word(text, Span(Samples(at), Samples(at + 4000)), 0.9))
        at += 4000
    once = Chunker(Channel.CALLER, SETTINGS)
    whole = once.take(all_words)
    pieces = Chunker(Channel.CALLER, SETTINGS)
    found: list[Chunk] = []
    left = all_words
    while left:
        size = data.draw(st.integers(1, len(left)))
        found += pieces.take(left[:size])
        left = left[size:]
    assert found == whole
    assert pieces.current() == once.current()
