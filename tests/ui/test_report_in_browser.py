"""The report in headless Chromium: it opens, plays, follows, stays within itself."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from callcoach.contract import CallDocument
from callcoach.contract import metrics as m
from callcoach.contract.metrics import Metrics
from callcoach.sinks.report import encode_audio, report_html
from tests.support.call_documents import call_info, mono_document, small_document
from tests.support.language_calls import language_document, silent_document
from tests.support.report_calls import RATE, blocks, full_document, hostile_document, overlap, sound, tracks

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("CALLCOACH_CHROMIUM") or next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

OPENS_S = 2.0
WAIT_S = 15.0
PAGE_MB = 15.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as run:
        chromium = run.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """An open report with all that it asked for and complained about."""

    page: Any
    opened_s: float
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def at(self) -> float:
        """Position of the sound, seconds."""
        return float(self.page.evaluate("document.getElementById('media').currentTime"))

    def wait(self, condition: str) -> None:
        """Wait until a condition holds; asked from here, since the policy forbids evaluated text."""
        until = time.monotonic() + WAIT_S
        while not self.page.evaluate(f"Boolean({condition})"):
            assert time.monotonic() < until, f"not within {WAIT_S:.0f} s: {condition}"
            self.page.wait_for_timeout(20)

    def pause(self) -> None:
        self.page.evaluate("document.getElementById('media').pause()")


Opens = Callable[..., Visit]


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Opens]:
    """Open a report; afterwards nothing may have left the page and the console must be silent."""
    visits: list[Visit] = []
    contexts: list[Any] = []

    def opened(html: str, **options: Any) -> Visit:
        file = tmp_path / f"report{len(visits)}.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(**({"viewport": {"width": 1400, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        seen = Visit(page, 0.0)
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        begun = time.perf_counter()
        page.goto(file.as_uri())
        seen.wait("document.documentElement.dataset.ready || !document.getElementById('board')")
        seen.opened_s = time.perf_counter() - begun
        visits.append(seen)
        return seen

    yield opened
    for seen in visits:
        outside = [url for url in seen.requests if not url.startswith(("file:", "blob:"))]
        assert outside == []
        assert [url for url in seen.requests if url.startswith("file:")] == seen.requests[:1]
        assert seen.complaints == []
    for context in contexts:
        context.close()


def report(document: CallDocument, *, with_sound: bool = True) -> str:
    channels = 1 if document.call.channel_mode == "mono" else 2
    audio = encode_audio(blocks(sound(document, channels)), RATE) if with_sound else None
    return report_html(document, audio=audio, curves=tracks(document))


@pytest.fixture(scope="module")
def full() -> str:
    return report(full_document())


def test_a_click_on_an_interruption_plays_from_there_and_tells_its_figures(visit: Opens, full: str) -> None:
    seen = visit(full)
    assert seen.at() == 0
    seen.page.locator(".ev.floor_taking").click()
    seen.wait(
        "!document.getElementById('media').paused && document.getElementById('media').currentTime > 14.5"
    )
    assert 14.3 <= seen.at() < 17
    panel = seen.page.locator("#inspect")
    assert "You took the floor" in panel.inner_text()
    assert "0:14.3" in panel.inner_text()
    assert seen.page.locator("#play").get_attribute("aria-label") == "Pause"


def test_the_clip_of_the_one_thing_plays_and_stops_at_its_end(visit: Opens, full: str) -> None:
    seen = visit(full)
    seen.page.select_option("#rate", "2")
    seen.page.locator(".focus .clip.primary").click()
    seen.wait("!document.getElementById('media').paused")
    first, last = 11.8, 18.8
    assert first - 0.1 <= seen.at() < first + 3
    seen.wait("document.getElementById('media').paused")
    assert last - 0.05 <= seen.at() < last + 0.4


def test_the_transcript_follows_the_sound_and_leads_it(visit: Opens, full: str) -> None:
    seen = visit(full)
    seen.page.locator(".row.caller .w").nth(6).click()
    begin = 3400 + 6 * (15_000 - 3400) / 14
    seen.wait("document.querySelector('.row.now.caller .w.now')")
    seen.pause()
    assert begin / 1000 - 0.05 <= seen.at() < begin / 1000 + 2
    seen.page.wait_for_timeout(100)
    words = seen.page.locator(".row.caller").first.locator(".w").all_inner_texts()
    expected = words[int((seen.at() * 1000 - 3400) * 14 / (15_000 - 3400))]
    assert seen.page.locator(".row.caller .w.now").inner_text() == expected
    seen.page.locator(".row.agent .when").last.click()
    seen.wait("document.querySelector('.row.agent:last-child.now')")
    assert 32 <= seen.at() < 34


def test_a_click_into_the_timeline_and_the_waveform_plays_at_that_spot(visit: Opens, full: str) -> None:
    seen = visit(full)
    lane = seen.page.locator(".lane.l-level").bounding_box()
    seen.page.mouse.click(lane["x"] + lane["width"] * 0.5, lane["y"] + 20)
    seen.wait("!document.getElementById('media').paused")
    assert 19.9 <= seen.at() < 22
    wave = seen.page.locator("#wave").bounding_box()
    seen.page.mouse.click(wave["x"] + wave["width"] * 0.75, wave["y"] + 60)
    seen.wait("document.getElementById('media').currentTime > 29")
    assert 29.9 <= seen.at() < 32
    head = seen.page.locator("#head").bounding_box()
    assert abs((head["x"] - lane["x"]) / lane["width"] * 40 - seen.at()) < 1


def test_keys_play_seek_walk_zoom_and_help(visit: Opens, full: str) -> None:
    seen = visit(full)
    press = seen.page.keyboard.press
    seen.page.locator("#board").focus()
    press(" ")
    seen.wait("!document.getElementById('media').paused")
    press(" ")
    seen.wait("document.getElementById('media').paused")
    before = seen.at()
    press("ArrowRight")
    assert seen.at() == pytest.approx(before + 5, abs=0.2)
    press("ArrowLeft")
    assert seen.at() == pytest.approx(before, abs=0.2)
    stops = []
    for _ in range(4):
        press("n")
        stops.append(round(seen.at(), 1))
    assert stops == [5.0, 8.0, 10.0, 14.3]
    press("p")
    assert seen.at() == pytest.approx(10.0, abs=0.1)
    wide = "document.getElementById('sheet').clientWidth / document.getElementById('lanes').clientWidth"
    press("+")
    assert seen.page.evaluate(wide) == pytest.approx(1.6, abs=0.05)
    press("0")
    assert seen.page.evaluate(wide) == pytest.approx(1, abs=0.01)
    press("?")
    assert seen.page.locator("dialog[open]").count() == 1
    press("Escape")
    assert seen.page.locator("dialog[open]").count() == 0


def test_rows_of_the_transcript_are_walked_with_arrows(visit: Opens, full: str) -> None:
    seen = visit(full)
    seen.page.locator(".row .when").first.focus()
    for _ in range(3):
        seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("ArrowUp")
    seen.page.keyboard.press("Enter")
    seen.wait("!document.getElementById('media').paused")
    assert 8.0 <= seen.at() < 9.5


def test_zoom_keeps_waveform_and_lanes_together(visit: Opens, full: str) -> None:
    seen = visit(full)
    for _ in range(4):
        seen.page.locator("#zoom-in").click()
    seen.page.evaluate("document.getElementById('lanes').scrollLeft = 700")
    lanes = "document.getElementById('lanes').scrollLeft"
    wave = "document.querySelector('#wave > div').shadowRoot.querySelector('.scroll').scrollLeft"
    seen.wait(f"{lanes} > 600 && Math.abs({lanes} - {wave}) <= 1")
    event = seen.page.locator(".ev.floor_taking").bounding_box()
    lane = seen.page.locator("#sheet").bounding_box()
    assert (event["x"] - lane["x"]) / lane["width"] * 40 == pytest.approx(14.3, abs=0.05)


def test_one_side_can_be_heard_alone(visit: Opens, full: str) -> None:
    seen = visit(full)
    for whom in ("caller", "agent", "both"):
        seen.page.select_option("#hear", whom)
        seen.page.locator(".ev.floor_taking").click()
        seen.wait(
            "!document.getElementById('media').paused && document.getElementById('media').currentTime > 14.5"
        )
        seen.pause()


def test_the_computed_card_opens_on_demand_only(visit: Opens, full: str) -> None:
    seen = visit(full)
    assert not seen.page.locator(".scores").is_visible()
    seen.page.locator("#computed > summary").click()
    assert seen.page.locator(".scores").is_visible()


@pytest.mark.parametrize("kind", ["transcript", "mono", "without words"])
def test_other_kinds_of_calls_work_without_complaint(visit: Opens, kind: str) -> None:
    if kind == "transcript":
        document = small_document(call=call_info(channel_mode="transcript", sample_rate=None, model=None))
        seen = visit(report_html(document))
        seen.page.locator(".ev.floor_taking").click()
        assert seen.page.locator("#now").inner_text() == "0:14.3"
        assert seen.page.locator(".row.now").count() == 2
        return
    document = (
        mono_document()
        if kind == "mono"
        else full_document(transcript=(), call=call_info(model=None), language_events=())
    )
    seen = visit(report(document))
    lane = seen.page.locator(".lane.l-turn").bounding_box()
    seen.page.mouse.click(lane["x"] + lane["width"] * 0.1, lane["y"] + lane["height"] / 2)
    seen.wait(
        "!document.getElementById('media').paused && document.getElementById('media').currentTime > 0.4"
    )


def test_nothing_that_a_call_says_can_act(visit: Opens) -> None:
    act = "document.title='taken'"
    nasty = f"</script><script>{act}</script><img src='http://localhost:9/x' onerror=\"{act}\">"
    seen = visit(report(hostile_document(nasty)))
    seen.page.locator(".ev.floor_taking").click()
    seen.page.wait_for_timeout(200)
    assert seen.page.title().startswith("Call report: </script>")
    assert seen.page.locator("main img").count() == 0


def test_the_policy_stops_every_way_out(visit: Opens, full: str) -> None:
    seen = visit(full)
    with socket.create_server(("127.0.0.1", 0)) as outside:
        outside.settimeout(0.5)
        address = f"http://127.0.0.1:{outside.getsockname()[1]}"
        blocked = seen.page.evaluate(
            """async (address) => {
              const stopped = [];
              document.addEventListener("securitypolicyviolation", (e) => stopped.push(e.effectiveDirective));
              await fetch(address).catch(() => 0);
              new Image().src = `${address}/x.png`;
              const script = document.createElement("script");
              script.textContent = "document.title = 'taken'";
              document.body.append(script);
              await new Promise((done) => setTimeout(done, 300));
              return stopped;
            }""",
            address,
        )
        with pytest.raises(TimeoutError):
            outside.accept()
    assert sorted(set(blocked)) == ["connect-src", "img-src", "script-src-elem"]
    assert seen.page.title() == "Call report: example.wav"
    # The attempts above were noted, on the console too; nothing else was.
    assert all("Content Security Policy" in text or "Fetch API" in text for text in seen.complaints)
    seen.complaints.clear()
    del seen.requests[1:]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
def test_nothing_is_wider_than_the_window_and_text_stands_out(
    visit: Opens, full: str, scheme: str, width: int
) -> None:
    seen = visit(full, color_scheme=scheme, viewport={"width": width, "height": 900})
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.page.evaluate(CONTRASTS) == []


CONTRASTS = """() => {
  const light = (c) => {
    const v = c.map((x) => x / 255).map((x) => (x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2];
  };
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = (part) => {
    for (; part; part = part.parentElement) {
      const colour = parse(getComputedStyle(part).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const part of document.querySelectorAll("h1,h2,p,small,td,th,li,button,summary,.lbl,.label,.w,.who")) {
    if (!part.innerText || !part.offsetWidth || part.closest(".silence, dialog")) continue;
    const a = light(parse(getComputedStyle(part).color)), b = light(behind(part));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${part.className || part.tagName}: ${ratio.toFixed(1)}`);
  }
  return poor;
}"""


def test_paper_shows_everything_that_can_be_read(visit: Opens, full: str) -> None:
    seen = visit(full)
    seen.page.emulate_media(media="print")
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    for shown in (".scores", ".qa", ".numbers table", ".lane.l-over", ".paper svg", ".rows"):
        assert seen.page.locator(shown).first.is_visible(), shown
    for hidden in (".transport", ".inspect", "#wave", "dialog"):
        assert not seen.page.locator(hidden).first.is_visible(), hidden
    seen.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert not seen.page.locator("#computed").evaluate("part => part.open")
    assert len(seen.page.pdf(format="A4")) > 20_000


@pytest.fixture(scope="module")
def spoken() -> str:
    return report(language_document())


def test_a_click_on_a_language_mark_moves_there_and_tells_row_and_suggestion(
    visit: Opens, spoken: str
) -> None:
    seen = visit(spoken)
    mark = seen.page.locator(".ev.word.w-tag").first
    assert "“You need to wait” (N01). Try: I'll do it now." in mark.get_attribute("title")
    mark.click()
    seen.wait(
        "!document.getElementById('media').paused && document.getElementById('media').currentTime > 33.5"
    )
    assert 33.4 <= seen.at() < 36
    panel = seen.page.locator("#inspect").inner_text()
    for told in ("You need to wait", "N01", "I'll do it now.", "3 of 3"):
        assert told in panel


def test_the_clip_of_an_acknowledgement_plays_and_picks_its_mark(visit: Opens, spoken: str) -> None:
    seen = visit(spoken)
    seen.page.locator(".windows .clip").first.click()
    seen.wait("!document.getElementById('media').paused")
    assert 7.5 <= seen.at() < 10
    assert "are you serious" in seen.page.locator("#inspect").inner_text()
    assert "are you serious" in seen.page.locator(".ev.on").get_attribute("title")


def test_the_draft_is_copied_as_it_stands_after_changes(visit: Opens, spoken: str) -> None:
    seen = visit(spoken)
    seen.page.locator(".ticket > summary").click()
    draft = seen.page.locator("#note")
    assert draft.input_value().startswith("DRAFT, ")
    draft.fill("Checked: n 0 ? stay letters here")
    draft.press("n")
    assert seen.at() == 0
    seen.page.locator("#copy").click()
    seen.wait("document.getElementById('copied').textContent === 'Copied'")
    draft.fill("")
    draft.press("Control+v")
    assert draft.input_value() == "Checked: n 0 ? stay letters heren"


@pytest.mark.parametrize("kind", ["spoken", "silent"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
def test_language_fits_the_window_and_stands_out(visit: Opens, kind: str, scheme: str, width: int) -> None:
    document = language_document() if kind == "spoken" else silent_document()
    html = report(document, with_sound=False)
    seen = visit(html, color_scheme=scheme, viewport={"width": width, "height": 900})
    for part in seen.page.locator(".language details > summary").all():
        part.click()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.page.evaluate(CONTRASTS) == []


def test_paper_shows_the_language_section_unfolded(visit: Opens, spoken: str) -> None:
    seen = visit(spoken)
    seen.page.emulate_media(media="print")
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    for shown in (".rehearse", ".windows", ".phrases", ".checks", ".style", "#note"):
        assert seen.page.locator(shown).first.is_visible(), shown
    assert not seen.page.locator("#copy").is_visible()
    hidden = "document.getElementById('note').scrollHeight - document.getElementById('note').clientHeight"
    assert seen.page.evaluate(hidden) <= 1


def test_focus_is_visible_and_every_button_has_a_name(visit: Opens, full: str) -> None:
    seen = visit(full)
    nameless = seen.page.evaluate(
        "[...document.querySelectorAll('button, select, [role=button]')]"
        ".filter((b) => !(b.getAttribute('aria-label') || b.innerText.trim() || b.title)).length"
    )
    assert nameless == 0
    seen.page.locator("#board").focus()
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Shift+Tab")
    assert seen.page.evaluate("document.activeElement.id") == "board"
    style = seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


def ten_minutes() -> CallDocument:
    """The full call sixteen times in a row, a little over ten minutes."""
    base, times = full_document(), 16
    length = base.call.duration_ms

    def moved(entry: Any, by: int) -> Any:
        names = [n for n in ("begin", "end", "opened", "closed", "known_at") if n in type(entry).model_fields]
        changes: dict[str, Any] = {name: getattr(entry, name) + by for name in names}
        if "words" in type(entry).model_fields:
            changes["words"] = tuple(w.model_copy(update={"b": w.b + by, "e": w.e + by}) for w in entry.words)
        if "evidence" in type(entry).model_fields:
            changes["evidence"] = tuple((b + by, e + by) for b, e in entry.evidence)
        return entry.model_copy(update=changes)

    lists = (
        "segments",
        "turns",
        "transcript",
        "overlaps",
        "silences",
        "voice_events",
        "language_events",
        "cues",
    )
    values = {
        name: tuple(moved(entry, i * length) for i in range(times) for entry in getattr(base, name))
        for name in lists
    }
    listed = tuple(i for i, o in enumerate(values["overlaps"]) if o.counted)
    figures = base.metrics.model_copy(
        update={"M07": m.Interruptions(agent=listed, caller=(), agent_weight=32.0, caller_weight=0.0)}
    )
    assert isinstance(figures, Metrics)
    return full_document(call=call_info(duration_ms=times * length), metrics=figures, **values)


def test_ten_minutes_open_in_two_seconds_and_fifteen_megabytes(visit: Opens) -> None:
    document = ten_minutes()
    assert document.call.duration_ms >= 600_000
    html = report(document)
    assert len(html.encode()) <= PAGE_MB * 1e6
    openings = [visit(html) for _ in range(3)]
    assert min(seen.opened_s for seen in openings) <= OPENS_S
    last = openings[-1]
    last.page.locator(".ev.floor_taking").last.click(force=True)
    last.wait("document.getElementById('media').currentTime > 614.3")
    assert last.at() < 617


def test_the_support_calls_fit_the_contract() -> None:
    document = full_document()
    assert CallDocument.from_json(document.to_json()) == document
    assert overlap("unsure", document.overlaps[0].incomer, 0, 1).counted is False
