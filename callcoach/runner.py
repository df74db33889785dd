"""The wiring: a source, the core, the recogniser and the call folder. The one place that knows all parts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from callcoach import __version__
from callcoach.clock import SAMPLE_RATE, Samples, Span, to_ms
from callcoach.config import Settings
from callcoach.contract import (
    CallDocument,
    CallInfo,
    Metrics,
    ModelInfo,
    Quality,
    TranscriptInput,
    VerdictInfo,
    load_transcript,
)
from callcoach.contract.metrics import METRIC_KEYS
from callcoach.core.analyzer import Analyzer
from callcoach.core.delivery.profile import Profile
from callcoach.core.document import build_document
from callcoach.core.lookahead import LookAhead
from callcoach.core.phases import PhaseTracker
from callcoach.core.phrases import phrases
from callcoach.core.replay import TranscriptReplay
from callcoach.core.track import ChannelTrack
from callcoach.errors import AudioFormatError
from callcoach.events import Call, Channel, Event, Word, event_to_json
from callcoach.lexicon.silencing import in_columns, silence_in_words, silenced
from callcoach.ports import Pending, Source, SpeechWindow, Transcriber, Verdict
from callcoach.sinks.folder import ProsodyTrack, write_call_folder
from callcoach.sinks.jsonl import JsonlSink
from callcoach.sinks.report import ReportAudio, encode_audio, report_html
from callcoach.speech.silero import StreamingSilero
from callcoach.speech.store import ModelStore, go_offline
from callcoach.storage import atomic_file, make_private_folder

HASH_BLOCK: Final = 1 << 20
MOST_WORKERS: Final = 4
"""Windows in work at the same time, one per core; more gain little beside the analysis itself."""
SILENT_PEAK: Final = 10 ** (-70 / 20)
"""A channel that never rises above -70 dBFS carries no voice; [D]."""
LARGE_OFFSET: Final = 0.02
"""Direct-current offset worth a remark, full scale = 1.0; [D]."""

Progress = Callable[[float, float | None], None]
"""Called with the seconds done and the seconds in all (None when the file does not say)."""


class Recogniser:
    """A loaded Whisper model with its worker threads; one for any number of calls.

    Parameters
    ----------
    model_id : str
        As in the manifest.
    store : where weights are looked for.
    language, hotwords : as `callcoach.speech.whisper.WhisperTranscriber` takes them.

    Raises
    ------
    WeightsError
        If the weights are not here and cannot be obtained.
    """

    def __init__(
        self, model_id: str, *, store: ModelStore, language: str = "en", hotwords: str | None = None
    ) -> None:
        folder = store.obtain(model_id)
        go_offline()
        from callcoach.speech.whisper import WhisperTranscriber

        weights = next(f for f in store.manifest.spec(model_id).files if f.name == "model.bin")
        self.info = ModelInfo(id=model_id, sha256=weights.sha256)
        self.language = language
        # a window per core costs less than a window on all cores, and windows are in work ahead of time
        workers = min(MOST_WORKERS, os.cpu_count() or 1)
        self._transcriber: Transcriber = WhisperTranscriber(
            folder, language=language, hotwords=hotwords, cpu_threads=1, workers=workers
        )
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="words")

    def submit(self, window: SpeechWindow) -> Pending:
        """Start work on one window."""
        return self._pool.submit(self._transcriber.transcribe, window)

    def close(self) -> None:
        """Drop what has not begun; may be called more than once."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Result:
    """One analysed input."""

    name: str
    folder: Path
    document: CallDocument
    error: str | None = None
    """One sentence when the input was rejected."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with every input."""

    out: Path
    settings: Settings = field(default_factory=Settings)
    formats: Sequence[str] = ("json",)
    language: str = "en"
    profile: Profile | None = None
    """The agent's stored usual values."""


def analyze_source(
    name: str,
    paths: Sequence[Path],
    open_source: Callable[[], Source],
    folder: Path,
    job: Job,
    recogniser: Recogniser | None,
    progress: Progress | None = None,
) -> Result:
    """Analyse one recording and write its call folder.

    A recording that cannot be used gives a folder with a ``call.json`` whose verdict says so.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    KeyboardInterrupt
        When the user stops it; nothing is left of this call then.
    """
    try:
        with _opened(open_source) as source:
            document, prosody, secrets = _analyze(name, paths, source, folder, job, recogniser, progress)
    except AudioFormatError as error:
        return _rejected(name, folder, job, error)
    if "html" in job.formats:
        with _opened(open_source) as again:
            seconds = document.call.duration_ms / 1000
            quiet = silenced(again.blocks(), secrets, again.rate)
            sound = encode_audio(quiet, again.rate, expected_s=seconds) if seconds else None
        write_report(folder, document, sound, prosody)
    write_call_folder(folder, document, prosody=prosody, formats=job.formats)
    return Result(name, folder, document)


