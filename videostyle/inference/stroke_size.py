"""The stroke size, a setting: how much larger strokes are than the style was trained with, and what follows for frames.

The network's strokes have a size in pixels, so they get larger on the frame if it is painted at a smaller size.
"""

from __future__ import annotations

from videostyle.errors import SettingError

SMALLEST, LARGEST = 0.5, 4.0  # stroke size; 1 = as the style was trained
STROKE_HINT = "1 is as the style was trained, 2 paints strokes twice as large"
SMALLEST_SIDE = 8  # pixels of a painted frame


def check_stroke_size(stroke_size: float) -> None:
    """Checks a number given by a user.

    Raises:
        SettingError: if it is outside ``SMALLEST``..``LARGEST``.
    """
    if not SMALLEST <= stroke_size <= LARGEST:
        raise SettingError("stroke_size", f"{stroke_size:g} is outside {SMALLEST:g}..{LARGEST:g}", STROKE_HINT)


def painted_size(height: int, width: int, stroke_size: float) -> tuple[int, int]:
    """Height and width at which a frame is painted: its own, divided by ``stroke_size``.

    A frame that would have a side below ``SMALLEST_SIDE`` is scaled to that side instead.
    """
    factor = stroke_size if stroke_size < 1 else min(stroke_size, max(1.0, min(height, width) / SMALLEST_SIDE))
    return round(height / factor), round(width / factor)
