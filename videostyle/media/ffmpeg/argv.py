"""Builds arguments for ffmpeg. Pure functions; nothing is run here."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from videostyle.frames import ColorInfo, VideoInfo
from videostyle.media.ffmpeg.codecs import Codec, picture_quality

MIN_RATE, MAX_RATE = Fraction(1), Fraction(240)  # frames/s that encoders plan their bits for
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


def encode_arguments(
    info: VideoInfo,
    codec: Codec,
    target: Path,
    *,
    crf: int | None = None,
    preset: str | None = None,
    pixel_format: str | None = None,
    input_format: str = "rgb24",
    threads: int | None = None,
) -> list[str]:
    """Arguments that encode raw frames from stdin, numbered at a constant rate, into ``target`` without sound.

    Args:
        info: size, rate and colour of the frames.
        codec: what to encode with.
        target: file to write.
        crf: constant quality on the scale of the codec (``codecs.check_quality``).
        preset: speed against size, one of the codec's ``presets``.
        pixel_format: stored pixel format, instead of the codec's.
        input_format: "rgb24" or "i420" (planes in the stream's own matrix and range).
        threads: threads of the encoder.
    """
    odd = info.width % 2 or info.height % 2
    stored = pixel_format or (codec.odd_pixel_format if odd else codec.pixel_format)
    rate = encoded_rate(info)
    planes = input_format == "i420"
    arguments = [*QUIET, "-y"]
    arguments += ["-f", "rawvideo", "-pixel_format", "yuv420p" if planes else "rgb24"]
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
    elif stored.startswith(("yuv", "nv12", "p010")):
        matrix = _stored_matrix(info.color, codec)
        kept = full and codec.full_range
        if not planes or stored != "yuv420p" or matrix != _plane_matrix(info.color) or kept != full:
            ranges = "full" if kept else "limited"
            filters.append(f"scale=out_color_matrix={matrix}:out_range={ranges}:flags={flags},format={stored}")
        arguments += ["-colorspace", matrix, "-color_range", "pc" if kept else "tv", "-pix_fmt", stored]
    elif stored:
        if planes:
            filters.append(f"scale=flags={flags},format={stored}")
        arguments += ["-pix_fmt", stored]
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
    tone_map: bool = False,
    seek: float | None = None,
    begin: float | None = None,
) -> list[str]:
    """Arguments that decode a file's stream of that number to rgb24 frames on stdout, upright and progressive.

    The frames come as NUT, with their times: a frame that cannot be decoded leaves a gap and shifts no other.

    Args:
        path: the file.
        info: size of the frames, and whether they are interlaced.
        stream: number of the video stream in the file.
        tone_map: map HDR to SDR.
        seek: where decoding begins: at a key frame there or before, seconds from the file's earliest time.
        begin: frames before this time are decoded and dropped, seconds on the file's own clock.
    """
    # ffmpeg's own dropping of frames before -ss counts from another zero in some versions; "trim" is exact.
    seeking = () if seek is None else ("-noaccurate_seek", "-ss", f"{seek:.6f}")
    filters = [] if begin is None else [f"trim=start={begin:.6f}"]
    if info.interlaced:
        filters.append("bwdif=mode=send_frame:deint=all")
    if tone_map:
        # To linear light, onto BT.709 primaries, then the Hable curve (zimg and ffmpeg's tonemap filter).
        filters.append(
            "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
        )
    filters.append(f"scale={info.width}:{info.height}:flags=accurate_rnd+full_chroma_int+bicubic")
    return [
        *(*QUIET, "-protocol_whitelist", "file,pipe"),
        *("-copyts", *seeking, "-i", file_name(path)),
        *("-map", f"0:{stream}", "-vf", ",".join(filters), "-fps_mode", "passthrough"),
        *("-enc_time_base", "demux", "-c:v", "rawvideo", "-pix_fmt", "rgb24", "-f", "nut", "pipe:1"),
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
