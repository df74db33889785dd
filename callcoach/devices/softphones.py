"""Which running program plays the caller's voice."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

PHONE_ROLE = "phone"
"""``media.role`` of a stream that says itself that it is a phone call."""


@dataclass(frozen=True, slots=True)
class Softphone:
    """A known program, by the names its streams carry (lower case), and why it is listed."""

    name: str
    applications: frozenset[str]
    binaries: frozenset[str]
    reason: str


@cache
def known_softphones() -> tuple[Softphone, ...]:
    """Read the list that comes with the program."""
    text = resources.files("callcoach").joinpath("_data/softphones.toml").read_text("utf-8")
    return tuple(
        Softphone(
            name=row["name"],
            applications=frozenset(name.casefold() for name in row["applications"]),
            binaries=frozenset(name.casefold() for name in row["binaries"]),
            reason=row["reason"],
        )
        for row in tomllib.loads(text)["softphone"]
    )


def is_softphone(application: str, binary: str, role: str) -> bool:
    """Tell whether a stream with these names and ``media.role`` belongs to a phone program."""
    if role.casefold() == PHONE_ROLE:
        return True
    return any(
        application.casefold() in phone.applications or binary.casefold() in phone.binaries
        for phone in known_softphones()
    )
