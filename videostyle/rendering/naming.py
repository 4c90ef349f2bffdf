"""How outputs are named when the user gives no name, and what a painted file says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from videostyle import __version__
from videostyle.frames import VideoInfo
from videostyle.media.provenance import Painted
from videostyle.media.writers.images import PLACE
from videostyle.platforms import portable_name
from videostyle.rendering.settings import RenderSettings

if TYPE_CHECKING:
    from videostyle.styles.style_file import Style


def style_label(spec: str) -> str:
    """A STYLE argument as it appears in file names."""
    stem = Path(spec).stem if "/" in spec or "." in spec else spec
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in stem.replace(":", "").replace(",", "+"))


def default_output(source: Path, style: str, info: VideoInfo, codec: str | None = None) -> Path:
    """``CLIP_stylized_STYLE.mp4`` beside the input; a picture's suffix for a still, none for a folder of pictures."""
    name = portable_name(f"{PLACE.split(source.stem)[0].rstrip('_-') or 'frames'}_stylized_{style_label(style)}")
    if info.still:
        return source.with_name(
            name + (source.suffix if source.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp") else ".png")
        )
    return source.with_name(name if codec == "png" else f"{name}.mp4")


def provenance_of(style: Style, settings: RenderSettings) -> Painted:
    """What a painted file says of itself."""
    card = style.card
    return Painted(card.name or settings.style, card.painting, card.artist, settings.strength, __version__)
