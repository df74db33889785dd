"""The budget (section 6): which cues of the complete log meet the eye, when, and what held the others back.

It comes after the log and never changes it. Every opening of a cue gets exactly one answer for its form,
shown or held back. A text is answered at once or waits, and has its answer at latest when its cue closes.

How section 6 is read where it leaves a choice:

* Rings and gauges are outside the limits. A ring is held back in quiet times, in the ramp and when its cue
  has a text and is not in the agent's set. A cue of class A that opens with its text shows its ring at once,
  whatever becomes of the text. Only a cue without a text has a cooldown on its ring.
* A text that finds no pause within ``wait_s`` is shown without one. ``stale_s`` is for texts that something
  else keeps waiting. Both count from the opening of the text.
* The gap holds between any two texts. So a more urgent text replaces a visible one only where the gap allows
  it: with a gap below ``show_s``, or over a text that stays until its cue closes.
* A text waits for a limit that ends while it is fresh, and is held back at once by one that ends later.
* While a more urgent text waits for its moment, no other is shown.
* Quiet times hold back what opens in them and what still waits as they begin; nothing is kept for later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from callcoach.clock import Samples, Span, to_samples, to_seconds
from callcoach.config import Settings
from callcoach.core.cues.budget_limits import Block, Limits, clock
from callcoach.core.cues.catalogue import CatalogueEntry, catalogue, fits
from callcoach.core.cues.rule import NEVER
from callcoach.core.cues.scene import Scene
from callcoach.events import CueClosed, CueForm, CueHeldBack, CueOpened, CueShown, Event, Facts

_AT_ONCE: Final = -1
_NEVER_STALE: Final = NEVER - 1
"""Still before `NEVER`: what is blocked for the rest of the call is not worth waiting for."""


@dataclass(slots=True)
class _Waiting:
    """A text without an answer."""

    entry: CatalogueEntry
    number: int
    text: str
    at: int
    """Where it opened."""
    patience: int
    """From here on it no longer waits for a pause."""
    stale: int
    """Last position at which it may be shown."""
    caller: tuple[bool, int]
    """Whether the caller was speaking, and since when, as it opened."""
    why: Block | None = None
    """What kept it waiting when it was last looked at; None when only its moment was missing."""

    @property
    def rank(self) -> tuple[int, int, int]:
        """Smallest first: the most urgent, then the oldest."""
        return self.entry.priority, self.at, self.number


@dataclass(frozen=True, slots=True)
class Visible:
    """The text on screen."""

    number: int
    cue: str
    priority: int
    since: int
    until: int
    """End unless its cue closes or it is dismissed before; `NEVER`: it stays until then."""


class Budget:
    """One call. Feed it with every change of the cue log, and with every frame from ``due`` on.

    Parameters
    ----------
    settings : Settings
    entries : cues by id; None for the catalogue that ships.
    """

    def __init__(self, settings: Settings, entries: Mapping[str, CatalogueEntry] | None = None) -> None:
        s = self._s = settings.budget
        self._entries = catalogue() if entries is None else entries
        self._limits = Limits(s)
        self._start, self._pause = to_samples(s.quiet_start_s), to_samples(s.pause_s)
        self._wait, self._stale = to_samples(s.wait_s), to_samples(s.stale_s)
        self._stand, self._show = to_samples(s.replace_after_s), to_samples(s.show_s)
        self._barred = {cue: reason for cue, e in self._entries.items() if (reason := self._why_off(e))}
        self._waiting: list[_Waiting] = []
        self._rings: set[int] = set()
        """Open cues whose ring is shown."""
        self._texts: set[int] = set()
        """Open cues whose text was shown."""
        self._last_text: dict[str, int] = {}
        """Number of the last text of each cue."""
        self._dismissals: dict[str, int] = {}
        self._dismissed: set[int] = set()
        self._quiet_since: int | None = None
        self._visible: Visible | None = None
        self.due = NEVER
        """Every frame from this position on must be stepped, although nothing opens or closes; samples."""

    @property
    def visible(self) -> Visible | None:
        """The last text that was shown, unless it is gone: closed, dismissed or replaced.

        Its end by time is ``until``; the budget looks at it when it next decides.
        """
        return self._visible

    def step(self, scene: Scene, cues: Sequence[Event]) -> list[Event]:
        """Decide at ``scene.now``; ``cues`` opened and closed there."""
        if not cues and scene.now < self.due:
            return []
        found: list[Event] = []
        for event in cues:
            if isinstance(event, CueOpened):
                self._open(event, scene, found)
            elif isinstance(event, CueClosed):
                self._close(event, scene, found)
        if self._waiting:
            self._drop_or_show(scene, found)
        self.due = _AT_ONCE if self._waiting else NEVER
        return found

    def finish(self, scene: Scene) -> list[Event]:
        """Hold back what still waits at the end of the call."""
        left, self._waiting, self.due = self._waiting, [], NEVER
        return [_held(w.number, w.entry.id, "text", _over(w, scene, "the call ended"), scene) for w in left]

    def dismiss(self, cue: str, now: int) -> None:
        """Take a dismissal at ``now`` of the last text of ``cue``; ``dismissed_times`` of them mute the cue.

        A text counts once, and still when it has just gone by itself. Nothing happens when the cue has shown
        no text in this call.
        """
        number = self._last_text.get(cue)
        if number is None or number in self._dismissed:
            return
        self._dismissed.add(number)
        if self._visible is not None and self._visible.number == number:
            self._visible = None
        times = self._dismissals[cue] = self._dismissals.get(cue, 0) + 1
        if times >= self._s.dismissed_times:
            self._barred[cue] = f"muted at {clock(now)}: dismissed {times} times"

    def quiet(self, on: bool, now: int) -> None:
        """Switch the quiet mode; only a text that is exempt from it stays on screen."""
        self._quiet_since = (now if self._quiet_since is None else self._quiet_since) if on else None
        if on and self._visible is not None and "quiet" not in self._entries[self._visible.cue].exempt:
            self._visible = None

    def _why_off(self, entry: CatalogueEntry) -> str | None:
        """Return why a cue is off for the whole call: too early for this agent, or not in the agent's set."""
        s = self._s
        call, few = s.calls_before + 1, s.ramp_gauges + s.ramp_few
        if call <= few and "ramp" in entry.exempt:
            return None
        if call <= s.ramp_gauges:
            return f"call {call} of the first {s.ramp_gauges}, which have gauges only"
        if call <= few:
            only = ", ".join(e.id for e in self._entries.values() if e.in_ramp)
            return None if entry.in_ramp else f"call {call} of the first {few}, which have only {only}"
        return "not in your set" if entry.has_text and entry.id not in s.enabled else None

    def _off(self, entry: CatalogueEntry, scene: Scene) -> Block | None:
        """Return what keeps a cue from being shown at this time, whatever its form."""
        barred = self._barred.get(entry.id)
        if barred is not None:
            return Block("muted", barred, NEVER)
        if "quiet" in entry.exempt:
            return None
        if self._quiet_since is not None:
            return Block("quiet", f"quiet mode since {clock(self._quiet_since)}", NEVER)
        if scene.now < self._start:
            return Block("quiet", f"first {self._s.quiet_start_s:g} s of the call", NEVER)
        if scene.on_hold_since is not None:
            return Block("quiet", f"on hold since {clock(scene.on_hold_since)}", NEVER)
        return None

    def _open(self, event: CueOpened, scene: Scene, found: list[Event]) -> None:
        entry, now = self._entries[event.cue], scene.now
        if event.form == "gauge":
            found.append(_shown(event.number, event.cue, "gauge", None, scene))
            return
        off = self._off(entry, scene)
        if off is None and event.form == "ring" and not entry.has_text:
            rest = self._limits.cooldown(entry)
            off = rest if rest is not None and now < rest.until else None
        ring = event.form == "ring" or "A" in entry.classes
        if off is None and ring and event.number not in self._rings:
            self._rings.add(event.number)
            self._limits.ring_shown(entry, now)
            found.append(_shown(event.number, event.cue, "ring", None, scene))
        text = action_text(entry, event.facts) if event.form == "text" else None
        if off is None and event.form == "text" and text is None:
            off = Block("muted", "no short wording fits", NEVER)
        if off is not None:
            found.append(_held(event.number, event.cue, event.form, off, scene))
        elif text is not None:
            exempt = "moment" in entry.exempt
            self._waiting.append(
                _Waiting(
                    entry,
                    event.number,
                    text,
                    at=now,
                    patience=now if exempt else now + self._wait,
                    stale=_NEVER_STALE if exempt else now + self._stale,
                    caller=(scene.caller.active, scene.caller.began),
                )
            )

    def _close(self, event: CueClosed, scene: Scene, found: list[Event]) -> None:
        number = event.number
        waiting = next((w for w in self._waiting if w.number == number), None)
        if waiting is not None:
            block = self._blocked(waiting, scene) or waiting.why
            self._waiting.remove(waiting)
            found.append(_held(number, event.cue, "text", _over(waiting, scene, event.reason, block), scene))
        if self._visible is not None and self._visible.number == number:
            self._visible = None
        entry = self._entries[event.cue]
        if number in self._texts or (number in self._rings and not entry.has_text):
            self._limits.over(entry, scene.now, dismissed=number in self._dismissed)
        self._rings.discard(number)
        self._texts.discard(number)

    def _drop_or_show(self, scene: Scene, found: list[Event]) -> None:
        """Show the most urgent text if its moment has come, and hold back what cannot be shown any more."""
        now = scene.now
        self._drop(scene, found)
        for w in self._waiting:
            w.why = self._blocked(w, scene)
        free = [w for w in self._waiting if w.why is None]
        first = min(free, key=lambda w: w.rank, default=None)
        for w in free:
            if first is not None and w is not first:
                w.why = Block("budget", f"{first.entry.id} comes first", NEVER)
        if first is None or not self._is_moment(first, scene):
            return
        entry = first.entry
        until = NEVER if "quiet" in entry.exempt else now + self._show
        self._waiting.remove(first)
        self._texts.add(first.number)
        self._last_text[entry.id] = first.number
        self._limits.shown(entry, now)
        self._visible = Visible(first.number, entry.id, entry.priority, now, until)
        found.append(_shown(first.number, entry.id, "text", first.text, scene))
        self._drop(scene, found)

    def _drop(self, scene: Scene, found: list[Event]) -> None:
        """Hold back what is off by now, too old, or blocked for longer than it stays fresh."""
        kept: list[_Waiting] = []
        for w in self._waiting:
            block = self._off(w.entry, scene)
            if block is None and scene.now > w.stale:
                block = self._blocked(w, scene) or w.why or _old(w, scene)
            if block is None:
                limit = self._limits.longest(w.entry)
                block = limit if limit is not None and limit.until > w.stale else None
            if block is None:
                kept.append(w)
            else:
                found.append(_held(w.number, w.entry.id, "text", block, scene))
        self._waiting = kept

    def _blocked(self, w: _Waiting, scene: Scene) -> Block | None:
        """Return what keeps a text waiting besides its moment: a limit, a cooldown or the visible text."""
        limit = self._limits.longest(w.entry)
        if limit is not None and scene.now < limit.until:
            return limit
        seen = self._visible
        if seen is None or scene.now >= seen.until:
            return None
        if w.entry.priority < seen.priority and scene.now >= seen.since + self._stand:
            return None
        return Block("budget", f"{seen.cue} on screen since {clock(seen.since)}", seen.until)

    def _is_moment(self, w: _Waiting, scene: Scene) -> bool:
        """Tell whether the agent pauses, the caller has come in since, or it has waited long enough."""
        if scene.now >= w.patience:
            return True
        agent, caller = scene.agent, scene.caller
        if not agent.active and agent.silent_for(scene.now) >= self._pause:
            return True
        return caller.active and (caller.active, caller.began) != w.caller


