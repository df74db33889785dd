"""Settings: one frozen model per stage; every value has a unit, a range and the source of its default.

Settings come from a TOML file with one table per stage (``[activity]``, ``[floor]``, ...). Unknown keys
are refused with a suggestion. The digest of all values is stored with every call.

Tags in ``source``: ``[D]`` design default of this project, ``[P]`` documented by a product, ``[R]`` published
research; section numbers are those of ``docs/metrics.md``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from callcoach.config_cues import (
    BudgetSettings,
    C01Settings,
    C02Settings,
    C03Settings,
    C04Settings,
    C10Settings,
    C16Settings,
    C17Settings,
    C18Settings,
    C20Settings,
    C21Settings,
    C24Settings,
    C26Settings,
    PhaseSettings,
)
from callcoach.config_language import (
    C11Settings,
    C12Settings,
    C13Settings,
    C14Settings,
    C15Settings,
    C19Settings,
    C22Settings,
    C23Settings,
    C25Settings,
    LanguageSettings,
)
from callcoach.config_redaction import RedactionSettings
from callcoach.config_stage import Stage as _Stage
from callcoach.config_stage import setting as _setting
from callcoach.errors import ConfigError

MAX_SETTINGS_BYTES: Final = 1 << 20
"""A settings file is text of a few kilobytes; anything above 1 MiB is refused before it is parsed."""


class ActivitySettings(_Stage):
    """Fast mask: who makes speech sound when (section 1.2)."""

    open_probability: float = _setting(
        0.50, "", "Detector probability that opens speech at low signal level", "[D] 1.2", ge=0.05, le=0.95
    )
    close_probability: float = _setting(
        0.35,
        "",
        "Detector probability below which speech closes at low signal level",
        "[D] 1.2",
        ge=0.02,
        le=0.95,
    )
    loud_open_probability: float = _setting(
        0.12,
        "",
        "Opening probability once the signal stands full_trust_db over the noise floor",
        "[D] tuned on ten_vad, aws_call_center, synthetic_calls; hold music stays below 0.11",
        ge=0.02,
        le=0.95,
    )
    loud_close_probability: float = _setting(
        0.06, "", "Closing probability at that level", "[D] as loud_open_probability", ge=0.01, le=0.95
    )
    trust_from_db: float = _setting(
        15.0,
        "dB",
        "Signal over noise floor from which level begins to support the detector",
        "[D]",
        ge=3,
        le=60,
    )
    full_trust_db: float = _setting(
        30.0, "dB", "Signal over noise floor at which it does so fully", "[D]", ge=5, le=80
    )
    least_level_dbfs: float = _setting(
        -55.0, "dBFS", "Below this level only the detector counts", "[D]", ge=-90, le=-20
    )
    open_s: float = _setting(0.060, "s", "Time above the opening probability", "[D] 1.2", ge=0.03, le=0.5)
    close_s: float = _setting(0.150, "s", "Time below the closing probability", "[D] 1.2", ge=0.03, le=1.0)
    merge_gap_s: float = _setting(
        0.200, "s", "Silences shorter than this are stop consonants, not pauses", "[D] 1.2", ge=0.05, le=1.0
    )
    least_segment_s: float = _setting(
        0.100, "s", "Bursts shorter than this are dropped", "[D] 1.2", ge=0.03, le=1.0
    )
    floor_window_s: float = _setting(
        10.0, "s", "Past over which the lowest smoothed level is the noise floor", "[D]", ge=2, le=60
    )
    edge_over_floor_db: float = _setting(
        12.0, "dB", "Edges are drawn where the level crosses the noise floor by this much", "[D]", ge=3, le=40
    )
    edge_at_floor_db: float = _setting(
        2.0,
        "dB",
        "Hops no further above the noise floor than this are not part of the sound",
        "[D]",
        ge=0,
        le=40,
    )
    edge_under_peak_db: float = _setting(
        36.0,
        "dB",
        "... but not further below the loudest hop of the utterance than this",
        "[D]",
        ge=10,
        le=60,
    )
    edge_reach_s: float = _setting(0.160, "s", "How far an edge may be moved by level", "[D]", ge=0, le=0.3)


class BleedSettings(_Stage):
    """Speaker-bleed gate: the caller heard again in the agent's microphone (section 1.3)."""

    enabled: bool = _setting(True, "", "Gate the agent's channel against the caller's", "[D] 1.3")
    correlation: float = _setting(
        0.65,
        "",
        "Envelope correlation from which a block is bleed",
        "[D] between 0.54 and 0.74, 1.3",
        ge=0.3,
        le=0.99,
    )
    block_s: float = _setting(1.0, "s", "Length of one comparison", "[D] 1.3", ge=0.3, le=3)
    max_lag_s: float = _setting(
        0.5, "s", "Longest delay of the echo that is looked for", "[D] 1.3", ge=0.05, le=1
    )
    margin_db: float = _setting(
        6.0,
        "dB",
        "The agent counts as speaking only this far above the predicted echo",
        "[D] 1.3",
        ge=1,
        le=20,
    )
    stay_margin_db: float = _setting(
        2.0, "dB", "... and goes on speaking while this far above it", "[D]", ge=0, le=20
    )
    memory_s: float = _setting(
        60.0, "s", "How long a found echo path is trusted without being seen again", "[D]", ge=1, le=3600
    )
    notice_share: float = _setting(
        0.20,
        "",
        "Share of bleed blocks in 60 s from which the notice S-BLEED is raised",
        "[D] 1.3",
        ge=0.01,
        le=1,
    )


