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

A pattern begins with a word, not with a slot of any words, and is never empty. Fillers ("um") and a word said
twice in a row are stepped over. There is no repetition, so the search takes time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from callcoach.lexicon.tokens import Speller

LONGEST_PATTERN = 800
"""Characters of one pattern."""
MOST_NODES = 4000
"""Nodes of one pattern after its slots are written out."""
_DEEPEST = 8
_PART = re.compile(
    r"\s*(?:(?P<mark>[()\[\]|])|\{(?P<slot>[a-z_]+)\}|(?P<word>[^\s()\[\]|{}~^$?*+\\]+)(?P<tail>~?))"
)
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
class Chain:
    """Parts one after the other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several parts, or none if ``optional``."""

    parts: tuple[Part, ...]
    optional: bool


Part = Edge | Chain | Choice


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern as read, and where it must stand."""

    part: Part
    begins: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class Grammar:
    """What patterns are read with: the slots, spellings and irregular forms of a language."""

    speller: Speller
    inflections: Mapping[str, tuple[str, ...]]
    slots: Mapping[str, Part]


def make_grammar(
    slots: Mapping[str, Sequence[str]],
    speller: Speller,
    inflections: Mapping[str, tuple[str, ...]],
) -> Grammar:
    """Read the named slots, each of which may use those before it.

    Raises
    ------
    PatternError
        If a slot cannot be read.
    """
    made: dict[str, Part] = {}
    for name, patterns in slots.items():
        grammar = Grammar(speller, inflections, dict(made))
        made[name] = _choice(tuple(_Reader(text, grammar).read() for text in patterns), optional=False)
    return Grammar(speller, inflections, made)


def read_pattern(text: str, grammar: Grammar) -> Pattern:
    """Read one pattern.

    Raises
    ------
    PatternError
        If it is empty, too long, not closed, names an unknown slot, fits no word at all, or begins with any
        word.
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
        return options[0] if len(options) == 1 else _choice(tuple(options), optional=False)

    def _sequence(self, depth: int) -> Chain:
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
        return Chain(tuple(parts))

    def _bracket(self, mark: str, depth: int) -> Part:
        inner = self._alternatives(depth + 1)
        closing = ")" if mark == "(" else "]"
        if self._at >= len(self._parts) or self._parts[self._at]["mark"] != closing:
            raise PatternError(f"a bracket {mark!r} is not closed with {closing!r}")
        self._at += 1
        options = inner.parts if isinstance(inner, Choice) and not inner.optional else (inner,)
        return _choice(options, optional=mark == "[")

    def _slot(self, name: str) -> Part:
        if name == "digits":
            return Edge(frozenset({DIGITS}))
        if name in _OPEN_SLOTS:
            least, most = _OPEN_SLOTS[name]
            one = Edge(frozenset({ANY}))
            part: Part = one
            for _ in range(most - least):
                part = Chain((one, Choice((part,), optional=True)))
            return part
        if name not in self._grammar.slots:
            known = ", ".join(sorted({*self._grammar.slots, *BUILT_IN_SLOTS}))
            raise PatternError(f"there is no slot {{{name}}}; there are {known}")
        return self._grammar.slots[name]

    def _words(self, word: str, inflected: bool) -> list[Part]:
        tokens = self._grammar.speller.tokens(word)
        if not tokens:
            return []
        if inflected and len(tokens) > 1:
            raise PatternError("'~' stands behind a word that is more than one token")
        if inflected:
            return [Edge(frozenset(inflections(tokens[0], self._grammar.inflections)))]
        return [Edge(frozenset({token})) for token in tokens]


def _choice(options: tuple[Part, ...], *, optional: bool) -> Part:
    """Return a choice in which all alternatives of one token are one edge."""
    tokens: set[str] = set()
    others: list[Part] = []
    for option in options:
        while isinstance(option, Chain) and len(option.parts) == 1:
            option = option.parts[0]
        if isinstance(option, Edge) and ANY not in option.tokens:
            tokens |= option.tokens
        elif isinstance(option, Choice) and not option.optional:
            others += option.parts
        else:
            others.append(option)
    if tokens:
        others.insert(0, Edge(frozenset(tokens)))
    return others[0] if len(others) == 1 and not optional else Choice(tuple(others), optional)


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
        case Chain(parts) | Choice(parts):
            return 1 + sum(_size(p) for p in parts)


def _can_be_empty(part: Part) -> bool:
    match part:
        case Edge():
            return False
        case Chain(parts):
            return all(_can_be_empty(p) for p in parts)
        case Choice(parts, optional):
            return optional or any(_can_be_empty(p) for p in parts)


def _firsts(part: Part) -> Iterable[frozenset[str]]:
    match part:
        case Edge(tokens):
            yield tokens
        case Chain(parts):
            for inner in parts:
                yield from _firsts(inner)
                if not _can_be_empty(inner):
                    break
        case Choice(parts):
            for inner in parts:
                yield from _firsts(inner)


