"""How loud a clip is along time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ffmpeg
from videostyle.errors import InputError
from videostyle.media.loudness import loudness


def test_loud_and_quiet_parts_are_told_apart(tmp_path: Path) -> None:
    sound = tmp_path / "a.mkv"
    quiet = "volume='if(between(t,1,2),1,0.02)':eval=frame"
    ffmpeg("-f", "lavfi", "-i", "sine=f=440:d=4", "-af", quiet, "-output_ts_offset", "5", sound)
    times, values = loudness(sound)
    assert abs(times[0] - 5) < 0.05
    assert abs(times[-1] - 9) < 0.1
    loud = (times > 6.3) & (times < 6.95)
    assert values[loud].min() > 0.8
    assert values[(times < 5.95) | (times > 8.6)].max() < 0.1
    assert np.abs(np.diff(values)).max() < 0.5


def test_a_clip_without_sound_is_refused(clip: Callable[[str], Path]) -> None:
    with pytest.raises(InputError, match="no sound"):
        loudness(clip("silent.mkv"))
