"""What the document of a call is made of, wherever it comes from: a running analysis or a stored log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callcoach.core.coach import Coach
from callcoach.core.conversation import Conversation
from callcoach.core.delivery.states import VoiceStates
from callcoach.core.floor import Period
from callcoach.core.overlaps import Meeting
from callcoach.core.phases import PhaseTracker
from callcoach.core.silences import Quiet
from callcoach.core.story import Story
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party
from callcoach.events import Channel, Event


@dataclass(frozen=True, slots=True)
class Talk:
    """Turn-taking of two parties, finished."""

    periods: Sequence[Period]
    """Who held the floor, in order of time."""
    meetings: Sequence[Meeting]
    quiets: Sequence[Quiet]
    story: Story | None


@dataclass(frozen=True, slots=True)
class Voices:
    """Delivery of every party that was measured, after the last tick."""

    states: Mapping[Channel | None, VoiceStates]
    ratios: Sequence[float]
    """Paces of the agent over those of the caller (V05), tick by tick."""
    no_ratios: str = ""
    """Why there are no ratios, where that is not for want of speech."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One call, finished."""

    parties: Mapping[Channel | None, Party]
    """Runs of speech by channel; the one key is None in a mono recording."""
    transcript: Transcript
    talk: Talk | None
    """None in a mono recording."""
    phases: PhaseTracker
    """What the call was about when; unused in a mono recording."""
    told: Sequence[Event] | None
    """What the coach told: states of delivery, cues and what became of them; None where there is no audio."""
    voices: Voices | None = None
    """Delivery of the parties, or None where it was not measured."""
    no_voices: str = "there is no audio"
    """Why the voice metrics are null where ``voices`` is None."""
    no_caller: str = ""
    """Why nothing, or not all, of the caller may be kept; metrics that need the caller are null then."""


def facts_of(
    parties: Mapping[Channel | None, Party],
    transcript: Transcript,
    conversation: Conversation | None,
    coach: Coach | None,
    phases: PhaseTracker,
) -> CallFacts:
    """Collect the facts of an analysis that has finished.

    Parameters
    ----------
    conversation : None in a mono recording.
    coach : delivery and cues; None where there is no audio.
    """
    talk = None
    if conversation is not None:
        talk = Talk(
            conversation.floor.periods,
            conversation.meetings.meetings,
            conversation.silences.quiets,
            conversation.story,
        )
    return CallFacts(
        parties=parties,
        transcript=transcript,
        talk=talk,
        phases=phases,
        told=None if coach is None else coach.told,
        voices=None if coach is None else Voices(coach.voices, coach.ratios),
    )
