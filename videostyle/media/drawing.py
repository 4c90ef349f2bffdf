"""Draws text into pictures."""

from __future__ import annotations

from typing import Any

from videostyle.media.opencv import load_cv2


def draw_text(picture: Any, text: str, place: tuple[int, int], size: float = 0.5) -> None:
    """Writes white text with a dark edge into uint8 ``[H, W, 3]``, its lower left corner at ``place`` (x, y).

    The edge is the same text, shifted by a pixel. A thicker copy would not match, because OpenCV spaces letters by
    their thickness.
    """
    cv2 = load_cv2()
    x, y = place
    for shift in ((-1, 0), (1, 0), (0, -1), (0, 1), (1, 1)):
        where = (x + shift[0], y + shift[1])
        cv2.putText(picture, text, where, cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1, cv2.LINE_AA)
