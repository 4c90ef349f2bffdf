"""Builds arguments for ffmpeg. Pure functions; nothing is run here."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from videostyle.frames import ColorInfo, VideoInfo
from videostyle.media import hdr
from videostyle.media.choices import KEEP_HDR
from videostyle.media.ffmpeg.codecs import DRAFT, Codec, picture_quality
from videostyle.media.opencv import LARGEST_PICTURE

MIN_RATE, MAX_RATE = Fraction(1), Fraction(240)  # frames/s that encoders plan their bits for
# ffmpeg's names of raw frames by ``FrameBatch.pixel_format`` and whether there is an alpha channel.
RAW_FORMATS = {
    **{("rgb24", False): "rgb24", ("rgb24", True): "rgba", ("rgb48", False): "rgb48le", ("rgb48", True): "rgba64le"},
    **{("i420", False): "yuv420p", ("i420p10", False): "yuv420p10le"},
}
QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error")


def file_name(path: Path) -> str:
    """A path as ffmpeg's argument: with its protocol, so that no name is taken for an option or an address."""
    return f"file:{path}"


def encoded_rate(info: VideoInfo) -> Fraction:
    """The constant rate, in frames a second, at which frames are encoded; they get their own times afterwards."""
    return min(max(info.fps or Fraction(25), MIN_RATE), MAX_RATE).limit_denominator(100_000)


def _plane_matrix(color: ColorInfo) -> str:
    """The matrix of i420 planes for a video of that colour: BT.709 or BT.601 (``inference.program``)."""
    return color.matrix if color.matrix in ("bt709", "bt470bg") else "smpte170m"


def _stored_matrix(color: ColorInfo, codec: Codec) -> str:
    """The matrix that is stored in the file; unknown means BT.601, as in the readers."""
    names = ("bt709", "bt470bg", "bt2020nc", "fcc", "smpte240m")
    return codec.matrix or (color.matrix if color.matrix in names else "smpte170m")


def _with_light(codec: Codec, color: ColorInfo) -> Codec:
    """The codec with the mastering display and the light of HDR content, where it stores them."""
    arguments = list(codec.arguments)
    if codec.encoder == "libx265":
        light = [f"master-display={color.mastering}"] if color.mastering else []
        light += [f"max-cll={color.content_light}"] if color.content_light else []
        light += ["hdr10=1", "repeat-headers=1"] if light else []
        at = arguments.index("-x265-params") + 1
        arguments[at] = ":".join([arguments[at], *light])
    elif codec.encoder == "libsvtav1":
        light = [f"mastering-display={hdr.in_decimals(color.mastering)}"] if color.mastering else []
        light += [f"content-light={color.content_light}"] if color.content_light else []
        at = arguments.index("-svtav1-params") + 1
        arguments[at] = ":".join([arguments[at], *light])
    return replace(codec, arguments=tuple(arguments))


