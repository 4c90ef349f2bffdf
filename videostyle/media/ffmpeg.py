"""Starts ffmpeg: the only module that builds its arguments or runs it.

``imageio_ffmpeg`` is used to find the binary only: its writer never looks at ffmpeg's exit status.
"""

from __future__ import annotations

import collections
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import IO

from videostyle.errors import OutputError, UsageError
from videostyle.frames import ColorInfo, UInt8Array, VideoInfo

MIN_RATE, MAX_RATE = Fraction(1), Fraction(240)  # frames/s that encoders plan their bits for


def ffmpeg_exe() -> str:
    """Path of the ffmpeg binary: ``IMAGEIO_FFMPEG_EXE`` or the one that imageio-ffmpeg brings.

    Raises:
        OutputError: if there is none.
    """
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise OutputError("ffmpeg is missing", str(error), "pip install imageio-ffmpeg") from error


def file_name(path: Path) -> str:
    """A path as ffmpeg must be given it: with its protocol, so that no name is read as an option or address."""
    return f"file:{path}"


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
        ("-tag:v", "hvc1", "-x265-params", "log-level=error"),
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
        raise UsageError(f"no codec named '{name}'", f"there are: {', '.join(CODECS)}, png (a sequence)")
    codec = CODECS[name]
    if suffix not in codec.containers:
        raise UsageError(f"a '{suffix}' file cannot hold {name}", hint=f"use one of: {', '.join(codec.containers)}")
    if suffix == ".avi" and codec.encoder == "libx264":
        # AVI stores no times: frames that wait for others to be decoded would all be shown late.
        codec = replace(codec, arguments=(*codec.arguments, "-bf", "0"))
    return codec


def encoded_rate(info: VideoInfo) -> Fraction:
    """The constant rate, in frames a second, that frames are encoded at whatever their times are."""
    return min(max(info.fps or Fraction(25), MIN_RATE), MAX_RATE).limit_denominator(100_000)


def frames_for(name: str | None, suffix: str, pixel_format: str | None = None) -> str:
    """How frames are best handed over: "i420" where four pixels share a colour in the file anyway, else "rgb24".

    Args:
        name: the codec, as in ``codec_for``.
        suffix: of the file.
        pixel_format: stored pixel format, instead of the codec's.
    """
    stored = pixel_format or codec_for(name, suffix).pixel_format
    return "i420" if stored.startswith(("yuv420p", "yuvj420p", "nv12", "p010")) else "rgb24"


def _plane_matrix(color: ColorInfo) -> str:
    """The matrix of i420 planes made for a video of that colour: BT.709, or BT.601 for all others (``stylize``)."""
    return color.matrix if color.matrix in ("bt709", "bt470bg") else "smpte170m"


def _stored_matrix(color: ColorInfo, codec: Codec) -> str:
    """The matrix that a file of such frames is given; unknown means BT.601, as the readers take it."""
    names = ("bt709", "bt470bg", "bt2020nc", "fcc", "smpte240m")
    return codec.matrix or (color.matrix if color.matrix in names else "smpte170m")


