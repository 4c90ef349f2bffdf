"""The contact sheet."""

from __future__ import annotations

import numpy as np

from videostyle.metrics.sheet import COLUMNS, WIDTH, contact_sheet, small


def test_cells_lie_in_rows_with_their_names() -> None:
    grey = small(np.full((100, 200, 3), 90, np.uint8))
    assert grey.shape == (240, WIDTH, 3)
    sheet = contact_sheet([(f"style {number}", grey) for number in range(COLUMNS + 1)])
    assert sheet.shape == (2 * 240, COLUMNS * WIDTH, 3)
    assert (sheet[240:, WIDTH:] == 255).all()  # nothing is left to show
    assert (sheet[210:240, :WIDTH] != 90).any()  # the name
    assert (sheet[:200, :WIDTH] == 90).all()
    assert (grey == 90).all()
