"""Builds the page: view model, safe embedding, one strict content policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from callcoach.contract import CallDocument
from callcoach.events import Channel
from callcoach.sinks._style import clock
from callcoach.sinks.folder import ProsodyTrack
from callcoach.sinks.report.audio import ReportAudio
from callcoach.sinks.report.cards import qa_rows, score_rows
from callcoach.sinks.report.curves import OUTLINE, PEAKS_PER_S, delivery_curves, waveforms
from callcoach.sinks.report.focus import beside, work_on
from callcoach.sinks.report.head import chips, notices, started
from callcoach.sinks.report.highlights import went_well
from callcoach.sinks.report.lanes import Event, timeline_lanes
from callcoach.sinks.report.language import language_card
from callcoach.sinks.report.numbers import number_groups
from callcoach.sinks.report.wording import SIDES, seconds
from callcoach.sinks.report.words import transcript_rows

_PACKAGE: Final = "callcoach.sinks.report"
_UPPER: Final = ("phase", "turn", "over")
"""Lanes above the curves."""
_SCRIPTS: Final = (
    "vendor/wavesurfer/wavesurfer.min.js",
    "vendor/wavesurfer/regions.min.js",
    "vendor/wavesurfer/timeline.min.js",
    "vendor/wavesurfer/minimap.min.js",
    "page.js",
)


def report_html(
    document: CallDocument,
    *,
    audio: ReportAudio | None = None,
    curves: Mapping[Channel | None, ProsodyTrack] | None = None,
) -> str:
    """Return the report of a call as one HTML page that needs nothing from outside.

    Parameters
    ----------
    document : the call; any channel mode and verdict, also an empty call
    audio : the compressed recording; None gives a page that shows the call without sound
    curves : delivery by channel, as written to ``prosody.npz``; of the caller no more is used than where
        words and pauses are

    Returns
    -------
    The page in UTF-8 text. The same input gives the same text.
    """
    curves = curves or {}
    lanes = timeline_lanes(document)
    events = [event for lane in lanes for event in lane.events]
    rows = transcript_rows(document)
    waves = waveforms(document, audio, curves) if document.call.duration_ms else ()
    nonce = _nonce(document)
    data = {
        "duration": document.call.duration_ms / 1000,
        "nonce": nonce,
        "peaksPerSecond": PEAKS_PER_S,
        "waves": [{"side": SIDES[wave.side], "peaks": wave.peaks} for wave in waves],
        "mime": audio.mime if audio is not None else None,
        "events": {event.id: _event(event) for event in events},
        "words": [time for row in rows for word in row.words for time in (word.begin, word.end)],
        "rows": [[row.begin, row.end, len(row.words)] for row in rows],
    }
    scripts = _scripts()
    groups, unmeasured = number_groups(document)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            document=document,
            call=document.call,
            has_audio=audio is not None and document.call.duration_ms > 0,
            title=document.call.source,
            started=started(document),
            length=seconds(document.call.duration_ms),
            chips=chips(document, has_audio=audio is not None),
            notices=notices(document),
            good=went_well(document),
            focus=work_on(document),
            beside=beside(document),
            groups=groups,
            unmeasured=unmeasured,
            scores=score_rows(document),
            missing=document.scores.missing,
            qa=qa_rows(document),
            language=language_card(document),
            upper=[lane for lane in lanes if lane.key in _UPPER],
            lower=[lane for lane in lanes if lane.key not in _UPPER],
            curves=delivery_curves(document, curves) if document.call.channel_mode != "transcript" else (),
            waves=waves,
            rows=rows,
            sides=SIDES,
            outline=OUTLINE,
            clock=clock,
            seconds=seconds,
            nonce=nonce,
            policy=_policy(nonce, scripts),
            style=Markup(_text("page.css")),
            places=Markup("".join(_place(event) for event in events)),
            scripts=[Markup(text) for text, _ in scripts],
            icons=Markup(_text("vendor/lucide/icons.svg")),
            licences=_licences(),
            data=data,
            sound=Markup(base64.b64encode(audio.data).decode("ascii")) if audio is not None else "",
        )
    )


def _event(event: Event) -> dict[str, object]:
    return {
        "b": event.begin,
        "e": event.end,
        "icon": event.icon,
        "title": event.title,
        "rule": event.rule,
        "facts": event.facts,
        "clip": event.clip,
        "look": event.look,
        "stop": event.stop,
    }


def _place(event: Event) -> str:
    """Return the style rules of one mark: made of numbers and an own identifier only."""
    if event.length is None:
        return f"#{event.id}{{left:{event.left}%;width:{event.width}%}}\n"
    return (
        f"#{event.id}{{left:{event.left}%;min-width:{event.length}%;max-width:{event.width}%}}\n"
        f"#{event.id} .len{{width:{event.length}cqw}}\n"
    )


def _policy(nonce: str, scripts: tuple[tuple[str, str], ...]) -> str:
    """Return the content policy: these scripts and styles, sound from memory, nothing from anywhere else."""
    allowed = " ".join(f"'sha256-{digest}'" for _, digest in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'nonce-{nonce}'; media-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _nonce(document: CallDocument) -> str:
    """Return a name for the page's styles that does not change from run to run."""
    return hashlib.sha256(document.to_json().encode()).hexdigest()[:24]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("callcoach.sinks", "report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _text(name: str) -> str:
    return files(_PACKAGE).joinpath(*name.split("/")).read_text("utf-8").replace("\r\n", "\n")


@cache
def _scripts() -> tuple[tuple[str, str], ...]:
    """Return the page's scripts, each with the base64 of its SHA-256."""
    texts = [_text(name) for name in _SCRIPTS]
    return tuple((text, base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()) for text in texts)


@cache
def _licences() -> tuple[tuple[str, str], ...]:
    return (
        (
            "wavesurfer.js 7.12.12, with its plugins regions, timeline and minimap",
            _text("vendor/wavesurfer/LICENSE"),
        ),
        ("Lucide icons 1.62.0", _text("vendor/lucide/LICENSE")),
    )
