"""An hour of two sound cards that do not agree: how far apart the sides come, a tone, the cost.

``python -m tests.bench.aligning [minutes]`` prints the table; an hour takes a few minutes.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from callcoach.capture.align import Aligner
from callcoach.capture.ring import InputRing, SharedRing
from callcoach.events import Channel
from callcoach.sound_ports import InputBlock, Pcm
from tests.support.fake_inputs import FakeClock, FakeInput, LiveRig, Signal, tone
from tests.support.measuring import hum, offset, tone_quality

RATE = 16_000
STEP = 10
HZ = 1000.0


def hour(ppm: float, jitter: float, signal: Signal, minutes: float, seed: int = 1) -> list[tuple[float, Pcm]]:
    """Return 0.256 s of both sides from every tenth second."""
    clock = FakeClock()
    agent = FakeInput("mic", clock, signal, jitter=jitter, seed=seed)
    caller = FakeInput("phone", clock, signal, drift_ppm=ppm, jitter=jitter, seed=seed + 1)
    rig = LiveRig(clock, agent, caller, keep=False)
    looks, end, kept = [], clock.start + minutes * 60, np.zeros((0, 2), np.int16)
    due = RATE
    while clock.monotonic() < end:
        clock.advance(rig.poll)
        kept = np.concatenate([kept, rig.look()])[-RATE:]
        if rig.aligner.position >= due:
            looks.append((due / RATE, kept[-4096:].copy()))
            due += STEP * RATE
    if rig.marks or rig.late:
        raise AssertionError("nothing was lost, so no gap may be reported")
    return looks


def cost(seconds: int = 120, ppm: float = 500.0) -> dict[str, float]:
    """Return the share of one core at real speed, by part; of the longest turn its share of 20 ms."""
    rng = np.random.default_rng(1)
    pcm = rng.integers(-9000, 9000, (seconds + 1) * RATE).astype(np.int16)
    rings = {channel: InputRing() for channel in Channel}
    aligner, shared = Aligner(0.0), SharedRing.create()
    parts, longest = dict.fromkeys(("callbacks", "take and push", "read", "shared ring"), 0.0), 0.0
    rates = {Channel.AGENT: RATE, Channel.CALLER: RATE * (1 + ppm * 1e-6)}
    try:
        for k in range(seconds * 50):
            times = [time.thread_time()]
            for channel, ring in rings.items():
                ring.write(InputBlock(k * 320 / rates[channel], pcm[k * 320 : k * 320 + 320]))
            times.append(time.thread_time())
            for channel, ring in rings.items():
                for block in ring.take():
                    aligner.push(channel, block)
            times.append(time.thread_time())
            audio, _ = aligner.read(k * 0.02 + 0.03, k * 0.02 + 0.03)
            times.append(time.thread_time())
            shared.write(audio)
            shared.read(aligner.position - len(audio), RATE)
            times.append(time.thread_time())
            for name, took in zip(parts, np.diff(times), strict=True):
                parts[name] += float(took)
            longest = max(longest, times[-1] - times[0])
    finally:
        shared.close()
        shared.unlink()
    return {name: took / seconds for name, took in parts.items()} | {"longest turn": longest * 50}


def main(minutes: float) -> None:
    """Print the table."""
    print(f"{minutes:g} min, 20 ms blocks, sides compared every {STEP} s")
    for ppm, jitter in ((1000.0, 0.012), (-1000.0, 0.012), (1000.0, 0.0), (30.0, 0.012), (0.0, 0.012)):
        began = time.process_time()
        found = [abs(offset(a[:, 0], a[:, 1])) / RATE * 1e3 for _, a in hour(ppm, jitter, hum(), minutes)]
        settled = found[len(found) // 4 :]
        print(
            f"drift {ppm:+6.0f} ppm, blocks late by 0 to {jitter * 1e3:2.0f} ms: apart at most "
            f"{max(found):.2f} ms, after a quarter of the time {max(settled):.2f} ms "
            f"({time.process_time() - began:.0f} s)",
            flush=True,
        )
    for ppm in (1000.0, -1000.0):
        quality = [tone_quality(a[:, 1], HZ) for _, a in hour(ppm, 0.012, tone(HZ), minutes)]
        print(
            f"tone at {ppm:+.0f} ppm: at least {min(quality):.1f} dB, half above {np.median(quality):.1f} dB"
        )
    for name, share in cost().items():
        print(f"{name}: {share * 100:.2f} % of " + ("20 ms" if "turn" in name else "one core"))


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