def action_text(entry: CatalogueEntry, facts: Facts) -> str | None:
    """Return what a cue asks for in the case of its facts.

    None when there is no such case, a fact is missing or the text grows beyond five words.
    """
    try:
        text = entry.said(facts).text
    except ValueError:
        return None
    return text if fits(text) else None


def _old(w: _Waiting, scene: Scene) -> Block:
    return Block("stale", f"no moment for it within {to_seconds(scene.now - w.at):.1f} s", NEVER)


def _over(w: _Waiting, scene: Scene, reason: str, block: Block | None = None) -> Block:
    over = f"over after {to_seconds(scene.now - w.at):.1f} s: {reason}"
    if block is None:
        return Block("stale", f"no pause before it was {over}", NEVER)
    return Block(block.by, f"{block.detail}; {over}", NEVER)


def _shown(number: int, cue: str, form: CueForm, text: str | None, scene: Scene) -> CueShown:
    now = Samples(scene.now)
    return CueShown(span=Span(now, now), known_at=now, number=number, cue=cue, form=form, text=text)


def _held(number: int, cue: str, form: CueForm, block: Block, scene: Scene) -> CueHeldBack:
    now = Samples(scene.now)
    return CueHeldBack(
        span=Span(now, now), known_at=now, number=number, cue=cue, form=form, by=block.by, detail=block.detail
    )
