"""Whisper on short windows: words with times and probabilities, from faster-whisper's model."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE, to_samples
from callcoach.errors import ConfigError, WeightsError
from callcoach.events import Word
from callcoach.ports import Audio, SpeechWindow
from callcoach.speech.guards import (
    MAX_COMPRESSION_RATIO,
    compression_ratio,
    find_repetition,
    is_invented,
    plain,
)
from callcoach.speech.placing import HeardWord, place_words

if TYPE_CHECKING:
    import ctranslate2
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

log = logging.getLogger(__name__)

FRAME_RATE: Final = 100
"""Feature frames per second."""
FULL_WINDOW: Final = 3000
"""Feature frames of the window the model was trained on (30 s)."""
PAD_SECONDS: Final = 5.0
"""Empty time behind the speech; with less the decoder starts to repeat itself."""
MIN_LENGTH: Final = to_samples(0.1)
"""Samples; less sound than this is not a word."""
TOKENS_PER_SECOND: Final = 12
"""Fast English speech has 6 to 7 tokens a second; a text beyond this limit is a loop."""
SPARE_TOKENS: Final = 24
"""Tokens allowed on top of the rate, for short windows."""
FEATURE_FLOOR: Final = 2.0
"""Distance of silence below the loudest feature: Whisper clips at 8 decades of power and divides by 4."""
BEAM_SIZE: Final = 1
"""Greedy. On cut speech it is no worse than 5 and takes a quarter less time (docs/benchmarks.md)."""
SECOND_BEAM_SIZE: Final = 5
"""For the second look at a window whose text loops."""
ECHO_WORDS: Final = 4
"""Words; a phrase this long said twice in a row is mostly the decoder starting again: worth a second look."""
_ALIGNMENT_LEADS: Final[Mapping[tuple[tuple[int, int], ...], float]] = {
    ((3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6)): 0.14,
}
"""Seconds by which word times run early, by the attention heads they are read from (unknown: 0).

