"""The page of an evaluation."""

from __future__ import annotations

import re

from tests.metrics.pictures import texture
from tests.metrics.test_evaluate import evaluated
from videostyle.metrics.report import html_report
from videostyle.network.loss_network import LossNetwork


def test_the_page_loads_nothing_from_elsewhere(net: LossNetwork) -> None:
    frames = [texture(48, 64, seed=i) for i in range(6)]
    page = html_report(evaluated(net, frames, frames[::-1]), "<b>title</b>")
    assert "&lt;b&gt;title" in page
    assert "<li>the scene is hard to recognise (edge ssim " in page
    # Three worst pairs of three pictures, one slider at least, one plot; the only address is SVG's namespace.
    assert page.count("data:image/jpeg") >= 3 * 3 + 2
    assert page.count("<svg") == 1
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
