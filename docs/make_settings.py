"""Write ``docs/settings.md``, the table of every setting, from ``callcoach/config.py``.

``python docs/make_settings.py`` after a change there; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from callcoach.config import Settings

PAGE: Final = Path(__file__).with_name("settings.md")
_INTRO: Final = """\
# Settings

Made by `python docs/make_settings.py` from `callcoach/config.py`; do not edit by hand.

`callcoach analyze --settings FILE` reads a TOML file with one table per stage. What the file leaves out
keeps its default:

```toml
[overlap]
terminal_s = 0.4      # judge no overlap below 0.4 s

[silence]
dead_air_s = 8.0
```

Unknown keys and values out of range are refused with one sentence. A digest of all values is stored with
every call (`call.settings_digest`), so that two calls can be told to have been measured alike.

How the rules use the values: [metrics.md](metrics.md); its section numbers stand in the column *Source*.
Tags: `[D]` design default of this project, reasoned and tuned, not proven; `[P]` documented by a product;
`[R]` published research; `[R*]` general phonetics, not re-checked against a paper. A meaning that begins
with `...` goes on from a row above. A unit `-` is a plain number or a switch.
"""


def stages() -> dict[str, type[BaseModel]]:
    """Return every stage by the name of its table in a settings file, in the order of the analysis."""
    found: dict[str, type[BaseModel]] = {}
    for name, field in Settings.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        found[name] = field.annotation
    return found


def extras(field: FieldInfo) -> dict[str, Any]:
    """Return unit and source of a setting."""
    assert isinstance(field.json_schema_extra, dict)
    return dict(field.json_schema_extra)


def bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    """Return least and greatest value of a setting; None where there is no limit."""
    least = next((m.ge for m in field.metadata if hasattr(m, "ge")), None)
    most = next((m.le for m in field.metadata if hasattr(m, "le")), None)
    return least, most


def settings_page() -> str:
    """Return the whole page."""
    parts = [_INTRO]
    for name, stage in stages().items():
        purpose = (stage.__doc__ or "").strip().splitlines()[0].rstrip(".")
        rows = ["| Name | Default | Unit | Range | Meaning | Source |", "|---|---|---|---|---|---|"]
        rows += [_row(key, field) for key, field in stage.model_fields.items()]
        parts.append(f"\n## [{name}]\n\n{purpose}.\n\n" + "\n".join(rows) + "\n")
    return "".join(parts)


def _row(key: str, field: FieldInfo) -> str:
    least, most = bounds(field)
    if field.annotation is bool:
        allowed = "true, false"
    elif isinstance(field.default, tuple):
        allowed = "list"
    elif most is None:
        allowed = f"from {_number(least)}"
    else:
        allowed = f"{_number(least)} to {_number(most)}"
    extra = extras(field)
    cells = (
        f"`{key}`",
        _number(field.default),
        extra["unit"] or "-",
        allowed,
        field.description or "",
        extra["source"],
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _number(value: float | bool | tuple[str, ...] | None) -> str:
    """Return a value as a settings file would have it."""
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
