"""The virtual camera, with a fake pyvirtualcam."""

from __future__ import annotations

import sys

import pytest

from tests.live.fakes import SIZE, FakeCamera, FakeLibrary, run
from videostyle.errors import DeviceError
from videostyle.live.outputs.virtual_camera import VirtualCamera


def test_the_error_without_pyvirtualcam_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(DeviceError, match=r"videostyle\[live\]"):
        VirtualCamera()


def test_a_virtual_camera_gets_the_painted_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary()
    monkeypatch.setitem(sys.modules, "pyvirtualcam", library)
    run(FakeCamera(50), {"virtual camera": VirtualCamera()}, until=lambda: len(library.sent) > 15)
    assert library.opened == {"width": SIZE[0], "height": SIZE[1], "fps": 100.0}
    assert len(library.sent) > 15
    assert library.sent == sorted(set(library.sent))
    assert library.closed
