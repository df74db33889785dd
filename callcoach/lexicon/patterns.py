"""The pattern language of the word lists.

=============  ====================================================================================
``hold on``    these words, in normal form (:mod:`callcoach.lexicon.tokens`)
``(a|b c)``    one of the alternatives
``[really]``   may be there; ``[a|b]`` one of them or none
``work~``      with its inflections: work, works, worked, working
``{thing}``    one to six words of any kind, inside one sentence
``{few}``      one to three words, ``{word}`` one word
``{digits}``   one token of digits; ``{n}``, ``{time}`` and others are patterns of ``grammar.toml``
``^ fine``     begins a sentence or turn; words such as "well" and "okay" may stand before it
``bye $``      ends a sentence or turn
=============  ====================================================================================

A pattern begins with a word, not with a slot of any words, and is never empty. Fillers ("um") and a word said twice in a row
are stepped over. There is no repetition, so the search takes time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from callcoach.lexicon.tokens import split_word

LONGEST_PATTERN = 800
"""Characters of one pattern."""
MOST_NODES = 4000
"""Nodes of one pattern after its slots are written out."""
_DEEPEST = 8
_PART = re.compile(r"\s*(?:(?P<mark>[()\[\]|])|\{(?P<slot>[a-z_]+)\}|(?P<word>[^\s()\[\]|{}~^$?*+\\]+)(?P<tail>~?))")
_VOWELS = frozenset("aeiou")

ANY = "*"
"""Stands for every token in an edge."""
DIGITS = "#"
"""Stands for every token that begins with a digit."""
_OPEN_SLOTS: Mapping[str, tuple[int, int]] = {"word": (1, 1), "few": (1, 3), "thing": (1, 6)}
BUILT_IN_SLOTS = frozenset({*_OPEN_SLOTS, "digits"})


class PatternError(ValueError):
    """A pattern cannot be read; the message says why, without the pattern."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One token: ``tokens`` that fit, or ``{ANY}`` or ``{DIGITS}``."""

    tokens: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sequence_:
    """Parts one after the other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several parts, or none if ``optional``."""

    parts: tuple[Part, ...]
    optional: bool


