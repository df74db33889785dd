"""Settings of the cue rules (section 5) and of the budget that shows them (section 6).

Cues that rest on a state of delivery (C05 to C10, C26) have their thresholds in the settings of that state.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from callcoach.config_stage import Stage, setting

CueId = Annotated[str, StringConstraints(pattern=r"^C(0[1-9]|1\d|2[0-6])$")]
"""Id of a cue of the catalogue, C01 to C26."""


class C01Settings(Stage):
    """C01: the agent talks over the caller, who holds the floor."""

    hold_s: float = setting(
        0.5, "s", "Overlap that is no backchannel at which the ring opens", "[D] 5 C01", ge=0.1, le=3
    )
    text_s: float = setting(0.8, "s", "Overlap at which the text opens", "[D] 5 C01", ge=0.1, le=5)
    clarification_s: float = setting(
        1.5,
        "s",
        "... in an utterance longer than a clarification of four words, which is no interruption",
        "[D] 1.6, four words at 160 a minute",
        ge=0,
        le=5,
    )
    again_s: float = setting(
        60.0, "s", "A second one within this time opens the text with the ring", "[D] 5 C01", ge=0, le=600
    )
    close_s: float = setting(
        0.5, "s", "Silence of the agent after which it closes", "[D] 5 C01", ge=0.1, le=5
    )


class C02Settings(Stage):
    """C02: the agent holds the floor for long (M14)."""

    hold_s: float = setting(60.0, "s", "Floor time of the agent", "[D] 5 C02, M14", ge=10, le=300)
    story_hold_s: float = setting(45.0, "s", "... in the phase story", "[D] 5 C02", ge=5, le=300)


class C03Settings(Stage):
    """C03: dead air that nobody announced (M05)."""

    hold_s: float = setting(
        6.0, "s", "Mutual silence, not on hold and not announced", "[P: parley] 5 C03, M05", ge=1, le=60
    )


class C04Settings(Stage):
    """C04: the caller asked and hears nothing."""

    hold_s: float = setting(
        4.0, "s", "Silence of the agent after a question at which the ring opens", "[D] 5 C04", ge=1, le=30
    )
    text_s: float = setting(5.0, "s", "... at which the text opens", "[D] 5 C04", ge=1, le=30)


class C10Settings(Stage):
    """C10: two quantities raised (`delivery.raised_*`), or pace over the usual after strong words (V04)."""

    jump_wpm: float = setting(
        15.0,
        "WPM",
        "Pace over the usual after strong words; no effect until these are looked for",
        "[P: Gong Labs] V04",
        ge=5,
        le=80,
    )
    jump_window_s: float = setting(
        15.0,
        "s",
        "Agent's time after strong words that V04 looks at; no effect until then",
        "[P: Gong Labs] V04",
        ge=5,
        le=60,
    )


class C16Settings(Stage):
    """C16: the agent's pace stands apart from the caller's (V05)."""

    low_ratio: float = setting(
        0.75, "times", "Agent's pace over the caller's, low end", "[D] V05", ge=0.3, le=1
    )
    high_ratio: float = setting(1.25, "times", "... high end", "[D] V05", ge=1, le=3)
    hold_s: float = setting(20.0, "s", "Time outside", "[D] V05, 5 C16", ge=3, le=120)
    close_low_ratio: float = setting(0.85, "times", "Closes from this ...", "[D] 5 C16", ge=0.3, le=1)
    close_high_ratio: float = setting(1.15, "times", "... to this", "[D] 5 C16", ge=1, le=3)
    most_wpm: float = setting(165.0, "WPM", "Never asks for a pace above this", "[D] V05", ge=100, le=250)


class C17Settings(Stage):
    """C17: the caller speaks for long without a sound from the agent (M17)."""

    hold_s: float = setting(
        45.0, "s", "Caller's speech without a backchannel of the agent", "[D] M17, 5 C17", ge=10, le=300
    )


class C18Settings(Stage):
    """C18: the agent goes on right after an open question."""

    restart_s: float = setting(
        1.5, "s", "The agent starts again this soon after the question", "[D] 5 C18", ge=0.3, le=5
    )
    times: int = setting(2, "times", "How often it happened", "[D] 5 C18", ge=1, le=10)
    close_s: float = setting(20.0, "s", "Closes after this time", "[D] 5 C18", ge=1, le=120)


class C20Settings(Stage):
    """C20: the agent went silent after "let me check" without saying for how long."""

    hold_s: float = setting(8.0, "s", "Silence of the agent", "[D] 5 C20", ge=2, le=60)


class C21Settings(Stage):
    """C21: the caller has been on hold for long."""

    hold_s: float = setting(45.0, "s", "Time on hold", "[D] 5 C21, M19", ge=10, le=300)


class C24Settings(Stage):
    """C24: something went well and is named."""

    caller_turn_s: float = setting(
        10.0, "s", "Caller's turn that answers an open question", "[D] 5 C24", ge=3, le=60
    )
    acknowledged_s: float = setting(
        5.0,
        "s",
        "Acknowledged within this time; no effect until acknowledgements are looked for",
        "[D] 5 C24",
        ge=1,
        le=30,
    )
    recovery_s: float = setting(
        20.0, "s", "C10 closed within this time (V16)", "[D] 5 C24, V16", ge=2, le=120
    )
    announced_s: float = setting(
        6.0, "s", "Announced silence from this length on", "[P: parley] M05, M20", ge=1, le=60
    )
    close_s: float = setting(3.0, "s", "Closes after this time", "[D] 5 C24", ge=1, le=30)


class C26Settings(Stage):
    """C26: the agent's pitch hardly moves (`delivery.flat_*`, `delivery.quiet_flat_*`)."""

    hold_s: float = setting(
        30.0, "s", "Agent's speech over which pitch has been flat", "[D] 5 C26", ge=2, le=180
    )


