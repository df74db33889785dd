"""The report of a ten-minute call: size of the page, time until it is open, requests that leave it."""

from __future__ import annotations

import functools
import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from callcoach.runner import Job, analyze_source
from callcoach.sources.file import open_recording
from tests.bench.lab import Lab
from tests.bench.table import Row, Skipped

SECTION: Final = "report"
MINUTES: Final = 10
OPENS_S: Final = 2.0
PAGE_MB: Final = 15.0
RUNS: Final = 3


def run(lab: Lab) -> list[Row]:
    """Analyse ten minutes of a shipped call, said again and again, and open its page in Chromium."""
    page = _page(lab)
    megabytes = page.stat().st_size / 1e6
    size = Row(
        SECTION,
        f"page of a {MINUTES} min call, one file",
        f"<= {PAGE_MB:.0f} MB",
        f"{megabytes:.1f} MB",
        megabytes <= PAGE_MB,
        {"megabytes": megabytes},
    )
    try:
        openings, requests = _opened(page)
    except Skipped as reason:
        return [size, Row(SECTION, "opens in Chromium", f"<= {OPENS_S:.0f} s", f"skipped: {reason}")]
    middle = statistics.median(openings)
    return [
        size,
        Row(
            SECTION,
            "opens in headless Chromium, sound ready",
            f"<= {OPENS_S:.0f} s",
            f"{middle:.2f} s (median of {RUNS})",
            middle <= OPENS_S,
            {"seconds": middle},
        ),
        Row(SECTION, "requests that leave the page", "0", str(requests), requests == 0),
    ]


def _page(lab: Lab) -> Path:
    audio, rate = soundfile.read(lab.samples()[0], dtype="int16", always_2d=True)
    times = -(-MINUTES * 60 * rate // len(audio))
    path = lab.folder / "ten-minutes.wav"
    soundfile.write(path, np.concatenate([audio] * times)[: MINUTES * 60 * rate], rate)
    folder = lab.folder / "ten-minutes"
    job = Job(out=lab.folder, formats=("json", "html"))
    analyze_source(path.name, [path], functools.partial(open_recording, path), folder, job, None)
    return folder / "report.html"


def _opened(page: Path) -> tuple[list[float], int]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise Skipped("playwright is not installed") from None
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = os.environ.get("CALLCOACH_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        raise Skipped("there is no Chromium on this machine")
    times: list[float] = []
    left: list[str] = []

    def asked(request: Any) -> None:
        if not request.url.startswith(("file:", "blob:", "data:")):
            left.append(request.url)

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser)
        for _ in range(RUNS):
            view = chromium.new_page()
            view.on("request", asked)
            begin = time.perf_counter()
            view.goto(page.as_uri())
            while not view.evaluate("document.getElementById('media').readyState >= 2"):
                view.wait_for_timeout(10)
            times.append(time.perf_counter() - begin)
            view.close()
        chromium.close()
    return times, len(left)
