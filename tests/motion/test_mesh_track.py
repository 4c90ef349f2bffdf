"""The meshes of a clip come back frame by frame, in any order."""

from __future__ import annotations

import numpy as np

from videostyle.frames import CanvasMesh
from videostyle.motion.mesh_store import LONGEST, STEP, MeshRecorder, MeshTrack


def mesh(number: int) -> CanvasMesh:
    x, y = np.meshgrid(np.linspace(0, 1.5, 7), np.linspace(0, 1, 5))
    places = np.stack([x, y], axis=-1).astype(np.float32) + np.float32(0.01 * number)
    return CanvasMesh(np.stack([places, places]), np.zeros((5, 7), np.float32))


def test_any_frame_of_several_runs_is_found() -> None:
    recorder = MeshRecorder()
    count = 2 * LONGEST + 5
    for number in range(count):
        recorder.add(mesh(number))
    found = recorder.track()
    track = MeshTrack(found.runs, found.moves)
    assert len(track.runs) == 3
    for number in (0, LONGEST - 1, LONGEST, count - 1, 3, 2 * LONGEST):
        np.testing.assert_allclose(track(number).places[0], mesh(number).places[0], atol=STEP)
    # A clip that is longer than it was when it was planned keeps its last mesh.
    np.testing.assert_array_equal(track(count + 50).places, track(count - 1).places)
