"""Plots as SVG."""

from __future__ import annotations

import re

import pytest

from videostyle.metrics import plot


def test_a_roofline_puts_the_ridge_where_the_roofs_meet() -> None:
    drawing = plot.roofline(100e9, 10e9, {"program": (10.0, 50e9)})
    assert "program" in drawing
    roof = re.search(r'<polyline points="([^"]+)"', drawing)
    assert roof
    places = [tuple(map(float, p.split(","))) for p in roof[1].split()]
    assert places[0][1] > places[1][1] == places[2][1]  # rises to the ridge, flat after it
    circle = re.search(r'cx="([\d.]+)" cy="([\d.]+)"', drawing)
    assert circle
    assert float(circle[1]) == pytest.approx(places[1][0], abs=0.2)  # its intensity is the ridge's
    assert float(circle[2]) > places[1][1]  # and it stays below the roof
