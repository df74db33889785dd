"""Word lists as data and the matcher that finds their rows in what was said."""

from __future__ import annotations

from callcoach.lexicon.loading import load_lexicon
from callcoach.lexicon.matcher import Match, Matcher
from callcoach.lexicon.rows import Lexicon, Need, Place, Row, WordList

__all__ = ["Lexicon", "Match", "Matcher", "Need", "Place", "Row", "WordList", "load_lexicon"]
