"""Keeps inputs alive and honest while a call runs.

A sound server gives a stream whose device vanished another device, possibly the other party's
microphone, without any error. So the routing is looked up after every change and at least once a
second, and the gate of an input is shut before its audio can be taken for the wrong party.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from callcoach.devices.backends import Backend, this_backend
from callcoach.devices.device import Device, SoundView
from callcoach.errors import DeviceError
from callcoach.sound_ports import AudioInput, Clock, InputBlock, OnBlock

OnLost = Callable[[str, float], None]
"""Reason (``lost``, ``moved``, ``stalled``, ``ended``, ``failed``) and the monotonic time in seconds from
which the party's audio is unknown. Called once per loss, from a thread of the watcher or of the input;
must not call either of them, only pass it on."""
OnBack = Callable[[float], None]
"""Monotonic time of the first sample. Called from the input's thread, right before that block; must only
copy and count."""
OnChange = Callable[[tuple[Device, ...]], None]
"""The devices that are here now; called from a thread of the watcher. Empty: no sound server."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchTimes:
    """Limits in seconds."""

    stalled_s: float = 1.0
    """Age of the last block at which a running stream counts as stalled (DEV-5)."""
    close_s: float = 3.0
    """Longest wait for inputs and threads to end."""
    first_block_s: float = 2.0
    """Longest wait for the first block after opening; a wireless headset needs more than one second."""
    mend_s: float = 0.1
    """Time between two looks at the age of the last block."""
    retry_s: float = 0.5
    """First wait after an attempt that failed; doubled by each further one."""
    steady_s: float = 5.0
    """A stream that ran this long starts afresh: its next loss is mended at once."""
    retry_most_s: float = 2.0
    """Longest wait between two attempts, so that a returned device is back within 3 s (DEV-1)."""
    unplaced_s: float = 1.0
    """How long a new stream may be missing in the server's list before it counts as lost."""
    frozen_s: float = 0.5
    """A look that comes later than this: the process stood still, and late blocks are on their way."""
    doubt_s: float = 0.1
    """Longest time from asking the server until its answer is looked at: what was recorded earlier than
    this before the last right answer is certainly of the right device, and nothing later is."""