These are the heads of base. Against exact word times of rendered calls its words begin 0.16 s and end 0.12 s
early (median); before pauses in real recordings they end 0.15 s earlier than those of tiny.en, itself
right to 0.05 s.
"""
_BEFORE_WORD: Final = "\"'“¿([{-"
_AFTER_WORD: Final = "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True, slots=True)
class _Decoding:
    """One text for one window and how far the model believes in it."""

    tokens: tuple[int, ...]
    text: str
    mean_log_probability: float
    no_speech_probability: float
    cut_off: bool

    @property
    def loops(self) -> bool:
        """Tell whether the text repeats itself or does not end, so that a second look is worth its time."""
        words = self.text.split()
        return (
            self.cut_off
            or compression_ratio(self.text) > MAX_COMPRESSION_RATIO
            or find_repetition(words) is not None
            or find_repetition(words, phrase_words=ECHO_WORDS, max_repeats=1) is not None
        )


class WhisperTranscriber:
    """Recognises one window of speech at a time; the same window gives the same words every time.

    Implements `callcoach.ports.Transcriber`. The features are padded to the speech and a few
    seconds instead of 30 s, which costs a fraction of the time. A text that loops is decoded once
    more in the full window. Decoding is fixed: temperature 0, no text of earlier windows.
    May be called from several threads; ``workers`` of them run at the same time.

    Parameters
    ----------
    folder : Path
        Verified CTranslate2 model: model.bin, config.json, tokenizer.json, vocabulary.
    language : str
        Language of the call as a two-letter code; English-only models take "en" alone.
    hotwords : str or None
        Names and terms of the site, given to the model as a hint; None for none.
    beam_size : int
        Texts followed at once, 1 or more.
    cpu_threads : int
        Threads per worker; 0 takes all cores.
    workers : int
        Windows that may be decoded at the same time, by as many threads of the caller. For whole
        recordings one thread and as many workers as cores are fastest; the words stay the same.
    pad_seconds : float
        Empty time behind the speech, in seconds; 5 or more for good text.

    Raises
    ------
    WeightsError
        When the folder holds no model that can be loaded.
    ConfigError
        When the model does not know the language.
    """

    def __init__(
        self,
        folder: Path,
        *,
        language: str = "en",
        hotwords: str | None = None,
        beam_size: int = BEAM_SIZE,
        cpu_threads: int = 0,
        workers: int = 1,
        pad_seconds: float = PAD_SECONDS,
    ) -> None:
        self._folder = folder
        self._beam_size = beam_size
        self._pad_frames = round(pad_seconds * FRAME_RATE)
        self._model = _load(folder, cpu_threads, workers)
        self._tokenizer = _tokenizer(self._model, language)
        self._prompt = tuple(
            self._model.get_prompt(self._tokenizer, [], without_timestamps=True, hotwords=hotwords or None)
        )
        self._suppressed = _suppressed(self._tokenizer)
        self._lead = _alignment_lead(folder)

    @functools.cached_property
    def identity(self) -> dict[str, str]:
        """Name of the model folder and sha256 of its weights, for the record of a call."""
        with (self._folder / "model.bin").open("rb") as file:
            return {"id": self._folder.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}

    def warm_up(self) -> None:
        """Decode a second of silence, so that the first real window is not slower than the rest."""
        self._decode(self._model.feature_extractor(np.zeros(SAMPLE_RATE, np.float32)), self._pad_frames, 1)

    def transcribe(
        self, window: SpeechWindow, *, beam_size: int | None = None, second_look: bool = True
    ) -> tuple[Word, ...]:
        """Return the words of a window in order of time, on the call's clock.

        ``beam_size`` follows another number of texts at once than the transcriber does by itself. Without
        ``second_look`` a text that loops gives no words at once, instead of another try that takes seconds.

        Returns
        -------
        tuple of Word
            Empty when the model takes the sound for silence or noise, or only loops.

        Raises
        ------
        ValueError
            When the window is longer than 30 s, or its pieces and offsets do not match.
        """
        if len(window.audio) > FULL_WINDOW * SAMPLE_RATE // FRAME_RATE:
            raise ValueError("a window holds at most 30 s")
        if len(window.audio) < MIN_LENGTH or not np.any(window.audio):
            return ()
        return place_words(self._hear(window.audio, beam_size or self._beam_size, second_look), window)

    def _hear(self, audio: Audio, beam_size: int, second_look: bool) -> list[HeardWord]:
        features: NDArray[np.float32] = self._model.feature_extractor(audio)[..., :-1]
        encoded, decoding = self._decode(features, self._pad_frames, beam_size)
        if decoding.loops:
            if not second_look:
                return []
            log.info(
                "the text of a window of %d frames loops, decoding in the full window", features.shape[-1]
            )
            encoded, decoding = self._decode(features, FULL_WINDOW, max(beam_size, SECOND_BEAM_SIZE))
        if not decoding.tokens:
            return []
        words = self._align(encoded, decoding.tokens, features.shape[-1])
        first = words[0].probability if words else 0.0
        if is_invented(decoding.no_speech_probability, decoding.mean_log_probability, first):
            return []
        while surplus := find_repetition([word.text for word in words]):
            del words[surplus[0] : surplus[1]]
        if compression_ratio(" ".join(word.text for word in words)) > MAX_COMPRESSION_RATIO:
            return []
        return words

    def _decode(
        self, features: NDArray[np.float32], pad_frames: int, beam_size: int
    ) -> tuple[ctranslate2.StorageView, _Decoding]:
        """Encode and decode features followed by ``pad_frames`` of silence, 30 s at most."""
        frames = features.shape[-1]
        encoded = self._model.encode(pad_features(features, frames + pad_frames))
        room = min(self._model.max_length // 2, self._model.max_length - len(self._prompt))
        most = min(room, SPARE_TOKENS + frames * TOKENS_PER_SECOND // FRAME_RATE)
        result = self._model.model.generate(
            encoded,
            [list(self._prompt)],
            beam_size=beam_size,
            # the engine takes half of this, or what the prompt leaves of it, whichever is less
            max_length=max(2 * most, most + len(self._prompt)),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=list(self._suppressed),
        )[0]
        tokens = tuple(token for token in result.sequences_ids[0] if token < self._tokenizer.eot)
        length = len(result.sequences_ids[0])
        return encoded, _Decoding(
            tokens=tokens,
            text=self._tokenizer.decode(list(tokens)).strip(),
            mean_log_probability=result.scores[0] * length / (length + 1),
            no_speech_probability=result.no_speech_prob,
            cut_off=length >= most,
        )

    def _align(
        self, encoded: ctranslate2.StorageView, tokens: tuple[int, ...], frames: int
    ) -> list[HeardWord]:
        """Find the time of every word by the attention between text and sound."""
        from faster_whisper.transcribe import merge_punctuations

        found = self._model.find_alignment(self._tokenizer, [list(tokens)], encoded, frames)[0]
        merge_punctuations(found, _BEFORE_WORD, _AFTER_WORD)
        words: list[HeardWord] = []
        for item in found:
            text, probability = str(item["word"]), float(item["probability"])
            begin, end = float(item["start"]) + self._lead, float(item["end"]) + self._lead
            if not plain(text):
                continue  # signs without a word
            if words and not text[0].isspace():
                # "-636" of "880-636" or ".m." of "a.m.": a part of the word before
                last = words[-1]
                words[-1] = HeardWord(
                    last.text + text.rstrip(), last.begin, end, min(last.probability, probability)
                )
            else:
                words.append(HeardWord(text.strip(), begin, end, probability))
        return words


def pad_features(features: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Append silence to log-mel features.

    Parameters
    ----------
    features : ndarray of float32, shape (bands, n)
        Whisper's log-mel features, 100 frames a second, n >= 1.
    frames : int
        Wanted length; at least n and at most 3000 is used.

    Returns
    -------
    ndarray of float32, shape (bands, m)
        m is even, because the model takes frames in pairs. Silence is what Whisper's own features
        hold for digital silence after this sound: 2.0 below the loudest value.
    """
    bands, given = features.shape
    wanted = min(FULL_WINDOW, max(frames, given))
    padded = np.full((bands, wanted + wanted % 2), features.max() - FEATURE_FLOOR, np.float32)
    padded[:, :given] = features
    return padded