Part = Edge | Sequence_ | Choice


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern as read, and where it must stand."""

    part: Part
    begins: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class Grammar:
    """What patterns are read with: the slots, spellings and irregular forms of a language."""

    spellings: Mapping[str, str]
    inflections: Mapping[str, tuple[str, ...]]
    slots: Mapping[str, Part]


def make_grammar(
    slots: Mapping[str, Sequence[str]], spellings: Mapping[str, str], inflections: Mapping[str, tuple[str, ...]]
) -> Grammar:
    """Read the named slots, each of which may use those before it.

    Raises
    ------
    PatternError
        If a slot cannot be read.
    """
    made: dict[str, Part] = {}
    for name, patterns in slots.items():
        grammar = Grammar(spellings, inflections, dict(made))
        made[name] = Choice(tuple(_Reader(text, grammar).read() for text in patterns), optional=False)
    return Grammar(spellings, inflections, made)


def read_pattern(text: str, grammar: Grammar) -> Pattern:
    """Read one pattern.

    Raises
    ------
    PatternError
        If it is empty, too long, not closed, names an unknown slot, fits no word at all, or begins with any word.
    """
    if len(text) > LONGEST_PATTERN:
        raise PatternError(f"it has more than {LONGEST_PATTERN} characters")
    body = text.strip()
    begins, ends = body.startswith("^"), body.endswith("$")
    part = _Reader(body.removeprefix("^").removesuffix("$"), grammar).read()
    if _size(part) > MOST_NODES:
        raise PatternError(f"it grows to more than {MOST_NODES} parts when its slots are written out")
    if _can_be_empty(part):
        raise PatternError("it fits no word at all")
    if any(ANY in tokens for tokens in _firsts(part)):
        raise PatternError("it begins with a slot for any words; begin with a word")
    return Pattern(part, begins, ends)


class _Reader:
    """Recursive descent over one pattern."""

    def __init__(self, text: str, grammar: Grammar) -> None:
        self._grammar = grammar
        self._parts: list[re.Match[str]] = []
        at = 0
        text = text.strip()
        while at < len(text):
            found = _PART.match(text, at)
            if found is None:
                raise PatternError(f"character {at + 1} is not understood")
            self._parts.append(found)
            at = found.end()
        self._at = 0

    def read(self) -> Part:
        whole = self._alternatives(0)
        if self._at < len(self._parts):
            raise PatternError("a bracket is closed that was not opened")
        return whole

    def _alternatives(self, depth: int) -> Part:
        if depth > _DEEPEST:
            raise PatternError(f"brackets are nested more than {_DEEPEST} deep")
        options = [self._sequence(depth)]
        while self._at < len(self._parts) and self._parts[self._at]["mark"] == "|":
            self._at += 1
            options.append(self._sequence(depth))
        if any(not option.parts for option in options):
            raise PatternError("an alternative is empty")
        return options[0] if len(options) == 1 else Choice(tuple(options), optional=False)

    def _sequence(self, depth: int) -> Sequence_:
        parts: list[Part] = []
        while self._at < len(self._parts):
            here = self._parts[self._at]
            mark = here["mark"]
            if mark in (")", "]", "|"):
                break
            self._at += 1
            if mark:
                parts.append(self._bracket(mark, depth))
            elif here["slot"]:
                parts.append(self._slot(here["slot"]))
            else:
                parts.extend(self._words(here["word"], bool(here["tail"])))
        return Sequence_(tuple(parts))

    def _bracket(self, mark: str, depth: int) -> Part:
        inner = self._alternatives(depth + 1)
        closing = ")" if mark == "(" else "]"
        if self._at >= len(self._parts) or self._parts[self._at]["mark"] != closing:
            raise PatternError(f"a bracket {mark!r} is not closed with {closing!r}")
        self._at += 1
        options = inner.parts if isinstance(inner, Choice) and not inner.optional else (inner,)
        return Choice(options, optional=mark == "[")

    def _slot(self, name: str) -> Part:
        if name == "digits":
            return Edge(frozenset({DIGITS}))
        if name in _OPEN_SLOTS:
            least, most = _OPEN_SLOTS[name]
            one = Edge(frozenset({ANY}))
            part: Part = one
            for _ in range(most - least):
                part = Sequence_((one, Choice((part,), optional=True)))
            return part
        if name not in self._grammar.slots:
            known = ", ".join(sorted({*self._grammar.slots, *BUILT_IN_SLOTS}))
            raise PatternError(f"there is no slot {{{name}}}; there are {known}")
        return self._grammar.slots[name]

    def _words(self, word: str, inflected: bool) -> list[Part]:
        tokens = split_word(word, self._grammar.spellings)
        if not tokens:
            return []
        if inflected and len(tokens) > 1:
            raise PatternError("'~' stands behind a word that is more than one token")
        if inflected:
            return [Edge(frozenset(inflections(tokens[0], self._grammar.inflections)))]
        return [Edge(frozenset({token})) for token in tokens]


def inflections(word: str, irregular: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return a word with its regular and irregular inflections (some of them no real words)."""
    found = {word, *irregular.get(word, ())}
    if word.endswith("e"):
        found |= {word + "s", word + "d", word[:-1] + "ing"}
    elif word.endswith("y") and len(word) > 1 and word[-2] not in _VOWELS:
        found |= {word[:-1] + "ies", word[:-1] + "ied", word + "ing"}
    elif word.endswith(("s", "sh", "ch", "x", "z", "o")):
        found |= {word + "es", word + "s", word + "ed", word + "ing"}
    else:
        found |= {word + "s", word + "ed", word + "ing"}
        if len(word) > 2 and word[-1] not in _VOWELS | {"w", "x", "y"} and word[-2] in _VOWELS:
            found |= {word + word[-1] + "ed", word + word[-1] + "ing"}
    return found


def _size(part: Part) -> int:
    match part:
        case Edge():
            return 1
        case Sequence_(parts) | Choice(parts):
            return 1 + sum(_size(p) for p in parts)


def _can_be_empty(part: Part) -> bool:
    match part:
        case Edge():
            return False
        case Sequence_(parts):
            return all(_can_be_empty(p) for p in parts)
        case Choice(parts, optional):
            return optional or any(_can_be_empty(p) for p in parts)


def _firsts(part: Part) -> Iterable[frozenset[str]]:
    match part:
        case Edge(tokens):
            yield tokens
        case Sequence_(parts):
            for inner in parts:
                yield from _firsts(inner)
                if not _can_be_empty(inner):
                    break
        case Choice(parts):
            for inner in parts:
                yield from _firsts(inner)