def encode_arguments(
    info: VideoInfo,
    codec: Codec,
    target: Path,
    *,
    crf: int | None = None,
    preset: str | None = None,
    pixel_format: str | None = None,
    input_format: str = "rgb24",
    alpha: bool = False,
    threads: int | None = None,
) -> list[str]:
    """Arguments that encode raw frames from stdin, numbered at a constant rate, into ``target`` without sound.

    Args:
        info: size, rate and colour of the frames.
        codec: what to encode with.
        target: file to write.
        crf: constant quality on the scale of the codec (``codecs.check_quality``).
        preset: speed against size, one of the codec's ``presets``, or ``DRAFT``; None = the codec's usual one.
        pixel_format: stored pixel format, instead of the codec's.
        input_format: as in ``FrameBatch.pixel_format``; planes are in the stream's own matrix and range.
        alpha: whether each pixel of an RGB format is followed by its alpha.
        threads: threads of the encoder.
    """
    odd = bool(info.width % 2 or info.height % 2)
    deep = input_format in ("rgb48", "i420p10")
    stored = pixel_format or codec.stored(odd, deep, alpha)
    rate = encoded_rate(info)
    planes = input_format.startswith("i420")
    raw = RAW_FORMATS[input_format, alpha]
    if alpha:
        codec = replace(codec, arguments=codec.alpha_arguments, stream=codec.alpha_stream)
    arguments = [*QUIET, "-y"]
    arguments += ["-f", "rawvideo", "-pixel_format", raw]
    arguments += ["-video_size", f"{info.width}x{info.height}", "-framerate", f"{rate.numerator}/{rate.denominator}"]
    full = info.color.full_range is True
    # Raw frames carry no colour description. Without one, ffmpeg takes planes for limited-range BT.601 and converts
    # them; and it stores primaries and transfer only if the frames have them.
    if planes:
        arguments += ["-colorspace", _plane_matrix(info.color), "-color_range", "pc" if full else "tv"]
    for option, value in (("-color_primaries", info.color.primaries), ("-color_trc", info.color.transfer)):
        if value:
            arguments += [option, value]
    arguments += ["-i", "pipe:0", "-an"]
    filters = []
    if info.sample_aspect != 1:
        filters.append(f"setsar={info.sample_aspect.numerator}/{info.sample_aspect.denominator}:max=65535")
    # "area" averages four pixels to a chroma sample: the inverse of how readers repeat them.
    flags = "bicubic+full_chroma_int+accurate_rnd" if planes else "area+accurate_rnd"
    if codec.encoder == "gif":
        # Each frame has its own palette: one for all frames would need the whole clip in memory.
        graph = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=sierra2_4a"
        graph = f"scale=flags={flags},format=rgb24,{graph}" if planes else graph
        arguments += ["-filter_complex", graph, "-loop", "0"]
    elif info.color.is_hdr:
        filters.append(hdr.from_codes(info.color, stored))
        if not stored.startswith("gbr"):
            arguments += ["-colorspace", "bt2020nc", "-color_range", "tv"]
        arguments += ["-pix_fmt", stored]
        codec = _with_light(codec, info.color)
    elif stored.startswith(("yuv", "nv12", "p010")):
        matrix = _stored_matrix(info.color, codec)
        kept = full and codec.full_range
        if not planes or stored != raw or matrix != _plane_matrix(info.color) or kept != full:
            ranges = "full" if kept else "limited"
            filters.append(f"scale=out_color_matrix={matrix}:out_range={ranges}:flags={flags},format={stored}")
        arguments += ["-colorspace", matrix, "-color_range", "pc" if kept else "tv", "-pix_fmt", stored]
    elif stored:
        if planes:
            filters.append(f"scale=flags={flags},format={stored}")
        arguments += ["-pix_fmt", stored]
    preset = (codec.draft or codec.preset or None) if preset == DRAFT else preset or codec.preset or None
    if codec.encoder == "libsvtav1" and min(info.width, info.height) < 64:
        # SVT-AV1 refuses what is smaller than one of its superblocks.
        codec = replace(codec, encoder="libaom-av1", arguments=("-cpu-used", "8"), preset_option="-cpu-used")
        preset = str(min(int(preset), 8)) if preset is not None else None
    arguments += ["-c:v", codec.encoder, *codec.arguments]
    if codec.encoder == "libwebp_anim":
        arguments += [codec.quality_option, str(picture_quality(crf))] if crf is not None else []
    elif codec.quality_option:
        arguments += [codec.quality_option, str(codec.quality if crf is None else crf)]
    if preset is not None:
        arguments += [codec.preset_option, preset]
    if threads:
        arguments += ["-threads", str(threads)]
    if filters and codec.encoder != "gif":
        arguments += ["-vf", ",".join(filters)]
    container = codec.stream or {"gif": "gif", "libwebp_anim": "webp"}[codec.encoder]
    return [*arguments, "-f", container, file_name(target)]