_MANY = 24
"""Ways out of a state from which on they are looked up instead of gone through."""


class Automaton:
    """Patterns of any number in one machine whose states are made when a text first needs them.

    ``payload`` numbers of the patterns that end in a state stand in :attr:`accepts`. State 0 is the start,
    ``DEAD`` the end of every search. Memory is bounded: beyond :attr:`most_states` all states are forgotten.
    """

    DEAD = -1
    STOP = "."
    """Pseudo-token of a sentence's end: no slot of any words may begin or go on here."""
    most_states = 60_000

    def __init__(self, patterns: Iterable[tuple[Part, int]]) -> None:
        # A node has an edge of tokens, or free ways to others, or it accepts.
        self._tokens: list[frozenset[str]] = []
        self._target: list[int] = []
        self._free: list[tuple[int, ...]] = []
        self._accept: list[int] = []
        starts = [self._build(part, self._node(accept=payload)) for part, payload in patterns]
        self._closures: list[tuple[int, ...] | None] = [None] * len(self._target)
        self.alphabet = frozenset().union(*set(self._tokens))
        self._begin(starts)

    def _node(
        self,
        tokens: frozenset[str] = frozenset(),
        target: int = -1,
        free: tuple[int, ...] = (),
        accept: int = -1,
    ) -> int:
        self._tokens.append(tokens)
        self._target.append(target)
        self._free.append(free)
        self._accept.append(accept)
        return len(self._target) - 1

    def _build(self, part: Part, end: int) -> int:
        """Return the node from which ``part`` leads to ``end``."""
        match part:
            case Edge(tokens):
                return self._node(tokens, end)
            case Chain(parts):
                for inner in reversed(parts):
                    end = self._build(inner, end)
                return end
            case Choice(parts, optional):
                ways = tuple(self._build(inner, end) for inner in parts)
                return self._node(free=(*ways, end) if optional else ways)

    def _begin(self, starts: list[int]) -> None:
        self._starts = starts
        self._numbers: dict[tuple[int, ...], int] = {}
        self._nodes: list[tuple[int, ...]] = []
        self._by_token: dict[int, dict[str, list[int]]] = {}
        self.accepts: list[tuple[int, ...]] = []
        self.steps: list[dict[str, int]] = []
        self._state(starts)

    def _reached(self, node: int) -> tuple[int, ...]:
        """Return the nodes with an edge or an acceptance that ``node`` leads to freely, itself included."""
        known = self._closures[node]
        if known is None:
            free = self._free[node]
            known = self._closures[node] = (
                tuple(dict.fromkeys(end for way in free for end in self._reached(way))) if free else (node,)
            )
        return known

    def _state(self, nodes: list[int]) -> int:
        """Return the number of the state of ``nodes`` and all that they reach freely."""
        key = tuple(nodes)
        known = self._numbers.get(key)
        if known is not None:
            return known
        self._numbers[key] = number = len(self.steps)
        if len(key) == 1:
            reached = self._reached(key[0])
        else:
            reached = tuple(dict.fromkeys(end for node in key for end in self._reached(node)))
        accept = self._accept
        accepts = tuple(accept[node] for node in reached if accept[node] >= 0)
        self._nodes.append(tuple(node for node in reached if accept[node] < 0) if accepts else reached)
        self.accepts.append(accepts)
        self.steps.append({})
        return number

    def make_step(self, state: int, token: str) -> int:
        """Return the state after ``token``, and remember it in :attr:`steps`."""
        tokens, target = self._tokens, self._target
        if token == self.STOP:
            nodes = [node for node in self._nodes[state] if ANY not in tokens[node]]
        else:
            asked = (token, ANY, DIGITS) if token[0].isdigit() else (token, ANY)
            if state == 0 or (len(self._nodes[state]) > _MANY and len(self.steps[state]) > 1):
                by_token = self._ways_of(state)
                nodes = [end for each in asked for end in by_token.get(each, ())]
            else:
                nodes = [target[node] for node in self._nodes[state] if not tokens[node].isdisjoint(asked)]
        after = self._state(nodes) if nodes else self.DEAD
        self.steps[state][token] = after
        return after

    def _ways_of(self, state: int) -> dict[str, list[int]]:
        """Return the targets of a state by token: for states that are left by many tokens."""
        known = self._by_token.get(state)
        if known is None:
            known = self._by_token[state] = {}
            for node in self._nodes[state]:
                end = self._target[node]
                for token in self._tokens[node]:
                    known.setdefault(token, []).append(end)
        return known

    def forget_if_full(self) -> None:
        """Drop all states but the start when there are too many; never call while a search is under way."""
        if len(self.steps) > self.most_states:
            self._begin(self._starts)

    def symbol_of(self) -> Callable[[str], str]:
        """Return what maps a token to the one :attr:`steps` is asked with: unknown tokens look alike."""
        alphabet = self.alphabet

        def symbol(token: str) -> str:
            if token in alphabet:
                return token
            return "0" if token[0].isdigit() else "?"

        return symbol