class FloorSettings(_Stage):
    """Turns and the floor (section 1.4)."""

    take_s: float = _setting(1.0, "s", "Speech of this length takes the floor", "[D] 1.4", ge=0.3, le=5)
    take_words: int = _setting(3, "words", "... or speech with this many words", "[D] 1.4", ge=1, le=20)
    release_s: float = _setting(3.0, "s", "Mutual silence that releases the floor", "[D] 1.4", ge=0.5, le=30)
    chain_gap_s: float = _setting(
        0.5,
        "s",
        "Speech of one party resumed within this time is one utterance",
        "[P] longest pause inside speech, V01",
        ge=0.2,
        le=2,
    )
    turn_start_gap_s: float = _setting(
        1.0,
        "s",
        "A short utterance this close before a turn of the same party belongs to it",
        "[D]",
        ge=0.2,
        le=3,
    )


class OverlapSettings(_Stage):
    """Backchannel test and overlap classes (sections 1.5 and 1.6)."""

    backchannel_s: float = _setting(
        1.0, "s", "Longest backchannel when its words are known", "[D] 1.5", ge=0.2, le=3
    )
    backchannel_no_text_s: float = _setting(
        0.7, "s", "... while no text is available", "[D] 1.5", ge=0.2, le=3
    )
    holder_pause_s: float = _setting(
        0.3, "s", "The other may have stopped this long before a backchannel", "[D] 1.5", ge=0, le=1
    )
    resume_s: float = _setting(
        1.0, "s", "The other speaks again within this time", "[D] 1.5, 1.6", ge=0.2, le=3
    )
    backchannel_words: int = _setting(3, "words", "Most words of a mixed backchannel", "[D] 1.5", ge=1, le=8)
    least_word_probability: float = _setting(
        0.60,
        "",
        "Mean probability under which the words of a short utterance count as unknown",
        "[D] ASR-3",
        ge=0,
        le=1,
    )
    least_last_word_probability: float = _setting(
        0.65,
        "",
        "Probability under which the last word before a stop does not tell whether the clause was finished",
        "[D] ASR-3",
        ge=0,
        le=1,
    )
    terminal_s: float = _setting(
        0.35,
        "s",
        "Overlap below this is not judged; network delay alone makes as much",
        "[D] 1.6",
        ge=0.1,
        le=1,
    )
    simultaneous_s: float = _setting(
        0.25, "s", "Starts closer than this are simultaneous", "[D] 1.6", ge=0.05, le=1
    )
    cooperative_s: float = _setting(2.0, "s", "Longest cooperative utterance", "[D] 1.6", ge=0.5, le=5)
    cooperative_words: int = _setting(4, "words", "Most words of a clarification", "[D] 1.6", ge=1, le=10)
    agreement_extra_words: int = _setting(3, "words", "Most words after an agreement", "[D] 1.6", ge=0, le=8)
    least_interruption_s: float = _setting(
        0.5, "s", "Shortest overlap of a real interruption", "[P: LiveKit] 1.6", ge=0.2, le=2
    )
    yield_s: float = _setting(0.5, "s", "... or the other stops within this time", "[D] 1.6", ge=0.1, le=2)
    hold_s: float = _setting(1.0, "s", "The incomer then holds this long", "[D] 1.6", ge=0.3, le=5)
    butting_in_s: float = _setting(
        0.8, "s", "Overlap of a failed attempt that counts", "[D] 1.6", ge=0.3, le=5
    )
    pause_barge_in_s: float = _setting(
        0.6, "s", "Start within this time of the other falling silent in mid-clause", "[D] 1.6", ge=0.1, le=2
    )
    low_pitch_share: float = _setting(
        0.10,
        "",
        "Part of the speaker's F0 range under which a clause is finished",
        "[D] 1.6 starts from a third; finished clauses of the samples end below 0.1, broken ones above",
        ge=0.0,
        le=0.9,
    )


