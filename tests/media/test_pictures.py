"""Picture files of awkward kinds: stills stay stills, upright, in their colours, with alpha and EXIF."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ffmpeg
from tests.media.copying import PICTURE, copied, decoded, frames_of, make
from videostyle.media import gif, icc
from videostyle.media.opencv import load_cv2
from videostyle.media.packets import stored_frames
from videostyle.media.picture_metadata import _Tiff, clean_exif, embed_metadata, read_metadata
from videostyle.media.provenance import Painted, read
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import look_at, open_reader
from videostyle.media.readers.pictures import load_picture, read_picture
from videostyle.media.timecode import parse_time
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.images import write_png
from videostyle.media.writers.open import open_writer
from videostyle.rendering.made_with import finished

SCENE = np.random.default_rng(3).integers(0, 255, (6, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
ONE = (*PICTURE, "-frames:v", "1")


def tiff(entries: list[tuple[int, int, int, bytes]], order: str = "<", following: bytes = b"") -> bytes:
    """A TIFF structure of one directory; ``following`` is a second one that begins right behind it."""
    count = len(entries)
    after = 8 + 2 + 12 * count + 4
    body, extra = b"", b""
    for tag, kind, length, value in entries:
        if len(value) > 4:
            place = struct.pack(order + "I", after + len(following) + len(extra))
            extra += value
        else:
            place = value.ljust(4, b"\0")
        body += struct.pack(order + "HHI", tag, kind, length) + place
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    next_directory = after if following else 0
    return head + struct.pack(order + "H", count) + body + struct.pack(order + "I", next_directory) + following + extra


def exif(orientation: int, order: str = "<") -> bytes:
    """EXIF with an orientation, a maker, and a thumbnail in a second directory."""
    thumbnail = b"\xff\xd8thumbnail\xff\xd9"
    maker = (271, 2, 6, b"Maker\0")
    turn = (274, 3, 1, struct.pack(order + "H", orientation))
    first = tiff([maker, turn], order)
    second_length = 2 + 24 + 4
    place = len(first) + second_length
    second = struct.pack(order + "H", 2)
    second += struct.pack(order + "HHII", 513, 4, 1, place) + struct.pack(order + "HHII", 514, 4, 1, len(thumbnail))
    return tiff([maker, turn], order, second + struct.pack(order + "I", 0)) + thumbnail


def png_with(picture: np.ndarray, path: Path, chunks: dict[bytes, bytes]) -> Path:
    """A PNG, its pixels RGB or RGBA, with more chunks behind its header."""
    order = [2, 1, 0, 3][: picture.shape[2]]
    _, data = load_cv2().imencode(".png", picture[..., order])
    body = data.tobytes()
    added = b"".join(
        struct.pack(">I", len(c)) + name + c + struct.pack(">I", zlib.crc32(name + c)) for name, c in chunks.items()
    )
    path.write_bytes(body[:33] + added + body[33:])
    return path


def turned(picture: np.ndarray, orientation: int) -> np.ndarray:
    """What EXIF's orientation means: where row 0 and column 0 of the stored picture are shown."""
    shown = {
        1: picture,
        2: picture[:, ::-1],
        3: picture[::-1, ::-1],
        4: picture[::-1],
        5: picture.swapaxes(0, 1),
        6: np.rot90(picture, -1),
        7: np.rot90(picture[::-1], -1)[:, ::1][::-1, ::-1][::-1, ::-1],
        8: np.rot90(picture, 1),
    }
    return shown[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("alpha", [False, True])
def test_pictures_are_turned_as_exif_says_with_or_without_alpha(orientation: int, alpha: bool, tmp_path: Path) -> None:
    stored = np.dstack([SCENE, SCENE[..., :1]]) if alpha else SCENE
    file = png_with(stored, tmp_path / "a.png", {b"eXIf": exif(orientation)})
    picture = load_picture(file)
    expected = turned(SCENE, orientation) if orientation != 7 else np.rot90(SCENE.swapaxes(0, 1), 2)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert (picture.alpha is not None) is alpha
    if picture.alpha is not None:
        np.testing.assert_array_equal(picture.alpha, expected[..., 0])
    assert look_at(file).info.width == expected.shape[1]


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_keeps_all_but_orientation_and_thumbnail(order: str) -> None:
    original = exif(6, order)
    cleaned = clean_exif(original)
    assert b"Maker" in cleaned
    assert b"thumbnail" not in cleaned
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(cleaned)) + b"eXIf" + cleaned + bytes(4)
    assert read_metadata(png).orientation == 1
    assert clean_exif(b"nothing") == b""
    assert clean_exif(original[:20]) == b""


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("alpha", [False, True])
def test_metadata_is_written_where_it_is_read(suffix: str, alpha: bool, tmp_path: Path) -> None:
    stored = np.dstack([SCENE, SCENE[..., :1]]) if alpha and suffix != ".jpg" else SCENE
    _, data = load_cv2().imencode(suffix, stored)
    file = tmp_path / f"a{suffix}"
    file.write_bytes(data.tobytes())
    before = load_cv2().imread(str(file), -1)
    profile = bytes(range(256)) * 300  # more than a JPEG marker holds
    embed_metadata(file, exif(1), profile)
    found = read_metadata(file.read_bytes())
    assert (found.exif, found.icc) == (exif(1), profile)
    np.testing.assert_array_equal(load_cv2().imread(str(file), -1), before)


