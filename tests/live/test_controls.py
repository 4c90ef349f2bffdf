"""Keys: what each one does, in a fake window."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from tests.live.fakes import SIZE, FakeCamera, FakeScreen, Identity, Keep, times_of
from videostyle.errors import OutputError
from videostyle.live.capture import Capture
from videostyle.live.controls import Controls
from videostyle.live.frame import LiveFrame
from videostyle.live.keys import KEYS, PAGE_KEYS
from videostyle.live.loop import LiveLoop
from videostyle.live.outputs.recording import Recording
from videostyle.live.pace import Pace
from videostyle.live.painter import LivePainter
from videostyle.live.telemetry import LiveReport
from videostyle.live.viewer import WindowViewer


def test_each_key_does_what_the_list_of_keys_says(painter: LivePainter, tmp_path: Path) -> None:
    keys = ["n", "+", "-", "s", "c", "o", "f", "", "q"]
    screen = FakeScreen(keys)
    controls = Controls(painter, snapshots=tmp_path)
    viewer = WindowViewer(controls, screen)
    painted, original = np.full((*SIZE[::-1], 3), 200, np.uint8), np.zeros((*SIZE[::-1], 3), np.uint8)
    results, composed = [], []
    for _ in keys:
        composed.append(controls.compose(painted, original))
        results.append(viewer.show(composed[-1], LiveReport()))
    assert painter.style_index == 1
    assert painter.strength == pytest.approx(0.9)
    assert results == [True] * 8 + [False]
    assert np.array_equal(composed[0], painted)
    assert (composed[5][:, : SIZE[0] // 2 - 1] == 0).all()
    assert (composed[5][:, SIZE[0] // 2 + 1 :] == 200).all()
    assert len(list(tmp_path.glob("*.png"))) == 1
    assert screen.toggled == 1
    assert not np.array_equal(screen.shown[0], painted)  # the picture shown has the overlay
    assert (painted == 200).all()  # the picture for the outputs has not
    assert np.array_equal(
        screen.shown[-1][:, SIZE[0] // 2 + 1 :], painted[:, SIZE[0] // 2 + 1 :]
    )  # the overlay was switched off


def test_a_key_that_fails_shows_a_notice_and_the_run_goes_on(painter: LivePainter, tmp_path: Path) -> None:
    def recorder() -> tuple[str, Recording]:
        raise OutputError("the disk is full")

    screen = FakeScreen(["o", "c", "r", ""])
    controls = Controls(painter, snapshots=tmp_path / "missing", recorder=recorder)
    controls.loop = object()  # type: ignore[assignment]
    viewer = WindowViewer(controls, screen)
    picture = np.full((*SIZE[::-1], 3), 200, np.uint8)
    notices = []
    for _ in range(4):
        assert viewer.show(controls.compose(picture, picture), LiveReport())
        notices.append(controls.notice.rpartition(":")[2].strip())
    assert notices == ["", "No such file or directory", "the disk is full", "the disk is full"]


def test_the_window_shows_a_notice_and_takes_keys_while_the_camera_is_away(painter: LivePainter) -> None:
    screen = FakeScreen(["", "", "q"])
    viewer = WindowViewer(Controls(painter), screen)
    picture = np.full((*SIZE[::-1], 3), 200, np.uint8)
    assert viewer.show(picture, LiveReport())
    assert viewer.show(None, LiveReport(), "waiting for the camera")
    assert len(screen.shown) == 2
    assert (screen.shown[1][48:62] != screen.shown[0][48:62]).any()  # the row of the notice
    assert not viewer.show(None, LiveReport(), "waiting for the camera")


def test_recordings_start_and_end_by_key(painter: LivePainter, tmp_path: Path) -> None:
    made: list[Path] = []

    def recorder() -> tuple[str, Recording]:
        made.append(tmp_path / f"{len(made)}.mp4")
        return made[-1].name, Recording(made[-1])

    screen = FakeScreen([*[""] * 5, "r", *[""] * 20, "r", *[""] * 3, "r", *[""] * 15, "q"])
    controls = Controls(painter, recorder=recorder)
    keep = Keep()
    capture = Capture(FakeCamera(50), None, mirror=False, stalled=2)
    viewer = WindowViewer(controls, screen)
    live = LiveLoop(
        capture,
        Identity(),
        {"keep": keep},
        Pace(1.0),
        SIZE,
        50.0,
        viewer=viewer,
        tick=lambda now: controls.check_recordings(),
    )
    controls.loop = live
    report = live.run(threading.Event(), 10)
    assert [path.name for path in made] == ["0.mp4", "1.mp4"]  # the second one was ended by the end of the run
    for path in made:
        assert len(times_of(path)) == report.outputs[path.name]["frames"] > 3
    assert len(keep.seen) > 20


def test_a_recording_that_fails_is_reported_and_not_reported_as_saved(painter: LivePainter, tmp_path: Path) -> None:
    class Full(Recording):
        def write(self, frame: LiveFrame) -> None:
            super().write(frame)
            if self._frames == 3:
                raise OutputError("the disk is full")

    made: list[Recording] = []

    def recorder() -> tuple[str, Recording]:
        made.append((Full if not made else Recording)(tmp_path / f"{len(made)}.mp4"))
        return made[-1].path.name, made[-1]

    said: list[tuple[str, str]] = []

    class Screen(FakeScreen):
        """Presses a key when the state that the test waits for is reached."""

        def show(self, picture: np.ndarray | None) -> str:
            note = (controls.recording, controls.notice)
            said.extend([note] if said[-1:] != [note] else [])
            notices = [notice for _, notice in said]
            if not made or (len(made) == 1 and "the disk is full" in notices):
                return "r"
            if len(made) == 2 and controls.recording and made[1]._frames > 3:
                return "r"
            return "q" if "saved as 1.mp4" in notices else ""

    controls = Controls(painter, recorder=recorder)
    capture = Capture(FakeCamera(50), None, mirror=False, stalled=5)
    viewer = WindowViewer(controls, Screen([]))
    live = LiveLoop(
        capture, Identity(), {}, Pace(1.0), SIZE, 50.0, viewer=viewer, tick=lambda now: controls.check_recordings()
    )
    controls.loop = live
    report = live.run(threading.Event(), 20)
    assert ("", "the disk is full") in said  # and no recording is in progress any more
    assert "saved as 0.mp4" not in [notice for _, notice in said]
    assert said[-1] == ("", "saved as 1.mp4")
    assert report.outputs["0.mp4"]["error"] == "the disk is full"
    assert report.outputs["1.mp4"]["error"] == ""


class CanvasPainter:
    """A fake painter whose style has a canvas, or none."""

    name, strength, style_index, can_interpolate = "canvas style", 1.0, 0, True

    def __init__(self, has_canvas: bool = True) -> None:
        self.has_canvas, self.canvas, self.seed = has_canvas, 1.0, 0
        self.stroke_size, self.is_preparing = 1.0, False

    def set_canvas(self, canvas: float, now: float) -> None:
        self.canvas = canvas

    def set_seed(self, seed: int) -> None:
        self.seed = seed

    def set_stroke_size(self, stroke_size: float) -> None:
        self.stroke_size = stroke_size


def test_keys_change_canvas_and_seed_and_the_overlay_shows_them() -> None:
    painter = CanvasPainter()
    controls = Controls(painter)  # type: ignore[arg-type]
    for key in "[[]ee":
        assert controls.press(key)
    assert painter.canvas == pytest.approx(0.9)
    assert painter.seed == 2
    assert controls.status == "canvas style 100%  canvas 90%  seed 2  strokes 1"


def test_keys_change_the_strokes_in_steps_and_the_overlay_says_when_they_are_being_prepared() -> None:
    painter = CanvasPainter()
    controls = Controls(painter)  # type: ignore[arg-type]
    found = []
    for key in "...." + "," * 8:
        controls.press(key)
        found.append(painter.stroke_size)
    assert found == [1.4, 2.0, 2.8, 4.0, 2.8, 2.0, 1.4, 1.0, 0.7, 0.5, 0.5, 0.5]
    painter.stroke_size, painter.is_preparing = 1.7, True
    assert controls.status.endswith("  strokes 1.7, being prepared")
    controls.press(".")  # from a size between two steps
    assert painter.stroke_size == 2.0


def test_a_style_without_a_canvas_refuses_its_keys_in_a_notice() -> None:
    painter = CanvasPainter(has_canvas=False)
    controls = Controls(painter)  # type: ignore[arg-type]
    for key in "[]e":
        assert controls.press(key)
    assert (painter.canvas, painter.seed) == (1.0, 0)
    assert controls.notice == "this style has no canvas"
    assert controls.status == "canvas style 100%  strokes 1"


def test_keys_of_the_page_are_answered_with_the_status_and_never_end_the_run() -> None:
    controls = Controls(CanvasPainter())  # type: ignore[arg-type]
    status = "canvas style 100%  canvas 110%  seed 0  strokes 1"  # the real painter limits the canvas to 100%
    assert controls.press_remotely("]") == controls.press_remotely("q") == status
    controls = Controls(CanvasPainter(has_canvas=False))  # type: ignore[arg-type]
    assert controls.press_remotely("e") == "canvas style 100%  strokes 1  this style has no canvas"


def test_every_key_of_the_list_is_carried_out_by_window_or_page() -> None:
    keys = {key for names in KEYS for key in names.replace("1-9", "/".join("123456789")).split("/")}
    assert keys >= PAGE_KEYS - {"="}
    assert keys - PAGE_KEYS == {"o", "f", "q"}  # the page has its own overlay and full screen
