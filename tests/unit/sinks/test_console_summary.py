"""The terminal summary: right facts, never too wide, harmless on every terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from callcoach.contract import (
    CallDocument,
    Metrics,
    OpeningStory,
    OverlapEntry,
    Quality,
    SegmentEntry,
    SilenceEntry,
    VerdictInfo,
)
from callcoach.contract import metrics as m
from callcoach.sinks._style import COLOURED, clock, length
from callcoach.sinks._timeline import interruption_numbers
from callcoach.sinks.console import OverviewRow, print_summary, render_overview, render_summary
from tests.support.call_documents import (
    AGENT,
    CALLER,
    call_info,
    document_from_truth,
    mono_document,
    said,
    small_document,
    truth_names,
)

WIDTHS = (60, 80, 120)
needs_data = pytest.mark.skipif(
    not truth_names(), reason="shared/data/synthetic_calls is not beside the checkout"
)


def show(shown: RenderableType, width: int) -> list[str]:
    """Lines of a rendering on a plain terminal; wider than asked, so that long lines are seen."""
    console = Console(file=io.StringIO(), width=width + 40, color_system=None)
    console.print(shown, markup=False, highlight=False)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def summary(document: CallDocument, width: int = 100, *, ascii_only: bool = False) -> list[str]:
    return show(
        render_summary(document, width=width, color=False, folder=Path("out/x"), ascii_only=ascii_only), width
    )


def lane(lines: list[str], name: str) -> list[str]:
    return [line[8:] for line in lines if line.split(" ", 1)[0] == name]


@pytest.mark.parametrize("width", WIDTHS)
def test_facts_of_a_call_are_told_at_every_width(width: int) -> None:
    lines = summary(small_document(), width)
    text = " ".join(" ".join(lines).split())
    for fact in (
        "example.wav",
        "40.0 s · two channels · recording ok",
        "words by base · en",
        "1 by the agent · 0 by the caller",
        "▲1 0:14.3 Agent takes the floor 0.7 s together",
        "… for the big meeting at \u203a What is the number on the …",
        "Not counted: agent 1 backchannel",
        "agent 51 %",
        "49 % caller",
        "cut off after 10.9 s, at 0:14.3, by “What",
        "14 words · 1 backchannel in it",
        "agent 3.65 s after the caller (median)",
        "2 answers, most between \u22120.70 s and 8.00 s",
        "0:24 8.0 s dead air, the agent's turn to act",
        "4 changes, 6.0 per minute",
        "agent speaks after 0.5 s",
        "out/x/",
    ):
        assert fact in text
    assert max(cell_len(line) for line in lines) <= width


@needs_data
@pytest.mark.parametrize("width", [40, *WIDTHS, 200])
@pytest.mark.parametrize("name", truth_names())
def test_no_line_of_a_whole_call_is_too_wide(name: str, width: int) -> None:
    for ascii_only in (False, True):
        lines = summary(document_from_truth(name), width, ascii_only=ascii_only)
        assert max(cell_len(line) for line in lines) <= min(width, 120)


@needs_data
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", truth_names())
def test_every_counted_interruption_has_its_row_time_and_words(name: str, width: int) -> None:
    document = document_from_truth(name)
    lines = summary(document, width)
    counted = sorted((o for o in document.overlaps if o.counted), key=lambda o: o.begin)
    rows = [i for i, line in enumerate(lines) if line.startswith("▲")]
    assert len(rows) == len(counted)
    for number, (row, overlap) in enumerate(zip(rows, counted, strict=True), start=1):
        assert lines[row].split()[:3] == [
            f"▲{number}",
            clock(overlap.begin, tenths=True),
            overlap.incomer.value.capitalize(),
        ]
        words = lines[row] if width >= 96 else lines[row + 1]
        first = next(
            e.words[0].w
            for e in document.transcript
            if e.role is overlap.incomer and abs(e.words[0].b - overlap.begin) < 900
        )
        assert f"\u203a {first}" in words


def test_lanes_show_who_speaks_when() -> None:
    """40 s in one row of 60 s on 60 cells: one cell per second."""
    document = small_document(
        segments=(
            SegmentEntry(role=AGENT, begin=0, end=3000),
            SegmentEntry(role=CALLER, begin=3000, end=15_500),
            SegmentEntry(role=AGENT, begin=8000, end=8300),
        )
    )
    lines = summary(document, 69)
    # Turns begin at 0.5 s and 3.4 s: the half cells before are speech without the floor.
    assert lane(lines, "Agent")[0].startswith("▟██     ▖")
    assert lane(lines, "Caller")[0].startswith("   ▟███████████▖")
    assert lane(lines, "Agent")[0].rstrip("▕").endswith("        ┄┄┄┄┄┄┄┄        ")
    assert "┄" not in lane(lines, "Caller")[0]
    axis = next(line for line in lines if line.startswith("        0:00"))
    assert axis[8 + 10 :].startswith("0:10")
    marks = lines[lines.index(next(line for line in lines if line.startswith("Caller"))) + 1]
    assert marks[8:].index("▲1") == 14
    assert marks[8 + 16] == "◇"
    assert marks[8 + 24 :].startswith("silence 8.0 s")


def test_a_sound_shorter_than_half_a_cell_is_still_seen() -> None:
    document = small_document(segments=(SegmentEntry(role=CALLER, begin=30_000, end=30_050),))
    assert sum(sign in "▗▖▄▐▌█" for sign in lane(summary(document, 60), "Caller")[0]) == 1


def test_dead_air_of_nobody_and_holds_stand_in_both_lanes() -> None:
    document = small_document(
        segments=(SegmentEntry(role=AGENT, begin=0, end=3000),),
        silences=(
            SilenceEntry(begin=4000, end=12_000, kind="dead_air", owner=None),
            SilenceEntry(begin=20_000, end=39_000, kind="hold", owner=None),
        ),
    )
    lines = summary(document, 80)
    for name in ("Agent", "Caller"):
        assert "┄┄┄┄┄┄┄┄" in lane(lines, name)[0]
        assert "░░░░░░░░" in lane(lines, name)[0]
    assert any("hold 19.0 s" in line for line in lines)
    assert any("░░ hold" in line for line in lines)


def test_rows_of_minutes_wrap_and_long_calls_keep_to_six_rows() -> None:
    def rows(minutes: float) -> int:
        info = call_info(duration_ms=round(minutes * 60_000))
        return len(lane(summary(small_document(call=info), 100), "Agent"))

    assert [rows(x) for x in (0.5, 1, 1.1, 3, 6, 6.1, 9.5, 60, 180, 600)] == [1, 1, 2, 3, 6, 5, 5, 6, 6, 5]


def test_long_rows_show_the_share_of_speech_as_height() -> None:
    document = small_document(
        call=call_info(duration_ms=3_600_000),
        segments=(
            SegmentEntry(role=AGENT, begin=0, end=60_000),
            *(SegmentEntry(role=CALLER, begin=t, end=t + 500) for t in range(0, 60_000, 1000)),
        ),
    )
    lines = summary(document, 100)
    assert lane(lines, "Agent")[0].startswith("████████")
    caller = lane(lines, "Caller")[0]
    assert set(caller[:8]) <= set("▃▄▅")
    assert any("share of the time with speech" in line for line in lines)


def test_interruptions_close_together_keep_their_marks_apart() -> None:
    def overlap(begin: int) -> OverlapEntry:
        return OverlapEntry(
            incomer=CALLER,
            begin=begin,
            end=begin + 900,
            overlap_class="butting_in",
            counted=True,
            weight=0.5,
            confidence="high",
        )

    document = small_document(
        overlaps=tuple(overlap(begin) for begin in (20_000, 10_000, 10_300)),
        metrics=Metrics(M07=m.Interruptions(agent=(), caller=(0, 1, 2), agent_weight=0, caller_weight=1.5)),
        opening_story=None,
    )
    assert interruption_numbers(document) == {1: 1, 2: 2, 0: 3}
    lines = summary(document, 80)
    # The mark of the second would lie on the first; its row in the table tells it.
    marks = lines[next(i for i, line in enumerate(lines) if line.startswith("Caller")) + 1]
    assert marks.split()[:2] == ["▲1", "▲3"]
    assert [line.split()[1] for line in lines if line.startswith("▲")] == ["0:10.0", "0:10.3", "0:20.0"]


def test_a_told_story_says_so() -> None:
    story = OpeningStory(begin=3400, end=33_900, completed=True, cut_at=None, words=90, backchannels=3)
    text = "\n".join(summary(small_document(opening_story=story)))
    assert "told to its end in 30.5 s  90 words · 3 backchannels in it" in text
    assert "◆ story told" in text


def test_what_limits_the_figures_is_said_first() -> None:
    document = small_document(
        call=call_info(model=None),
        verdict=VerdictInfo(status="salvaged", reasons=("the file ends 12 s early",)),
        quality=Quality(
            bleed_share=0.35, clipping_pct=2.5, nan_samples=7, missed_text_jobs=1, lost_audio_ms=1500
        ),
    )
    lines = summary(document, 80)
    notes = " ".join(" ".join(lines[: lines.index("")]).split())
    for note in (
        "no words",
        "Recording salvaged: the file ends 12 s early",
        "(35 % of the caller's speech)",
        "2.5 % of the samples are clipped",
        "7 samples held no number",
        "1.5 s of sound were lost",
        "1 stretch of speech came without words in time",
        "No words were asked for",
    ):
        assert note in notes


def test_a_mono_recording_has_one_lane_and_no_speakers() -> None:
    lines = summary(mono_document(), 80)
    text = "\n".join(lines)
    assert "One channel holds both sides" in text
    assert lane(lines, "Speech")[0].startswith("▐██")
    assert "Interruptions" not in text
    assert "Agent" not in text


def test_a_call_without_words_has_no_quotes() -> None:
    text = "\n".join(summary(small_document(transcript=())))
    assert "▲1  0:14.3  Agent  takes the floor  0.7 s together\n" in text
    assert "cut off after 10.9 s, at 0:14.3  14 words" in text


def test_rejected_and_transcript_calls_can_be_shown() -> None:
    empty = CallDocument(
        call=call_info(duration_ms=0, sample_rate=None, model=None, language=None),
        verdict=VerdictInfo(status="rejected", reasons=("the file is empty",)),
        quality=Quality(),
    )
    text = "\n".join(summary(empty, 60))
    assert "Recording rejected: the file is empty" in text
    assert "Interruptions" not in text
    words = small_document(call=call_info(channel_mode="transcript", sample_rate=None, model=None))
    text = "\n".join(summary(words, 80))
    assert "transcript only" in text
    assert "words from the transcript" in text
    assert "No words were asked for" not in text


def test_no_pause_at_all_is_told() -> None:
    quiet = m.NonTalkTime(total_s=0, pct=0, silence_s=0, hold_s=0)
    text = "\n".join(summary(small_document(silences=(), metrics=Metrics(M04=quiet))))
    assert "no dead air  no pause over 3 s" in text


@pytest.mark.parametrize("document", [small_document(), mono_document()], ids=["dual", "mono"])
def test_terminals_without_unicode_get_ascii(document: CallDocument) -> None:
    text = "\n".join(summary(document, 80, ascii_only=True))
    assert text.isascii()
    if document.turns:
        assert "^1%" in text
        assert "... for the big meeting at > What is the number on the ..." in text


def test_words_of_other_scripts_are_shown_as_far_as_ascii_goes() -> None:
    transcript = (
        said(CALLER, 3400, 15_000, "mein Drucker heißt Größe 電話"),
        said(AGENT, 14_300, 20_000, "Ça va?"),
    )
    text = "\n".join(summary(small_document(transcript=transcript), 80, ascii_only=True))
    assert "hei?t Grosse ??" in text.replace("Gro?e", "Grosse")
    assert "> Ca va?" in text


def test_wide_characters_do_not_widen_lines() -> None:
    wide = "電話" * 60
    document = small_document(
        call=call_info(source=f"{wide}.wav"),
        transcript=(said(CALLER, 3400, 15_000, wide), said(AGENT, 14_300, 20_000, wide)),
    )
    for width in WIDTHS:
        assert max(cell_len(line) for line in summary(document, width)) <= width
        rows = [OverviewRow(f"{wide}.wav", document), OverviewRow("b.wav", document)]
        assert (
            max(cell_len(line) for line in show(render_overview(rows, width=width, color=False), width))
            <= width
        )


def test_imp13_text_from_outside_cannot_steer_the_terminal() -> None:
    nasty = "\x1b[31m[bold]red[/bold]\u202eevil\x07:smile:"
    document = small_document(
        call=call_info(source=nasty),
        verdict=VerdictInfo(status="salvaged", reasons=(nasty,)),
        transcript=(said(CALLER, 3400, 15_000, nasty), said(AGENT, 14_300, 20_000, nasty)),
    )
    for color in (False, True):
        console = Console(file=io.StringIO(), width=100, force_terminal=color, color_system="truecolor")
        rows = [OverviewRow(nasty, document)]
        print_summary(console, rows, folder=Path(nasty))
        print_summary(console, [*rows, OverviewRow(nasty, None, nasty)], folder=Path(nasty))
        assert isinstance(console.file, io.StringIO)
        text = console.file.getvalue()
        assert "\x1b[31m" not in text
        assert "\u202e" not in text
        assert "\x07" not in text
        assert "[bold]red[/bold]" in text
        assert ":smile:" in text


def test_colours_only_on_terminals_that_have_them() -> None:
    def printed(**options: object) -> str:
        console = Console(file=io.StringIO(), width=90, **options)  # type: ignore[arg-type]
        print_summary(console, [OverviewRow("example.wav", small_document())], folder=Path("out/x"))
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    assert "\x1b" not in printed()
    assert "\x1b" not in printed(color_system=None)
    assert "\x1b[" in printed(force_terminal=True, color_system="truecolor")


def test_print_summary_falls_back_to_ascii_by_encoding() -> None:
    raw = io.BytesIO()
    console = Console(file=io.TextIOWrapper(raw, encoding="ascii"), width=80)
    print_summary(console, [OverviewRow("example.wav", small_document())])
    console.file.flush()
    assert b"^1" in raw.getvalue()


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("color", [COLOURED.agent, COLOURED.caller, COLOURED.both, COLOURED.muted])
def test_every_colour_can_be_read_on_white_and_on_black(color: str) -> None:
    """Contrast by the WCAG formula, at least 3.5 on both."""
    assert 1.05 / (luminance(color) + 0.05) >= 3.5
    assert (luminance(color) + 0.05) / 0.05 >= 3.5


@needs_data
@pytest.mark.parametrize("width", [40, *WIDTHS])
def test_several_calls_make_a_table_with_one_row_each(width: int) -> None:
    rows = [OverviewRow(f"{name}.flac", document_from_truth(name)) for name in truth_names()]
    rows.append(OverviewRow("broken.wav", None, "broken.wav holds no sound; record it again."))
    lines = show(render_overview(rows, width=width, color=False, folder=Path("out")), width)
    assert max(cell_len(line) for line in lines) <= width
    table = lines[1 : len(rows) + 1]
    assert [line.split()[-1] for line in table] == ["ok"] * (len(rows) - 1) + ["rejected"]
    assert " ".join(lines[len(rows) + 2 :]).startswith("! broken.wav holds no sound; record it again.")
    assert lines[-1] == "One folder per call in out/"
    row = next(line for line in table if line.startswith("dev02"))
    assert "2:54" in row
    if width >= 60:
        assert "5 agent  0 caller" in row
    if width == 120:
        assert "cut off at 11.5 s" in row
        assert "48 %" in row
        assert "1 (7.6 s)" in row


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        *((0, "0.0 s"), (680, "0.7 s"), (59_940, "59.9 s"), (59_960, "1 min 00 s"), (173_929, "2 min 54 s")),
        *((3_599_600, "1 h 00 min"), (3_725_000, "1 h 02 min")),
    ],
)
def test_lengths_for_people(ms: int, text: str) -> None:
    assert length(ms) == text


def test_positions_for_people() -> None:
    assert clock(15_347, tenths=True) == "0:15.3"
    assert clock(3_725_999) == "1:02:05"
