"""Opens the writer that a path and a codec ask for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from videostyle.frames import VideoInfo
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.images import PLACE, ImageWriter
from videostyle.media.writers.mux import Original
from videostyle.media.writers.video import VideoWriter


def open_writer(
    path: str | Path,
    info: VideoInfo,
    options: EncodeOptions | None = None,
    *,
    original: Original | None = None,
    metadata: Mapping[str, str] | None = None,
    finish: Callable[[Path], object] | None = None,
    inputs: tuple[Path, ...] = (),
) -> VideoWriter | ImageWriter:
    """Opens the sink that ``path`` and the codec ask for.

    Raises:
        UsageError: if the suffix or the codec is not known.
        OutputError: if the output cannot be created.
    """
    options = options or EncodeOptions()
    path = Path(path)
    animated = path.suffix.lower() == ".webp" and not info.still and not PLACE.search(path.name)
    pictures = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
    folder = os.path.isdir(path)
    if options.codec == "png" or (path.suffix.lower() in pictures and not animated) or folder or not path.suffix:
        if path.suffix.lower() in pictures and not PLACE.search(path.name) and not info.still and not folder:
            path = path.with_name(f"{path.stem}_%06d{path.suffix}")
        return ImageWriter(path, info, options, finish, inputs, lock=True)
    return VideoWriter(path, info, options, original, metadata, finish)
