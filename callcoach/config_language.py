"""Settings of the language measures (section 4) and of the cue rules that rest on them (section 5)."""

from __future__ import annotations

from callcoach.config_stage import Stage, setting


class LanguageSettings(Stage):
    """What was said: strong words, acknowledgement windows, terms, explanations, recaps, promises."""

    least_word_probability: float = setting(
        0.4,
        "",
        "A match whose words are less probable on average opens no cue and no window",
        "[D] 4",
        ge=0,
        le=1,
    )
    chunk_pause_s: float = setting(
        1.0, "s", "Pause of a party after which its next words begin a new chunk", "[D]", ge=0.3, le=5
    )
    sentence_pause_s: float = setting(
        0.4,
        "s",
        "... that ends a sentence in words without any punctuation, and a chunk behind a final mark",
        "[D]",
        ge=0.2,
        le=3,
    )
    fade_s: float = setting(45.0, "s", "Time in which strong words fade to 37 %", "[D] L03", ge=5, le=600)
    mild: float = setting(
        1.0, "weighted phrases", "Level of strong words that is mild", "[D] L03", ge=0, le=20
    )
    clear: float = setting(2.5, "weighted phrases", "... that is clear", "[D] L03", ge=0, le=20)
    high: float = setting(4.5, "weighted phrases", "... that is high", "[D] L03", ge=0, le=20)
    relief: float = setting(
        1.5, "weighted phrases", "What a relief marker takes off the level", "[D] 10.5", ge=0, le=10
    )
    hit_speech_s: float = setting(
        8.0, "s", "Agent's speech in which an acknowledgement is a hit", "[D] 4.4", ge=1, le=60
    )
    hit_s: float = setting(
        15.0, "s", "... and time from the caller's yielding of the floor", "[D] 4.4", ge=1, le=60
    )
    late_s: float = setting(45.0, "s", "Time in which it still is late and no miss", "[D] 4.4", ge=5, le=300)
    merge_s: float = setting(
        20.0, "s", "Windows that would open within this time are one", "[D] 4.4", ge=0, le=120
    )
    asked_back_s: float = setting(
        10.0, "s", "A phrase that asks back belongs to a term said this long before", "[D] L07", ge=1, le=60
    )
    block_s: float = setting(
        30.0, "s", "Floor of the agent that is an explanation block", "[D] L09", ge=5, le=300
    )
    block_verbs: int = setting(3, "instructions", "... or instructions in one turn", "[D] L09", ge=1, le=20)
    check_back_s: float = setting(
        10.0, "s", "Time after a block in which a check-back covers it", "[D] L09", ge=1, le=60
    )
    shared_pct: float = setting(
        25.0,
        "%",
        "Content words shared with the caller's turn that make a paraphrase",
        "[D] L10",
        ge=5,
        le=100,
    )
    shared_words: int = setting(3, "words", "... and how many at least", "[D] L10", ge=1, le=20)
    same_question: float = setting(
        0.6, "", "Cosine of content words from which a question is asked twice", "[D] L19", ge=0.2, le=1
    )
    notice_s: float = setting(
        10.0, "s", "Time before a hold in which its notice counts", "[D] M19", ge=1, le=60
    )
    resumed_s: float = setting(
        10.0, "s", "Time after a hold in which the return is said", "[P: Kore.ai] M19", ge=1, le=60
    )
    narrated_s: float = setting(
        6.0, "s", "Silences of the agent's side from this length are announced or not", "[D] M20", ge=1, le=60
    )
    style_speech_s: float = setting(
        60.0, "s", "Caller's speech that the style card needs", "[D] L20", ge=10, le=600
    )
    closing_share_pct: float = setting(
        20.0, "%", "Last part of the call in which the close is looked for", "[D] L18", ge=5, le=50
    )


class C11Settings(Stage):
    """C11: strong words of the caller, and the agent speaks without an acknowledgement (4.4)."""

    hold_s: float = setting(
        4.0, "s", "Agent's speech without an acknowledgement", "[D] 4.4, 5 C11", ge=1, le=30
    )
    caller_stop_s: float = setting(
        0.8, "s", "Silence of the caller that arms it", "[D] 4.4, 5 C11", ge=0.1, le=5
    )
    window_s: float = setting(45.0, "s", "The window is over", "[D] 4.4", ge=5, le=300)


class C12Settings(Stage):
    """C12: the caller's strong words have reached a level (L03)."""

    clear: float = setting(2.5, "weighted phrases", "Level at which it opens", "[D] L03", ge=0.5, le=20)
    hold_s: float = setting(2.0, "s", "Time for which the level stands there", "[D] 5 C12", ge=0, le=30)
    close_below: float = setting(1.0, "weighted phrases", "Closes below this level", "[D] 5 C12", ge=0, le=20)


class C13Settings(Stage):
    """C13: terms that the caller has not used and nobody explained (L07)."""

    terms: int = setting(2, "terms", "Different terms within window_s", "[D] L07", ge=1, le=10)
    window_s: float = setting(30.0, "s", "Time in which they are counted", "[D] L07", ge=5, le=300)
    asked_s: float = setting(
        10.0, "s", "... or one, if the caller asks back within this time", "[D] L07", ge=1, le=60
    )
    close_s: float = setting(20.0, "s", "Closes after this time without a term", "[D] 5 C13", ge=1, le=120)


class C14Settings(Stage):
    """C14: an explanation ended without a question whether it arrived (L09)."""

    block_s: float = setting(30.0, "s", "Floor of the agent that is an explanation", "[D] L09", ge=5, le=300)
    block_verbs: int = setting(3, "instructions", "... or instructions in one turn", "[D] L09", ge=1, le=20)
    hold_s: float = setting(10.0, "s", "Time since it ended without a check-back", "[D] 5 C14", ge=1, le=60)


class C15Settings(Stage):
    """C15: a phrase of the agent that has a better alternative (L01)."""

    severity: int = setting(3, "of 3", "Least severity that is prompted", "[D] L01", ge=1, le=3)
    close_s: float = setting(8.0, "s", "Closes after this time", "[D] 5 C15", ge=1, le=60)


class C19Settings(Stage):
    """C19: the agent gives instructions before any recap (L10)."""

    verbs: int = setting(1, "instructions", "Instructions before a recap", "[D] 5 C19", ge=1, le=10)


class C22Settings(Stage):
    """C22: many apologies (L06)."""

    apologies: int = setting(
        4, "times", "Apologies in the call at which it opens", "[R: You et al. 2020] 5 C22, L06", ge=1, le=20
    )


class C23Settings(Stage):
    """C23: the call closes and nobody owns a next step with a time (L14)."""

    hold_s: float = setting(5.0, "s", "Time in the phase close without one", "[D] 5 C23", ge=1, le=60)


class C25Settings(Stage):
    """C25: the caller's strong words have gone (L03)."""

    clear: float = setting(
        2.5, "weighted phrases", "Level that must have been reached before", "[D] L03", ge=0.5, le=20
    )
    settled: float = setting(1.0, "weighted phrases", "Level below which it is", "[D] L03", ge=0, le=20)
    quiet_s: float = setting(
        120.0, "s", "Time without strong words that is named", "[D] 5 C25", ge=10, le=600
    )
    close_s: float = setting(5.0, "s", "Closes after this time", "[D] 5 C25", ge=1, le=60)
