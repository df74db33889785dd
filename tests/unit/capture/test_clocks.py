from __future__ import annotations

import ast
import sys
import time
from datetime import UTC, timedelta
from pathlib import Path

import pytest

import callcoach.capture
from callcoach.capture.clocks import PacedClock, SystemClock
from tests.support.fake_inputs import FakeClock

SYSTEM_TIME = {"time", "datetime"}


def test_system_clock_goes_on() -> None:
    clock = SystemClock()
    began, booted = clock.monotonic(), clock.boot()
    clock.sleep(0.02)
    assert 0.015 < clock.monotonic() - began < 1.0
    assert 0.015 < clock.boot() - booted < 1.0
    assert clock.wall().utcoffset() == timedelta(0)


def test_sleep_of_nothing_returns_at_once() -> None:
    clock = SystemClock()
    began = time.perf_counter()
    clock.sleep(0.0)
    clock.sleep(-5.0)
    assert time.perf_counter() - began < 0.1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the clock that goes on in sleep is Linux's")
def test_boot_clock_is_the_one_that_counts_sleep() -> None:
    assert abs(SystemClock().boot() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 0.5


def test_paced_clock_runs_ahead_and_waits_shorter() -> None:
    base = FakeClock()
    clock = PacedClock(base, 20)
    began = clock.monotonic()
    clock.sleep(10.0)
    assert base.monotonic() - base.start == pytest.approx(0.5)
    assert clock.monotonic() - began == pytest.approx(10.0)
    assert clock.boot() - began == pytest.approx(10.0)
    assert clock.wall().tzinfo is UTC


def test_pace_is_above_zero() -> None:
    with pytest.raises(ValueError, match="above 0"):
        PacedClock(FakeClock(), 0)


def test_nothing_else_in_the_package_asks_the_system_for_the_time() -> None:
    """Time is reached through ``Clock`` only (section 2 of the reliability requirements)."""
    found = []
    for path in sorted(Path(callcoach.capture.__file__).parent.glob("*.py")):
        if path.name == "clocks.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                names = ["time"]
            found += [f"{path.name}: {name}" for name in names if name in SYSTEM_TIME]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                call = ast.unparse(node.func)
                found += [f"{path.name}: {call}"] if call in ("datetime.now", "datetime.utcnow") else []
    assert not found
