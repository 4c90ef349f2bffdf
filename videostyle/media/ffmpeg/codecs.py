"""The codecs that outputs can have, and how ffmpeg encodes with each."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from videostyle.errors import SettingError, UsageError, suggestion

WORST_PICTURE = 49  # the last --crf of JPEG and WebP


@dataclass(frozen=True)
class Codec:
    """How ffmpeg encodes with a codec.

    Attributes:
        encoder: ffmpeg's encoder.
        arguments: options that are always given to the encoder.
        quality_option: option for constant quality; "" if the codec has no quality that can be chosen.
        quality: the default quality.
        worst_quality: the end of the codec's scale, which begins at 0, the best.
        pixel_format: stored pixel format for even sizes.
        odd_pixel_format: stored pixel format for odd sizes, which some codecs cannot store as 4:2:0 or 4:2:2.
        preset_option: option for the preset, which trades speed against size.
        presets: all presets; empty if the codec has none.
        preset: the usual one; "" leaves it to the encoder.
        draft: the one for drafts (``DRAFT``), which take little time and may be large; "" as ``preset``.
        containers: suffixes of files that can hold it, the preferred one first.
        stream: format of the intermediate file.
        matrix: the colour matrix that players assume; "" if the file states its matrix.
        full_range: whether a file can state that its samples have full range; otherwise they are limited.
        deep_pixel_format: stored pixel format of 10 bits; "" where 8 bits are all there is.
        odd_deep_pixel_format: the same where width or height is odd.
        always_deep: whether 10 bits are stored whatever the source has: codecs that are made for editing.
        alpha_pixel_format: stored pixel format with an alpha channel; "" where there is none.
        alpha_containers: suffixes of files that can have one.
        alpha_arguments: options that take the place of ``arguments`` then.
        alpha_stream: format of the intermediate file then.
    """

    encoder: str
    arguments: tuple[str, ...] = ()
    quality_option: str = ""
    quality: int = 0
    worst_quality: int = 51
    pixel_format: str = "yuv420p"
    odd_pixel_format: str = "yuv444p"
    preset_option: str = "-preset"
    presets: tuple[str, ...] = ()
    preset: str = ""
    draft: str = ""
    containers: tuple[str, ...] = (".mp4", ".mov", ".mkv")
    stream: str = "mov"
    matrix: str = ""
    full_range: bool = True
    deep_pixel_format: str = ""
    odd_deep_pixel_format: str = ""
    always_deep: bool = False
    alpha_pixel_format: str = ""
    alpha_containers: tuple[str, ...] = ()
    alpha_arguments: tuple[str, ...] = ()
    alpha_stream: str = ""

    def stored(self, odd: bool, deep: bool = False, alpha: bool = False) -> str:
        """The stored pixel format.

        Args:
            odd: whether width or height is odd.
            deep: whether 10 bits are to be stored.
            alpha: whether there is an alpha channel.
        """
        if alpha:
            return self.alpha_pixel_format
        if deep and self.deep_pixel_format:
            return self.odd_deep_pixel_format if odd else self.deep_pixel_format
        return self.odd_pixel_format if odd else self.pixel_format


DRAFT = "draft"  # asked for like a preset, of any codec

_X264 = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")
_NVENC = (*(f"p{number}" for number in range(1, 8)), "fast", "medium", "slow")
_QSV = _X264[2:9]

CODECS: dict[str, Codec] = {
    "h264": Codec(
        "libx264",
        quality_option="-crf",
        quality=18,
        presets=_X264,
        # Painted frames are no larger and no worse than with x264's own, "medium", at four fifths of its time.
        preset="fast",
        draft="superfast",
        containers=(".mp4", ".mov", ".mkv", ".avi", ".ts", ".flv", ".m4v"),
    ),
    "hevc": Codec(
        "libx265",
        ("-tag:v", "hvc1", "-x265-params", "log-level=error:info=0"),
        quality_option="-crf",
        quality=22,
        presets=_X264,
        # Of painted frames it needs 2 to 3 % more bytes than x265's own, "medium", and half of its time.
        preset="veryfast",
        draft="ultrafast",
        containers=(".mp4", ".mov", ".mkv", ".ts", ".m4v"),
        deep_pixel_format="yuv420p10le",
        odd_deep_pixel_format="yuv444p10le",
    ),
    "av1": Codec(
        "libsvtav1",
        ("-svtav1-params", "tune=0"),
        quality_option="-crf",
        quality=28,
        worst_quality=63,
        presets=tuple(str(number) for number in range(14)),
        draft="12",
        odd_pixel_format="yuv420p",
        containers=(".mp4", ".mkv", ".webm"),
        stream="mp4",
        deep_pixel_format="yuv420p10le",
        odd_deep_pixel_format="yuv420p10le",
    ),
    "vp9": Codec(
        "libvpx-vp9",
        ("-b:v", "0", "-row-mt", "1", "-cpu-used", "4"),
        quality_option="-crf",
        quality=28,
        worst_quality=63,
        preset_option="-cpu-used",
        presets=tuple(str(number) for number in range(9)),
        draft="8",
        odd_pixel_format="yuv420p",
        containers=(".webm", ".mkv", ".mp4"),
        stream="mp4",
        deep_pixel_format="yuv420p10le",
        odd_deep_pixel_format="yuv420p10le",
        alpha_pixel_format="yuva420p",
        alpha_containers=(".webm", ".mkv"),
        alpha_arguments=("-b:v", "0", "-row-mt", "1", "-cpu-used", "4", "-auto-alt-ref", "0"),
        alpha_stream="matroska",
    ),
    "prores": Codec(
        "prores_ks",
        ("-profile:v", "3", "-vendor", "apl0"),
        pixel_format="yuv422p10le",
        odd_pixel_format="yuv444p10le",
        containers=(".mov", ".mkv"),
        full_range=False,
        deep_pixel_format="yuv422p10le",
        odd_deep_pixel_format="yuv444p10le",
        always_deep=True,
        alpha_pixel_format="yuva444p10le",
        alpha_containers=(".mov", ".mkv"),
        alpha_arguments=("-profile:v", "4", "-vendor", "apl0", "-alpha_bits", "16"),
        alpha_stream="mov",
    ),
    "qtrle": Codec(
        "qtrle",
        pixel_format="rgb24",
        odd_pixel_format="rgb24",
        containers=(".mov",),
        alpha_pixel_format="argb",
        alpha_containers=(".mov",),
        alpha_stream="mov",
    ),
    "ffv1": Codec(
        "ffv1",
        ("-level", "3", "-g", "1"),
        pixel_format="bgr0",
        odd_pixel_format="bgr0",
        containers=(".mkv", ".avi"),
        stream="matroska",
        deep_pixel_format="gbrp10le",
        odd_deep_pixel_format="gbrp10le",
        alpha_pixel_format="bgra",
        alpha_containers=(".mkv", ".avi"),
        alpha_arguments=("-level", "3", "-g", "1"),
        alpha_stream="matroska",
    ),
    "gif": Codec("gif", containers=(".gif",), pixel_format="", odd_pixel_format="", stream=""),
    "webp": Codec(
        "libwebp_anim",
        ("-loop", "0", "-quality", "85"),
        quality_option="-quality",
        worst_quality=WORST_PICTURE,
        pixel_format="yuv420p",
        odd_pixel_format="yuv420p",
        containers=(".webp",),
        stream="",
        matrix="bt470bg",
        full_range=False,
        alpha_pixel_format="yuva420p",
        alpha_containers=(".webp",),
        alpha_arguments=("-loop", "0", "-quality", "85"),
    ),
    **{
        name: Codec(
            name,
            arguments,
            quality_option="-cq",
            quality=quality,
            worst_quality=worst,
            presets=_NVENC,
            draft="p1",
            deep_pixel_format=deep,
            odd_deep_pixel_format=deep,
        )
        for name, arguments, quality, worst, deep in (
            ("h264_nvenc", ("-rc", "vbr"), 19, 51, ""),
            ("hevc_nvenc", ("-rc", "vbr", "-tag:v", "hvc1"), 22, 51, "p010le"),
            ("av1_nvenc", ("-rc", "vbr"), 28, 63, "p010le"),
        )
    },
    "h264_qsv": Codec(
        "h264_qsv", quality_option="-global_quality", quality=20, presets=_QSV, draft=_QSV[0], pixel_format="nv12"
    ),
    "hevc_qsv": Codec(
        "hevc_qsv",
        ("-tag:v", "hvc1"),
        quality_option="-global_quality",
        quality=22,
        presets=_QSV,
        draft=_QSV[0],
        pixel_format="nv12",
        deep_pixel_format="p010le",
        odd_deep_pixel_format="p010le",
    ),
    # Apple's quality scale runs the other way, and Intel Macs ignore it: it is fixed.
    "h264_videotoolbox": Codec("h264_videotoolbox", ("-q:v", "65")),
    "hevc_videotoolbox": Codec(
        "hevc_videotoolbox",
        ("-q:v", "65", "-tag:v", "hvc1"),
        deep_pixel_format="p010le",
        odd_deep_pixel_format="p010le",
    ),
}
HARDWARE = tuple(name for name in CODECS if "_" in name)
BY_SUFFIX = {".webm": "vp9", ".gif": "gif", ".webp": "webp"}
SEQUENCE = "png"  # asked for like a codec, but a sequence of pictures
# What other programs call the same codecs, in lower case and without full stops.
OTHER_NAMES = {
    **dict.fromkeys(("avc", "avc1", "x264", "libx264"), "h264"),
    **dict.fromkeys(("h265", "x265", "libx265", "hvc1"), "hevc"),
    **dict.fromkeys(("svtav1", "libsvtav1", "libaom-av1", "aom"), "av1"),
    **dict.fromkeys(("libvpx-vp9", "libvpx"), "vp9"),
    **dict.fromkeys(("prores_ks", "prores422", "proreshq"), "prores"),
    **dict.fromkeys(("libwebp", "libwebp_anim"), "webp"),
    **{f"h265_{maker}": f"hevc_{maker}" for maker in ("nvenc", "qsv", "videotoolbox")},
}


def codec_name(text: str) -> str:
    """The name of a codec here, from what a user or another program calls it ("H.265", "libx264").

    Raises:
        UsageError: if there is no such codec; names the one that may be meant, or all there are.
    """
    plain = text.strip().lower().replace(".", "")
    name = OTHER_NAMES.get(plain, plain)
    if name not in CODECS and name != SEQUENCE:
        known = (*(name for name in CODECS if name not in HARDWARE), SEQUENCE, *HARDWARE)
        raise UsageError(f"no codec named '{text}'", hint=suggestion(plain, known))
    return name


def usual_suffix(name: str | None) -> str:
    """The suffix of an output without a given name: .mp4 if it can hold the codec; "" for a sequence of pictures."""
    if name == SEQUENCE:
        return ""
    containers = CODECS[name or "h264"].containers
    return ".mp4" if ".mp4" in containers and name != "vp9" else containers[0]


def codec_for(name: str | None, suffix: str) -> Codec:
    """The codec of that name, or the usual one for a file suffix.

    Raises:
        UsageError: if the name is not known, or the container cannot store it.
    """
    suffix = suffix.lower()
    name = codec_name(name) if name else BY_SUFFIX.get(suffix, "h264")
    if name == SEQUENCE:
        raise UsageError(f"a '{suffix}' file cannot hold pictures", hint="name a folder, or NAME_%04d.png")
    codec = CODECS[name]
    if suffix not in codec.containers:
        raise UsageError(f"a '{suffix}' file cannot hold {name}", hint=f"use one of: {', '.join(codec.containers)}")
    if suffix == ".avi" and codec.encoder == "libx264":
        # AVI stores no presentation times, so B-frames would be shown late.
        codec = replace(codec, arguments=(*codec.arguments, "-bf", "0"))
    return codec


def picture_quality(crf: int) -> int:
    """The quality of JPEG and WebP, 1 to 100, for a ``crf``: 100 less twice its value."""
    return max(1, 100 - 2 * crf)


def check_quality(name: str | None, suffix: str, crf: int | None, preset: str | None) -> None:
    """Checks that a codec has a quality and a preset, before anything is painted.

    Args:
        name: the codec, as in ``codec_for``.
        suffix: of the file.
        crf: constant quality; None = the codec's usual one.
        preset: speed against size; None = the encoder's usual one.

    Raises:
        SettingError: if it does not; says what there is.
        UsageError: if there is no such codec, or the container cannot store it.
    """
    codec = codec_for(name, suffix)
    name = codec_name(name) if name else BY_SUFFIX.get(suffix.lower(), "h264")
    if crf is not None and not codec.quality_option:
        lossless = "it loses nothing" if name == "ffv1" else "its quality cannot be chosen"
        raise SettingError("crf", f"{name} has none: {lossless}", "leave it out, or choose another codec")
    if crf is not None and crf > codec.worst_quality:
        raise SettingError("crf", f"{crf} is beyond the scale of {name}", f"give 0 to {codec.worst_quality}")
    if preset == DRAFT:
        return
    if preset is not None and not codec.presets:
        raise SettingError("preset", f"{name} has no presets", "leave it out")
    if preset is not None and preset not in codec.presets:
        raise SettingError("preset", f"{name} has no preset '{preset}'", f"use one of: {', '.join(codec.presets)}")


def check_pixel_format(codec: Codec, wanted: str | None, known: Collection[str], size: tuple[int, int]) -> None:
    """Checks that a codec can store frames in a pixel format, before anything is painted.

    Args:
        codec: as ``codec_for`` gave it.
        wanted: in ffmpeg's words; None = the codec's usual one, which it can.
        known: the formats that the encoder takes; () = unknown, then all are let through.
        size: width and height of the frames.

    Raises:
        SettingError: if it cannot; says what there is.
    """
    if wanted is None:
        return
    if not codec.pixel_format:
        raise SettingError("pix_fmt", f"{codec.encoder} chooses its colours itself", "leave it out")
    if known and wanted not in known:
        raise SettingError(
            "pix_fmt", f"{codec.encoder} cannot store '{wanted}'", f"use one of: {', '.join(sorted(known))}"
        )
    # Encoders that store odd sizes in another format than even ones cannot do it in a format of halved colour.
    halved = wanted.startswith(("yuv420", "yuvj420", "yuv422", "yuvj422", "nv", "p010"))
    if halved and (size[0] % 2 or size[1] % 2) and codec.odd_pixel_format != codec.pixel_format:
        shown = f"frames of {size[0]}x{size[1]}"
        raise SettingError("pix_fmt", f"{shown} cannot be stored as {wanted}", f"use {codec.odd_pixel_format}")


_DEEP = re.compile(r"(p0|p2|p4|x2)1[026]|\d1[0246](le|be)?$|48|64")  # in names of pixel formats of more than 8 bits
_ALPHA = re.compile(r"^(yuva|gbrap|rgba|bgra|argb|abgr|ya)")


def is_deep(pixel_format: str) -> bool:
    """Whether a pixel format, in ffmpeg's words, has more than 8 bits a sample."""
    return _DEEP.search(pixel_format) is not None or re.search(r"p(9|1[0246])(le|be)?$", pixel_format) is not None