class SilenceSettings(_Stage):
    """Gaps, dead air, holds and monologues (section 2)."""

    non_talk_s: float = _setting(
        3.0, "s", "Mutual silence that counts as non-talk time", "[P: Contact Lens] M04", ge=0.5, le=30
    )
    dead_air_s: float = _setting(6.0, "s", "Mutual silence that is dead air", "[P: parley] M05", ge=1, le=60)
    hold_s: float = _setting(
        30.0,
        "s",
        "Unannounced mutual silence that can only be a hold",
        "[D], brief hold of M19",
        ge=10,
        le=300,
    )
    notice_reach_s: float = _setting(
        12.0, "s", "An announcement counts this long before the silence", "[D] M19, M20", ge=1, le=60
    )
    monologue_s: float = _setting(
        45.0, "s", "Floor time of one party listed as a monologue", "[D] M14", ge=5, le=600
    )


class StorySettings(_Stage):
    """Opening story (M11)."""

    greeting_s: float = _setting(
        2.0,
        "s",
        "Caller turns shorter than this before the story are part of the greeting",
        "[D]",
        ge=0,
        le=10,
    )
    identity_check_s: float = _setting(
        8.0,
        "s",
        "Longest agent turn that may pass as an identity check inside the story",
        "[D] M11",
        ge=1,
        le=30,
    )


class PitchSettings(_Stage):
    """F0 track (section 1.1)."""

    lowest_hz: float = _setting(65.0, "Hz", "Lowest F0 looked for", "[R*] adult speech", ge=60, le=200)
    highest_hz: float = _setting(
        500.0, "Hz", "Highest F0 looked for", "[R*] adult speech to 420, raised voices above", ge=300, le=800
    )
    least_correlation: float = _setting(
        0.43,
        "",
        "Normalised correlation of the compressed spectrum from which a hop is voiced",
        "[D] against a laryngograph; Boersma 1993 has 0.45 for the plain one",
        ge=0.2,
        le=0.99,
    )
    over_floor_db: float = _setting(
        4.0, "dB", "Level over the noise floor a voiced hop needs", "[D]", ge=0, le=40
    )
    under_peak_db: float = _setting(
        23.0,
        "dB",
        "Further than this below the recent peak a hop needs more correlation to be voiced",
        "[D]; Boersma 1993 has 28 below the peak of the whole recording",
        ge=10,
        le=60,
    )
    peak_fall_db_s: float = _setting(2.0, "dB/s", "How fast the recent peak is forgotten", "[D]", ge=0, le=60)
    octave_cost: float = _setting(
        0.04, "1/octave", "Preference for the higher of equal F0", "[R] Boersma 1993: 0.01", ge=0, le=0.2
    )
    octave_jump_cost: float = _setting(
        0.65, "1/octave", "Cost of a step of F0 between hops", "[R] Boersma 1993: 0.35", ge=0, le=5
    )
    voicing_change_cost: float = _setting(
        0.15, "1/change", "Cost of starting or stopping to voice", "[R] Boersma 1993: 0.14", ge=0, le=2
    )
    low_register_cost: float = _setting(
        0.10, "1/octave", "Cost of F0 far below the speaker's recent middle", "[D]", ge=0, le=1
    )
    largest_jump_st: float = _setting(
        9.0, "st", "A hop that jumps further than this from its neighbour is dropped", "[D] V09", ge=3, le=24
    )