def decode_arguments(
    path: Path,
    info: VideoInfo,
    *,
    stream: int = 0,
    tone_map: str = "",
    seek: float | None = None,
    begin: float | None = None,
    jumps: bool = False,
    pixels: str = "rgb24",
) -> list[str]:
    """Arguments that decode a file's stream of that number to RGB frames on stdout, upright and progressive.

    The frames come as NUT, with their times: a frame that cannot be decoded leaves a gap and shifts no other.

    Args:
        path: the file.
        info: size of the frames, and whether they are interlaced.
        stream: number of the video stream in the file.
        tone_map: what becomes of HDR, one of ``choices.TONE_MAPS``; "" for other videos.
        seek: where decoding begins: at a key frame there or before, seconds from the file's earliest time.
        begin: frames before this time are decoded and dropped, seconds on the file's own clock.
        pixels: ffmpeg's name of the frames' pixel format, one of ``RAW_FORMATS``.
        jumps: let ffmpeg put a clock right that jumps; times then count from the file's earliest timestamp.
    """
    # ffmpeg's own dropping of frames before -ss counts from another zero in some versions; "trim" is exact.
    seeking = () if seek is None else ("-noaccurate_seek", "-ss", f"{seek:.6f}")
    filters = [] if begin is None else [f"trim=start={begin:.6f}"]
    if info.interlaced:
        # Frames that are not marked as interlaced pass as they are.
        filters.append("bwdif=mode=send_frame:deint=interlaced")
    if tone_map:
        filters.append(hdr.to_codes(info.color) if tone_map == KEEP_HDR else hdr.to_sdr(info.color, tone_map))
    guessed = f":in_color_matrix={info.color.matrix}" if info.color.guessed and not tone_map else ""
    # Chroma is repeated: encoding averages it again, so that what is not painted comes back as it was. (Without these
    # flags, or in OpenCV, conversion rounds down.) A scaler is at work only where the size changes.
    method = "bicubic" if info.changes else "neighbor"
    filters.append(f"scale={info.width}:{info.height}{guessed}:flags={method}+accurate_rnd+full_chroma_int")
    # Of VP8 and VP9, ffmpeg's own decoders know no alpha channel.
    decoder = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(info.codec, "") if pixels in ("rgba", "rgba64le") else ""
    return [
        *(*QUIET, "-protocol_whitelist", "file,pipe"),
        *(("-c:v", decoder) if decoder else ()),
        *(*(() if jumps else ("-copyts",)), *seeking, "-i", file_name(path)),
        *("-map", f"0:{stream}", "-vf", ",".join(filters), "-fps_mode", "passthrough"),
        *("-enc_time_base", "demux", "-c:v", "rawvideo", "-pix_fmt", pixels, "-f", "nut", "pipe:1"),
    ]


def picture_arguments(path: Path) -> list[str]:
    """Arguments that convert a picture to PNG on stdout: whole if it is stored in tiles, turned, with its profile."""
    return [
        *(*QUIET, "-protocol_whitelist", "file,pipe", "-max_pixels", str(LARGEST_PICTURE)),
        *("-i", file_name(path), "-frames:v", "1", "-c:v", "png", "-pix_fmt", "rgba", "-f", "image2pipe", "pipe:1"),
    ]


def send_arguments(url: str, container: str) -> list[str]:
    """Arguments that send packets, NUT on stdin, to a network address without encoding them again.

    A separate program sends them: the libraries inside Python lack SRT, and cannot be stopped while they wait for a
    server.

    Args:
        url: the address.
        container: the format that the address takes, as "flv".
    """
    # No probing and no buffering: each packet is sent when it comes.
    quick = ("-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0")
    # Players that join later need the decoder's parameters with each key frame.
    repeat = () if container == "flv" else ("-bsf:v", "dump_extra=freq=keyframe")
    late = ("-flvflags", "no_duration_filesize") if container == "flv" else ()
    return [
        *QUIET,
        *(*quick, "-f", "nut", "-i", "pipe:0", "-map", "0:v", "-c", "copy", *repeat, *late),
        *("-flush_packets", "1", "-muxdelay", "0", "-muxpreload", "0", "-f", container, url),
    ]


def receive_arguments(url: str) -> list[str]:
    """Arguments that pass on the video packets of a network address as NUT on stdout."""
    return [
        *(*QUIET, "-fflags", "nobuffer"),
        # Half a second is enough to see what comes; ffmpeg would look at five.
        *(
            "-analyzeduration",
            "500000",
            "-i",
            url,
            "-map",
            "0:v:0",
            "-c",
            "copy",
            "-flush_packets",
            "1",
            "-f",
            "nut",
            "pipe:1",
        ),
    ]
