"""How it stands with the record of a running call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from callcoach.clock import Span
from callcoach.events import Channel

LOW_SPACE_MINUTES: Final = 60.0
"""Less than this is worth a warning (DUR-7)."""
STALE_S: Final = 2.0
"""A newest synced byte that is older is not "recording" (DEV-5)."""

State = Literal["recording", "full", "failing", "closed"]


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """How it stands with the record.

    Attributes
    ----------
    state : ``recording``; ``full``, the disk has no space left; ``failing``, it refuses for another
        reason; ``closed``. The writer goes on trying in both bad states.
    synced, written : end positions in samples by channel, of what is on disk and of what the system has
        taken; a channel that was never stored is not in them
    synced_age_s : age of the newest synced sample, None before the first
    free_minutes : how long both sides still fit on the disk
    rewrite_from : set while samples from there on must be written again
    missing : stretches that could not be stored so far, of whatever channels
    suspect_files : files given up after a refused write or sync
    failures : refused steps
    reason : the last refusal in the system's words
    """

    state: State
    synced: dict[Channel, int]
    written: dict[Channel, int]
    synced_age_s: float | None
    free_minutes: float | None
    rewrite_from: int | None
    missing: tuple[Span, ...]
    suspect_files: int
    failures: int
    reason: str | None

    @property
    def low_space(self) -> bool:
        """Whether less than an hour fits."""
        return self.free_minutes is not None and self.free_minutes < LOW_SPACE_MINUTES

    @property
    def on_disk(self) -> bool:
        """Whether samples reach the disk now; the recording light shows nothing else."""
        fresh = self.synced_age_s is not None and self.synced_age_s <= STALE_S
        return fresh and self.state == "recording"