class DeliverySettings(_Stage):
    """Level, F0 and pace of one party against its own usual (section 3)."""

    over_floor_db: float = _setting(
        10.0, "dB", "Level over the noise floor from which an active hop is voice", "[D]", ge=0, le=40
    )
    baseline_s: float = _setting(
        30.0, "s", "Speech from which a party's usual values are taken", "[D] 3.2", ge=5, le=300
    )
    least_baseline_s: float = _setting(
        8.0, "s", "Speech before which nothing is compared with the usual", "[D]", ge=2, le=120
    )
    profile_speech_s: float = _setting(
        60.0,
        "s",
        "Speech after which the call alone counts and the stored profile no more",
        "[D] 3.2",
        ge=1,
        le=600,
    )
    outlier_z: float = _setting(
        2.0, "spreads", "Values further from the usual than this never update it", "[D] 3.2", ge=1, le=10
    )
    spread_level_db: float = _setting(2.0, "dB", "Smallest spread of level", "[D] 3.2", ge=0.5, le=10)
    spread_f0_st: float = _setting(1.0, "st", "Smallest spread of F0", "[D] 3.2", ge=0.2, le=6)
    spread_pace_wpm: float = _setting(12.0, "WPM", "Smallest spread of pace", "[D] 3.2", ge=2, le=60)
    floor_step_db: float = _setting(
        6.0, "dB", "Step of the noise floor that means another gain or device", "[D] 3.2", ge=2, le=30
    )
    floor_step_mute_s: float = _setting(
        15.0, "s", "Time after such a step without level states", "[D] 3.2", ge=0, le=120
    )
    spike_db: float = _setting(
        6.0, "dB", "Level over the usual that is a spike", "[R*: ISO 9921] V06", ge=2, le=20
    )
    spike_s: float = _setting(1.5, "s", "... held this long in speech", "[D] V06", ge=0.25, le=10)
    spike_close_db: float = _setting(3.0, "dB", "It is over below this", "[D] C07", ge=0, le=20)
    spike_close_s: float = _setting(2.0, "s", "... held this long in speech", "[D] C07", ge=0.25, le=10)
    quiet_db: float = _setting(
        -8.0, "dB", "Level against the usual that is too quiet", "[D] V06", ge=-30, le=-2
    )
    quiet_s: float = _setting(8.0, "s", "... held this long in speech", "[D] V06", ge=1, le=60)
    quiet_close_db: float = _setting(-4.0, "dB", "It is over above this", "[D] C08", ge=-30, le=0)
    quiet_close_s: float = _setting(1.0, "s", "... held this long in speech", "[D]", ge=0.25, le=10)
    pitch_st: float = _setting(3.0, "st", "F0 over the usual that is a spike", "[D] V09", ge=1, le=12)
    pitch_z: float = _setting(
        2.0, "spreads", "... and this far from it in own spreads", "[D] V09", ge=0, le=6
    )
    pitch_lasting_st: float = _setting(
        2.0,
        "st",
        "... while the last 4 s of speech stand this far over it too",
        "[D] the melody of one phrase reaches +4 st for 1.5 s",
        ge=0,
        le=12,
    )
    pitch_s: float = _setting(1.0, "s", "... held this long in speech", "[D] V09", ge=0.25, le=10)
    pitch_close_st: float = _setting(1.5, "st", "It is over below this", "[D] C09", ge=0, le=12)
    pitch_close_s: float = _setting(3.0, "s", "... held this long in speech", "[D] C09", ge=0.25, le=10)
    syllables_per_word: float = _setting(
        1.45, "syllables", "Syllables per word while too few words are known", "[D] V02, English", ge=1, le=4
    )
    pace_window_s: float = _setting(
        6.0, "s", "Speech over which syllables are counted", "[D] V02 starts from 4 s, a phrase", ge=1, le=20
    )
    pace_pause_s: float = _setting(
        1.0,
        "s",
        "Pauses up to this count for the pace: slow talk is slow by its pauses",
        "[D] V02",
        ge=0.1,
        le=3,
    )
    longest_pause_s: float = _setting(
        0.5, "s", "Pauses up to this belong to speech time", "[P] V01", ge=0.1, le=2
    )
    fast_share: float = _setting(
        1.15, "times", "Fast from this multiple of the usual pace", "[D] V03", ge=1, le=3
    )
    fast_wpm: float = _setting(170.0, "WPM", "... and from this pace", "[P: Kore.ai 180] V03", ge=80, le=400)
    fast_z: float = _setting(
        2.5,
        "spreads",
        "... and this far from it in own spreads",
        "[D] six seconds of speech scatter by two",
        ge=0,
        le=6,
    )
    fast_s: float = _setting(4.0, "s", "... held this long in speech", "[D] V03", ge=0.5, le=30)
    fast_close_share: float = _setting(
        1.05, "times", "It is over below this multiple", "[D] C05", ge=0.5, le=3
    )
    fast_close_s: float = _setting(3.0, "s", "... held this long in speech", "[D] C05", ge=0.25, le=30)
    very_fast_share: float = _setting(
        1.30, "times", "Very fast from this multiple of the usual pace", "[D] V03", ge=1, le=4
    )
    very_fast_wpm: float = _setting(190.0, "WPM", "... and from this pace", "[D] V03", ge=80, le=400)
    slow_share: float = _setting(
        0.75, "times", "Slow below this multiple of the usual pace", "[D] V03", ge=0.2, le=1
    )
    slow_wpm: float = _setting(105.0, "WPM", "... and below this pace", "[D] V03", ge=30, le=200)
    slow_s: float = _setting(10.0, "s", "... held this long in speech", "[D] V03", ge=1, le=60)
    slow_close_share: float = _setting(
        0.85, "times", "It is over above this multiple", "[D] C06", ge=0.2, le=1.5
    )
    slow_close_s: float = _setting(3.0, "s", "... held this long in speech", "[D]", ge=0.25, le=30)
    variation_s: float = _setting(
        10.0, "s", "Time over which the spread of F0 is taken", "[D] V10", ge=2, le=60
    )
    least_voiced_s: float = _setting(3.0, "s", "Voiced time that it needs", "[D] V10", ge=0.5, le=30)
    flat_st: float = _setting(
        1.2, "st", "Spread of F0 under which it is flat", "[P: parley] V10", ge=0.1, le=6
    )
    flat_s: float = _setting(20.0, "s", "... held this long in speech", "[D] V10", ge=2, le=120)
    flat_close_st: float = _setting(1.5, "st", "It is over above this", "[D] C26", ge=0.1, le=6)
    quiet_flat_db: float = _setting(-4.0, "dB", "Level of quiet and flat", "[D] V11", ge=-30, le=0)
    quiet_flat_st: float = _setting(1.5, "st", "Spread of F0 of quiet and flat", "[D] V11", ge=0.1, le=6)
    quiet_flat_s: float = _setting(30.0, "s", "Speech over which both hold", "[D] V11", ge=2, le=120)
    raised_z: float = _setting(
        1.5,
        "spreads",
        "Own spreads over the usual from which a quantity counts as raised",
        "[D] V12",
        ge=0.5,
        le=6,
    )
    raised_s: float = _setting(
        2.0, "s", "Two quantities raised this long in speech", "[D] V12", ge=0.25, le=10
    )
    raised_close_s: float = _setting(
        2.0, "s", "Over when fewer than two for this long", "[D] V12", ge=0.25, le=10
    )
    match_window_s: float = _setting(
        60.0, "s", "Speech of each party over which paces are compared", "[D] V05", ge=5, le=300
    )
    least_match_s: float = _setting(20.0, "s", "Speech of each that this needs", "[D] V05", ge=2, le=120)
    clip_pct: float = _setting(
        1.0,
        "%",
        "Clipped samples of the agent in the call above which level and F0 say nothing",
        "[D] V08",
        ge=0.01,
        le=50,
    )


