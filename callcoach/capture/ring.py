"""Memory of fixed size between two who must not wait for each other: one writes, one reads, nobody locks."""

from __future__ import annotations

import secrets
import threading
from multiprocessing import resource_tracker, shared_memory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE
from callcoach.sound_ports import InputBlock, Pcm

__all__ = ["InputRing", "SharedRing"]

MAGIC: Final = 0x43_4F_41_43_48_52_49_31
HEADER_BYTES: Final = 64
"""One cache line: magic, positions that the ring holds, begun, written; 64 bits each."""
COLUMNS: Final = 2
_MAGIC, _SIZE, _BEGUN, _WRITTEN = range(4)
_attach_lock = threading.Lock()


class SharedRing:
    """The last seconds of both parties in memory that two processes share.

    Positions count from the start of the call and have 64 bits: they never wrap. The writer announces
    how far it is going to write, copies, and then says how far it has written; the reader copies and
    looks afterwards whether the writer has meanwhile gone over what was copied. Both look at whole
    64-bit words, which x86-64 and ARM64 store at once.
    """

    def __init__(self, memory: shared_memory.SharedMemory, *, owner: bool) -> None:
        self._memory = memory
        self._owner = owner
        buffer = memory.buf
        self._head: NDArray[np.int64] | None = np.ndarray(8, np.int64, buffer)
        self.size = int(self._head[_SIZE])
        """Positions that the ring holds."""
        self._pcm: Pcm | None = np.ndarray((self.size, COLUMNS), np.int16, buffer, HEADER_BYTES)

    @classmethod
    def create(cls, name: str | None = None, seconds: float = 10.0) -> SharedRing:
        """Make a ring; the maker calls ``unlink`` at the end.

        Parameters
        ----------
        name
            Of the shared memory; by default one that nobody guesses.
        seconds
            How much it holds.

        Raises
        ------
        FileExistsError
            When the name is taken.
        """
        size = round(seconds * SAMPLE_RATE)
        if size < 1:
            raise ValueError(f"a ring holds at least one sample, got {seconds} s")
        memory = shared_memory.SharedMemory(
            name or f"callcoach-{secrets.token_hex(8)}",
            create=True,
            size=HEADER_BYTES + size * COLUMNS * 2,
        )
        head: NDArray[np.int64] = np.ndarray(8, np.int64, memory.buf)
        head[:] = 0
        head[_SIZE] = size
        head[_MAGIC] = MAGIC
        del head
        return cls(memory, owner=True)

    @classmethod
    def attach(cls, name: str) -> SharedRing:
        """Join a ring that another process made.

        Raises
        ------
        FileNotFoundError
            When there is none of that name.
        ValueError
            When the memory holds something else.
        """
        with _attach_lock:
            # Before Python 3.13 joining registers the memory for removal at the end of *this* process,
            # or takes the maker's registration away, depending on how the process was started.
            register = resource_tracker.register
            resource_tracker.register = _register_nothing  # type: ignore[assignment]
            try:
                memory = shared_memory.SharedMemory(name)
            finally:
                resource_tracker.register = register
        head: NDArray[np.int64] = np.ndarray(8, np.int64, memory.buf)
        fits = int(head[_MAGIC]) == MAGIC and memory.size >= HEADER_BYTES + int(head[_SIZE]) * COLUMNS * 2
        del head
        if not fits:
            memory.close()
            raise ValueError("the shared memory is no ring of a call")
        return cls(memory, owner=False)

    @property
    def name(self) -> str:
        """What ``attach`` wants."""
        return self._memory.name

    @property
    def written(self) -> int:
        """Position up to which audio was written."""
        head, _ = self._views()
        return int(head[_WRITTEN])

    def write(self, block: Pcm) -> None:
        """Put int16 audio of shape ``(n, 2)`` behind what is there; the oldest goes."""
        head, pcm = self._views()
        at = int(head[_WRITTEN])
        end = at + len(block)
        head[_BEGUN] = end
        kept = block[-self.size :]
        place = (end - len(kept)) % self.size
        first = min(len(kept), self.size - place)
        pcm[place : place + first] = kept[:first]
        pcm[: len(kept) - first] = kept[first:]
        head[_WRITTEN] = end

    def read(self, position: int, most: int) -> tuple[int, Pcm]:
        """Return a copy of at most ``most`` positions from ``position`` on.

        Returns
        -------
        start
            Position of the first sample returned; above ``position`` if what lay there is gone.
        block
            int16, shape (n, 2); n is 0 when nothing was written there yet.
        """
        head, pcm = self._views()
        written = int(head[_WRITTEN])
        start = max(position, written - self.size)
        count = max(0, min(most, written - start))
        place = start % self.size
        first = min(count, self.size - place)
        block = np.empty((count, COLUMNS), np.int16)
        block[:first] = pcm[place : place + first]
        block[first:] = pcm[: count - first]
        gone = int(head[_BEGUN]) - self.size - start
        if gone <= 0:
            return start, block
        return start + gone, block[gone:]

    def erase(self, start: int, end: int) -> None:
        """Turn positions that the ring still holds into silence; for the writer's side."""
        head, pcm = self._views()
        written = int(head[_WRITTEN])
        start, end = max(start, written - self.size, 0), min(end, written)
        if start < end:
            pcm[np.arange(start, end) % self.size] = 0

    def close(self) -> None:
        """Leave the memory; may be called more than once."""
        if self._head is None:
            return
        self._head = self._pcm = None  # views keep the memory mapped
        self._memory.close()

    def unlink(self) -> None:
        """Remove the memory; does nothing on the side that joined, and when it is gone."""
        if not self._owner:
            return
        self._owner = False
        try:
            self._memory.unlink()
        except FileNotFoundError:
            resource_tracker.unregister(f"/{self._memory.name}", "shared_memory")

    def _views(self) -> tuple[NDArray[np.int64], Pcm]:
        if self._head is None or self._pcm is None:
            raise ValueError("the ring is closed")
        return self._head, self._pcm