def analyze_transcript(path: Path, folder: Path, job: Job) -> Result:
    """Analyse a transcript without audio and write its call folder; see `analyze_source`."""
    try:
        given = load_transcript(path)
    except AudioFormatError as error:
        return _rejected(path.name, folder, job, error)
    document, events = _replay_transcript(path, given, job)
    if "html" in job.formats:
        write_report(folder, document, None, {})
    write_call_folder(folder, document, events=[event_to_json(e) for e in events], formats=job.formats)
    return Result(path.name, folder, document)


def _analyze(
    name: str,
    paths: Sequence[Path],
    source: Source,
    folder: Path,
    job: Job,
    recogniser: Recogniser | None,
    progress: Progress | None,
) -> tuple[CallDocument, dict[Channel | None, ProsodyTrack], Mapping[int, tuple[Span, ...]]]:
    ahead = None
    if recogniser is not None:
        ahead = LookAhead(
            job.settings,
            rate=source.rate,
            channels=source.channels,
            detector=StreamingSilero,
            submit=recogniser.submit,
        )
    analyzer = Analyzer(
        job.settings,
        rate=source.rate,
        channels=source.channels,
        detector=StreamingSilero if ahead is None else ahead.detector,
        submit=None if ahead is None else ahead.submit,
        profile=job.profile,
    )
    total = source.declared_length / source.rate if source.declared_length else None
    call_id = content_id(paths)
    make_private_folder(folder)
    with JsonlSink(folder / "events.jsonl", event_to_json) as log:
        log.handle(
            Call(
                span=Span(Samples(0), Samples(0)),
                known_at=Samples(0),
                id=call_id,
                source=name,
                started_at=None,
                channel_mode="dual" if source.channels == 2 else "mono",
                settings_digest=job.settings.digest(),
                weights=None if recogniser is None else recogniser.info.sha256,
                version=__version__,
                settings=job.settings.changed(),
                words=recogniser is not None,
                profile=None if job.profile is None else job.profile.as_json(),
            )
        )
        for block in source.blocks() if ahead is None else ahead.blocks(source.blocks()):
            _write(log, analyzer.push(block))
            if progress is not None:
                progress(analyzer.length / SAMPLE_RATE, total)
        _write(log, analyzer.finish())
    document = build_document(
        info=CallInfo(
            id=call_id,
            source=name,
            started_at=None,
            duration_ms=to_ms(analyzer.length),
            sample_rate=source.rate,
            channel_mode="dual" if source.channels == 2 else "mono",
            language=None if recogniser is None else recogniser.language,
            model=None if recogniser is None else recogniser.info,
            settings_digest=job.settings.digest(),
            version=__version__,
        ),
        verdict=_verdict(source.verdict, source.rate, analyzer.tracks),
        quality=_quality(source.verdict, source.rate, analyzer),
        settings=job.settings,
        length=analyzer.length,
        parties={track.channel: track.party for track in analyzer.tracks},
        transcript=analyzer.transcript,
        conversation=analyzer.conversation,
        coach=analyzer.coach,
        phases=PhaseTracker(phrases(), job.settings.phases)
        if analyzer.coach.scene is None
        else analyzer.coach.scene.phases,
    )
    said = {track.channel: analyzer.transcript.all(track.channel) for track in analyzer.tracks}
    secrets = masked_stretches(said, job.settings, bleed_share=analyzer.bleed.share)
    return document, {track.channel: _prosody(track) for track in analyzer.tracks}, secrets


def masked_stretches(
    said: Mapping[Channel | None, Sequence[Word]], settings: Settings, *, bleed_share: float
) -> dict[int, tuple[Span, ...]]:
    """Return where the sound of masked numbers and secrets has to be silent, by column (PRV-5).

    With a microphone that hears the caller, both columns are silent there.
    """
    if not settings.redaction.on:
        return {}
    spans = silence_in_words(said, settings.redaction)
    return in_columns(spans, list(said), across=bleed_share > settings.bleed.notice_share)


def _rejected(name: str, folder: Path, job: Job, error: AudioFormatError) -> Result:
    """Write the folder of a recording that cannot be used."""
    document = rejected_document(name, str(error), job)
    for file in ("events.jsonl", "prosody.npz"):  # of an earlier analysis; they would tell another story
        (folder / file).unlink(missing_ok=True)
    if "html" in job.formats:
        write_report(folder, document, None, {})
    write_call_folder(folder, document, formats=("json",))
    return Result(name, folder, document, str(error))


def write_report(
    folder: Path,
    document: CallDocument,
    sound: ReportAudio | None,
    curves: Mapping[Channel | None, ProsodyTrack],
) -> None:
    """Write ``report.html``."""
    make_private_folder(folder)
    with atomic_file(folder / "report.html") as file:
        file.write(report_html(document, audio=sound, curves=curves).encode())