class Automaton:
    """Patterns of any number in one machine whose states are made when a text first needs them.

    ``payload`` numbers of the patterns that end in a state stand in :attr:`accepts`. State 0 is the start, ``DEAD`` the end
    of every search. Memory is bounded: beyond :attr:`most_states` all states but the start are forgotten.
    """

    DEAD = -1
    STOP = "."
    """Pseudo-token of a sentence's end: no slot of any words may begin or go on here."""
    most_states = 60_000

    def __init__(self, patterns: Iterable[tuple[Part, int]]) -> None:
        # A node has one kind of way out: a token edge, or free ways to others, or it accepts.
        self._edges: list[Edge | None] = []
        self._target: list[int] = []
        self._free: list[list[int]] = []
        self._accept: list[int] = []
        self.alphabet: set[str] = set()
        starts = []
        for part, payload in patterns:
            end = self._node()
            self._accept[end] = payload
            starts.append(self._build(part, end))
        self._begin(starts)

    def _node(self) -> int:
        self._edges.append(None)
        self._target.append(-1)
        self._free.append([])
        self._accept.append(-1)
        return len(self._edges) - 1

    def _build(self, part: Part, end: int) -> int:
        """Return the node from which ``part`` leads to ``end``."""
        match part:
            case Edge(tokens):
                node = self._node()
                self._edges[node] = part
                self._target[node] = end
                self.alphabet |= tokens
                return node
            case Sequence_(parts):
                for inner in reversed(parts):
                    end = self._build(inner, end)
                return end
            case Choice(parts, optional):
                node = self._node()
                ways = [self._build(inner, end) for inner in parts]
                self._free[node] = [*ways, end] if optional else ways
                return node

    def _begin(self, starts: list[int]) -> None:
        self._starts = starts
        self._numbers: dict[frozenset[int], int] = {}
        self._by_token: list[dict[str, list[int]]] = []
        self._any: list[list[int]] = []
        self._after_stop: list[frozenset[int]] = []
        self.accepts: list[tuple[int, ...]] = []
        self.steps: list[dict[str, int]] = []
        self._state(frozenset(starts))

    def _state(self, nodes: frozenset[int]) -> int:
        """Return the number of the state of ``nodes`` and all that they reach freely."""
        known = self._numbers.get(nodes)
        if known is not None:
            return known
        reached: set[int] = set()
        left = list(nodes)
        by_token: dict[str, list[int]] = {}
        any_targets: list[int] = []
        accepts: list[int] = []
        while left:
            node = left.pop()
            if node in reached:
                continue
            reached.add(node)
            left.extend(self._free[node])
            if self._accept[node] >= 0:
                accepts.append(self._accept[node])
            edge = self._edges[node]
            if edge is None:
                continue
            if ANY in edge.tokens:
                any_targets.append(self._target[node])
            else:
                for token in edge.tokens:
                    by_token.setdefault(token, []).append(self._target[node])
        self._numbers[nodes] = number = len(self.steps)
        self._by_token.append(by_token)
        self._any.append(any_targets)
        self._after_stop.append(
            frozenset(n for n in reached if (e := self._edges[n]) is not None and ANY not in e.tokens)
        )
        self.accepts.append(tuple(sorted(set(accepts))))
        self.steps.append({})
        return number

    def make_step(self, state: int, token: str) -> int:
        """Return the state after ``token``, and remember it in :attr:`steps`."""
        if token == self.STOP:
            nodes = self._after_stop[state]
        else:
            kind = DIGITS if token[0].isdigit() else token
            found = [*self._by_token[state].get(token, ()), *self._any[state]]
            if kind == DIGITS:
                found += self._by_token[state].get(DIGITS, ())
            nodes = frozenset(found)
        after = self._state(nodes) if nodes else self.DEAD
        self.steps[state][token] = after
        return after

    def forget_if_full(self) -> None:
        """Drop all states but the start when there are too many; never call while a search is under way."""
        if len(self.steps) > self.most_states:
            self._begin(self._starts)

    def symbol_of(self) -> Callable[[str], str]:
        """Return what maps a token to the one that :attr:`steps` is asked with: tokens of no pattern look alike."""
        alphabet = self.alphabet

        def symbol(token: str) -> str:
            if token in alphabet:
                return token
            return "0" if token[0].isdigit() else "?"

        return symbol