@dataclass(slots=True, eq=False)
class _Kept:
    """One input with its gate. ``generation`` rises whenever the gate shuts: late blocks see it and go."""

    source: AudioInput
    on_block: OnBlock
    on_lost: OnLost
    on_back: OnBack
    generation: int = 0
    shut: bool = True
    away: bool = False
    """Whether the consumer was told of a loss and not yet of the return."""
    released: bool = False
    opened: float = 0.0
    last: float = 0.0
    sure: float = 0.0
    """Monotonic time up to which the audio is certainly of this device."""
    blocks: int = 0
    next_try: float = 0.0
    failures: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Guards the shutting of the gate (never held in the callback)."""
    wake: threading.Event = field(default_factory=threading.Event)
    mender: threading.Thread | None = None
    """Opens and closes the input, nobody else does once it is kept: either may hang with the server."""

    @property
    def device_id(self) -> str | None:
        return getattr(self.source, "device_id", None)

    @property
    def tag(self) -> str | None:
        return getattr(self.source, "tag", None)

    @property
    def silent_when_idle(self) -> bool:
        return bool(getattr(self.source, "silent_when_idle", False))


class Watcher:
    """Watches the inputs of a call and the devices of the computer.

    One thread asks the sound server and only ever shuts gates. Another one per input looks at the age of
    its last block, closes it and opens it again. So an input whose closing or opening hangs delays
    neither the guard nor the other side.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        on_change: OnChange | None = None,
        backend: Backend | None = None,
        times: WatchTimes | None = None,
    ) -> None:
        self._clock = clock
        self._on_change = on_change
        self._backend = backend
        self._times = times or WatchTimes()
        self._kept: tuple[_Kept, ...] = ()
        self._view: SoundView | None = None
        self._looked = -1.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to watch.

        Raises
        ------
        DeviceError
            When this platform has no back end.
        """
        if self._thread is None:
            backend = self._backend or this_backend()
            self._thread = threading.Thread(
                target=self._guard, args=(backend,), name="device-guard", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """Close every input and end the threads; may be called more than once.

        Where the sound server hangs, it returns after 3 s and leaves the rest to the system.
        """
        self._stop.set()
        kept, self._kept = self._kept, ()
        threads = [self._dismiss(one) for one in kept]
        end = self._times.close_s + self._clock.monotonic()
        for thread in (*threads, self._thread):
            if thread is not None and thread is not threading.current_thread():
                thread.join(max(0.0, end - self._clock.monotonic()))
                if thread.is_alive():
                    log.warning("a sound device could not be closed")
        self._thread = None

    @property
    def devices(self) -> tuple[Device, ...]:
        """What is here as of the last look; empty before the first and while no server answers."""
        return self._view.devices if self._view is not None else ()

    @property
    def looked(self) -> float:
        """Monotonic time of the last look at the routing, s; negative before the first."""
        return self._looked

    def keep(
        self,
        source: AudioInput,
        on_block: OnBlock,
        on_lost: OnLost,
        on_back: OnBack,
        *,
        required: bool = True,
    ) -> None:
        """Open an input and keep it open until `release`.

        With ``required=False`` an input that cannot be opened now is told to ``on_lost`` and tried
        again until it can.

        Raises
        ------
        DeviceError
            When it is required and cannot be opened.
        """
        kept = _Kept(source, on_block, on_lost, on_back)
        try:
            self._open(kept)
        except DeviceError:
            if required:
                raise
            kept.away = True
            self._put_off(kept)
            on_lost("lost", self._clock.monotonic())
        kept.mender = threading.Thread(target=self._mend, args=(kept,), name="device-mender", daemon=True)
        self._kept = (*self._kept, kept)
        kept.mender.start()

    def release(self, source: AudioInput) -> None:
        """Close an input and forget it; nothing is called for it any more. Waits 3 s at most."""
        for kept in self._kept:
            if kept.source is source:
                self._kept = tuple(other for other in self._kept if other is not kept)
                thread = self._dismiss(kept)
                if thread is not None and thread is not threading.current_thread():
                    thread.join(self._times.close_s)

    def _dismiss(self, kept: _Kept) -> threading.Thread | None:
        """Shut the gate for good and let the mender close the input; return its thread."""
        kept.released = True
        self._shut(kept)
        kept.wake.set()
        return kept.mender

    # Opening and the gate

    def _open(self, kept: _Kept) -> None:
        with kept.lock:
            kept.generation += 1
            generation = kept.generation
        clock = self._clock
        kept.opened = kept.last = kept.sure = clock.monotonic()
        kept.blocks = 0

        def deliver(block: InputBlock) -> None:
            if kept.generation != generation or kept.released:
                return
            kept.last = clock.monotonic()
            kept.blocks += 1
            if kept.away:
                kept.away = False
                kept.on_back(block.t)
            kept.on_block(block)

        def ended(reason: str) -> None:
            if kept.generation == generation:
                self._lose(kept, reason, kept.last, generation)

        kept.shut = False
        try:
            kept.source.open(deliver, ended)
        except BaseException:
            self._shut(kept)
            raise

    def _shut(self, kept: _Kept, generation: int | None = None) -> bool:
        """Shut the gate; return whether this call did it."""
        with kept.lock:
            if kept.shut or (generation is not None and kept.generation != generation):
                return False
            kept.shut = True
            kept.generation += 1
            return True

    def _lose(self, kept: _Kept, reason: str, t: float, generation: int | None = None) -> None:
        """Shut the gate and tell the consumer, unless it knows already."""
        if not self._shut(kept, generation) or kept.released:
            return
        log.info("an input was lost: %s", reason)
        if self._clock.monotonic() - kept.opened > self._times.steady_s:
            kept.failures = 0
        self._put_off(kept)
        if not kept.away:
            kept.away = True
            kept.on_lost(reason, t)
        kept.wake.set()

    def _put_off(self, kept: _Kept) -> None:
        """Set the time of the next attempt: at once after the first failure, then later and later."""
        times, failures = self._times, kept.failures
        wait = min(times.retry_most_s, times.retry_s * 2 ** min(failures - 1, 10)) if failures else 0.0
        kept.next_try = self._clock.monotonic() + wait
        kept.failures += 1

    # The guard's thread

    def _guard(self, backend: Backend) -> None:
        while not self._stop.is_set():
            try:
                backend.observe(self._look, self._stop)
            except Exception:
                # Without a look-out no audio can be trusted; it is begun anew.
                log.exception("looking at the sound server failed")
                self._look(None)
                self._stop.wait(self._times.retry_s)

    def _look(self, view: SoundView | None) -> None:
        """Compare where the streams are with where they belong."""
        now = self._clock.monotonic()
        before, self._view = self._view, view
        self._looked = now
        for kept in self._kept:
            if kept.device_id is not None:
                self._place(kept, view, now)
        here = view.devices if view is not None else ()
        gone = before.devices if before is not None else ()
        if here == gone:
            return
        new = {device.id for device in here} - {device.id for device in gone}
        for kept in self._kept:
            if kept.shut and kept.device_id in new:
                kept.failures, kept.next_try = 0, now
                kept.wake.set()
        if self._on_change is not None:
            try:
                self._on_change(here)
            except Exception:
                log.exception("a listener to device changes failed")

    def _place(self, kept: _Kept, view: SoundView | None, now: float) -> None:
        generation = kept.generation
        if kept.shut:
            return
        if view is None:
            self._lose(kept, "lost", kept.last, generation)
            return
        tag, wanted = kept.tag, kept.device_id
        if tag is None:
            return
        place = view.routes.get(tag)
        if place is None:
            # A stream enters the list some milliseconds after it was opened.
            if now - kept.opened > self._times.unplaced_s:
                self._lose(kept, "lost", kept.sure, generation)
        elif place == wanted:
            kept.sure = max(kept.opened, now - self._times.doubt_s)
        elif place != "":
            present = wanted is not None and view.has(wanted)
            self._lose(kept, "moved" if present else "lost", kept.sure, generation)

    # The thread of one input

    def _mend(self, kept: _Kept) -> None:
        """Look at the input ten times a second until it is released, then close it."""
        last = self._clock.monotonic()
        while not kept.released:
            woken = kept.wake.wait(self._times.mend_s)
            kept.wake.clear()
            now = self._clock.monotonic()
            if not woken and now - last > self._times.mend_s + self._times.frozen_s:
                kept.last = max(kept.last, now)
            try:
                if not kept.shut:
                    self._judge(kept, now)
                if kept.shut and not kept.released:
                    self._reopen(kept)
            except Exception:
                # Whatever a library throws, the next attempt may succeed.
                log.exception("mending an input failed")
                self._put_off(kept)
            last = self._clock.monotonic()
        kept.source.close()

    def _judge(self, kept: _Kept, now: float) -> None:
        """Find out whether the stream still runs and delivers."""
        generation, times = kept.generation, self._times
        if not kept.source.active and now - kept.opened > times.mend_s:
            self._lose(kept, "lost", kept.last, generation)
        elif not kept.silent_when_idle:
            limit = times.stalled_s if kept.blocks else times.first_block_s
            if now - kept.last > limit:
                self._lose(kept, "stalled", kept.last, generation)

    def _reopen(self, kept: _Kept) -> None:
        kept.source.close()
        device_id, view = kept.device_id, self._view
        if device_id is not None and self._looked >= 0 and (view is None or not view.has(device_id)):
            return
        if self._clock.monotonic() < kept.next_try:
            return
        try:
            self._open(kept)
        except DeviceError:
            self._put_off(kept)