def _write(log: JsonlSink, events: list[Event]) -> None:
    for event in events:
        log.handle(event)


def _prosody(track: ChannelTrack) -> ProsodyTrack:
    times, levels, f0 = track.curves()
    return ProsodyTrack(times, levels, f0, track.speech_mask(), track.hops(0, len(levels)).for_replay())


def _verdict(verdict: Verdict, rate: int, tracks: Sequence[ChannelTrack]) -> VerdictInfo:
    """Add to what the source found what the signal shows."""
    reasons = list(verdict.reasons)
    for track in tracks:
        side = f"The {track.channel.value}'s channel" if track.channel is not None else "The recording"
        if track.loudest < SILENT_PEAK:
            reasons.append(f"{side} is silent throughout.")
        elif abs(track.offset) > LARGE_OFFSET:
            reasons.append(
                f"{side} has a direct-current offset of {track.offset:+.2f} of full scale; it was removed."
            )
    spans = tuple((round(s * 1000 / rate), round(e * 1000 / rate)) for s, e in verdict.spans)
    return VerdictInfo(status=verdict.status, reasons=tuple(reasons), spans=spans)


def _quality(verdict: Verdict, rate: int, analyzer: Analyzer) -> Quality:
    samples = sum(len(t.levels) for t in analyzer.tracks) * 256
    clipped = sum(sum(t.clips) for t in analyzer.tracks)
    words = [w for t in analyzer.tracks for w in analyzer.transcript.all(t.channel)]
    return Quality(
        bleed_share=analyzer.bleed.share if analyzer.conversation is not None else None,
        clipping_pct=100 * clipped / samples if samples else None,
        nan_samples=verdict.nan_samples,
        mean_word_probability=float(np.mean([w.probability for w in words])) if words else None,
        missed_text_jobs=analyzer.merge.missed,
        lost_audio_ms=round(sum(e - s for s, e in verdict.spans) * 1000 / rate),
    )


def _replay_transcript(path: Path, given: TranscriptInput, job: Job) -> tuple[CallDocument, list[Event]]:
    replay = TranscriptReplay(job.settings, given)
    events: list[Event] = [
        Call(
            span=Span(Samples(0), Samples(0)),
            known_at=Samples(0),
            id=content_id([path]),
            source=path.name,
            started_at=None,
            channel_mode="transcript",
            settings_digest=job.settings.digest(),
            weights=None,
            version=__version__,
            settings=job.settings.changed(),
        ),
        *replay.run(),
    ]
    phases = PhaseTracker(phrases(), job.settings.phases)
    for event in events:
        phases.handle(event)
    document = build_document(
        info=CallInfo(
            id=content_id([path]),
            source=path.name,
            started_at=None,
            duration_ms=given.duration_ms,
            sample_rate=None,
            channel_mode="transcript",
            language=given.language,
            model=None,
            settings_digest=job.settings.digest(),
            version=__version__,
        ),
        verdict=VerdictInfo(status="ok"),
        quality=Quality(mean_word_probability=replay.mean_probability),
        settings=job.settings,
        length=replay.length,
        parties=dict(replay.parties),
        transcript=replay.transcript,
        conversation=replay.conversation,
        coach=None,
        phases=phases,
    )
    return document, events


def rejected_document(name: str, reason: str, job: Job) -> CallDocument:
    """Return the document of a recording that cannot be used."""
    why = "the recording was rejected"
    return CallDocument(
        call=CallInfo(
            id=hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:16],
            source=name,
            started_at=None,
            duration_ms=0,
            sample_rate=None,
            channel_mode="mono",
            language=None,
            model=None,
            settings_digest=job.settings.digest(),
            version=__version__,
        ),
        verdict=VerdictInfo(status="rejected", reasons=(reason,)),
        quality=Quality(),
        metrics=Metrics(why_null=dict.fromkeys(METRIC_KEYS, why)),
    )


def content_id(paths: Sequence[Path]) -> str:
    """First 16 hex digits of the SHA-256 of the files, in order: the same recording has the same id."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(HASH_BLOCK):
                digest.update(block)
    return digest.hexdigest()[:16]


def call_folders(out: Path, names: Sequence[str]) -> list[Path]:
    """Return one folder per input, ``out/<file stem>``; a stem that comes again gets a number."""
    folders: list[Path] = []
    taken: set[str] = set()
    for name in names:
        stem = Path(name).stem or "call"
        stem = "call" if stem in {".", ".."} else stem
        candidate, number = stem, 2
        while candidate.casefold() in taken:
            candidate, number = f"{stem}-{number}", number + 1
        taken.add(candidate.casefold())
        folders.append(out / candidate)
    return folders


@contextmanager
def _opened(open_source: Callable[[], Source]) -> Iterator[Source]:
    source = open_source()
    try:
        yield source
    finally:
        source.close()
