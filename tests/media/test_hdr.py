"""HDR: mapped to SDR as players show it, or kept around a painting, with what the file says of its light."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.media.copying import copied, decoded, frames_of, make
from videostyle.errors import InputError, SettingError
from videostyle.frames import ColorInfo, to_bytes
from videostyle.media import hdr
from videostyle.media.ffmpeg.process import ffmpeg_exe
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import look_at, open_reader
from videostyle.media.writers.base import EncodeOptions
from videostyle.rendering.settings import RenderSettings

DISPLAY = "G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)"
QUIET = "log-level=none"
SIZE = (96, 64)


def film(
    path: Path, curve: str = "smpte2084", light: str = f":hdr10=1:master-display={DISPLAY}:max-cll=1000,200"
) -> Path:
    """Pale colours, at most about 1000 cd/m2."""
    scene = "hue=s=0.1,format=yuv420p10le,lutyuv=y=64+(val-64)*0.8"
    tags = f"setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc={curve}"
    source = ("-f", "lavfi", "-i", f"testsrc2=s={SIZE[0]}x{SIZE[1]}:r=25:d=0.2", "-vf", f"{scene},{tags}")
    codec = ("-c:v", "libx265", "-preset", "ultrafast", "-crf", "4", "-x265-params", QUIET + light)
    return make(path, *source, *codec)


def codes(path: Path) -> np.ndarray:
    """RGB of a file in its own curve and primaries as the ffmpeg program decodes it, 0..1."""
    chain = "scale=flags=neighbor+accurate_rnd,format=yuv444p16le,zscale=m=gbr:r=full,format=gbrp16le"
    command = [ffmpeg_exe(), "-v", "error", "-i", str(path), "-vf", chain, "-fps_mode", "passthrough"]
    data = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb48le", "-"], capture_output=True, check=True)
    return np.frombuffer(data.stdout, "<u2").reshape(-1, SIZE[1], SIZE[0], 3) / 65535


def light_of(pq: np.ndarray) -> np.ndarray:
    """cd/m2 of PQ codes (ST 2084)."""
    power = pq ** (32 / 2523)
    return 10_000 * (np.maximum(power - 3424 / 4096, 0) / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)


def pq_of(light: np.ndarray) -> np.ndarray:
    power = (light / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def as_a_player_shows_it(pq: np.ndarray, brightest: float = 1000.0) -> np.ndarray:
    """SDR of 203 cd/m2 by the curve of ITU-R BT.2390, uint8 RGB."""
    light = light_of(pq)
    most = light.max(axis=-1, keepdims=True)
    top = pq_of(np.array(brightest))
    white = pq_of(np.array(203.0)) / top
    level, knee = pq_of(most) / top, 1.5 * white - 0.5
    t = (level - knee) / (1 - knee)
    bent = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * white
    mapped = light_of(np.minimum(np.where(level < knee, level, bent), white) * top)
    to_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
    shown = np.clip((light * mapped / np.maximum(most, 1e-6)) @ to_709.T / 203, 0, 1)
    return np.rint(255 * shown ** (1 / 2.4)).astype(np.uint8)


def test_hdr_is_mapped_to_what_players_show_and_never_washed_out(tmp_path: Path) -> None:
    source = film(tmp_path / "hdr.mp4")
    shown = as_a_player_shows_it(codes(source)).astype(int)
    seen = {name: frames_of(source, tone_map=name)[0].astype(int) for name in hdr.OPERATORS}
    errors = {name: np.abs(frames - shown).mean() for name, frames in seen.items()}
    washed_out = np.abs(decoded(source, SIZE).astype(int) - shown).mean()
    assert errors["mobius"] < min(12, errors["hable"], errors["reinhard"], 0.5 * washed_out)
    assert seen["mobius"].mean() == pytest.approx(shown.mean(), rel=0.08)
    assert seen["mobius"].std() > 0.9 * shown.std()
    assert seen["hable"].mean() < seen["clip"].mean()
    assert len({frames.tobytes() for frames in seen.values()}) == len(hdr.OPERATORS)


def test_hlg_white_is_white(tmp_path: Path) -> None:
    """75 % of HLG is the white of titles (BT.2408)."""
    scene = "format=yuv420p10le,geq=lum=64+876*0.75:cb=512:cr=512"
    tags = "setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc=arib-std-b67"
    source = ("-f", "lavfi", "-i", "color=gray:s=64x64:r=25:d=0.04", "-vf", f"{scene},{tags}")
    path = make(tmp_path / "hlg.mp4", *source, "-c:v", "libx265", "-x265-params", QUIET)
    assert 205 < frames_of(path)[0].mean() < 250
    assert frames_of(path, tone_map="clip")[0].mean() > 252


@pytest.mark.parametrize("curve", ["smpte2084", "arib-std-b67"])
@pytest.mark.parametrize("missing", ["colorspace=unknown", "color_primaries=unknown"])
def test_what_hdr_does_not_state_is_taken_for_bt2020(curve: str, missing: str, tmp_path: Path) -> None:
    whole = film(tmp_path / "hdr.mp4", curve, "")
    bare = make(tmp_path / "bare.mp4", "-i", whole, "-vf", f"setparams={missing}", "-c:v", "libx265", "-crf", "4",
                "-preset", "ultrafast", "-x265-params", QUIET)  # fmt: skip
    assert np.abs(frames_of(bare)[0].astype(int) - frames_of(whole)[0]).mean() < 2


@pytest.mark.parametrize("curve", ["smpte2084", "arib-std-b67"])
@pytest.mark.parametrize(("codec", "name"), [("hevc", "out.mp4"), ("prores", "out.mov"), ("vp9", "out.webm")])
def test_hdr_that_is_kept_comes_back_where_it_is_not_painted(codec: str, name: str, curve: str, tmp_path: Path) -> None:
    source = film(tmp_path / "hdr.mp4", curve)
    how = EncodeOptions(codec, crf=None if codec == "prores" else 2)
    report = copied(source, tmp_path / name, how, tone_map="keep", deep=True)
    one, two = codes(source), codes(tmp_path / name)
    assert np.abs(one - two).mean() < 4 / 1023
    assert two.max() == pytest.approx(one.max(), abs=0.02)
    color = look_at(tmp_path / name).info.color
    assert (color.matrix, color.primaries, color.transfer) == ("bt2020nc", "bt2020", curve)
    if codec == "hevc":
        assert (color.mastering, color.content_light) == (DISPLAY, "1000,200")
    assert any("light are left out" in warning for warning in report.warnings) is (codec != "hevc")


def test_the_view_that_is_painted_is_the_one_that_is_measured(tmp_path: Path) -> None:
    source = film(tmp_path / "hdr.mp4")
    with open_reader(source, ReadOptions(tone_map="keep", deep=True)) as reader:
        (*_, batch) = list(reader)
        assert reader.info.color.is_hdr
        assert batch.pixel_format == "rgb48"
        assert batch.alpha is not None
    measured, _, _ = frames_of(source, tone_map="keep")
    difference = np.abs(to_bytes(batch.frames).astype(int) - measured[-len(batch) :])
    assert difference.mean() < 1.5


def test_paint_is_as_bright_as_the_scene_is_there() -> None:
    color = ColorInfo(transfer="smpte2084", content_light="1000,200")
    at = round(65535 * (800 / 10_000) ** (1 / 2.4))
    seen = hdr.view(np.full((2, 2, 3), at, np.uint16), color)[None]
    assert seen[..., :3].max() <= 65535
    np.testing.assert_allclose(hdr.restored(seen[..., :3], seen[..., 3]), at, atol=3)
    black = hdr.view(np.zeros((2, 2, 3), np.uint16), color)[None]
    assert black[..., :3].max() == 0
    white = np.full((1, 2, 2, 3), 65535, np.uint16)
    # White paint in the dark is the white of SDR, on a highlight it is as bright as that can be.
    dark = 10_000 * (hdr.restored(white, black[..., 3]) / 65535) ** 2.4
    assert dark.mean() == pytest.approx(203, rel=0.01)
    assert 700 < (10_000 * (hdr.restored(white, seen[..., 3]) / 65535) ** 2.4).mean() < 1100


def test_hdr_is_not_kept_where_there_are_8_bits_only(tmp_path: Path) -> None:
    source = film(tmp_path / "hdr.mp4")
    for name, options in (("out.mp4", EncodeOptions()), ("out.mp4", EncodeOptions("hevc", bit_depth="8"))):
        with pytest.raises(SettingError, match="10 bits"):
            copied(source, tmp_path / name, options, tone_map="keep", deep=True)
    with pytest.raises(SettingError, match="pictures hold no HDR"):
        copied(source, tmp_path / "out_%02d.png", EncodeOptions(), tone_map="keep", deep=True)
    with pytest.raises(InputError, match="is HDR"):
        frames_of(source, hdr=False)
    with pytest.raises(ValueError, match="no tone map"):
        RenderSettings("a", tone_map="nothing")


def test_what_a_file_says_of_its_light_is_read() -> None:
    ratios = [(35400, 50000), (14600, 50000), (8500, 50000), (39850, 50000), (6550, 50000), (2300, 50000)]
    ratios += [(15635, 50000), (16450, 50000), (50, 10000), (10_000_000, 10000)]
    data = struct.pack("=22i", *(number for ratio in ratios for number in ratio), 1, 1)
    assert hdr.mastering_display(data) == DISPLAY
    assert hdr.in_decimals(DISPLAY).startswith("G(0.17000,0.79700)B(")
    assert hdr.in_decimals(DISPLAY).endswith("L(1000.0000,0.0050)")
    assert hdr.mastering_display(data[:-8] + bytes(8)) == hdr.mastering_display(b"") == ""
    assert hdr.content_light(struct.pack("=2I", 1000, 200)) == "1000,200"
    assert hdr.content_light(bytes(8)) == hdr.content_light(b"") == ""
    assert hdr.peak(ColorInfo(transfer="smpte2084", mastering=DISPLAY)) == 1000
    assert hdr.peak(ColorInfo(transfer="smpte2084", content_light="4000,1")) == 4000
    assert hdr.peak(ColorInfo(transfer="arib-std-b67", content_light="4000,1")) == 1000