class SyllableSettings(_Stage):
    """Syllable nuclei and filled pauses from sound (V02, V14)."""

    dip_db: float = _setting(
        3.0,
        "dB",
        "Level in 300-3000 Hz by which a nucleus stands over the dips on both sides",
        "[D] V02 says 2 dB; chosen on two emodb speakers and four synthetic_calls",
        ge=0.5,
        le=10,
    )
    range_db: float = _setting(
        20.0, "dB", "A nucleus is no further under the loudest recent one", "[D] as dip_db", ge=6, le=60
    )
    sink_db_per_s: float = _setting(
        2.0, "dB/s", "How fast the loudest recent one is forgotten", "[D]", ge=0.1, le=20
    )
    voiced_reach_s: float = _setting(
        0.064, "s", "A voiced hop lies no further from a nucleus than this", "[D] V02", ge=0, le=0.16
    )
    least_level_dbfs: float = _setting(
        -65.0, "dBFS", "Below this level no hop counts as voiced here", "[D]", ge=-90, le=-20
    )
    held_s: float = _setting(
        0.400, "s", "Shortest held sound that is a filled pause", "[P: parley] V14", ge=0.2, le=2
    )
    pitch_spread_st: float = _setting(
        1.2, "st", "Widest F0 range (5th to 95th percentile) inside it", "[P: parley] V14", ge=0.2, le=6
    )
    steady_db: float = _setting(
        3.5, "dB", "Mean change of the band levels in 64 ms that still is one sound", "[D] V14", ge=0.2, le=12
    )
    steady_share: float = _setting(
        0.80, "", "Share of it that is so steady; the rest is room for uh to turn into m", "[D]", ge=0.3, le=1
    )
    voiced_share: float = _setting(0.90, "", "Share of it that is voiced", "[D] V14", ge=0.3, le=1)


