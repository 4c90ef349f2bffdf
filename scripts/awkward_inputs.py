"""Inputs of many kinds that ffmpeg makes: containers x codecs x oddities. ``check_inputs.py`` passes them through.

Pictures are 64x48, or the smallest that a codec takes, and last for a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from videostyle.media.ffmpeg.process import output_of

Words = tuple[str, ...]


def picture(size: str = "64x48", rate: str = "25", seconds: str = "1") -> Words:
    """Arguments for a moving picture."""
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}")


def sound(seconds: str = "1", rate: str = "48000", tone: str = "440") -> Words:
    """Arguments for a tone."""
    return ("-f", "lavfi", "-i", f"sine={tone}:d={seconds}:r={rate}")


PICTURE, SOUND = picture(), sound()
X264: Words = ("-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p")
AV1 = ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-pix_fmt", "yuv420p")
NAMES: dict[Words, str] = {X264: "h264", X265: "hevc", VP9: "vp9", AV1: "av1"}
AAC = ("-c:a", "aac")
DEINTERLACED = "bwdif=mode=send_frame:deint=interlaced"


@dataclass(frozen=True)
class Case:
    """An input, and what is right about it.

    Attributes:
        name: of its file.
        arguments: make it with ffmpeg, but for the name; ``FOLDER`` stands for the folder of all inputs.
        words: a part of each warning that a render must give; any other warning is wrong.
        refused: a part of the message with which it is refused; "" if it is read.
        filters: with which ffmpeg decodes it as it should be shown.
        matrix: of its colours where it does not say it, as an option of ffmpeg's scaler.
        change: what is done to the finished file.
        output: suffix of what is written.
        colours: whether the pictures are compared with ffmpeg's.
    """

    name: str
    arguments: Words
    words: Words = ()
    refused: str = ""
    filters: str = ""
    matrix: str = ""
    change: Callable[[Path], object] | None = None
    output: str = ".mp4"
    colours: bool = True

    def make(self, folder: Path) -> Path:
        """Makes it in a folder; returns its path."""
        path = folder / self.name
        (folder / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nHello\n", encoding="utf-8")
        (folder / "s.ttf").write_bytes(bytes(range(200)))
        chapters = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=One\n"
        (folder / "s.txt").write_text(chapters, encoding="utf-8")
        quiet = ("-hide_banner", "-loglevel", "error", "-nostdin", "-y")
        output_of([*quiet, *(word.replace("FOLDER", str(folder)) for word in self.arguments), f"file:{path}"])
        if self.change is not None:
            self.change(path)
        return path


# Container -> its usual codec of sound in ffmpeg's words, and codecs of pictures, some with options.
MATRIX: dict[str, tuple[str, tuple[str | Words, ...]]] = {
    "mp4": ("aac", (X264, X265, AV1, VP9, "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "png")),
    "m4v": ("aac", (X264, "mpeg4")),
    "mov": (
        "pcm_s16le",
        (
            *(X264, X265, "mjpeg", "png", "qtrle", "jpeg2000", "mpeg2video", "mpeg4", "prores_ks", "v210", "r210"),
            ("-c:v", "prores_ks", "-profile:v", "4", "-pix_fmt", "yuv444p10le"),
            ("-c:v", "dnxhd", "-profile:v", "dnxhr_sq", "-pix_fmt", "yuv422p", "-s", "256x128"),
            ("-c:v", "rawvideo", "-pix_fmt", "uyvy422"),
            *("cinepak", "hap", "cfhd"),
        ),
    ),
    "mkv": (
        "flac",
        (
            *(X264, X265, AV1, VP9, "libvpx", "ffv1", "mpeg1video", "mpeg2video", "mpeg4", "mjpeg", "msmpeg4"),
            *("huffyuv", "ffvhuff", "utvideo", "magicyuv", "png", "libtheora", "wmv2", "flv", "snow", "prores_ks"),
            *("rawvideo", "jpeg2000", "libxvid"),
        ),
    ),
    "webm": ("libopus", ("libvpx", VP9, AV1)),
    "avi": (
        "libmp3lame",
        (
            *(X264, "mpeg4", "libxvid", "msmpeg4v2", "msmpeg4", "mjpeg", "huffyuv", "ffvhuff", "utvideo", "magicyuv"),
            ("-c:v", "rawvideo", "-pix_fmt", "yuyv422"),
            *("ffv1", "wmv1", "wmv2", "flv", "snow", "png", "mpeg2video", "zmbv", "asv1", "cinepak"),
        ),
    ),
    "ts": ("aac", (X264, X265, "mpeg2video", "mpeg1video", "mpeg4")),
    "m2ts": ("ac3", (X264, "mpeg2video")),
    "mpg": ("mp2", ("mpeg1video", "mpeg2video")),
    "vob": ("ac3", ("mpeg2video",)),
    "flv": ("libmp3lame", ("flv", X264)),
    "wmv": ("wmav2", ("wmv1", "wmv2", "msmpeg4")),
    "asf": ("libmp3lame", ("mpeg4", X264)),
    "ogv": ("libvorbis", ("libtheora",)),
    "mxf": ("pcm_s16le", ("mpeg2video", X264)),
    "3gp": ("aac", (("-c:v", "h263", "-s", "128x96"), X264, "mpeg4")),
    "nut": ("pcm_s16le", ("ffv1", "mpeg4", "rawvideo")),
    "f4v": ("aac", (X264,)),
}
ENCODED = {"wmv": ("is encoded as",)}  # containers whose sound MP4 does not take
DEEP = ("-bit video is painted as such",)
DEEP_CODECS = ("prores_ks", "v210", "r210", "cfhd")


def _matrix() -> Iterator[Case]:
    for container, (heard, codecs) in MATRIX.items():
        for codec in codecs:
            video = ("-c:v", codec) if isinstance(codec, str) else codec
            label = NAMES.get(video) or "_".join(word.lstrip("-") for word in video[1:])
            best = (
                ("-q:v", "2")
                if video[1] in ("mpeg1video", "mpeg2video", "mpeg4", "mjpeg", "flv", "h263", "asv1")
                else ()
            )
            words = (*ENCODED.get(container, ()), *(DEEP if video[1] in DEEP_CODECS else ()))
            yield Case(f"{label}.{container}", (*PICTURE, *SOUND, *video, *best, "-c:a", heard, "-strict", "-2"), words)


def _raw() -> Iterator[Case]:
    for name, video in (
        *(("a.h264", X264), ("a.hevc", X265), ("a.m2v", ("-c:v", "mpeg2video", "-q:v", "2"))),
        *(("a.obu", AV1), ("vp9.ivf", VP9), ("av1.ivf", AV1), ("vp8.ivf", ("-c:v", "libvpx"))),
        *(("a.mjpeg", ("-c:v", "mjpeg", "-q:v", "2")), ("a.y4m", ()), ("b.y4m", ("-pix_fmt", "yuv444p"))),
        *(("a.gif", ()), ("a.apng", ()), ("a.webp", ("-lossless", "1", "-loop", "0")), ("a.png", ("-f", "apng"))),
    ):
        yield Case(name, (*PICTURE, *video))


def _colours() -> Iterator[Case]:
    for size in ("64x48", "640x480", "1280x720"):
        for matrix in ("", "bt709", "smpte170m", "bt470bg", "bt2020nc"):
            for wide in ("tv", "pc"):
                tags = (*(("-colorspace", matrix) if matrix else ()), "-color_range", wide)
                unsaid = "" if matrix else ",setparams=colorspace=unknown"
                scale = ("-vf", f"scale=out_color_matrix={matrix or 'smpte170m'}:out_range={wide}{unsaid}")
                shown = "" if matrix or size != "1280x720" else ":in_color_matrix=bt709"
                few = ("-frames:v", "3")
                name = f"{size}_{matrix or 'unstated'}_{wide}.mp4"
                yield Case(name, (*picture(size), *few, *scale, *X264, "-crf", "4", *tags), matrix=shown)
    for pixels in (
        *("gray", "yuv422p", "yuv444p", "yuv411p", "yuv410p", "yuv440p", "yuvj420p", "yuvj422p", "bgr0", "gbrp"),
        *("yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le", "gray10le", "gray16le", "gbrp10le", "gbrp16le"),
    ):
        deep = pixels.endswith("le")
        bits = "".join(c for c in pixels.split("p")[-1] if c.isdigit()) if "gray" not in pixels else pixels[4:6]
        words = (f"{bits}-bit video is painted as such",) if deep else ()
        yield Case(f"{pixels}.mkv", (*PICTURE, "-c:v", "ffv1", "-pix_fmt", pixels), words)
    for pixels, codec in (
        *(("yuva420p", "ffv1"), ("rgba", "png"), ("bgra", "ffv1"), ("ya8", "png"), ("argb", "qtrle")),
        ("yuva444p10le", "prores_ks"),
    ):
        half = ("-vf", f"format=rgba,colorchannelmixer=aa=0.5,format={pixels}")
        words = ("alpha channel is dropped", *(DEEP if "10" in pixels else ()))
        yield Case(f"{pixels}.mov" if codec != "ffv1" else f"{pixels}.mkv", (*PICTURE, *half, "-c:v", codec), words)


def _shapes() -> Iterator[Case]:
    for size in ("61x47", "1x1", "2x2", "3x200", "200x3", "17x16"):
        yield Case(
            f"{size}.mkv", (*picture("64x48"), "-vf", f"scale={size.replace('x', ':')},format=bgr0", "-c:v", "ffv1")
        )
    for size in ("61x47", "63x48"):
        yield Case(f"vp9_{size}.webm", ("-f", "lavfi", "-i", f"testsrc=s={size}:r=25:d=1", *VP9))
    for container in ("mp4", "mkv", "avi", "ts", "mpg", "webm"):
        codec = {"mpg": ("-c:v", "mpeg2video", "-q:v", "2"), "webm": VP9}.get(container, X264)
        shape = ("-aspect", "16:9") if container in ("mpg", "mkv") else ("-vf", "setsar=16/15")
        yield Case(f"wide.{container}", (*PICTURE, *codec, *shape))
    for turn in ("0", "90", "180", "270"):
        for flips in ((), ("-display_hflip",), ("-display_vflip",)):
            name = f"turned{turn}{''.join(flips)}.mp4"
            made = ("-display_rotation", turn, *flips, "-i", "FOLDER/h264.mp4", "-c", "copy")
            yield Case(name, made)


def _times() -> Iterator[Case]:
    for rate in ("24000/1001", "30000/1001", "60000/1001", "12.5", "15", "1", "2/3", "120", "240", "1000"):
        for container in ("mp4", "mkv"):
            made = (*picture(rate=rate, seconds="3" if rate in ("1", "2/3") else "0.5"), *X264)
            yield Case(f"rate{rate.replace('/', '_')}.{container}", made)
    staggered = ("-vf", "select='not(mod(n,3)*gt(n,20))'", "-fps_mode", "vfr")
    for container in ("mp4", "mkv", "ts", "flv", "webm", "mov"):
        codec = VP9 if container == "webm" else X264
        heard = ("-c:a", "libopus") if container == "webm" else AAC
        yield Case(f"variable.{container}", (*picture(rate="50"), *SOUND, *staggered, *codec, *heard))
    for name, more in (
        ("b_frames", ("-bf", "3", "-preset", "medium")),
        ("open_gop", ("-preset", "medium", "-x264-params", "open-gop=1:keyint=8:bframes=3")),
        ("intra", ("-g", "1")),
        ("one_key", ("-g", "999")),
        ("fragments", ("-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-g", "10")),
        ("faststart", ("-movflags", "+faststart")),
        ("edit_list", ("-output_ts_offset", "1")),
        ("late", ("-output_ts_offset", "5", "-avoid_negative_ts", "disabled")),
        ("fine_clock", ("-video_track_timescale", "1000000")),
        ("coarse_clock", ("-video_track_timescale", "100")),
    ):
        yield Case(f"{name}.mp4", (*PICTURE, *SOUND, *X264, *more, *AAC))
    for container in ("mkv", "ts", "flv", "nut", "avi", "mpg"):
        codec = ("-c:v", "mpeg2video", "-q:v", "2") if container == "mpg" else X264
        made = (*PICTURE, *SOUND, *codec, "-output_ts_offset", "5", "-c:a", "mp2" if container == "mpg" else "aac")
        yield Case(f"late.{container}", made)
    for name, start, length in (("cut", "0.3", "0.5"), ("cut_late", "0.9", "0.5")):
        for container in ("mp4", "mkv", "ts"):
            made = ("-ss", start, "-i", "FOLDER/b_frames.mp4", "-t", length, "-c", "copy")
            yield Case(f"{name}.{container}", made)
    yield Case("one.mp4", (*PICTURE, "-frames:v", "1", *X264))
    yield Case(
        "held.mp4", (*picture(rate="1", seconds="3"), *X264, "-bsf:v", "setts=duration=if(eq(N\\,2)\\,5/TB\\,DURATION)")
    )
    yield Case("held.gif", (*picture(rate="1", seconds="3"), "-final_delay", "500"))
    yield Case("pipe.mkv", (*PICTURE, *SOUND, *X264, *AAC, "-live", "1"))
    yield Case(
        "no_index.avi", (*PICTURE, *SOUND, "-c:v", "mpeg4", "-q:v", "2", "-c:a", "libmp3lame"), change=_without_index
    )


def _without_index(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"idx1")])


def _clocks() -> Iterator[Case]:
    for container in ("ts", "mpg"):
        codec = ("-c:v", "mpeg2video", "-q:v", "2") if container == "mpg" else X264
        made = (*PICTURE, *SOUND, *codec, "-c:a", "mp2")
        yield Case(f"twice.{container}", made, change=lambda path: _repeat(path, 2))
        yield Case(f"thrice.{container}", made, change=lambda path: _repeat(path, 3))
        yield Case(f"wraps.{container}", (*made, "-output_ts_offset", "95443.2"))
        yield Case(f"hour.{container}", (*made, "-output_ts_offset", "3600"))


def _repeat(path: Path, times: int) -> None:
    path.write_bytes(times * path.read_bytes())


def _fields() -> Iterator[Case]:
    words = ("deinterlaced",)
    for order in ("tff", "bff"):
        weave = "interleave_top" if order == "tff" else "interleave_bottom"
        fields = ("-vf", f"tinterlace={weave},fieldorder={order}", "-flags", "+ilme+ildct")
        for container, codec in (
            ("mp4", (*X264, "-x264-params", f"{order}=1")),
            ("ts", (*X264, "-x264-params", f"{order}=1")),
            ("mkv", (*X264, "-x264-params", f"{order}=1")),
            ("mpg", ("-c:v", "mpeg2video", "-q:v", "2")),
            ("avi", ("-c:v", "mpeg4", "-q:v", "2")),
        ):
            made = (*picture(rate="50"), *fields, *codec, "-r", "25")
            yield Case(f"{order}.{container}", made, words, filters=DEINTERLACED)
        made = (*picture(rate="50"), *fields, "-c:v", "prores_ks", "-r", "25")
        yield Case(f"{order}.mov", made, (*words, *DEEP), filters=DEINTERLACED)


def _heard() -> Iterator[Case]:
    plain: dict[str, str] = {
        **dict.fromkeys(("aac", "libmp3lame", "ac3", "eac3", "alac", "flac", "libopus", "mp2"), ""),
        **dict.fromkeys(("pcm_s16le", "pcm_s24le", "pcm_f32le", "libvorbis", "dca"), ""),
        **dict.fromkeys(("pcm_u8", "wmav2", "wavpack", "tta", "pcm_alaw", "adpcm_ms"), "is encoded as AAC"),
    }
    for codec, word in plain.items():
        made = (*PICTURE, *SOUND, *X264, "-c:a", codec, "-strict", "-2", "-ac", "2")
        yield Case(f"{codec}.mkv", made, (word,) if word else ())
    for codec in ("wmav2", "pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav", "pcm_u8", "pcm_s16le", "libmp3lame"):
        made = (*PICTURE, *SOUND, "-c:v", "mpeg4", "-q:v", "2", "-c:a", codec, "-ac", "2")
        yield Case(f"{codec}.avi", made, output=".mkv")
    yield Case(
        "amr.3gp",
        (*PICTURE, *sound(rate="8000"), *X264, "-c:a", "libopencore_amrnb", "-ar", "8000"),
        ("encoded as AAC",),
    )
    yield Case("wmav2.wmv", (*PICTURE, *SOUND, "-c:v", "wmv2", "-c:a", "wmav2"), output=".mkv")
    for channels in ("1", "2", "6", "8"):
        for codec, container in (("pcm_s16le", "mkv"), ("flac", "mkv"), ("aac", "mp4")):
            made = (*PICTURE, *SOUND, *X264, "-c:a", codec, "-ac", channels)
            yield Case(f"{codec}_{channels}.{container}", made)
    for seconds in ("0.4", "1.7"):
        yield Case(f"sound{seconds}.mp4", (*PICTURE, *sound(seconds), *X264, *AAC))
    for lead in ("0.5", "-0.3"):
        first = ("-itsoffset", lead, *SOUND) if lead > "0" else SOUND
        second = PICTURE if lead > "0" else ("-itsoffset", lead[1:], *PICTURE)
        made = (*first, *second, "-map", "1", "-map", "0", *X264, *AAC)
        yield Case(f"lead{lead}.mp4", made)
        yield Case(f"lead{lead}.mkv", made)
    two = (*PICTURE, *SOUND, *sound(tone="880"), "-map", "0", "-map", "1", "-map", "2", *X264)
    yield Case("tracks.mp4", (*two, *AAC))
    yield Case("tracks.mkv", (*two, "-c:a:0", "aac", "-c:a:1", "flac"))


def _beside() -> Iterator[Case]:
    words = ("-i", "FOLDER/s.srt", "-map", "0", "-map", "1")
    film = (*PICTURE, *words, *X264)
    yield Case("srt.mkv", (*film, "-c:s", "srt"), ("cannot be copied",))
    yield Case("srt_kept.mkv", (*film, "-c:s", "srt"), output=".mkv")
    yield Case("ass.mkv", (*film, "-c:s", "ass"), output=".mkv")
    yield Case("text.mp4", (*film, "-c:s", "mov_text"))
    yield Case("chapters.mp4", (*PICTURE, "-i", "FOLDER/s.txt", "-map_chapters", "1", *X264))
    yield Case("timecode.mov", (*PICTURE, *X264, "-timecode", "01:00:00:00"))
    attach = ("-attach", "FOLDER/s.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font")
    yield Case("font.mkv", (*PICTURE, *X264, *attach), ("attached files",))
    yield Case("font_kept.mkv", (*PICTURE, *X264, *attach), output=".mkv")
    two = (*PICTURE, *picture(rate="10"), "-map", "0", "-map", "1", *X264)
    yield Case("two_videos.mp4", two, ("a cover or another video",))
    cover = ("-map", "0", "-map", "1", *X264, "-c:v:1", "mjpeg", "-frames:v:1", "1", "-disposition:v:1", "attached_pic")
    yield Case("cover.mp4", (*PICTURE, *picture(), *cover), ("cover",))
    yield Case("sound_only.m4a", (*SOUND, *AAC), refused="no video stream")
    yield Case("empty.mp4", (*PICTURE, *X264), refused="is empty", change=lambda path: path.write_bytes(b""))
    yield Case(
        "text.mp4.txt.mp4", (*PICTURE, *X264), refused="cannot read", change=lambda p: p.write_text("no video" * 99)
    )
    halved = (*PICTURE, *SOUND, *X264, *AAC, "-movflags", "+faststart")
    yield Case("halved.mp4", halved, ("ends early",), change=_halve, colours=False)
    yield Case("halved.mkv", (*PICTURE, *SOUND, *X264, *AAC), ("ends early",), change=_halve, colours=False)
    yield Case("no_index.mp4", (*PICTURE, *SOUND, *X264, *AAC), refused="moov missing", change=_halve)
    hdr = "format=yuv420p10le,setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc="
    for curve in ("smpte2084", "arib-std-b67"):
        made = (*PICTURE, "-vf", hdr + curve, *X265[:-2])
        yield Case(f"{curve}.mp4", made, ("is mapped to SDR", *DEEP), colours=False)


def _halve(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])


def cases() -> list[Case]:
    """All of them; some are made of those before them."""
    groups = (_matrix, _raw, _colours, _shapes, _times, _clocks, _fields, _heard, _beside)
    return [case for group in groups for case in group()]
