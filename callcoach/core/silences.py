"""Mutual silence: gaps, dead air and holds, and whose turn it was to act (section 2)."""

from __future__ import annotations

from dataclasses import dataclass

from callcoach.clock import Samples, Span, to_samples
from callcoach.config import SilenceSettings
from callcoach.core.floor import FloorTracker
from callcoach.core.phrases import Phrases, contains, joined, normal
from callcoach.core.transcript import Transcript
from callcoach.core.utterances import Party
from callcoach.events import Channel, Silence, SilenceKind, Stage


@dataclass(slots=True)
class Quiet:
    """One mutual silence of 3 s or more, in samples."""

    start: int
    end: int
    kind: SilenceKind
    owner: Channel | None
    stage: Stage = "sound"


class Silences:
    """Find mutual silences frame by frame; name them again when words have arrived."""

    def __init__(
        self,
        settings: SilenceSettings,
        parties: dict[Channel, Party],
        floor: FloorTracker,
        transcript: Transcript,
        words: Phrases,
        least_speech: int,
    ) -> None:
        self._set = settings
        self._parties = parties
        self._floor = floor
        self._transcript = transcript
        self._phrases = words
        self._least = to_samples(settings.non_talk_s)
        self._least_speech = least_speech
        self._from = 0
        self._unnamed = 0
        self.quiets: list[Quiet] = []

    def step(self, now: int) -> Silence | None:
        """Advance to ``now``; return the silence that has just ended, if one did."""
        self._from = max(self._from, self._speech_until(self._from))
        starts = [
            run.start
            for party in self._parties.values()
            if (run := party.first_after(self._from - 1)) is not None and run.length >= self._least_speech
        ]
        ended: Silence | None = None
        if starts and min(starts) - self._from >= self._least:
            ended = self._found(self._from, min(starts), now)
        if starts:
            self._from = self._speech_until(min(starts))
        return ended

    def finish(self, now: int) -> Silence | None:
        """End the silence that lasts to the end of the recording."""
        ended = self.step(now)
        if ended is None and now - self._from >= self._least:
            self.quiets.append(Quiet(self._from, now, "gap", None))
            return self._event(self.quiets[-1], now)
        return ended

    def refine(self, now: int, *, final: bool = False) -> list[Silence]:
        """Name silences again whose announcement is now known in words."""
        renamed: list[Silence] = []
        if not self._transcript.enabled:
            return renamed
        while self._unnamed < len(self.quiets):
            quiet = self.quiets[self._unnamed]
            if not final and not all(self._transcript.known(c, quiet.start) for c in Channel):
                break
            self._unnamed += 1
            quiet.stage = "words"
            before = quiet.kind, quiet.owner
            self._name(quiet)
            if (quiet.kind, quiet.owner) != before:
                renamed.append(self._event(quiet, now))
        return renamed

    def _speech_until(self, position: int) -> int:
        """End of the speech of either party that covers or follows ``position`` without a break."""
        end = position
        while True:
            runs = [r for p in self._parties.values() if (r := p.last_before(end)) is not None]
            further = max((r.end for r in runs), default=0)
            if further <= end:
                return end
            end = further

    def _found(self, start: int, end: int, now: int) -> Silence:
        length = end - start
        kind: SilenceKind = "gap"
        if length >= to_samples(self._set.hold_s):
            kind = "hold"
        elif length >= to_samples(self._set.dead_air_s):
            kind = "dead_air"
        owner = None if kind == "gap" else Channel.AGENT
        self.quiets.append(Quiet(start, end, kind, owner))
        return self._event(self.quiets[-1], now)

    def _name(self, quiet: Quiet) -> None:
        reach = to_samples(self._set.notice_reach_s)
        said = {
            c: normal(joined(self._transcript.within(c, max(0, quiet.start - reach), quiet.start)))
            for c in Channel
        }
        if contains(said[Channel.AGENT], self._phrases.hold_notices):
            quiet.kind, quiet.owner = "hold", Channel.AGENT
            return
        if quiet.end - quiet.start < to_samples(self._set.dead_air_s) or quiet.kind == "gap":
            return
        for channel in Channel:
            if contains(said[channel], self._phrases.narration):
                if quiet.kind == "dead_air":
                    quiet.kind = "narrated"
                quiet.owner = channel
                return
        quiet.owner = self._to_act(quiet.start)

    def _to_act(self, position: int) -> Channel:
        """After a question or an instruction of the agent the caller is to act, otherwise the agent."""
        if self._floor.holder_at(position) is not Channel.AGENT:
            return Channel.AGENT
        recent = self._transcript.within(Channel.AGENT, max(0, position - to_samples(8.0)), position)
        text = joined(recent)
        asked = text.rstrip("\"')").endswith("?")
        sentence = normal(text.replace("!", ".").replace("?", ".").rstrip(". ").rsplit(". ", 1)[-1])
        return Channel.CALLER if asked or contains(sentence, self._phrases.instructions) else Channel.AGENT

    def _event(self, quiet: Quiet, now: int) -> Silence:
        return Silence(
            span=Span(Samples(quiet.start), Samples(quiet.end)),
            known_at=Samples(max(now, quiet.end)),
            kind=quiet.kind,
            owner=quiet.owner,
            stage=quiet.stage,
        )