class TextSettings(_Stage):
    """Text mask and windows for the recogniser (section 1.2)."""

    least_speech_s: float = _setting(
        0.25, "s", "Shorter speech is not sent to the recogniser", "[D] 1.2", ge=0, le=2
    )
    least_silence_s: float = _setting(0.5, "s", "Silence that ends a piece", "[D] 1.2", ge=0.1, le=3)
    pad_s: float = _setting(0.2, "s", "Sound kept on each side of a piece", "[D] 1.2", ge=0, le=0.5)
    joint_s: float = _setting(
        0.3, "s", "Silence put between pieces of one window", "[D] see docs/benchmarks.md", ge=0, le=2
    )
    window_s: float = _setting(15.0, "s", "Longest piece, and longest window", "[D] 1.2", ge=5, le=25)
    budget_s: float = _setting(
        1.1, "s", "Words are due this long after their piece of speech was cut", "[D]", ge=0.5, le=60
    )
    settle_s: float = _setting(
        2.0, "s", "Recordings: silence of the party after which a window is cut", "[D]", ge=0.5, le=20
    )
    settle_speech_s: float = _setting(
        10.0, "s", "Recordings: ... if it holds at least this much speech", "[D]", ge=0, le=15
    )
    patience_s: float = _setting(
        20.0, "s", "Recordings: longest wait for neighbours of a short piece", "[D]", ge=1, le=20
    )


