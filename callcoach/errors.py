"""Errors a user can meet. A message says what happened, to which file, and what to do next."""

from __future__ import annotations

from typing import ClassVar


class CallCoachError(Exception):
    """Base of all errors that are shown as one sentence, without a traceback."""

    exit_status: ClassVar[int] = 1


class ConfigError(CallCoachError):
    """A setting, option or argument is wrong."""

    exit_status = 2


class AudioFormatError(CallCoachError):
    """A recording cannot be used; the message names the file and the reason."""

    exit_status = 3


class WeightsError(CallCoachError):
    """Model weights are missing or damaged."""

    exit_status = 4


class DeviceError(CallCoachError):
    """A sound device or its library is missing."""

    exit_status = 4


class StoreError(CallCoachError):
    """A call folder could not be read or written."""

    exit_status = 1
