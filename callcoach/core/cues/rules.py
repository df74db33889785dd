"""All rules in the order in which they are asked."""

from __future__ import annotations

from callcoach.config import Settings
from callcoach.core.cues.c01_let_them_finish import LetThemFinish
from callcoach.core.cues.c02_give_floor import GiveFloor
from callcoach.core.cues.c03_narrate_silence import NarrateSilence
from callcoach.core.cues.c04_answer_now import AnswerNow
from callcoach.core.cues.c05_slow_down import SlowDown
from callcoach.core.cues.c06_pick_up import PickUp
from callcoach.core.cues.c07_soften import Soften
from callcoach.core.cues.c08_speak_up import SpeakUp
from callcoach.core.cues.c09_lower_pitch import LowerPitch
from callcoach.core.cues.c10_breathe import Breathe
from callcoach.core.cues.c11_acknowledge import Acknowledge
from callcoach.core.cues.c12_strong_words import StrongWords
from callcoach.core.cues.c13_plain_words import PlainWords
from callcoach.core.cues.c14_check_back import CheckBack
from callcoach.core.cues.c15_say_positively import SayPositively
from callcoach.core.cues.c16_match_pace import MatchPace
from callcoach.core.cues.c17_show_listening import ShowListening
from callcoach.core.cues.c18_give_thinking_time import GiveThinkingTime
from callcoach.core.cues.c19_recap_first import RecapFirst
from callcoach.core.cues.c20_announce_hold import AnnounceHold
from callcoach.core.cues.c21_come_back import ComeBack
from callcoach.core.cues.c22_thank_not_sorry import ThankNotSorry
from callcoach.core.cues.c23_name_next_step import NameNextStep
from callcoach.core.cues.c24_good_move import GoodMove
from callcoach.core.cues.c25_words_settled import WordsSettled
from callcoach.core.cues.c26_vary_pitch import VaryPitch
from callcoach.core.cues.rule import Rule

RULES: tuple[type[Rule], ...] = (
    LetThemFinish,
    GiveFloor,
    NarrateSilence,
    AnswerNow,
    SlowDown,
    PickUp,
    Soften,
    SpeakUp,
    LowerPitch,
    Breathe,
    Acknowledge,
    StrongWords,
    PlainWords,
    CheckBack,
    SayPositively,
    MatchPace,
    ShowListening,
    GiveThinkingTime,
    RecapFirst,
    AnnounceHold,
    ComeBack,
    ThankNotSorry,
    NameNextStep,
    GoodMove,
    WordsSettled,
    VaryPitch,
)


def all_rules(settings: Settings) -> list[Rule]:
    """Return a fresh instance of every rule."""
    return [rule(settings) for rule in RULES]
