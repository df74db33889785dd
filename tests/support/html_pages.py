"""Reads an HTML page for tests: its elements, its texts, the data it carries."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "img", "input", "br", "use", "path", "rect", "circle", "line", "polyline", "ellipse"}


class Page(HTMLParser):
    """Elements, texts and balance of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def visible(self) -> str:
        return " ".join(
            " ".join(text.split()) for tag, text in self.texts if tag not in ("script", "style", "pre")
        )

    @property
    def data(self) -> Any:
        at = [i for i, (tag, a) in enumerate(self.elements) if tag == "script" and a.get("id") == "data"]
        assert len(at) == 1
        return json.loads(next(text for tag, text in self.texts if tag == "script" and text.startswith("{")))