def _load(folder: Path, cpu_threads: int, workers: int) -> WhisperModel:
    """Load the model; importing the package takes a second, so it happens here and not at start."""
    from faster_whisper import WhisperModel

    missing = [
        name for name in ("model.bin", "config.json", "tokenizer.json") if not (folder / name).is_file()
    ]
    if missing:
        raise WeightsError(
            f"The speech model in {folder} lacks {', '.join(missing)}; run 'callcoach models verify'."
        )
    try:
        return WhisperModel(
            str(folder),
            device="cpu",
            compute_type="int8",
            cpu_threads=cpu_threads or os.cpu_count() or 1,
            num_workers=workers,
            local_files_only=True,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise WeightsError(
            f"The speech model in {folder} cannot be loaded; run 'callcoach models verify'."
        ) from error


def _tokenizer(model: WhisperModel, language: str) -> Tokenizer:
    from faster_whisper.tokenizer import Tokenizer

    known = model.supported_languages
    if language not in known:
        choice = "English ('en') only" if known == ["en"] else "two-letter codes such as 'en', 'de' or 'fr'"
        raise ConfigError(f"The speech model does not know the language '{language}'; it takes {choice}.")
    return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)


def _alignment_lead(folder: Path) -> float:
    """Return by how many seconds the word times of this model run early."""
    try:
        heads = json.loads((folder / "config.json").read_bytes())["alignment_heads"]
        return _ALIGNMENT_LEADS.get(tuple((int(layer), int(head)) for layer, head in heads), 0.0)
    except (ValueError, TypeError, KeyError):
        return 0.0


def _suppressed(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Tokens that are never written: music and speaker marks, and what only begins a text."""
    from faster_whisper.transcribe import get_suppressed_tokens

    return tuple(get_suppressed_tokens(tokenizer, [-1]) or ())
