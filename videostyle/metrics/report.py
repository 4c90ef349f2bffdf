"""An evaluation as one self-contained HTML page: verdict, figures, plots over time, worst pairs, before and after."""

from __future__ import annotations

import base64
import html
from typing import Any

import numpy as np

from videostyle.frames import UInt8Array, bgr_to_rgb
from videostyle.media.opencv import load_cv2
from videostyle.metrics import plot
from videostyle.metrics.definitions import DEFINITIONS
from videostyle.metrics.evaluate import BASELINE, PAINTED, UNPAINTED, Evaluation
from videostyle.metrics.verdict import verdict
from videostyle.version import __version__

VIDEOS = (PAINTED, UNPAINTED, BASELINE)
CSS = """
body{font:15px/1.45 sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:4px 8px;text-align:left;
vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
small{color:#666}.row{display:flex;gap:6px}.row figure{flex:1;margin:0}img,svg{max-width:100%;height:auto}
figcaption{color:#666;font-size:13px}.wipe{position:relative;display:inline-block}
.wipe img{display:block}.wipe .over{position:absolute;inset:0;clip-path:inset(0 0 0 var(--at,50%))}
.wipe+input{width:100%;display:block}
"""


def number(value: float | None) -> str:
    """A figure with three significant digits, small ones as thousandths."""
    if value is None:
        return "-"
    if value and abs(value) < 0.01:
        return f"{1e3 * value:.3g}e-3"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _data_url(picture: UInt8Array) -> str:
    cv2 = load_cv2()
    ok, data = cv2.imencode(".jpg", np.ascontiguousarray(bgr_to_rgb(picture)), [cv2.IMWRITE_JPEG_QUALITY, 88])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes() if ok else b"").decode()


def _heat(change: Any) -> UInt8Array:
    """Levels of change as a picture: black for none, white for 64 levels or more."""
    cv2 = load_cv2()
    levels = np.clip(change * 4.0, 0, 255).astype(np.uint8)
    return np.asarray(bgr_to_rgb(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)), np.uint8)


def _figures(evaluation: Evaluation) -> str:
    shown = [name for name in VIDEOS if any(name in values for values in evaluation.values.values())]
    head = "".join(f"<th>{name}</th>" for name in shown)
    rows = []
    for figure, values in evaluation.values.items():
        cells = "".join(f'<td class="n">{number(values.get(name))}</td>' for name in shown)
        definition = DEFINITIONS[figure]
        text = html.escape(f"{evaluation.definition(figure)} [{definition.unit}; {definition.better} is better]")
        rows.append(f"<tr><td>{html.escape(definition.label)}<br><small>{text}</small></td>{cells}</tr>")
    return f"<table><tr><th>figure</th>{head}</tr>{''.join(rows)}</table>"


def _plots(evaluation: Evaluation) -> str:
    curves = {
        name: [(time, 1e3 * error) for time, error in zip(evaluation.times, evaluation.series[name], strict=True)]
        for name in VIDEOS
        if name in evaluation.series
    }
    return plot.lines(curves, "seconds", "warping error, thousandths")


def _worst(evaluation: Evaluation) -> str:
    parts = []
    for pair in evaluation.worst:
        pictures = (
            (f"frame {pair.number - 1}", pair.before),
            (f"frame {pair.number}, {pair.time:.2f} s", pair.current),
            (f"change along the motion, error {number(pair.error)}", _heat(pair.change)),
        )
        figures = "".join(
            f'<figure><img alt="" src="{_data_url(p)}"><figcaption>{html.escape(text)}</figcaption></figure>'
            for text, p in pictures
        )
        parts.append(f'<div class="row">{figures}</div>')
    return "".join(parts)


def _sliders(evaluation: Evaluation) -> str:
    stills = evaluation.stills[:: max(1, len(evaluation.stills) // 2)][:2]
    parts = []
    for time, before, after in stills:
        parts.append(
            f'<p>{time:.2f} s</p><div class="wipe"><img alt="before" src="{_data_url(before)}">'
            f'<img alt="after" class="over" src="{_data_url(after)}"></div>'
            '<input type="range" min="0" max="100" value="50" aria-label="before and after" '
            "oninput=\"this.previousElementSibling.style.setProperty('--at', this.value + '%')\">"
        )
    return "".join(parts)


def html_report(evaluation: Evaluation, title: str) -> str:
    """The page as HTML text; it loads nothing from elsewhere."""
    width, height = evaluation.size
    facts = f"{evaluation.frames} frames at {width}x{height}, videostyle {__version__}"
    said = [*evaluation.warnings, *verdict(evaluation.values)]
    notes = "".join(f"<li>{html.escape(line)}</li>" for line in said)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{CSS}</style><h1>{html.escape(title)}</h1><p>{html.escape(facts)}</p>"
        f"{f'<ul>{notes}</ul>' if notes else ''}{_figures(evaluation)}"
        f"<h2>Over time</h2>{_plots(evaluation)}<h2>Before and after</h2>{_sliders(evaluation)}"
        f"<h2>Worst pairs of neighbours</h2>{_worst(evaluation)}</html>\n"
    )