class Settings(_Stage):
    """All settings of the analysis."""

    activity: ActivitySettings = ActivitySettings()
    bleed: BleedSettings = BleedSettings()
    floor: FloorSettings = FloorSettings()
    overlap: OverlapSettings = OverlapSettings()
    silence: SilenceSettings = SilenceSettings()
    story: StorySettings = StorySettings()
    pitch: PitchSettings = PitchSettings()
    delivery: DeliverySettings = DeliverySettings()
    syllables: SyllableSettings = SyllableSettings()
    text: TextSettings = TextSettings()
    phases: PhaseSettings = PhaseSettings()
    language: LanguageSettings = LanguageSettings()
    redaction: RedactionSettings = RedactionSettings()
    c01: C01Settings = C01Settings()
    c02: C02Settings = C02Settings()
    c03: C03Settings = C03Settings()
    c04: C04Settings = C04Settings()
    c10: C10Settings = C10Settings()
    c11: C11Settings = C11Settings()
    c12: C12Settings = C12Settings()
    c13: C13Settings = C13Settings()
    c14: C14Settings = C14Settings()
    c15: C15Settings = C15Settings()
    c16: C16Settings = C16Settings()
    c17: C17Settings = C17Settings()
    c18: C18Settings = C18Settings()
    c19: C19Settings = C19Settings()
    c20: C20Settings = C20Settings()
    c21: C21Settings = C21Settings()
    c22: C22Settings = C22Settings()
    c23: C23Settings = C23Settings()
    c24: C24Settings = C24Settings()
    c25: C25Settings = C25Settings()
    c26: C26Settings = C26Settings()
    budget: BudgetSettings = BudgetSettings()

    def changed(self) -> dict[str, dict[str, Any]]:
        """Return the values that differ from the defaults, by stage and name."""
        mine, usual = self.model_dump(), type(self)().model_dump()
        changes = {
            stage: {name: value for name, value in values.items() if value != usual[stage][name]}
            for stage, values in mine.items()
        }
        return {stage: values for stage, values in changes.items() if values}

    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 of all values, in a fixed order."""
        canonical = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def load_settings(path: Path | None) -> Settings:
    """Read settings from a TOML file; defaults where it is silent, or everywhere when ``path`` is None.

    Raises
    ------
    ConfigError
        If the file is missing, too large, not TOML, or holds an unknown key or a value out of range.
    """
    if path is None:
        return Settings()
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"Settings file {path.name} cannot be read ({error.strerror}); check its name."
        ) from None
    if len(raw) > MAX_SETTINGS_BYTES:
        raise ConfigError(f"Settings file {path.name} is larger than 1 MiB; it is not a settings file.")
    try:
        return Settings.model_validate(tomllib.loads(raw.decode("utf-8")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Settings file {path.name} is not valid TOML: {error}.") from None
    except ValidationError as error:
        raise ConfigError(f"Settings file {path.name}: {first_problem(error)}.") from None


def first_problem(error: ValidationError) -> str:
    """Return the first thing that is wrong with settings, with a near name for an unknown key."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return f"{where} = {first['input']!r}: {first['msg']}"
    near = difflib.get_close_matches(where, setting_names(), n=1, cutoff=0.4)
    return f"unknown key {where}" + (f"; did you mean {near[0]}?" if near else "")


def setting_names() -> list[str]:
    """All keys as ``stage.name``, and the stages themselves."""
    names: list[str] = []
    for stage, field in Settings.model_fields.items():
        names.append(stage)
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names += [f"{stage}.{name}" for name in annotation.model_fields]
    return names
