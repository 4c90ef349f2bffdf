"""The stroke size: how much larger strokes are than those of the training, and at which size frames are painted for it.

The network's strokes have a size in pixels, so they get larger on the frame if it is painted at a smaller size. On
frames of up to ``LINES`` lines they usually have the size with which the style was trained. On larger ones they usually
take as large a part of the frame as on one of ``LINES``, so that a film in 4K looks as its copy in HD does.
"""

from __future__ import annotations

from videostyle.errors import SettingError

SMALLEST, LARGEST = 0.5, 4.0  # stroke size; 1 = as the style was trained
STROKE_HINT = "1 is as the style was trained, 2 paints strokes twice as large"
LINES = 720  # shorter side of a frame, pixels, above which strokes usually grow with it
SMALLEST_SIDE = 8  # pixels of a painted frame


def check_stroke_size(stroke_size: float | None) -> None:
    """Checks a number given by a user; None, the usual size, is right.

    Raises:
        SettingError: if it is outside ``SMALLEST``..``LARGEST``.
    """
    if stroke_size is not None and not SMALLEST <= stroke_size <= LARGEST:
        raise SettingError("stroke_size", f"{stroke_size:g} is outside {SMALLEST:g}..{LARGEST:g}", STROKE_HINT)


def chosen_or_usual(stroke_size: float | None, height: int, width: int) -> float:
    """The stroke size that a user chose or, for None, the usual one of frames of ``height`` by ``width`` pixels."""
    return min(LARGEST, max(1.0, min(height, width) / LINES)) if stroke_size is None else stroke_size


def painted_size(height: int, width: int, stroke_size: float | None) -> tuple[int, int]:
    """Height and width at which a frame is painted: its own, divided by ``stroke_size``, None being the usual one.

    A frame that would have a side below ``SMALLEST_SIDE`` is scaled to that side instead.
    """
    stroke_size = chosen_or_usual(stroke_size, height, width)
    factor = stroke_size if stroke_size < 1 else min(stroke_size, max(1.0, min(height, width) / SMALLEST_SIDE))
    return round(height / factor), round(width / factor)
