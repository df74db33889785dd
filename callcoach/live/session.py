"""One live call from its first sample to its folder: the one place of the live path that knows all parts.

The capture process delivers both sides through a ring; this process analyses them frame by frame with the
same core as recordings, and writes what becomes known to the log; the recogniser has its own process. What
the folder tells in the end is built from the written log alone, so that a recovered call has the same.
"""

from __future__ import annotations

import heapq
import json
import logging
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np

from callcoach import __version__
from callcoach.capture.clocks import SystemClock
from callcoach.capture.journal_reader import read_journal
from callcoach.capture.marker import CallLock, Marker, start_call
from callcoach.capture.process import (
    Applied,
    Begun,
    CaptureSpec,
    Disk,
    Ended,
    Erase,
    Erased,
    InputSpec,
    InputState,
    Lost,
    Message,
    Mute,
    Started,
    Stop,
    Store,
)
from callcoach.capture.ring import SharedRing
from callcoach.clock import SAMPLE_RATE, Samples, Span, to_samples
from callcoach.config import Settings
from callcoach.contract import CallDocument
from callcoach.core.analyzer import Analyzer
from callcoach.core.delivery.profile import Profile
from callcoach.core.syllables import SyllableTrack
from callcoach.errors import DeviceError
from callcoach.events import (
    Bookmark,
    Call,
    Channel,
    ConsentBasis,
    Device,
    Event,
    Gap,
    Notice,
    Overload,
    Pause,
    PauseKind,
    Scrub,
    Trouble,
    event_from_json,
    event_to_json,
)
from callcoach.lexicon.redaction_guard import SecretGuard
from callcoach.live.capturing import Capturing, silence
from callcoach.live.consent import ConsentState, without_caller
from callcoach.live.curves import CurveLog
from callcoach.live.finishing import finish_call
from callcoach.live.inputs import open_input
from callcoach.live.interim import InterimRecord
from callcoach.live.ladder import Ladder, Load
from callcoach.live.recogniser import LiveRecogniser
from callcoach.live.sound_checks import NoSound, SameSound
from callcoach.live.words import LiveWords
from callcoach.ports import Audio
from callcoach.sinks.jsonl import JsonlSink
from callcoach.sound_ports import Clock, Pcm
from callcoach.speech.silero import StreamingSilero
from callcoach.storage import atomic_file, make_private_folder

log = logging.getLogger(__name__)

IDLE_S: Final = 0.01
"""Time between two looks when nothing has come; a part of what the ring cue may take (OVL-3)."""
MOST: Final = SAMPLE_RATE // 4
"""Samples analysed in one go, so that commands never wait long behind a backlog."""
FIGURES_S: Final = 0.25
HALF_RATE: Final = 4
"""Level of the overload ladder from which on the display is refreshed half as often."""
SYNC_S: Final = 0.5
"""DUR-2: a power cut costs at most a second of events."""
SCRUB_S: Final = 30.0
"""How far scrub-back reaches (PRV-4)."""
REMIND_S: Final = 60.0
"""A pause that lasts so long is told again (PRV-4)."""
LATE_START_S: Final = 0.5
"""Two inputs never begin at the same sample; only a longer wait for one of them is told."""
CURVES_HOPS: Final = 64
"""Hops of delivery curves written at once, about a second."""

Command = tuple[str, float | None]
Say = Literal["started", "status", "notice", "warning"]


class Display(Protocol):
    """What the agent sees of a call."""

    def say(self, kind: Say, text: str) -> None:
        """Show one sentence."""
        ...

    def event(self, event: Event, now: int) -> None:
        """Show an event of the analysis."""
        ...

    def interim(self, record: InterimRecord) -> None:
        """Show the text of an utterance as it grows."""
        ...

    def tick(self, session: LiveSession) -> None:
        """Refresh what changes all the time; called about four times a second."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with the call."""

    folder: Path
    inputs: Mapping[Channel, InputSpec]
    settings: Settings = field(default_factory=Settings)
    basis: ConsentBasis = "own-side"
    seconds: float | None = None
    log_interim: bool = False
    formats: tuple[str, ...] = ("json", "html")
    profile: Profile | None = None
    source: str = "live"