def _register_nothing(_name: str, _rtype: str) -> None:
    """Stand in for the registration of shared memory that belongs to another process."""


class InputRing:
    """From the callback of an input to the thread that aligns: copy, count, go (RT-1).

    ``write`` runs in the input's own thread, ``take`` in another one; nothing is allocated by ``write``.
    The time of every block is kept with it.

    Parameters
    ----------
    seconds
        How much audio is held.
    shortest_block
        Samples; blocks that are shorter on average use up the places for times before the audio.
    """

    def __init__(self, seconds: float = 10.0, shortest_block: int = 64) -> None:
        self._size = round(seconds * SAMPLE_RATE)
        self._pcm = np.zeros(self._size, np.int16)
        self._places = self._size // shortest_block + 1
        self._times = np.zeros(self._places)
        self._ends = np.zeros(self._places, np.int64)
        self._flags = np.zeros(self._places, np.bool_)
        self._samples = 0  # written; changed by the writer only
        self._blocks = 0  # written and counted last, so that what it counts is complete
        self._taken = 0  # blocks; changed by the reader only
        self._taken_samples = 0
        self.dropped = 0
        """Samples that did not fit, since nobody took any for too long; 0 in a healthy call."""
        self.overflows = 0
        """Blocks that the sound library marked."""

    @property
    def samples(self) -> int:
        """Samples that were kept so far."""
        return self._samples

    def write(self, block: InputBlock) -> None:
        """Copy one block; what does not fit is dropped and counted."""
        pcm = block.pcm
        count = len(pcm)
        self.overflows += block.overflow
        room = self._size - (self._samples - self._taken_samples)
        if count > room or self._blocks - self._taken >= self._places:
            self.dropped += count
            return
        at = self._samples % self._size
        first = min(count, self._size - at)
        self._pcm[at : at + first] = pcm[:first]
        if first < count:
            self._pcm[: count - first] = pcm[first:]
        place = self._blocks % self._places
        self._times[place] = block.t
        self._samples += count
        self._ends[place] = self._samples
        self._flags[place] = block.overflow
        self._blocks += 1

    def take(self, *, erase: bool = False) -> list[InputBlock]:
        """Return the blocks since the last call, oldest first, with audio of their own.

        With ``erase`` nothing of their sound stays in the ring (private call, card pause).
        """
        blocks: list[InputBlock] = []
        upto = self._blocks
        while self._taken < upto:
            place = self._taken % self._places
            pcm = self._copy(self._taken_samples, int(self._ends[place]), erase)
            blocks.append(InputBlock(float(self._times[place]), pcm, bool(self._flags[place])))
            self._taken_samples += len(pcm)
            self._taken += 1
        return blocks

    def _copy(self, begin: int, end: int, erase: bool) -> Pcm:
        out = np.empty(end - begin, np.int16)
        at = begin % self._size
        first = min(len(out), self._size - at)
        parts = (self._pcm[at : at + first], self._pcm[: len(out) - first])
        out[:first], out[first:] = parts
        if erase:
            for part in parts:
                part[:] = 0
        return out
