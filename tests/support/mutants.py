"""Changes sound files at random, from a seed: bits, stretches, lengths and fields set to extremes."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
HEADER = 512
"""Half of all changes hit the first bytes, where one bit matters most."""


def mutants(originals: Sequence[bytes], count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """Yield ``count`` pairs of the number of the original and a changed copy."""
    rng = random.Random(seed)
    for _ in range(count):
        index = rng.randrange(len(originals))
        data = bytearray(originals[index])
        for _ in range(rng.choice((1, 1, 2, 4, 8))):
            _change(data, rng)
        yield index, bytes(data)


def _change(data: bytearray, rng: random.Random) -> None:
    if not data:
        return
    at = rng.randrange(min(HEADER, len(data)) if rng.random() < 0.5 else len(data))
    length = min(rng.choice((1, 2, 4, 16, 100, 1_000, 10_000)), len(data) - at)
    match rng.randrange(7):
        case 0:
            data[at] ^= 1 << rng.randrange(8)
        case 1:
            data[at : at + length] = bytes(length)
        case 2:
            data[at : at + length] = rng.randbytes(length)
        case 3:
            del data[at : at + length]
        case 4:
            data[at:at] = data[at : at + length]
        case 5:
            value = struct.pack(rng.choice(("<I", ">I")), rng.choice(EXTREMES))
            width = rng.choice((1, 2, 4))
            data[at : at + width] = value[:width] if rng.random() < 0.5 else value[-width:]
        case _:
            del data[rng.randrange(len(data)) :]
