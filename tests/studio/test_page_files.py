"""The files of the studio's page, without a browser: weight, labels, contrast, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import videostyle.studio

PAGE = Path(videostyle.studio.__file__).parent / "page"
FILES = sorted(path for path in PAGE.rglob("*") if path.is_file())
MODULES = sorted((PAGE / "js").glob("*.js"))
SHEETS = sorted((PAGE / "css").glob("*.css"))
HEAVIEST = 300_000  # bytes of all files together
LONGEST = 450  # lines of a module

VOID = {"meta", "link", "input", "img", "path", "circle", "use", "br"}


class Document(HTMLParser):
    """Elements of a page, with their attributes and the text inside them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside: list[str] = []
        self.elements.append((tag, {name: value or "" for name, value in attrs}, inside))
        if tag not in VOID:
            self._open.append(inside)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for inside in self._open:
            inside.append(data.strip())


@pytest.fixture(scope="module")
def document() -> Document:
    return Document((PAGE / "index.html").read_text(encoding="utf-8"))


def _texts(paths: list[Path]) -> Iterator[tuple[str, str]]:
    for path in paths:
        yield path.name, path.read_text(encoding="utf-8")


def test_the_page_is_light() -> None:
    pictures = {".png", ".webp", ".jpg"}
    assert sum(path.stat().st_size for path in FILES if path.suffix not in pictures) <= HEAVIEST
    assert all(len(text.splitlines()) <= LONGEST for _, text in _texts(MODULES))


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(document: Document) -> None:
    for name, text in _texts([path for path in FILES if path.suffix in (".html", ".js", ".css")]):
        addresses = set(re.findall(r"https?://[^\s\"')]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not addresses, (name, addresses)
        assert not re.search(r"\beval\(|new Function|innerHTML|outerHTML|document\.write|@import", text), name
    for tag, attributes, inside in document.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "style"
        assert tag != "script" or (attributes["type"] == "module" and not "".join(inside))


def test_all_that_is_named_is_there(document: Document) -> None:
    ids = [attributes["id"] for _, attributes, _ in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    made = {name for _, text in _texts(MODULES) for name in re.findall(r'\bid: "([a-z-]+)"', text)}
    for _, attributes, _ in document.elements:
        for name in ("aria-labelledby", "aria-controls", "for"):
            assert attributes.get(name, ids[0]) in {*ids, *made}
        target = attributes.get("src") or attributes.get("href", "")
        assert not target.endswith((".js", ".css", ".svg")) or (PAGE / target).is_file()
    named = {tag for tag, _, _ in document.elements}
    assert {"main", "nav", "header", "h1", "h2", "noscript"} <= named
    icons = {name.removeprefix("i-") for name in ids if name.startswith("i-")}
    for name, text in _texts(MODULES):
        for target in re.findall(r'from "(\./[^"]+)"', text):
            assert (PAGE / "js" / target).is_file(), (name, target)
        assert set(re.findall(r'\b(?:icon|iconButton)\("([a-z]+)"', text)) <= icons, name
        assert {made for made in re.findall(r'\bbyId\("([a-z-]+)"\)', text)} <= set(ids), name


def test_everything_that_can_be_used_has_a_name(document: Document) -> None:
    for tag, attributes, inside in document.elements:
        if tag in ("button", "a", "section", "aside", "nav", "dialog"):
            named = {"aria-label", "aria-labelledby"} & attributes.keys() or "".join(inside)
            assert named, (tag, attributes)
        if tag == "img":
            assert "alt" in attributes
    (html,) = (attributes for tag, attributes, _ in document.elements if tag == "html")
    assert html["lang"] == "en"
    assert [attributes for _, attributes, _ in document.elements if attributes.get("aria-live") == "polite"]


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours as "#rrggbb", 1 to 21 (WCAG 2.2)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


COLOURS = dict(
    re.findall(r"--([a-z-]+): light-dark\((#\w{6}, #\w{6})\)", (PAGE / "css" / "base.css").read_text(encoding="utf-8"))
)
TEXT = [
    *((ink, ground) for ink in ("ink", "muted") for ground in ("wall", "panel", "raised", "sunken", "surround")),
    *(("ink", "accent-soft"), ("accent", "accent-soft"), ("accent", "panel"), ("accent", "raised")),
    *(("on-accent", "accent"), ("on-accent", "accent-hover"), ("bad", "bad-soft"), ("bad", "panel"), ("bad", "raised")),
    *(("good", "panel"), ("muted", "accent-soft")),
]
SHAPES = [("edge", "panel"), ("edge", "raised"), ("edge", "wall"), ("accent", "sunken"), ("key", "sunken")]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_colours_have_contrast(theme: int) -> None:
    colour = {name: both.split(", ")[theme] for name, both in COLOURS.items()}
    weak = {pair: contrast(*(colour[name] for name in pair)) for pair in TEXT}
    assert not {pair: found for pair, found in weak.items() if found < 4.5}
    weak = {pair: contrast(*(colour[name] for name in pair)) for pair in SHAPES}
    assert not {pair: found for pair, found in weak.items() if found < 3}


def test_every_colour_of_the_sheets_is_one_of_the_table_or_lies_on_pictures() -> None:
    """So that both themes and their contrast are decided in one place."""
    on_pictures = r"rgb\((?:0 0 0|255 255 255|20 20 18)[^)]*\)|#fff\b|#1d1c1a"
    for name, text in _texts(SHEETS):
        rest = re.sub(r"^  --.*$", "", text, flags=re.MULTILINE)
        found = set(re.findall(r"rgb\([^)]*\)|#[0-9a-f]{3,8}\b", rest))
        assert not {one for one in found if not re.fullmatch(on_pictures, one)}, name
        assert set(re.findall(r"var\(--([a-z-]+)", text)) <= {
            *re.findall(r"^  --([a-z-]+):", (PAGE / "css" / "base.css").read_text(encoding="utf-8"), re.MULTILINE),
            *("fill", "ratio", "thumb-ratio"),
        }, name


def test_motion_can_be_turned_off_and_the_page_fits_a_phone() -> None:
    text = "".join(text for _, text in _texts(SHEETS))
    assert "prefers-reduced-motion" in text
    assert "max-width: 960px" in text
    assert "focus-visible" in text
