"""What the language measures leave for the agent: steps heard, a line to rehearse, a ticket draft."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from callcoach.contract._base import ContractModel, Count, Ms, Role, TimedModel


class StepsHeard(ContractModel):
    """When each step of a good answer was first heard (10.8), milliseconds; null where it was not.

    ``heard`` is the end of an opening story that was told to the end, ``resolved`` the first complete
    commitment or relief marker, ``diagnosed`` a sentence that names a cause.
    """

    heard: Ms | None = None
    acknowledged: Ms | None = None
    apologised: Ms | None = None
    resolved: Ms | None = None
    diagnosed: Ms | None = None


class RehearsalEntry(TimedModel):
    """One sentence to rehearse: what was said (row ``id``, ``times`` in the call) and what to say instead."""

    id: str
    phrase: str
    instead: str
    times: Count = Field(gt=0)


class NoteLine(TimedModel):
    """One sentence of the call, quoted."""

    role: Role
    text: str


class TicketDraft(ContractModel):
    """Draft of a ticket note in the words of the call, put together by rules; a person checks it.

    ``next_step`` is the agent's last promise with owner, action and time; null when none was made.
    """

    draft: Literal[True] = True
    problem: tuple[NoteLine, ...]
    caller_tried: tuple[NoteLine, ...] = ()
    steps: tuple[NoteLine, ...] = ()
    next_step: NoteLine | None = None


class GreetingHeard(ContractModel):
    """What the agent's first turn held: the own name, and an offer of help."""

    own_name: bool
    offer: bool


class LanguageSummary(ContractModel):
    """What is left for the agent after the call."""

    greeting: GreetingHeard | None = None
    """Null where the agent says nothing."""
    progress: StepsHeard
    rehearse: RehearsalEntry | None = None
    ticket_note: TicketDraft | None = None
