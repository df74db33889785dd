"""From a conversation to its document, as the runner would make it."""

from __future__ import annotations

from callcoach.clock import to_ms
from callcoach.contract import CallDocument, CallInfo, Quality, VerdictInfo
from callcoach.core.document import build_document
from callcoach.core.phases import PhaseTracker
from callcoach.core.phrases import phrases
from tests.support.talking import Talk


def call_info(length: int, mode: str = "dual") -> CallInfo:
    """Facts about a call of some length in samples at 16 kHz."""
    return CallInfo.model_validate(
        {
            "id": "0123456789abcdef",
            "source": "call.wav",
            "started_at": None,
            "duration_ms": to_ms(length),
            "sample_rate": 16_000,
            "channel_mode": mode,
            "language": None,
            "model": None,
            "settings_digest": "0123456789abcdef",
            "version": "0",
        }
    )


def document_of(found: Talk, length: int | None = None) -> CallDocument:
    """Document of a conversation; ``length`` clips it, in samples."""
    length = found.length if length is None else length
    phases = PhaseTracker(phrases())
    for event in found.events:
        phases.handle(event)
    return build_document(
        info=call_info(length),
        verdict=VerdictInfo(status="ok"),
        quality=Quality(),
        settings=found.settings,
        length=length,
        parties={**found.conversation.parties},
        transcript=found.transcript,
        conversation=found.conversation,
        coach=None,
        phases=phases,
    )
