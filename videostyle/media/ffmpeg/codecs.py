"""The codecs that outputs can have, and how ffmpeg is asked for each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from videostyle.errors import UsageError


@dataclass(frozen=True)
class Codec:
    """How a codec is asked for.

    Attributes:
        encoder: ffmpeg's encoder.
        arguments: options that always go with it.
        quality: default constant quality; None where the codec has none.
        pixel_format: stored pixel format for even sizes.
        odd_pixel_format: the same where width or height is odd, which 4:2:0 and 4:2:2 cannot store in some codecs.
        presets: whether ``-preset`` takes x264's words ("medium").
        containers: suffixes it can be stored in, the preferred one first.
        stream: format of the intermediate file.
        matrix: the one matrix that its readers take; "" where the file says which.
        full_range: whether a file can say that its samples span 0 to 255; all are limited where it cannot.
    """

    encoder: str
    arguments: tuple[str, ...] = ()
    quality: int | None = None
    pixel_format: str = "yuv420p"
    odd_pixel_format: str = "yuv444p"
    presets: bool = False
    containers: tuple[str, ...] = (".mp4", ".mov", ".mkv")
    stream: str = "mov"
    matrix: str = ""
    full_range: bool = True


CODECS: dict[str, Codec] = {
    "h264": Codec(
        "libx264", quality=18, presets=True, containers=(".mp4", ".mov", ".mkv", ".avi", ".ts", ".flv", ".m4v")
    ),
    "hevc": Codec(
        "libx265",
        ("-tag:v", "hvc1", "-x265-params", "log-level=error:info=0"),
        22,
        presets=True,
        containers=(".mp4", ".mov", ".mkv", ".ts", ".m4v"),
    ),
    "av1": Codec(
        "libsvtav1",
        ("-svtav1-params", "tune=0"),
        28,
        odd_pixel_format="yuv420p",
        containers=(".mp4", ".mkv", ".webm"),
        stream="mp4",
    ),
    "vp9": Codec(
        "libvpx-vp9",
        ("-b:v", "0", "-row-mt", "1", "-cpu-used", "4"),
        28,
        odd_pixel_format="yuv420p",
        containers=(".webm", ".mkv", ".mp4"),
        stream="mp4",
    ),
    "prores": Codec(
        "prores_ks",
        ("-profile:v", "3", "-vendor", "apl0"),
        None,
        "yuv422p10le",
        "yuv444p10le",
        containers=(".mov", ".mkv"),
        full_range=False,
    ),
    "ffv1": Codec(
        "ffv1", ("-level", "3", "-g", "1"), None, "bgr0", "bgr0", containers=(".mkv", ".avi"), stream="matroska"
    ),
    "gif": Codec("gif", containers=(".gif",), pixel_format="", odd_pixel_format="", stream=""),
    "webp": Codec(
        "libwebp_anim",
        ("-loop", "0", "-quality", "85"),
        None,
        "yuv420p",
        "yuv420p",
        containers=(".webp",),
        stream="",
        matrix="bt470bg",
        full_range=False,
    ),
    "h264_nvenc": Codec("h264_nvenc", ("-rc", "vbr"), 19),
    "hevc_nvenc": Codec("hevc_nvenc", ("-rc", "vbr", "-tag:v", "hvc1"), 22),
    "av1_nvenc": Codec("av1_nvenc", ("-rc", "vbr"), 28),
    "h264_qsv": Codec("h264_qsv", (), 20, "nv12"),
    "hevc_qsv": Codec("hevc_qsv", ("-tag:v", "hvc1"), 22, "nv12"),
    "h264_videotoolbox": Codec("h264_videotoolbox", ("-q:v", "65")),
    "hevc_videotoolbox": Codec("hevc_videotoolbox", ("-q:v", "65", "-tag:v", "hvc1")),
}
HARDWARE = tuple(name for name in CODECS if "_" in name)
BY_SUFFIX = {".webm": "vp9", ".gif": "gif", ".webp": "webp"}


def codec_for(name: str | None, suffix: str) -> Codec:
    """The codec of that name, or the usual one for a file suffix.

    Raises:
        UsageError: if the name is not known, or the container cannot store it.
    """
    suffix = suffix.lower()
    name = name or BY_SUFFIX.get(suffix, "h264")
    if name not in CODECS:
        raise UsageError(f"no codec named '{name}'", hint=f"use one of: {', '.join(CODECS)}, png (a sequence)")
    codec = CODECS[name]
    if suffix not in codec.containers:
        raise UsageError(f"a '{suffix}' file cannot hold {name}", hint=f"use one of: {', '.join(codec.containers)}")
    if suffix == ".avi" and codec.encoder == "libx264":
        # AVI stores no times: frames that wait for others to be decoded would all be shown late.
        codec = replace(codec, arguments=(*codec.arguments, "-bf", "0"))
    return codec


def frames_for(name: str | None, suffix: str, pixel_format: str | None = None) -> str:
    """How frames are best handed over: "i420" where four pixels share a colour in the file anyway, else "rgb24".

    Args:
        name: the codec, as in ``codec_for``.
        suffix: of the file.
        pixel_format: stored pixel format, instead of the codec's.
    """
    stored = pixel_format or codec_for(name, suffix).pixel_format
    return "i420" if stored.startswith(("yuv420p", "yuvj420p", "nv12", "p010")) else "rgb24"
