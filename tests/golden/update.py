"""Write the golden logs anew: ``make golden``, or ``python -m tests.golden.update [--words]``.

Two logs per shipped sample: ``<sample>.sound.events.jsonl`` without words and ``<sample>.words.events.jsonl``
with them. Words stand in ``<sample>.words.json`` as they were recognised once, so that the test needs no
weights; they are recognised again when a window is not among them, or with ``--words``. Read the difference
before it is committed: every changed line is a changed result.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from callcoach.events import Words, event_to_json
from callcoach.ports import SpeechWindow, Transcriber
from callcoach.speech.store import ModelStore, default_folders, go_offline
from tests.support.running import NAMES, Pace, RecordedTranscriber, log, read, run

FOLDER = Path(__file__).parent
MODEL = "base"


def golden_path(name: str, words: bool) -> Path:
    """Golden log of a sample."""
    return FOLDER / f"{name}.{'words' if words else 'sound'}.events.jsonl"


def words_path(name: str) -> Path:
    """Recorded words of a sample."""
    return FOLDER / f"{name}.words.json"


class _Recorder:
    """Takes words from the record where it has them and keeps what it had to recognise."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record: dict[str, Any] = {}
        self.recognised = 0
        self._old = record
        self._model: Transcriber | None = None

    def transcribe(self, window: SpeechWindow) -> Any:
        key = RecordedTranscriber.key(window)
        if key in self._old:
            self.record[key] = self._old[key]
        else:
            self.recognised += 1
            span = window.pieces[0]
            line = event_to_json(
                Words(
                    span=span,
                    known_at=span.end,
                    channel=window.channel,
                    items=self._whisper().transcribe(window),
                )
            )
            self.record[key] = line["items"]
        return RecordedTranscriber(self.record).transcribe(window)

    def _whisper(self) -> Transcriber:
        if self._model is None:
            folder = ModelStore(*default_folders(None)).obtain(MODEL)
            go_offline()
            from callcoach.speech.whisper import WhisperTranscriber

            self._model = WhisperTranscriber(folder, language="en", hotwords=None)
        return self._model


def update(name: str, *, anew: bool) -> str:
    """Write the golden files of one sample; return what changed, for people."""
    audio, rate = read(name)
    path = words_path(name)
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() and not anew else {}
    recorder = _Recorder(old)
    changed = 0
    for words in (False, True):
        target = golden_path(name, words)
        text = "\n".join(log(run([audio], rate, Pace(recorder) if words else None))) + "\n"
        changed += not target.exists() or target.read_text(encoding="utf-8") != text
        target.write_text(text, encoding="utf-8")
    path.write_text(json.dumps(recorder.record, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    return f"{name}: {changed} of 2 logs changed, {recorder.recognised} windows recognised"


def main() -> int:
    """Write all golden files; return 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", action="store_true", help="recognise all words again")
    anew = parser.parse_args().words
    for name in NAMES:
        print(update(name, anew=anew), flush=True)  # noqa: T201 - a tool
    return 0


if __name__ == "__main__":
    sys.exit(main())
