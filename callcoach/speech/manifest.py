"""The list of speech models that may be loaded: name, revision, licence and the digest of every file."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcoach.errors import ConfigError, WeightsError

MANIFEST_SCHEMA: Final = "callcoach.models/1"
"""Value of ``schema`` in a manifest that this version reads."""


class ModelFile(BaseModel):
    """One file of a model: its length in bytes, its sha256 (hex), and the package resources it is made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    bytes: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    parts: tuple[str, ...] = ()


class ModelSpec(BaseModel):
    """What the manifest says of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    repository: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    licence: str
    languages: str
    note: str = ""
    files: tuple[ModelFile, ...] = Field(min_length=1)

    @property
    def folder_name(self) -> str:
        """Name of the model's folder; it holds the revision, so that two revisions never mix."""
        return f"{self.id}-{self.revision[:8]}"

    @property
    def total_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.bytes for file in self.files)

    @property
    def weights_sha256(self) -> str:
        """The sha256 (hex) of the largest file, the weights; stored with every call."""
        return max(self.files, key=lambda file: file.bytes).sha256


class Manifest(BaseModel):
    """All models that may be loaded, and the one that is used when nobody chooses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_: str = Field(alias="schema", pattern=f"^{MANIFEST_SCHEMA}$")
    default: str
    model: tuple[ModelSpec, ...]

    def spec(self, model_id: str) -> ModelSpec:
        """Return the model called ``model_id``.

        Raises
        ------
        ConfigError
            When the manifest has no such model; the message lists those it has.
        """
        for spec in self.model:
            if spec.id == model_id:
                return spec
        known = ", ".join(spec.id for spec in self.model)
        raise ConfigError(f"There is no speech model called {model_id!r}; choose one of {known}.")


def load_manifest(path: Path | None = None) -> Manifest:
    """Read a manifest: ``path``, or the one that comes with this version.

    Raises
    ------
    WeightsError
        When the file cannot be read or has another form than this version expects.
    """
    try:
        text = path.read_text("utf-8") if path else _own_manifest()
        return Manifest.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"The list of speech models {path or ''} cannot be used ({reason}); install callcoach again."
        ) from error


def checkout_root() -> Path | None:
    """Return the root of the checkout this module lies in, or None when it is installed."""
    root = Path(__file__).resolve().parents[2]
    return (
        root
        if (root / "models" / "manifest.toml").is_file() and (root / "pyproject.toml").is_file()
        else None
    )


def _own_manifest() -> str:
    packaged = resources.files("callcoach") / "_data" / "models.toml"
    if packaged.is_file():
        return packaged.read_text("utf-8")
    if checkout := checkout_root():
        return (checkout / "models" / "manifest.toml").read_text("utf-8")
    raise FileNotFoundError("callcoach/_data/models.toml is missing")