def encode_command(
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
        crf: constant quality, the codec's own scale.
        preset: speed against size, the encoder's own words.
        pixel_format: stored pixel format, instead of the codec's.
        input_format: "rgb24" or "i420" (planes in the stream's own matrix and range).
        threads: threads of the encoder.
    """
    odd = info.width % 2 or info.height % 2
    stored = pixel_format or (codec.odd_pixel_format if odd else codec.pixel_format)
    rate = encoded_rate(info)
    planes = input_format == "i420"
    arguments = [ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y"]
    arguments += ["-f", "rawvideo", "-pixel_format", "yuv420p" if planes else "rgb24"]
    arguments += ["-video_size", f"{info.width}x{info.height}", "-framerate", f"{rate.numerator}/{rate.denominator}"]
    full = info.color.full_range is True
    # Raw frames say nothing of their colours: untold, ffmpeg takes planes for BT.601 of limited range and converts
    # what is not; and primaries and transfer are stored only if they come with the frames.
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
        # A palette of each frame's own: one palette for all frames would need the whole clip in memory.
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
        codec = replace(codec, encoder="libaom-av1", arguments=("-cpu-used", "8"))
    arguments += ["-c:v", codec.encoder, *codec.arguments]
    quality = crf if crf is not None else codec.quality
    if quality is not None:
        flag = {
            "h264_nvenc": "-cq",
            "hevc_nvenc": "-cq",
            "av1_nvenc": "-cq",
            "h264_qsv": "-global_quality",
            "hevc_qsv": "-global_quality",
        }
        arguments += [flag.get(codec.encoder, "-crf"), str(quality)]
    if preset is not None:
        if codec.encoder == "libvpx-vp9":
            arguments += ["-cpu-used", preset]
        elif codec.presets or codec.encoder in ("libsvtav1", *HARDWARE):
            arguments += ["-preset", preset]
        else:
            raise UsageError(f"the encoder {codec.encoder} has no presets", hint="leave --preset out")
    if threads:
        arguments += ["-threads", str(threads)]
    if filters and codec.encoder != "gif":
        arguments += ["-vf", ",".join(filters)]
    container = codec.stream or {"gif": "gif", "libwebp_anim": "webp"}[codec.encoder]
    return [*arguments, "-f", container, file_name(target)]


def decode_command(path: Path, info: VideoInfo, *, stream: int = 0, tone_map: bool = False) -> list[str]:
    """Arguments that decode a file's stream of that number to rgb24 frames on stdout, upright and progressive.

    They come as NUT, raw frames with their times: a frame that cannot be decoded leaves a gap, not a shift.
    """
    filters = []
    if info.interlaced:
        filters.append("bwdif=mode=send_frame:deint=all")
    if tone_map:
        # To linear light, onto BT.709 primaries, then the Hable curve (zimg and ffmpeg's tonemap filter).
        filters.append(
            "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
        )
    filters.append(f"scale={info.width}:{info.height}:flags=accurate_rnd+full_chroma_int+bicubic")
    return [
        *(ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file,pipe"),
        *("-copyts", "-i", file_name(path)),
        *("-map", f"0:{stream}", "-vf", ",".join(filters), "-fps_mode", "passthrough"),
        *("-enc_time_base", "demux", "-c:v", "rawvideo", "-pix_fmt", "rgb24", "-f", "nut", "pipe:1"),
    ]


def send_command(url: str, container: str) -> list[str]:
    """Arguments that hand on packets, NUT on stdin, to a network address without encoding them again.

    A program of its own, as the libraries inside Python know no SRT and cannot be stopped while a server that
    has fallen silent lets them wait.

    Args:
        url: where to.
        container: what the address takes, as "flv".
    """
    # Nothing is looked at beforehand, nothing held back: each packet leaves when it comes.
    quick = ("-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0")
    # Players that come in the middle need the decoder's set-up again with each key frame.
    repeat = () if container == "flv" else ("-bsf:v", "dump_extra=freq=keyframe")
    late = ("-flvflags", "no_duration_filesize") if container == "flv" else ()
    return [
        *(ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error"),
        *(*quick, "-f", "nut", "-i", "pipe:0", "-map", "0:v", "-c", "copy", *repeat, *late),
        *("-flush_packets", "1", "-muxdelay", "0", "-muxpreload", "0", "-f", container, url),
    ]


def receive_command(url: str) -> list[str]:
    """Arguments that hand on the video packets of a network address as NUT on stdout."""
    return [
        *(ffmpeg_exe(), "-hide_banner", "-nostdin", "-loglevel", "error", "-fflags", "nobuffer"),
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


class Process:
    """A running ffmpeg with its last words kept.

    stderr is drained by a thread (a full pipe would stop ffmpeg), and the child has a process group of its own:
    Ctrl-C must reach this program only, as ffmpeg would finish a short file and call it done.
    """

    def __init__(self, arguments: Sequence[str], *, write: bool) -> None:
        try:
            self._child = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE if write else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if write else subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
        except OSError as error:
            raise OutputError("ffmpeg cannot be started", str(error), "run 'videostyle doctor'") from error
        self._words: collections.deque[str] = collections.deque(maxlen=64)
        self._drain = threading.Thread(target=self._read_errors, daemon=True)
        self._drain.start()

    def _read_errors(self) -> None:
        stream = self._child.stderr
        if stream is not None:
            for line in stream:
                self._words.append(line.decode("utf-8", "replace").strip())

    @property
    def last_words(self) -> str:
        """The last line that ffmpeg printed, "" if none."""
        return next((line for line in reversed(self._words) if line), "")

    @property
    def stdout(self) -> IO[bytes]:
        """Where decoded frames come from."""
        if self._child.stdout is None:
            raise ValueError("this ffmpeg was started for writing")
        return self._child.stdout

    def write(self, frames: UInt8Array) -> None:
        """Hands raw bytes to ffmpeg.

        Raises:
            OutputError: if ffmpeg has died; with its last words.
        """
        self._feed(frames.data.cast("B"), flush=False)

    def send(self, data: bytes) -> None:
        """Hands bytes to ffmpeg that must not wait for more.

        Raises:
            OutputError: if ffmpeg has died; with its last words.
        """
        self._feed(data, flush=True)

    def _feed(self, data: bytes | memoryview, *, flush: bool) -> None:
        stream = self._child.stdin
        if stream is None:
            raise ValueError("this ffmpeg was started for reading")
        try:
            stream.write(data)
            if flush:
                stream.flush()
        except OSError as error:
            self._child.wait()
            self._drain.join(5)
            raise OutputError("the encoder died", self._reason()) from error

    def _reason(self) -> str:
        code = self._child.returncode
        status = f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
        return f"{status}: {self.last_words}" if self.last_words else status

    def close(self) -> None:
        """Ends the input and waits.

        Raises:
            OutputError: if ffmpeg did not exit with 0.
        """
        stream = self._child.stdin
        if stream is not None:
            try:
                stream.close()
            except OSError:
                pass  # the exit status below says why
        self._child.wait()
        self._drain.join(5)
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
        if self._child.returncode != 0:
            raise OutputError("the encoder failed", self._reason())

    @property
    def failed(self) -> str:
        """After the end: why ffmpeg failed, "" if it did not."""
        self._child.wait()
        self._drain.join(5)
        return self._reason() if self._child.returncode else ""

    def kill(self) -> None:
        """Ends ffmpeg at once. May be called twice."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass  # what was still buffered has no reader any more


@lru_cache(maxsize=32)
def encoder_works(encoder: str) -> bool:
    """Whether this machine can encode with ``encoder``: tried on one black frame."""
    command = [
        ffmpeg_exe(),
        "-hide_banner",
        "-nostdin",
        "-loglevel",
        "error",
        "-f",
        "lavfi",
        "-i",
        "color=s=256x256:d=0.04",
    ]
    command += ["-frames:v", "1", "-c:v", encoder, "-f", "null", "-"]
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def version() -> str:
    """First line of ``ffmpeg -version``."""
    try:
        done = subprocess.run([ffmpeg_exe(), "-version"], capture_output=True, timeout=20, check=False)
        return done.stdout.decode("utf-8", "replace").splitlines()[0]
    except (OSError, subprocess.TimeoutExpired, IndexError) as error:
        raise OutputError("ffmpeg does not run", str(error), "pip install --force-reinstall imageio-ffmpeg") from error
