"""Where the edge of a region is measured."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.conftest import load_script


def test_the_band_is_16_pixels_wide_around_the_edge_and_the_rest_lies_inside() -> None:
    mask = np.zeros((100, 120), np.uint8)
    cv2.rectangle(mask, (40, 0), (119, 99), 255, -1)
    soft = cv2.blur(mask, (9, 9), borderType=cv2.BORDER_REPLICATE)
    found = [np.flatnonzero(area[50]) for area in load_script("region_report").areas(soft).values()]
    assert [(columns[0], columns[-1] + 1) for columns in found] == [(32, 48), (40, 48), (48, 120)]