class PhaseSettings(Stage):
    """Phases of a call (end of section 2)."""

    greeting_s: float = setting(
        2.0,
        "s",
        "Caller turns shorter than this before the story are part of the greeting",
        "[D]",
        ge=0,
        le=10,
    )
    window_s: float = setting(
        30.0, "s", "Time in which instructions and questions are counted", "[D] 2.1", ge=5, le=120
    )
    instructions: int = setting(
        2, "instructions", "Instructions within it that are guiding", "[D] 2.1", ge=1, le=10
    )
    questions: int = setting(
        2,
        "questions",
        "Questions within it, more than instructions, that end guiding, or the close",
        "[D] 2.1, 'questions dominate'",
        ge=1,
        le=10,
    )


class BudgetSettings(Stage):
    """Which prompts of the cue log are shown, and when (section 6)."""

    min_gap_s: float = setting(20.0, "s", "Between two texts", "[R: Rhema] 6", ge=0, le=300)
    burst: int = setting(2, "texts", "Most texts in burst_s", "[R: Chollet et al. 2022] 6", ge=1, le=20)
    burst_s: float = setting(60.0, "s", "Window of that limit", "[D] 6", ge=5, le=600)
    average: int = setting(8, "texts", "Most texts in average_s", "[R: Chollet et al. 2022] 6", ge=1, le=60)
    average_s: float = setting(600.0, "s", "Window of that limit", "[D] 6", ge=60, le=3600)
    praise_gap_s: float = setting(300.0, "s", "Between two soft texts (C24)", "[D] 6", ge=0, le=3600)
    replace_after_s: float = setting(
        1.0, "s", "A text stands this long before a more urgent one replaces it", "[D] 6", ge=0, le=10
    )
    show_s: float = setting(5.0, "s", "A text stays on screen", "[P: Kore.ai] 6", ge=1, le=30)
    pause_s: float = setting(0.15, "s", "Pause of the agent that a text waits for", "[D] 6", ge=0, le=2)
    wait_s: float = setting(2.0, "s", "Longest wait for it", "[D] 6", ge=0, le=10)
    stale_s: float = setting(4.0, "s", "Older texts are dropped", "[D] 6", ge=0.5, le=30)
    ignored_s: float = setting(
        10.0, "s", "Still open this long after it was shown counts as ignored", "[D] 6", ge=1, le=60
    )
    ignored_times: int = setting(2, "times", "... this often doubles the cooldown", "[D] 6", ge=1, le=10)
    most_cooldown_factor: int = setting(8, "times", "Cooldown grows at most by this", "[D] 6", ge=1, le=64)
    dismissed_times: int = setting(
        2, "times", "Dismissed this often: muted for the call", "[D] 6", ge=1, le=10
    )
    quiet_start_s: float = setting(
        20.0, "s", "No rings and no texts at the start of a call", "[D] 6", ge=0, le=300
    )
    ramp_gauges: int = setting(5, "calls", "First calls of an agent with gauges only", "[D] 6", ge=0, le=100)
    ramp_few: int = setting(10, "calls", "... then with C01, C05 and C11 only", "[D] 6", ge=0, le=100)
    calls_before: int = setting(
        15, "calls", "Coached calls of this agent before this one", "[D] 6", ge=0, le=100_000
    )
    most_enabled: int = setting(6, "cues", "Most cues with text enabled at once", "[P: NICE] 6", ge=1, le=26)
    enabled: tuple[CueId, ...] = Field(
        ("C01", "C03", "C04", "C05", "C11", "C21"),
        description="Cues with text that are on after the first calls",
        json_schema_extra={"unit": "cues", "source": "[D] 6"},
    )

    @model_validator(mode="after")
    def _check_enabled(self) -> Self:
        if len(set(self.enabled)) != len(self.enabled):
            raise ValueError("enabled names a cue twice")
        if len(self.enabled) > self.most_enabled:
            raise ValueError(
                f"enabled names {len(self.enabled)} cues, most_enabled allows {self.most_enabled}"
            )
        return self