P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])


def profile(columns: np.ndarray, curve: bytes, space: bytes = b"RGB ") -> bytes:
    """An ICC profile of a matrix (its columns are XYZ of red, green and blue) and one curve."""
    xyz = [b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * float(v)) for v in column)) for column in columns.T]
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    tags |= dict.fromkeys((b"kTRC",) if space == b"GRAY" else (b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body = b"", b""
    start = 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    header = bytes(16) + space + b"XYZ " + bytes(12) + b"acsp" + bytes(88)
    return header + struct.pack(">I", len(tags)) + table + body


SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + struct.pack(
    ">5i", *(round(65536 * v) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)
GAMMA_22 = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256))


def test_colours_of_a_profile_become_srgb(tmp_path: Path) -> None:
    file = png_with(SCENE, tmp_path / "p3.png", {b"iCCP": b"p\0\0" + zlib.compress(profile(P3, SRGB_CURVE))})
    pixels = read_picture(file)
    # By the published matrix from Display P3 to sRGB.
    matrix = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
    light = np.where(SCENE / 255 <= 0.04045, SCENE / 255 / 12.92, ((SCENE / 255 + 0.055) / 1.055) ** 2.4)
    light = np.clip(light @ matrix.T, 0, 1)
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(pixels - expected).mean() < 0.6
    assert np.abs(pixels.astype(int) - SCENE).mean() > 3
    # The written picture says no other colours than sRGB.
    copied(file, tmp_path / "out.png")
    assert not read_metadata((tmp_path / "out.png").read_bytes()).icc


def test_grey_profiles_and_those_of_srgb_are_read() -> None:
    srgb = np.linalg.inv(icc.XYZ_TO_SRGB.astype(float))
    found = icc.read_profile(profile(srgb, SRGB_CURVE))
    assert found is not None
    assert icc.is_srgb(found)
    grey = icc.read_profile(profile(srgb, GAMMA_22, b"GRAY"))
    assert grey is not None
    middle = icc.to_srgb(np.full((1, 1, 3), 128, np.uint8), grey)
    assert abs(int(middle[0, 0, 0]) - 128) <= 2
    for broken in (b"", bytes(200), profile(srgb, SRGB_CURVE)[:150], profile(srgb, b"mft2" + bytes(20))):
        assert icc.read_profile(broken) is None


def test_a_profile_that_is_no_matrix_is_kept() -> None:
    table = profile(P3, b"mft2" + bytes(20))
    data = b"\x89PNG\r\n\x1a\n"
    body = b"p\0\0" + zlib.compress(table)
    data += struct.pack(">I", len(body)) + b"iCCP" + body + bytes(4)
    assert read_metadata(data).icc == table


def tiff_file(path: Path, extra: int, samples: np.ndarray) -> Path:
    height, width = samples.shape[:2]
    entries = [
        (256, 4, 1, struct.pack("<I", width)), (257, 4, 1, struct.pack("<I", height)),
        (258, 3, 4, struct.pack("<4H", 8, 8, 8, 8)), (259, 3, 1, struct.pack("<H", 1)),
        (262, 3, 1, struct.pack("<H", 2)),
        (273, 4, 1, b"ABCD"), (277, 3, 1, struct.pack("<H", 4)), (278, 4, 1, struct.pack("<I", height)),
        (279, 4, 1, struct.pack("<I", samples.size)), (338, 3, 1, struct.pack("<H", extra)),
    ]  # fmt: skip
    data = tiff(entries)
    path.write_bytes(data.replace(b"ABCD", struct.pack("<I", len(data))) + samples.tobytes())
    return path


@pytest.mark.parametrize("premultiplied", [False, True])
def test_colours_of_a_tiff_are_not_multiplied_by_their_alpha(premultiplied: bool, tmp_path: Path) -> None:
    colour, alpha = np.full((16, 16, 3), (200, 100, 50), np.uint8), np.full((16, 16, 1), 128, np.uint8)
    stored = np.rint(colour * (alpha / 255)).astype(np.uint8) if premultiplied else colour
    file = tiff_file(tmp_path / "a.tif", 1 if premultiplied else 2, np.concatenate([stored, alpha], axis=2))
    picture = load_picture(file)
    assert picture.alpha is not None
    assert np.abs(picture.pixels.astype(int) - colour).max() <= 1
    assert (picture.alpha == 128).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_a_tiff_says_of_its_picture_is_kept_as_exif(order: str) -> None:
    lens = struct.pack(order + "HHHI", 1, 42036, 2, 12) + struct.pack(order + "II", 156, 0) + b"A long lens\0"
    place = struct.pack(order + "I", 138)
    said = [(315, 2, 9, b"A painter\0"[:9]), (33432, 2, 2, b"C\0"), (34665, 4, 1, place)]
    file = tiff([(256, 3, 1, struct.pack(order + "H", 8)), (274, 3, 1, struct.pack(order + "H", 3)), *said], order)
    file = file.ljust(138, b"\0") + lens
    found = read_metadata(file)
    assert found.orientation == 3
    kept = dict(_Tiff(found.exif).tags())
    assert sorted(kept) == [315, 33432, 34665]  # not how its pixels are stored
    assert (kept[315][1], kept[33432][1]) == (b"A painter"[:9], b"C\0")
    inner = dict(_Tiff(found.exif).tags(kept[34665][0]))
    assert inner[42036][1] == b"A long lens\0"
    assert clean_exif(found.exif) == found.exif
    assert read_metadata(tiff([(256, 3, 1, b"\0\0")], order)).exif == b""


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".tiff"])
def test_a_transparent_still_stays_transparent(suffix: str, tmp_path: Path) -> None:
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    file = png_with(np.dstack([SCENE, alpha]), tmp_path / "a.png", {})
    report = copied(file, tmp_path / f"out{suffix}", EncodeOptions(crf=0 if suffix == ".webp" else None), alpha=True)
    found = load_picture(tmp_path / f"out{suffix}")
    np.testing.assert_array_equal(found.alpha, alpha)
    seen = alpha > 200
    assert np.abs(found.pixels[seen].astype(int) - SCENE[seen]).mean() < (12 if suffix == ".webp" else 0.5)
    assert not report.warnings


