"""What a reader of one container hands to the source above it."""

from __future__ import annotations

from typing import Protocol

from callcoach.ports import Audio


class Reader(Protocol):
    """Decodes one file from its start to its end, once.

    Attributes
    ----------
    rate
        Hz.
    channels
        Columns of what ``read`` returns.
    declared
        Frames that the container promises, or None when it does not say.
    slack
        Frames by which a whole file of this kind may differ from ``declared`` (padding of lossy codecs).
    """

    rate: int
    channels: int
    declared: int | None
    slack: int

    def read(self) -> Audio | None:
        """Return up to one second, shape ``(n, channels)`` with n >= 1, or None at the end.

        Values may be anything that the file holds, NaN included. Never raises for what a file holds.
        """
        ...

    def close(self) -> None:
        """Release what the decoder holds; the file itself belongs to the source."""
        ...
