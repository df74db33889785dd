"""Call folders with two channels for tests of what reads them: a real sample through the analyzer."""

from __future__ import annotations

from pathlib import Path

import soundfile

from callcoach.config import Settings
from callcoach.core.delivery.profile import Profile
from callcoach.runner import Job, analyze_source
from callcoach.sources.file import open_recording
from tests.support.running import SAMPLES

SECONDS = 60


def store(
    folder: Path, *, start: float = 10.0, settings: Settings | None = None, profile: Profile | None = None
) -> Path:
    """Analyse a minute of a shipped call into a folder, without words; return the folder of the call."""
    audio, rate = soundfile.read(
        SAMPLES / "s02_interrupted_scanner.flac",
        start=round(start * 16_000),
        frames=SECONDS * 16_000,
        dtype="int16",
        always_2d=True,
    )
    path = folder / "call.wav"
    soundfile.write(path, audio, rate)
    job = Job(out=folder, settings=settings or Settings(), profile=profile)
    result = analyze_source(path.name, [path], lambda: open_recording(path), folder / "call", job, None)
    assert result.error is None
    return result.folder