def stores_deep(name: str | None, suffix: str, pixel_format: str | None, bit_depth: str, source_bits: int) -> bool:
    """Whether an output has 10 bits a sample.

    Args:
        name: the codec, as in ``codec_for``.
        suffix: of the file.
        pixel_format: stored pixel format, instead of the codec's.
        bit_depth: one of ``choices.BIT_DEPTHS``; "auto" = as the source.
        source_bits: of the source.

    Raises:
        SettingError: if there are no 10 bits in such a file.
    """
    if pixel_format:
        return is_deep(pixel_format)
    codec = codec_for(name, suffix)
    if bit_depth == "10" and not codec.deep_pixel_format:
        able = ", ".join(name for name, codec in CODECS.items() if codec.deep_pixel_format and name not in HARDWARE)
        shown = codec_name(name) if name else BY_SUFFIX.get(suffix.lower(), "h264")
        raise SettingError("bit_depth", f"{shown} stores 8 bits", f"choose a `codec` of 10 bits: {able}")
    wanted = bit_depth == "10" or (bit_depth == "auto" and source_bits > 8)
    return bool(codec.deep_pixel_format) and (codec.always_deep or wanted)


def holds_alpha(name: str | None, suffix: str, pixel_format: str | None = None) -> bool:
    """Whether a video file of that codec and suffix has an alpha channel, if its frames have one."""
    codec = codec_for(name, suffix)
    if pixel_format:
        return _ALPHA.search(pixel_format) is not None
    return suffix.lower() in codec.alpha_containers


def frames_for(name: str | None, suffix: str, pixel_format: str | None = None, *, deep: bool = False) -> str:
    """The pixel format in which frames are best given to the encoder (``FrameBatch.pixel_format``).

    It is in planes where the file stores one colour for four pixels anyway, else RGB.

    Args:
        name: the codec, as in ``codec_for``.
        suffix: of the file.
        pixel_format: stored pixel format, instead of the codec's.
        deep: whether 10 bits are stored (``stores_deep``).
    """
    stored = pixel_format or codec_for(name, suffix).stored(odd=False, deep=deep)
    planes = stored.startswith(("yuv420p", "yuvj420p", "nv12", "p010"))
    if deep:
        return "i420p10" if planes else "rgb48"
    return "i420" if planes else "rgb24"