class LiveSession:
    """Runs one call in the calling thread; `command` may be called from any other."""

    def __init__(
        self, plan: Plan, recogniser: LiveRecogniser | None, display: Display, clock: Clock | None = None
    ) -> None:
        self._plan = plan
        self._recogniser = recogniser
        self._show = display
        self._clock = clock or SystemClock()
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._started_at = self._clock.wall()
        self.call_id = self._started_at.strftime("%Y%m%dT%H%M%S%fZ")
        self.consent = ConsentState(plan.basis)
        self.paused: PauseKind | None = None
        self._paused_at = 0
        self._reminded = 0
        self.disk: Disk | None = None
        self._ring = SharedRing.create()
        spec = CaptureSpec(
            call_id=self.call_id,
            folder=plan.folder,
            ring=self._ring.name,
            inputs=dict(plan.inputs),
            stored=self.consent.stored,
        )
        self._capture = Capturing(spec, self._ring, open_input, self._clock)
        self._words = None
        if recogniser is not None:
            recogniser.reload = self._reload
            self._words = LiveWords(
                recogniser,
                plan.settings.text,
                allowed=self.consent.transcribes,
                show=self._interim,
                wall=self.wall,
            )
        self.analyzer = Analyzer(
            plan.settings,
            rate=SAMPLE_RATE,
            channels=2,
            detector=StreamingSilero,
            submit=None if self._words is None else self._words.submit,
            on_miss="skip",
            profile=plan.profile,
        )
        self._ladder = Ladder()
        self._guard = SecretGuard(plan.settings.redaction)
        self._checks = (SameSound(), NoSound())
        self._position = 0
        """Up to here the analysis has heard."""
        self._held: list[tuple[int, int, Event]] = []
        """Events that are told once the analysis is there."""
        self._count = self._looks = 0
        self._figures_at = self._synced_at = self._analysis_s = 0.0
        self._curves_from = 0
        self._erasures = 0
        self._stop = False
        self._log: JsonlSink | None = None
        self._curves: CurveLog | None = None
        self._interims: Any = None

    # What others may ask

    def command(self, name: str, value: float | None = None) -> None:
        """Order something: stop, agreed, refused, private, card, resume, scrub, bookmark."""
        self._commands.put((name, value))

    def wall(self) -> float:
        """Return the seconds since the capture began."""
        begun = self._capture.begun
        return 0.0 if begun is None else self._clock.monotonic() - begun

    @property
    def seconds(self) -> float:
        """Seconds of the call that were heard."""
        return self._position / SAMPLE_RATE

    @property
    def pids(self) -> dict[str, int | None]:
        """Process ids of the helpers."""
        return {
            "capture": self._capture.pid,
            "recogniser": None if self._recogniser is None else self._recogniser.pid,
        }

    @property
    def level(self) -> int:
        """Level of the overload ladder."""
        return self._ladder.level

    # The call

    def run(self) -> CallDocument | None:
        """Run the call until it is over and its folder is complete; None when it never began.

        Raises
        ------
        DeviceError
            When the inputs cannot be opened.
        StoreError
            When the folder cannot be written.
        """
        make_private_folder(self._plan.folder)
        marker = Marker(self.call_id, self._started_at.astimezone(), settings=self._facts())
        lock = start_call(self._plan.folder, marker)
        try:
            return self._run(lock)
        finally:
            self._capture.close()
            lock.release()
            self._ring.close()
            self._ring.unlink()

    def _reload(self, channel: Channel | None, span: Span) -> Audio:
        """Read stored sound again, for words that wait too long to stay in memory (OVL-5)."""
        column = list(Channel).index(channel) if channel is not None else 0
        pcm = read_journal(self._plan.folder).read(span.start, span.end)[:, column]
        return pcm.astype(np.float32) / np.float32(32768)

    def _facts(self) -> dict[str, Any]:
        """Return what a recovery needs to know beside the log."""
        info = None if self._recogniser is None else self._recogniser.info
        return {
            "language": None if self._recogniser is None else self._recogniser.language,
            "model": None if info is None else info.model_dump(),
            "source": self._plan.source,
            "formats": list(self._plan.formats),
            "settings": self._plan.settings.changed(),
            "settings_digest": self._plan.settings.digest(),
            "profile": None if self._plan.profile is None else self._plan.profile.as_json(),
        }

    def _run(self, lock: CallLock) -> CallDocument | None:
        folder = self._plan.folder
        info = None if self._recogniser is None else self._recogniser.info
        with (
            JsonlSink(folder / "events.jsonl", event_to_json, wall_s=self.wall, in_place=True) as self._log,
            CurveLog(folder) as self._curves,
        ):
            if self._plan.log_interim and self._recogniser is not None:
                self._interims = (folder / "interim.jsonl").open("w", encoding="utf-8")
                (folder / "interim.jsonl").chmod(0o600)
            at = Span(Samples(0), Samples(0))
            self._write(
                Call(
                    span=at,
                    known_at=Samples(0),
                    id=self.call_id,
                    source=self._plan.source,
                    started_at=self._started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    channel_mode="dual",
                    settings_digest=self._plan.settings.digest(),
                    weights=None if info is None else info.sha256,
                    version=__version__,
                    settings=self._plan.settings.changed(),
                    words=self._recogniser is not None,
                    profile=None if self._plan.profile is None else self._plan.profile.as_json(),
                )
            )
            self._tell(self.consent.opening())
            self._capture.start()
            self._loop()
            self._last_words()
            if self._interims is not None:
                self._interims.close()
        ended = self._capture.ended
        if ended is not None and ended.error is not None and not self._position:
            raise DeviceError(ended.error)
        self._show.say("status", "Writing the call folder.")
        return finish_call(
            folder,
            formats=self._plan.formats,
            tracks=self.analyzer.tracks,
            stored=self.consent.stored,
            settings=self._plan.settings,
            bleed_share=self.analyzer.bleed.share if self.consent.caller_from is not None else None,
        )

    def _loop(self) -> None:
        while True:
            self._obey()
            for message in self._capture.messages():
                self._hear_from_capture(message)
            if self._capture.dead and not self._capture.stopping:
                self._replace_capture()
            heard = self._listen()
            now = self._clock.monotonic()
            if now - self._figures_at >= FIGURES_S:
                self._figures_at = now
                self._look_at_figures(now)
            if not heard:
                over = self._capture.ended is not None or (self._capture.stopping and self._capture.dead)
                if over and self._ring.written <= self._position:
                    return
                self._clock.sleep(IDLE_S)

    def _listen(self) -> bool:
        """Analyse what the ring holds; tell whether there was anything."""
        start, block = self._ring.read(self._position, MOST)
        if not len(block):
            return False
        if start > self._position:
            self._catch_up(start)
        self._position = start + len(block)
        begun = self._clock.monotonic()
        self._analyse(block)
        self._analysis_s += self._clock.monotonic() - begun
        seconds = self._plan.seconds
        if seconds is not None and self._position >= to_samples(seconds) and not self._capture.stopping:
            self._capture.send(Stop())
        return True

    def _catch_up(self, start: int) -> None:
        """Analyse zeros where the ring has gone on without the analysis; the record itself is whole."""
        log.warning("the analysis was %d samples behind the ring", start - self._position)
        missing = start - self._position
        span = Span(Samples(self._position), Samples(start))
        while missing > 0:
            part = min(missing, SAMPLE_RATE)
            self._analyse(np.zeros((part, 2), np.int16))
            missing -= part
        self._hold(Gap(span=span, known_at=span.end, reason="not_analysed"))

    def _analyse(self, block: Pcm) -> None:
        audio = block.astype(np.float32) / np.float32(32768)
        for event in self.analyzer.push(audio):
            self._tell(event)
        now = self.analyzer.now
        self._tell_held(now)
        if self._words is not None:
            self._words.step(now, {track.channel: track.cutter for track in self.analyzer.tracks})
        agent, caller = self.analyzer.tracks
        active = (bool(agent.active[-1]), bool(caller.active[-1])) if now else (False, False)
        self._silence_secrets()
        if self.paused is None:
            for check in self._checks:
                for code, value in check.step(block, active):
                    self._notice(code, value)
        self._keep_curves()

    def _silence_secrets(self) -> None:
        """Take the sound of what was just masked out of the journal."""
        margin = to_samples(self._plan.settings.redaction.margin_s)
        for match in self.analyzer.masking.new_matches():
            start = max(0, min(match.span.start - margin, match.room.start))
            end = max(match.span.end + margin, match.room.end)
            heard_twice = match.channel is None or self._bleeds
            self._erase(start, end, frozenset(c for c in Channel if heard_twice or c is match.channel))

    @property
    def _bleeds(self) -> bool:
        """Whether the microphone hears the caller."""
        return self.analyzer.bleed.share > self._plan.settings.bleed.notice_share

    def _warn_of_secrets(self, record: InterimRecord) -> None:
        """Warn when somebody begins to name a password or card number; some words begin a card pause."""
        listen = self._guard.hear if record.final else self._guard.glimpse
        for warning in listen(record.channel, record.words):
            notice = warning.notice(Samples(self.analyzer.now))
            self._hold(notice)
            self._show.say("warning", warning.text)
            if warning.pauses and self.paused is None:
                self._pause("card")

    def _keep_curves(self, *, final: bool = False) -> None:
        """Write the curves of the agent that will not change any more; the caller's are not kept."""
        assert self._curves is not None
        track = self.analyzer.tracks[0]
        last = len(track.levels) if final else len(track.levels) - SyllableTrack.LAG - 16
        if last - self._curves_from < (1 if final else CURVES_HOPS):
            return
        self._curves.append(Channel.AGENT, self._curves_from, track.hops(self._curves_from, last))
        self._curves_from = last

    def _last_words(self) -> None:
        """End the analysis and wait for the words that are missing."""
        self._capture.close()
        for message in self._capture.messages():
            self._hear_from_capture(message)
        if self._recogniser is not None and self.analyzer.merge.outstanding:
            left = len(self.analyzer.merge.outstanding)
            self._show.say("status", f"Finishing the words of {left} stretches of speech.")
            self._recogniser.begin_deferred()
        for event in self.analyzer.finish():
            self._tell(event)
        self._tell_held(None)
        if self._words is not None:
            self._words.step(self.analyzer.now, {})
        self._keep_curves(final=True)

    # Telling and writing

    def _hold(self, event: Event) -> None:
        """Tell an event as soon as the analysis has come to it."""
        self._count += 1
        heapq.heappush(self._held, (int(event.known_at), self._count, event))

    def _tell_held(self, now: int | None) -> None:
        """Tell what lies before ``now``; everything at the end. The log never goes back in time."""
        while self._held and (now is None or self._held[0][0] <= now):
            event = heapq.heappop(self._held)[2]
            self._tell(replace(event, known_at=Samples(max(event.known_at, self.analyzer.now))))

    def _tell(self, event: Event) -> None:
        self._show.event(event, self.analyzer.now)
        kept = self.consent.written(event)
        if kept is not None:
            self._write(kept)

    def _write(self, event: Event) -> None:
        assert self._log is not None
        self._log.handle(event)

    def _interim(self, record: InterimRecord) -> None:
        self._show.interim(record)
        self._warn_of_secrets(record)
        if self._interims is not None and record.words:
            masked = self.analyzer.masking.glimpse(record.channel, record.words, final=record.final)
            line = record.as_json() | {"text": " ".join(word.text for word in masked)}
            self._interims.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._interims.flush()

    def _notice(self, code: str, value: float) -> None:
        now = self.analyzer.now
        at = Span(Samples(now), Samples(now))
        self._tell(Notice(span=at, known_at=Samples(now), code=code, value=value))

    def _trouble(self, reason: str) -> None:
        now = self.analyzer.now
        self._tell(Trouble(span=Span(Samples(now), Samples(now)), known_at=Samples(now), reason=reason))
        self._show.say("warning", reason)

    # What the capture process says

    def _hear_from_capture(self, message: Message) -> None:
        match message:
            case Started(names):
                self._show.say("started", f"Agent: {names[Channel.AGENT]}. Caller: {names[Channel.CALLER]}.")
            case Begun(monotonic):
                if self._capture.begun is None:
                    self._capture.begun = monotonic
            case Lost(channel, start, end, reason):
                late = reason == "not_started" and end - start < to_samples(LATE_START_S)
                if reason not in ("ended", *_MEANT) and end > start and not late:
                    span = Span(Samples(start), Samples(end))
                    self._hold(Gap(span=span, known_at=span.end, reason=reason, channel=channel))
            case InputState(channel, state, name, position):
                at = Span(Samples(position), Samples(position))
                self._hold(Device(span=at, known_at=at.end, channel=channel, state=state, name=name))
                if state != "ended":
                    kind: Say = "notice" if state in ("opened", "returned") else "warning"
                    self._show.say(kind, f"{channel.value}: {name} {state}.")
            case Applied(position, stored, muted):
                log.info("stored from %d: %d sides, muted: %s", position, len(stored), muted)
            case Disk(status):
                self._look_at_disk(status.state, status.reason, status.low_space, status.free_minutes)
                self.disk = message
            case Erased(error=str(error)):
                self._trouble(error)
            case Erased() | Ended():
                pass

    def _look_at_disk(self, state: str, reason: str | None, low: bool, minutes: float | None) -> None:
        before = None if self.disk is None else self.disk.status
        if state in ("full", "failing") and (before is None or before.state != state):
            what = "The disk is full" if state == "full" else "The disk refuses the recording"
            self._trouble(f"{what} ({reason}); cues go on, recording goes on when there is space.")
        elif state == "recording" and before is not None and before.state in ("full", "failing"):
            self._trouble("The recording goes on.")
        if low and (before is None or not before.low_space):
            self._show.say("warning", f"Space for {minutes:.0f} more minutes of recording is left.")

    def _replace_capture(self) -> None:
        start, end = self._capture.replace(lambda until: silence(self._ring, until))
        if end > start:
            span = Span(Samples(start), Samples(end))
            self._hold(Gap(span=span, known_at=span.end, reason="capture_died"))
        self._trouble("The capture process ended unexpectedly and was started again.")

    # Figures, four times a second

    def _look_at_figures(self, now: float) -> None:
        if self._recogniser is not None and self._words is not None:
            figures = self._recogniser.figures()
            oldest = figures.oldest_end
            change = self._ladder.step(
                Load(
                    now,
                    recogniser_s=figures.busy_s,
                    analysis_s=self._analysis_s,
                    behind_s=0.0 if oldest is None else max(0.0, (self._position - oldest) / SAMPLE_RATE),
                    waiting_s=figures.waiting_s,
                )
            )
            if change is not None:
                at = Samples(self.analyzer.now)
                self._tell(Overload(span=Span(at, at), known_at=at, level=change.level, reason=change.reason))
                self._show.say("notice", change.reason)
                self._words.level = change.level
                self._recogniser.defer(change.level >= 3)
        if self.paused is not None and self._position - self._reminded >= to_samples(REMIND_S):
            self._reminded = self._position
            self._show.say("warning", f"Still paused ({self.paused}); nothing is recorded.")
        if now - self._synced_at >= SYNC_S and self._log is not None:
            self._synced_at = now
            self._log.sync()
        # on the last level of the ladder what is shown changes half as often (OVL-1)
        self._looks += 1
        if self.level < HALF_RATE or self._looks % 2:
            self._show.tick(self)

    # What the agent orders

    def _obey(self) -> None:
        while not self._commands.empty():
            name, value = self._commands.get()
            match name:
                case "stop":
                    if not self._capture.stopping:
                        self._capture.send(Stop())
                case "agreed":
                    self._change_consent(granted=True)
                case "refused":
                    self._change_consent(granted=False)
                case "private" | "card":
                    self._pause("private" if name == "private" else "card")
                case "resume":
                    self._pause(None)
                case "scrub":
                    self._scrub(SCRUB_S if value is None else value)
                case "bookmark":
                    at = Samples(self.analyzer.now)
                    self._tell(Bookmark(span=Span(at, at), known_at=at))
                    self._show.say("notice", "Bookmark set.")
                case _:
                    self._show.say("warning", f"Unknown command {name!r}; type help.")

    def _change_consent(self, *, granted: bool) -> None:
        position = self._ring.written
        event = self.consent.grant(position) if granted else self.consent.refuse(position)
        if event is None:
            return
        self._capture.send(Store(self.consent.stored))
        if not granted:
            self._erase(0, position + SAMPLE_RATE, frozenset({Channel.CALLER}))
            if self._words is not None:
                self._words.take_back(0, position + SAMPLE_RATE, (Channel.CALLER,))
            self.analyzer.masking.forget(0, position, [Channel.CALLER])
            self._forget_caller()
        self._hold(event)
        self._show.say("notice", "Both sides are stored." if granted else "Only your own side is stored.")

    def _forget_caller(self) -> None:
        """Take everything of the caller out of the files that are there."""

        def own(record: dict[str, Any]) -> Mapping[str, object] | None:
            event = without_caller(event_from_json(record))
            if event is None:
                return None
            kept = event_to_json(event)
            return kept | ({"wall_s": record["wall_s"]} if "wall_s" in record else {})

        assert self._log is not None
        self._log.rewrite(own)
        self._rewrite_interims(lambda record: record["role"] != Channel.CALLER.value)

    def _pause(self, kind: PauseKind | None) -> None:
        if kind == self.paused:
            kind = None  # the same key again ends it
        before = self.paused
        self.paused = kind
        self._capture.send(Mute(kind))
        at = Samples(self._ring.written)
        if before is not None:
            self._hold(Pause(span=Span(at, at), known_at=at, kind=before, on=False))
            span = Span(Samples(min(self._paused_at, at)), at)
            self._hold(Gap(span=span, known_at=at, reason=before))
        if kind is not None:
            self._paused_at = self._reminded = at
            self._hold(Pause(span=Span(at, at), known_at=at, kind=kind, on=True))
        texts = {
            None: "Recording again.",
            "private": "Private: nothing is recorded.",
            "card": "Card pause: nothing is recorded.",
        }
        self._show.say("notice", texts[kind])

    def _scrub(self, seconds: float) -> None:
        """Remove the last seconds from the record: sound, words and what is shown of them."""
        end = self._ring.written
        start = max(0, end - to_samples(seconds))
        self._erase(start, end, frozenset(Channel))
        if self._words is not None:
            self._words.take_back(start, end)
        self.analyzer.transcript.forget(start, end)
        self.analyzer.masking.forget(start, end)

        def without(record: dict[str, Any]) -> Mapping[str, object] | None:
            if record.get("type") == "Words":
                items = [w for w in record["items"] if w["span"][1] <= start or w["span"][0] >= end]
                return record | {"items": items}
            return record

        assert self._log is not None
        self._log.rewrite(without)
        begin_ms = start * 1000 // SAMPLE_RATE
        self._rewrite_interims(lambda record: record["end"] <= begin_ms)
        at = Samples(end)
        self._hold(Scrub(span=Span(Samples(start), at), known_at=at))
        self._hold(Gap(span=Span(Samples(start), at), known_at=at, reason="scrub"))
        self._show.say("notice", f"The last {seconds:.0f} s are removed.")

    def _erase(self, start: int, end: int, channels: frozenset[Channel]) -> None:
        self._erasures += 1
        self._capture.send(Erase(self._erasures, start, end, channels))

    def _rewrite_interims(self, keep: Callable[[dict[str, Any]], bool]) -> None:
        if self._interims is None:
            return
        path = self._plan.folder / "interim.jsonl"
        self._interims.close()
        lines = [line for line in path.read_text("utf-8").splitlines() if keep(json.loads(line))]
        with atomic_file(path) as file:
            file.write("".join(line + "\n" for line in lines).encode())
        self._interims = path.open("a", encoding="utf-8")


_MEANT: Final = ("private", "card")
"""Reasons of zeros that the agent wanted; their gap is told when the pause ends."""