def test_a_transparent_still_is_put_on_white_where_there_is_no_alpha_and_that_is_said(tmp_path: Path) -> None:
    file = png_with(np.dstack([SCENE, np.zeros((48, 64, 1), np.uint8)]), tmp_path / "a.png", {})
    report = copied(file, tmp_path / "out.jpg", EncodeOptions(), alpha=True)
    assert read_picture(tmp_path / "out.jpg").min() > 250
    assert any("white" in warning for warning in report.warnings)


def test_a_still_of_any_kind_is_a_still(tmp_path: Path) -> None:
    for name in ("a.tga", "a.gif", "a.png", "a.bmp", "a.tif", "a.webp", "a.jpg", "a.jfif"):
        file = tmp_path / name
        if name == "a.jfif":
            file.write_bytes((tmp_path / "a.jpg").read_bytes())
        else:
            ffmpeg(*ONE, file)
        source = look_at(file)
        assert source.info.still, name
        assert (source.info.width, source.info.height) == (64, 48)
        # Of JPEG and WebP, OpenCV interpolates colours that ffmpeg repeats.
        assert np.abs(read_picture(file).astype(int) - decoded(file, (64, 48))[0]).mean() < 9, name


@pytest.mark.parametrize("name", ["a.png", "a.apng", "a.webp", "a.gif"])
def test_animated_pictures_have_all_their_frames(name: str, tmp_path: Path) -> None:
    form = ("-f", "apng") if "png" in name else ("-lossless", "1") if name == "a.webp" else ()
    file = make(tmp_path / name, "-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=0.7", *form)
    frames, times, _ = frames_of(file)
    assert times == pytest.approx(np.arange(7) / 10, abs=0.011)
    truth = decoded(file, (64, 48))
    assert frames.shape == truth.shape
    assert np.abs(frames.astype(int) - truth).mean() <= 1.0
    copied(file, tmp_path / "out.mp4")
    assert look_at(tmp_path / "out.mp4").info.duration == pytest.approx(0.7, abs=0.02)


