"""Cards of styles."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")
from videostyle.styles.card import StyleCard


def test_a_style_card_has_only_texts_and_figures() -> None:
    assert StyleCard().architecture.parameters > 0
