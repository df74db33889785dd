"""Speech probability per frame, from the detector file that faster-whisper ships."""

from __future__ import annotations

import functools
import importlib.resources
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from callcoach.clock import FRAME_LENGTH
from callcoach.errors import WeightsError
from callcoach.ports import Audio

CONTEXT_LENGTH: Final = 64
"""Samples of the previous frame that the network sees in front of each frame (Silero v6, 16 kHz)."""
_STATE_SHAPE: Final = (1, 1, 128)


@functools.lru_cache(maxsize=1)
def _session() -> onnxruntime.InferenceSession:
    """Return the one session of this process; the network itself holds no state between runs."""
    folder = importlib.resources.files("faster_whisper") / "assets"
    found = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.name.startswith("silero_vad") and entry.name.endswith(".onnx")
    )
    if not found:
        raise WeightsError(
            "The speech detector is missing from the installed faster-whisper package; "
            "install faster-whisper 1.2.1 again."
        )
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    # A step takes 0.1 ms: a thread that spins while it waits for the next would cost a whole core.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    content = (folder / found[-1]).read_bytes()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class StreamingSilero:
    """Silero v6 for one channel: 512 samples at 16 kHz in, one probability out, memory kept.

    Implements `callcoach.ports.SpeechDetector`. All instances share one session; the memory
    (LSTM state and 64 samples of context) belongs to the instance.

    Raises
    ------
    WeightsError
        When the detector file is missing from the installed faster-whisper package.
    """

    def __init__(self) -> None:
        self._session = _session()
        self.reset()

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._h: NDArray[np.float32] = np.zeros(_STATE_SHAPE, np.float32)
        self._c: NDArray[np.float32] = np.zeros(_STATE_SHAPE, np.float32)
        self._input: NDArray[np.float32] = np.zeros((1, CONTEXT_LENGTH + FRAME_LENGTH), np.float32)

    def __call__(self, frame: Audio) -> float:
        """Return the probability in [0, 1] that the frame is speech.

        Parameters
        ----------
        frame : ndarray of float32, shape (512,)
            The next 32 ms at 16 kHz, full scale 1.0, finite. It follows the previous frame without a gap.

        Raises
        ------
        ValueError
            When the frame does not have 512 samples.
        """
        if frame.shape != (FRAME_LENGTH,):
            raise ValueError(f"a frame needs shape ({FRAME_LENGTH},), got {frame.shape}")
        self._input[0, :CONTEXT_LENGTH] = self._input[0, -CONTEXT_LENGTH:]
        self._input[0, CONTEXT_LENGTH:] = frame
        probability, self._h, self._c = self._session.run(
            None, {"input": self._input, "h": self._h, "c": self._c}
        )
        return float(probability.item())
