"""The view of the language measures from the facts of a finished call."""

from __future__ import annotations

from callcoach.config_language import LanguageSettings
from callcoach.core.call_facts import CallFacts
from callcoach.core.language.view import LanguageView, QuietTime, SpokenTurn
from callcoach.events import Channel
from callcoach.lexicon import Lexicon, load_lexicon


def language_view(
    facts: CallFacts,
    settings: LanguageSettings,
    length: int,
    *,
    lexicon: Lexicon | None = None,
    caller_name: str | None = None,
    usual_wpm: float | None = None,
) -> LanguageView | None:
    """Collect what `language_parts` looks at; None where it cannot tell the parties apart or has no words.

    Parameters
    ----------
    length : int
        Samples at 16 kHz of the call.
    lexicon : the word lists; None: those that ship.
    caller_name : as entered by the agent, or None.
    usual_wpm : the agent's usual pace where it was measured (V03), words a minute.
    """
    talk = facts.talk
    if talk is None or not facts.transcript.enabled:
        return None
    return LanguageView(
        words={channel: facts.transcript.all(channel) for channel in Channel},
        speech={
            channel: [(i.start, i.end) for i in facts.parties[channel].ipus]
            for channel in Channel
            if channel in facts.parties
        },
        turns=[
            SpokenTurn(
                p.holder, p.start, max(p.start, p.end), p.offset, facts.phases.phase_of(p.start, p.end)
            )
            for p in talk.periods
        ],
        silences=[QuietTime(q.start, q.end, q.kind, q.owner) for q in talk.quiets],
        length=length,
        settings=settings,
        lexicon=load_lexicon() if lexicon is None else lexicon,
        story=None if talk.story is None else (talk.story.start, talk.story.end),
        story_completed=None if talk.story is None else talk.story.completed,
        caller_name=caller_name,
        usual_wpm=usual_wpm,
    )