def avif(path: Path, *more: str) -> Path:
    return make(path, "-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=0.4", "-c:v", "libaom-av1", "-cpu-used", "8", *more)


def test_avif_stills_and_animations(tmp_path: Path) -> None:
    still = avif(tmp_path / "a.avif", "-frames:v", "1")
    assert look_at(still).info.still
    assert np.abs(read_picture(still).astype(int) - decoded(still, (64, 64))[0]).mean() < 3
    moving = avif(tmp_path / "b.avif")
    frames, _, _ = frames_of(moving)
    assert len(frames) == 4
    assert np.abs(np.diff(frames.astype(int), axis=0)).mean() > 0.1


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body


def whole_box(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(name, bytes([version]) + flags.to_bytes(3, "big"), *parts)


def grid_heic(path: Path, tile: Path, rows: int, columns: int, size: tuple[int, int]) -> Path:
    """A HEIC file whose picture is a grid of one and the same tile, 64x64, cropped to ``size`` (width, height)."""
    from av import open as open_media

    with open_media(str(tile)) as container:
        stream = container.streams.video[0]
        hvcc = bytes(stream.codec_context.extradata)
        data = bytes(next(p for p in container.demux(stream) if p.size))
    count = rows * columns
    infos = [whole_box(b"infe", 2, 1, struct.pack(">HH", n, 0), b"hvc1\0") for n in range(1, count + 1)]
    infos.append(whole_box(b"infe", 2, 0, struct.pack(">HH", count + 1, 0), b"grid\0"))
    grid = bytes([0, 0, rows - 1, columns - 1]) + struct.pack(">HH", *size)
    properties = box(
        b"ipco",
        box(b"hvcC", hvcc),
        whole_box(b"ispe", 0, 0, struct.pack(">II", 64, 64)),
        whole_box(b"ispe", 0, 0, struct.pack(">II", *size)),
    )
    links = b"".join(struct.pack(">HB", n, 2) + b"\x81\x02" for n in range(1, count + 1))
    links += struct.pack(">HB", count + 1, 1) + b"\x03"
    association = whole_box(b"ipma", 0, 0, struct.pack(">I", count + 1), links)
    tiles = b"".join(struct.pack(">H", number) for number in range(1, count + 1))
    references = box(b"dimg", struct.pack(">HH", count + 1, count), tiles)

    def meta(place: int) -> bytes:
        items = b"".join(
            struct.pack(">HHHHII", n, 0, 0, 1, place, len(data)) for n in range(1, count + 1)
        ) + struct.pack(">HHHHII", count + 1, 1, 0, 1, 0, len(grid))
        location = whole_box(b"iloc", 1, 0, b"\x44\x00", struct.pack(">H", count + 1), items)
        return whole_box(
            b"meta", 0, 0,
            whole_box(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13)),
            whole_box(b"pitm", 0, 0, struct.pack(">H", count + 1)),
            location,
            whole_box(b"iinf", 0, 0, struct.pack(">H", count + 1), *infos),
            whole_box(b"iref", 0, 0, references),
            box(b"iprp", properties, association),
            box(b"idat", grid),
        )  # fmt: skip

    head = box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    path.write_bytes(head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", data))
    return path


def test_the_tiles_of_a_heic_photo_are_put_together(tmp_path: Path) -> None:
    tile = make(
        tmp_path / "tile.mp4", "-f", "lavfi", "-i", "testsrc2=s=64x64", "-frames:v", "1", "-c:v", "libx265",
        "-x265-params", "log-level=none", "-pix_fmt", "yuv420p", "-tag:v", "hvc1",
    )  # fmt: skip
    photo = grid_heic(tmp_path / "photo.heic", tile, 2, 3, (180, 120))
    source = look_at(photo)
    assert source.info.still
    assert (source.info.width, source.info.height) == (180, 120)
    picture = read_picture(photo)
    assert np.abs(picture[:56, :64].astype(int) - picture[64:120, 64:128]).mean() < 1
    copied(photo, tmp_path / "out.png")
    assert read_picture(tmp_path / "out.png").shape == (120, 180, 3)


def test_hidden_pictures_are_not_part_of_a_folder(tmp_path: Path) -> None:
    for number in range(3):
        write_png(tmp_path / f"f{number}.png", SCENE)
    (tmp_path / "._f1.png").write_bytes(b"Mac OS X")
    assert len(look_at(tmp_path).files) == 3


FINE = np.random.default_rng(4).integers(0, 65535, (6, 8, 3), dtype=np.uint16).repeat(8, 0).repeat(8, 1)


def fine_png(path: Path, picture: np.ndarray = FINE) -> Path:
    load_cv2().imwrite(str(path), picture[..., [2, 1, 0, 3][: picture.shape[2]]])
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_pictures_of_16_bits_keep_them(suffix: str, alpha: bool, tmp_path: Path) -> None:
    stored = np.dstack([FINE, FINE[..., :1]]) if alpha else FINE
    file = fine_png(tmp_path / "a.png", stored)
    assert look_at(file).info.bit_depth == 16
    report = copied(file, tmp_path / f"out{suffix}", EncodeOptions(), deep=True, alpha=alpha)
    assert not report.warnings
    picture = load_picture(tmp_path / f"out{suffix}", deep=True)
    np.testing.assert_array_equal(picture.pixels, FINE)
    assert (picture.alpha is not None) is alpha
    assert load_picture(file).pixels.dtype == np.uint8
    assert np.abs(load_picture(file).on_white().astype(int) - load_picture(file, deep=True).on_white() / 257).max() < 2


def test_pictures_of_16_bits_that_become_8_are_told(tmp_path: Path) -> None:
    file = fine_png(tmp_path / "a.png")
    assert any("16-bit pictures" in warning for warning in copied(file, tmp_path / "out.jpg", EncodeOptions()).warnings)
    report = copied(file, tmp_path / "out.png", EncodeOptions(bit_depth="8"))
    assert any("16-bit pictures" in warning for warning in report.warnings)
    assert look_at(tmp_path / "out.png").info.bit_depth == 8


def test_a_sequence_of_16_bits_may_hold_pictures_of_8(tmp_path: Path) -> None:
    fine_png(tmp_path / "a_1.png")
    write_png(tmp_path / "a_2.png", SCENE)
    frames, _, _ = frames_of(tmp_path / "a_%d.png", deep=True)
    np.testing.assert_array_equal(frames[0], FINE)
    np.testing.assert_array_equal(frames[1], SCENE.astype(np.uint16) * 257)


def test_colours_of_a_profile_become_srgb_in_16_bits_as_in_8() -> None:
    found = icc.read_profile(profile(P3, SRGB_CURVE))
    assert found is not None
    coarse = icc.to_srgb(SCENE, found).astype(float)
    fine = icc.to_srgb(SCENE.astype(np.uint16) * np.uint16(257), found)
    assert fine.dtype == np.uint16
    assert np.abs(fine / 257 - coarse).max() < 1


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif"])
def test_a_painted_picture_says_so_and_keeps_the_exif_of_its_own(suffix: str, tmp_path: Path) -> None:
    sources = [png_with(SCENE, tmp_path / f"{n}.png", {b"eXIf": exif(n)}) for n in (1, 3)]
    film = make(tmp_path / "a.gif", *PICTURE[:3], "testsrc2=s=64x48:r=10:d=0.5") if suffix == ".gif" else sources[0]
    output = tmp_path / (f"out{suffix}" if suffix == ".gif" else f"out_%d{suffix}")
    copied(film if suffix == ".gif" else tmp_path / "%d.png", output, EncodeOptions())
    xmp = Painted("wave", "The Wave", "Hokusai", 0.5, "1").xmp()
    files = [output] if suffix == ".gif" else [tmp_path / f"out_{n}{suffix}" for n in (0, 1)]
    for file, source in zip(files, sources, strict=False):
        before = decoded(file, (64, 48))
        finished(file, xmp, [] if suffix == ".gif" else [source])
        np.testing.assert_array_equal(decoded(file, (64, 48)), before)
        painted = read(file)
        assert painted is not None
        assert painted.style == "wave"
        if suffix == ".gif":
            assert gif.durations(file) == pytest.approx([0.1] * 5)
            assert stored_frames(file) == 5
        else:
            assert read_metadata(file.read_bytes()).exif == clean_exif(exif(1 if source is sources[0] else 3))


def test_each_picture_of_a_sequence_is_finished_with_its_own_number(tmp_path: Path) -> None:
    for number in range(4):
        write_png(tmp_path / f"a_{number}.png", SCENE)
    numbers: list[int] = []
    with open_reader(tmp_path / "a_%d.png", ReadOptions(start=parse_time("1f"), end=parse_time("3f"))) as reader:
        assert [file.name for file in reader.pictures] == ["a_1.png", "a_2.png"]
        how = EncodeOptions()
        writer = open_writer(tmp_path / "o_%d.png", reader.info, how, finish=lambda _, number: numbers.append(number))
        for batch in reader:
            writer.write(batch)
        writer.close()
    assert numbers == [0, 1]
