"""The report page: complete for every kind of call, safe against whatever a call holds."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import numpy as np
import pytest

from callcoach.contract import (
    CallDocument,
    Metrics,
    VerdictInfo,
)
from callcoach.contract.metrics import METRIC_KEYS
from callcoach.sinks.folder import ProsodyTrack
from callcoach.sinks.report import ReportAudio, encode_audio, report_html
from callcoach.sinks.report.curves import delivery_curves, waveforms
from callcoach.sinks.report.wording import fact_rows
from tests.support.call_documents import AGENT, CALLER, call_info, mono_document, small_document
from tests.support.html_pages import Page
from tests.support.report_calls import (
    RATE,
    blocks,
    full_document,
    hostile_document,
    sound,
    tracks,
)

NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'>{{7*7}}<!--]]>\u2028&amp;"


def rejected() -> CallDocument:
    return CallDocument(
        call=call_info(duration_ms=0, channel_mode="mono", model=None, language=None, sample_rate=None),
        verdict=VerdictInfo(status="rejected", reasons=("The file holds no sound; record the call again.",)),
        quality=small_document().quality,
        metrics=Metrics(why_null=dict.fromkeys(METRIC_KEYS, "the recording was rejected")),
    )


def empty() -> CallDocument:
    return CallDocument(
        call=call_info(duration_ms=0), verdict=VerdictInfo(status="ok"), quality=small_document().quality
    )


def without_words() -> CallDocument:
    return full_document(
        call=call_info(model=None, language=None), transcript=(), language_events=(), opening_story=None
    )


def transcript_only() -> CallDocument:
    return small_document(call=call_info(channel_mode="transcript", sample_rate=None, model=None))


KINDS = {
    "full": full_document,
    "small": small_document,
    "mono": mono_document,
    "without words": without_words,
    "transcript": transcript_only,
    "silent": lambda: CallDocument(
        call=call_info(), verdict=VerdictInfo(status="ok"), quality=small_document().quality
    ),
    "empty": empty,
    "rejected": rejected,
}


def page_of(document: CallDocument, *, with_sound: bool = False) -> str:
    curves = tracks(document) if document.call.duration_ms else {}
    audio = encode_audio(blocks(sound(document)), RATE) if with_sound else None
    return report_html(document, audio=audio, curves=curves)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_call_gives_a_whole_page(kind: str) -> None:
    document = KINDS[kind]()
    page = Page(page_of(document))
    assert page.open == []
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    assert {"One thing to work on", "What went well", "The numbers"} <= {t.strip() for _, t in page.texts}
    assert document.call.source in page.visible


def test_without_length_there_is_no_timeline_and_the_reason_is_told() -> None:
    for document in (rejected(), empty()):
        page = Page(report_html(document))
        assert "board" not in {a.get("id") for _, a in page.elements}
        assert "Not enough data" in page.visible
    assert "The file holds no sound; record the call again." in Page(report_html(rejected())).visible


def test_a_mono_recording_names_nobody() -> None:
    page = Page(page_of(mono_document()))
    assert "sides not told apart" in page.visible
    assert not page.data["rows"] or "Recording" in page.visible
    assert not re.search(r"\bYou\b|\bCaller\b", " ".join(t for tag, t in page.texts if tag == "b"))


def test_a_page_without_sound_has_no_player_and_says_so() -> None:
    silent, heard = Page(page_of(small_document())), Page(page_of(small_document(), with_sound=True))
    assert not silent.of("audio")
    assert "page without sound" in silent.visible
    assert len(heard.of("audio")) == 1
    assert "page without sound" not in heard.visible


def test_the_sound_in_the_page_is_the_file_that_was_given() -> None:
    html = report_html(small_document(), audio=ReportAudio(b"\x00\xffsound", "audio/mpeg"))
    text = re.search(r'<script type="text/plain" id="sound">([^<]*)</script>', html)
    assert text is not None
    assert base64.b64decode(text[1]) == b"\x00\xffsound"


def test_the_same_call_gives_the_same_page() -> None:
    assert page_of(full_document()) == page_of(full_document())


def test_whatever_a_call_says_stays_text() -> None:
    html = page_of(hostile_document(NASTY), with_sound=True)
    page = Page(html)
    tame = Page(page_of(hostile_document("just four tame words"), with_sound=True))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in tame.elements]
    assert not page.of("img")
    assert "<script>alert" not in html
    assert "49" not in page.visible.replace("0:49", "")
    assert NASTY.split("\u2028")[0].replace("&amp;", "&") in page.visible
    shown = json.dumps(page.data, ensure_ascii=False)
    assert "alert(1)" in shown


def test_no_element_has_a_style_or_a_handler_or_an_address_outside() -> None:
    for html in (page_of(full_document(), with_sound=True), page_of(mono_document())):
        page = Page(html)
        for tag, attributes in page.elements:
            assert "style" not in attributes, tag
            assert not [name for name in attributes if name.startswith("on")], tag
            for name in ("src", "href", "action", "poster", "data", "srcset"):
                assert (attributes.get(name) or "#").startswith("#"), (tag, name)
        style = next(text for tag, text in page.texts if tag == "style")
        assert "url(" not in style
        assert "@import" not in style


def test_the_policy_allows_exactly_the_scripts_and_styles_of_the_page() -> None:
    html = page_of(full_document(), with_sound=True)
    page = Page(html)
    policy = next(a for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy")["content"]
    assert policy is not None
    rules = {
        name: rest.split()
        for name, *parts in (p.split() for p in policy.split(";"))
        for rest in [" ".join(parts)]
    }
    assert rules["default-src"] == ["'none'"]
    assert rules["media-src"] == ["blob:"]
    assert set(rules) == {"default-src", "script-src", "style-src", "media-src", "base-uri", "form-action"}
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
    assert rules["script-src"] == hashes
    assert len(hashes) == 5
    assert rules["style-src"] == [f"'nonce-{page.of('style')[0]['nonce']}'"]


def test_the_page_carries_the_licences_of_its_parts() -> None:
    html = report_html(small_document())
    assert "BSD 3-Clause License" in html
    assert "Neither the name of the copyright holder" in html
    assert "ISC License" in html


def test_nothing_of_how_a_caller_sounded_is_in_the_page() -> None:
    document, audio = full_document(), encode_audio(blocks(sound(full_document())), RATE)
    curves = tracks(document)
    caller = curves[CALLER]
    louder = ProsodyTrack(caller.t_s, caller.level_dbfs + 12, caller.f0_hz * 1.5, caller.speech)
    html = report_html(document, audio=audio, curves=curves)
    assert html == report_html(document, audio=audio, curves=curves | {CALLER: louder})
    assert "231.5" not in html
    assert "Faster than usual" not in Page(html).visible


def test_the_waveform_of_the_caller_is_levelled_and_the_agents_is_not() -> None:
    document, samples = small_document(), sound(small_document())
    first = slice(3400 * RATE // 1000, 10_000 * RATE // 1000)
    quieter = samples.copy()
    quieter[20_500 * RATE // 1000 : 24_000 * RATE // 1000] *= 0.25
    waves = {
        w.side: np.frombuffer(base64.b64decode(w.peaks), np.uint8)
        for w in waveforms(document, encode_audio(blocks(quieter), RATE), {})
    }
    caller = waves[CALLER]
    early, late = caller[170 : 15_000 // 20], caller[20_500 // 20 : 24_000 // 20]
    assert abs(float(np.quantile(early, 0.9)) - float(np.quantile(late, 0.9))) < 12
    assert first.start < first.stop
    quieter[14_300 * RATE // 1000 : 20_000 * RATE // 1000, 0] *= 0.25
    agent = np.frombuffer(
        base64.b64decode(
            next(
                w.peaks
                for w in waveforms(document, encode_audio(blocks(quieter), RATE), {})
                if w.side is AGENT
            )
        ),
        np.uint8,
    )
    assert float(agent[740:980].max()) < 0.4 * float(agent[1610:1900].max())


def test_every_event_stands_at_its_place_with_its_facts() -> None:
    document = full_document()
    html = report_html(document)
    data = Page(html).data
    events = data["events"]
    assert data["duration"] == 40.0
    for entry in document.overlaps:
        found = [
            name
            for name, e in events.items()
            if name.startswith("over") and (e["b"], e["e"]) == (entry.begin, entry.end)
        ]
        assert len(found) == 1
        place = re.search(rf"#{found[0]}{{left:([\d.]+)%;", html)
        assert place is not None
        assert float(place[1]) == pytest.approx(100 * entry.begin / 40_000, abs=0.001)
        assert entry.overlap_class in events[found[0]]["look"]
    assert sum("counted" in e["look"] for e in events.values()) == 3
    shown = [e["title"] for name, e in events.items() if name.startswith("cue")]
    assert sorted(shown) == [
        "Good: open question",
        "Held back: Softer voice",
        "Let them finish",
        "Say what you're doing",
    ]
    held = next(e for e in events.values() if e["title"].startswith("Held back"))
    assert ["Held back", "8 s after the last prompt, least gap 20 s"] in held["facts"]
    ring = next(e for e in events.values() if e["title"] == "Say what you're doing")
    assert ["Shown as", "ring"] in ring["facts"]
    assert ["Text held back", "10 s after the last prompt"] in ring["facts"]
    assert ["Shown at", "0:30.4"] in ring["facts"]
    raised = next(e for e in events.values() if "raised_delivery" in e["look"])
    assert ["Over your usual", "level and pace"] in raised["facts"]


def test_each_class_of_overlap_has_a_shape_of_its_own() -> None:
    html = report_html(full_document())
    icons = dict(
        re.findall(r'class="ev point \w+ (\w+) \w+ r\d"[^>]*><svg[^>]*><use href="#i-([\w-]+)"', html)
    )
    assert len(icons) == 7
    assert len(set(icons.values())) == 7


def test_facts_have_units_signs_and_words() -> None:
    rows = fact_rows(
        {
            "rise_db": 7.25,
            "overlap_ms": 700,
            "is_open": True,
            "left_out": None,
            "known_at": 65_300,
            "count": 3,
        }
    )
    assert rows == [
        ("Over your usual", "+7.2\N{THIN SPACE}dB"),
        ("Both talking", "0.7\N{THIN SPACE}s"),
        ("Is open", "yes"),
        ("Known at", "1:05.3"),
        ("Count", "3"),
    ]


def test_curves_stand_against_the_usual_of_the_agent() -> None:
    document = full_document()
    n = 2500
    t = np.arange(n) * 0.016
    speech = (t > 0.5) & (t < 3)
    level = np.where(speech, -20.0, -70.0).astype(np.float32)
    f0 = np.where(speech, 118.0 * 2 ** (3 / 12), np.nan).astype(np.float32)
    curves = {c.key: c for c in delivery_curves(document, {AGENT: ProsodyTrack(t, level, f0, speech)})}
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", curves["level"].path)]
    assert np.allclose(np.array(heights), curves["level"].high - 6.0, atol=0.02)
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", curves["pitch"].path)]
    assert np.allclose(np.array(heights), curves["pitch"].high - 3.0, atol=0.02)
    times = [float(x) for x in re.findall(r"[ML]([\d.]+) ", curves["pitch"].path)]
    assert 0.4 < min(times) < 0.7
    assert 2.8 < max(times) < 3.1


def test_a_missing_curve_says_why() -> None:
    curves = {c.key: c.reason for c in delivery_curves(without_words(), {})}
    assert curves == {
        "level": "No level: there is no sound of your side",
        "pitch": "No pitch: there is no sound of your side",
        "pace": "No pace: words were not recognised",
    }


def test_pace_is_words_in_the_last_seconds_of_own_speech() -> None:
    from callcoach.contract import SegmentEntry, TranscriptEntry, WordEntry

    words = tuple(WordEntry(w="word", b=i * 400, e=i * 400 + 300, p=0.9) for i in range(75))
    document = small_document(
        segments=(SegmentEntry(role=AGENT, begin=0, end=30_000),),
        transcript=(TranscriptEntry(role=AGENT, begin=0, end=30_000, text="word", kind="turn", words=words),),
        turns=(),
        overlaps=(),
        opening_story=None,
        metrics=Metrics(),
    )
    pace = next(c for c in delivery_curves(document, {}) if c.key == "pace")
    rates = [pace.high - float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", pace.path)]
    assert len(rates) > 20
    assert all(abs(rate - 150) <= 10 for rate in rates)
