"""Draws plots as SVG text: lines over time, and rooflines."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 860, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 15, 15, 45
COLORS = ("#c8452b", "#3572a5", "#7a7a7a", "#4d8a4d", "#8a5fa8", "#b58900")


def _ticks(low: float, high: float, log: bool) -> list[float]:
    if log:
        return [10.0**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    rough = (high - low) / 5 or 1.0
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough)
    return [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


class Axes:
    """Maps values to positions on the plot; the axes may be logarithmic."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float], log: bool = False) -> None:
        self.log = log
        if log:
            self.x = (min(xs) / 1.5, max(xs) * 1.5)
            self.y = (min(ys) / 1.5, max(ys) * 1.5)
        else:
            self.x = (min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1.0)
            self.y = (min(0.0, *ys), 1.05 * max(*ys, 1e-12))

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""

        def share(value: float, low: float, high: float) -> float:
            if self.log:
                value, low, high = math.log(value), math.log(low), math.log(high)
            return (value - low) / (high - low)

        column = LEFT + share(x, *self.x) * (WIDTH - LEFT - RIGHT)
        return column, HEIGHT - BOTTOM - share(y, *self.y) * (HEIGHT - TOP - BOTTOM)

    def frame(self, x_label: str, y_label: str) -> list[str]:
        """The box, ticks and labels."""
        parts = []
        for value in _ticks(*self.x, self.log):
            if self.x[0] <= value <= self.x[1]:
                column, _ = self.place(value, self.y[1])
                parts.append(f'<line x1="{column:.1f}" x2="{column:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="g"/>')
                parts.append(
                    f'<text x="{column:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:.4g}</text>'
                )
        for value in _ticks(*self.y, self.log):
            if self.y[0] <= value <= self.y[1]:
                _, row = self.place(self.x[0], value)
                parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{row:.1f}" y2="{row:.1f}" class="g"/>')
                parts.append(f'<text x="{LEFT - 6}" y="{row + 4:.1f}" text-anchor="end">{value:.3g}</text>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{html.escape(x_label)}</text>')
        parts.append(
            f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 {HEIGHT / 2})">'
            f"{html.escape(y_label)}</text>"
        )
        return parts


def _document(parts: Sequence[str]) -> str:
    style = "text{font:12px sans-serif;fill:#444}.g{stroke:#ddd;stroke-width:1}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<style>{style}</style><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(parts)}</svg>'
    )


def _legend(names: Sequence[str]) -> list[str]:
    parts = []
    for i, name in enumerate(names):
        row, color = TOP + 14 + 16 * i, COLORS[i % len(COLORS)]
        parts.append(f'<rect x="{LEFT + 12}" y="{row - 9}" width="14" height="4" fill="{color}"/>')
        parts.append(f'<text x="{LEFT + 32}" y="{row - 2}">{html.escape(name)}</text>')
    return parts


def lines(curves: Mapping[str, Sequence[tuple[float, float]]], x_label: str, y_label: str, *, log: bool = False) -> str:
    """Curves through (x, y) points, as an SVG document; "" where there is no point.

    Args:
        curves: points of each curve, by name.
        x_label: what x is, with its unit.
        y_label: what y is.
        log: both axes logarithmic; every value must be positive.
    """
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return ""
    axes = Axes([x for x, _ in points], [y for _, y in points], log)
    parts = axes.frame(x_label, y_label)
    for i, curve in enumerate(curves.values()):
        path = " ".join("{:.1f},{:.1f}".format(*axes.place(x, y)) for x, y in curve)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{COLORS[i % len(COLORS)]}" stroke-width="1.5"/>')
    return _document([*parts, *_legend(list(curves))])


def roofline(peak: float, bandwidth: float, points: Mapping[str, tuple[float, float]]) -> str:
    """A roofline: the limit of the machine at each arithmetic intensity, and programs below it.

    Args:
        peak: FLOP/s of a large matrix multiplication.
        bandwidth: bytes/s of a large copy.
        points: name -> (FLOP a byte, FLOP/s).

    *Source:* Williams et al. 2009.
    """
    ridge = peak / bandwidth
    xs = [ridge / 30, ridge * 30, *(x for x, _ in points.values())]
    roof = [(x, min(peak, x * bandwidth) / 1e9) for x in (min(xs), ridge, max(xs))]
    values = [(x, y / 1e9) for x, y in points.values()]
    axes = Axes(xs, [y for _, y in (*roof, *values)], log=True)
    parts = axes.frame("FLOP a byte", "GFLOP/s")
    path = " ".join("{:.1f},{:.1f}".format(*axes.place(x, y)) for x, y in roof)
    parts.append(f'<polyline points="{path}" fill="none" stroke="#444" stroke-width="2"/>')
    for i, (x, y) in enumerate(values):
        column, row = axes.place(x, y)
        parts.append(f'<circle cx="{column:.1f}" cy="{row:.1f}" r="5" fill="{COLORS[i % len(COLORS)]}"/>')
    return _document([*parts, *_legend(list(points))])
