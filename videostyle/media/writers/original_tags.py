"""Tags, timecode, chapters and fonts of the original: what an output can hold of them, and a warning for the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from videostyle.frames import VideoInfo
from videostyle.media.ffmpeg.codecs import CODECS
from videostyle.media.probe import MediaInfo, open_container

# Tags that describe how the original was encoded rather than what it shows.
OF_THE_ENCODING = (
    *("encoder", "duration", "vendor_id", "bps", "number_of_frames", "number_of_bytes", "major_brand", "alpha_mode"),
    *("rotate", "timecode", "stereo_mode", "creation_time"),
)
WITH_TIMECODE = (".mp4", ".m4v", ".mov", ".mkv")
WITH_ATTACHMENTS = (".mkv",)
WITH_STEREO_MODE = (".mkv", ".webm")
WITH_CHAPTERS = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
WITHOUT_TAGS = (".ts", ".gif", ".webp")
WITHOUT_LANGUAGES = (".avi", ".flv")
# Languages of two codes, of which QuickTime has the second.
QUICKTIME_LANGUAGES = {
    **{"deu": "ger", "ell": "gre", "hye": "arm", "isl": "ice", "kat": "geo", "mkd": "mac", "mya": "bur"},
    **{"nld": "dut", "sqi": "alb", "swe": "sve", "zho": "chi", "bod": "tib", "msa": "may"},
}
# What a track is for. Whether one is played unless another is asked for, muxers decide.
MARKS = ("forced", "comment", "hearing_impaired", "visual_impaired", "dub", "original", "lyrics", "karaoke")
# Tags for people; all others describe how a file was made.
TOLD = ("title", "artist", "author", "composer", "comment", "description", "copyright", "date", "genre", "location")


def picture_tags(media: MediaInfo, suffix: str, start: float, rate: Fraction | None) -> dict[str, str]:
    """Tags for the painted video: language, title and the like, and the timecode of its first frame.

    Args:
        media: the original.
        suffix: of the output, in lower case.
        start: time in seconds, from the beginning of the original, with which the output begins.
        rate: frames a second; None = unknown.
    """
    tags = titled(media.video_metadata)
    kept = {
        key: value
        for key, value in tags.items()
        if key.lower() not in OF_THE_ENCODING and not key.lower().startswith("_statistics")
    }
    code = timecode_of(media)
    if code and suffix in WITH_TIMECODE:
        kept["timecode"] = later_timecode(code, start, rate)
    stereo = next((value for key, value in tags.items() if key.lower() == "stereo_mode"), "")
    if stereo and suffix in WITH_STEREO_MODE:
        kept["stereo_mode"] = stereo
    return kept


def timecode_of(media: MediaInfo) -> str:
    """The timecode of the first frame as the original states it, in its video, its own track or its tags."""
    sources = [media.video_metadata, *(stream.metadata for stream in media.others), media.metadata]
    return next((value for tags in sources for key, value in tags.items() if key.lower() == "timecode"), "")


def later_timecode(code: str, seconds: float, rate: Fraction | None) -> str:
    """A timecode, ``hh:mm:ss:ff`` or with drop frames ``hh:mm:ss;ff``, some seconds later."""
    match = re.fullmatch(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d+)", code)
    if match is None or not rate or seconds <= 0:
        return code
    hours, minutes, whole, frames = (int(match[group]) for group in (1, 2, 3, 5))
    counted = round(rate)
    dropped = round(counted / 15) if match[4] != ":" else 0  # two of 30, four of 60, each minute but every tenth
    total_minutes = 60 * hours + minutes
    number = counted * (60 * total_minutes + whole) + frames - dropped * (total_minutes - total_minutes // 10)
    number += round(seconds * rate)
    if dropped:
        tens, rest = divmod(number, 600 * counted - 9 * dropped)
        number += 9 * dropped * tens + dropped * max(0, (rest - dropped) // (60 * counted - dropped))
    whole, frames = divmod(number, counted)
    return f"{whole // 3600 % 24:02}:{whole // 60 % 60:02}:{whole % 60:02}{match[4]}{frames:02}"


def add_attachments(media: MediaInfo, muxer: Any, suffix: str) -> None:
    """Copies attached files, such as fonts of the subtitles, where the container holds them."""
    if suffix not in WITH_ATTACHMENTS or not any(stream.kind == "attachment" for stream in media.others):
        return
    with open_container(media.path) as source:
        for stream in source.streams:
            if stream.type == "attachment":
                muxer.add_attachment(stream.name or f"file{stream.index}", stream.mimetype or "", bytes(stream.data))


def lost(media: MediaInfo, suffix: str) -> list[str]:
    """Warnings of what belongs to the video and cannot be kept in a container.

    Args:
        media: the original.
        suffix: of the output, in lower case.
    """
    warnings = []
    silent = suffix in _DIRECT
    attached = [stream.index for stream in media.others if stream.kind == "attachment"]
    if attached and suffix not in WITH_ATTACHMENTS:
        files = ", ".join(map(str, attached))
        warnings.append(f"attached files (streams {files}) cannot be kept in {suffix} (.mkv keeps them)")
    if timecode_of(media) and suffix not in WITH_TIMECODE:
        warnings.append(f"the timecode cannot be kept in {suffix} (.mov, .mp4 and .mkv keep it)")
    has_mode = any(key.lower() == "stereo_mode" for key in media.video_metadata)
    for word in media.embedded:
        if word == "stereo flag" and has_mode and suffix in WITH_STEREO_MODE:
            continue
        warnings.append(f"{word} inside the pictures cannot be kept: painted pictures have none")
    if media.chapters and suffix not in WITH_CHAPTERS:
        warnings.append(f"the chapters cannot be kept in {suffix} (.mp4, .mov, .mkv and .webm keep them)")
    tags = sorted(key.lower() for key in media.metadata if key.lower() in TOLD)
    if tags and suffix in WITHOUT_TAGS:
        warnings.append(f"the tags ({', '.join(tags)}) cannot be kept in {suffix}")
    spoken = [s for s in media.others if s.kind == "audio" and s.metadata.get("language", "und") != "und"]
    if spoken and suffix in WITHOUT_LANGUAGES:
        warnings.append(f"the languages of the sound cannot be kept in {suffix}")
    if silent and media.video is not None:
        warnings += lost_shape(media.video, suffix)
    for stream in media.others:
        if stream.kind not in ("audio", "subtitle", "picture", "attachment") and "timecode" not in stream.metadata:
            named = stream.codec or stream.metadata.get("handler_name", "") or "unknown"
            warnings.append(f"{stream.kind} stream {stream.index} ({named}) cannot be copied")
        elif silent and stream.kind in ("audio", "subtitle"):
            warnings.append(f"{stream.kind} stream {stream.index} is left out: {suffix} has none")
    return warnings


@dataclass(frozen=True)
class Track:
    """What a file says of one of its streams.

    Attributes:
        kind: "video", "audio"...
        index: its number.
        tags: title, language and others.
        marks: what it is for, of ``MARKS``.
    """

    kind: str
    index: int
    tags: Mapping[str, str]
    marks: tuple[str, ...] = ()

    @classmethod
    def of(cls, stream: Any) -> Track:
        """That of a stream of PyAV."""
        flags = [str(flag.name) for flag in type(stream.disposition) if flag in stream.disposition]
        return cls(stream.type, stream.index, dict(stream.metadata), tuple(flag for flag in flags if flag in MARKS))


def titled(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a track, its title under the name that muxers know: MP4 calls it ``name``."""
    found = dict(tags)
    if "name" in found:
        found.setdefault("title", found.pop("name"))
    return found


def language_for(code: str, suffix: str) -> str:
    """A language as a container knows it: of those that have two codes, QuickTime knows one."""
    return QUICKTIME_LANGUAGES.get(code, code) if suffix == ".mov" else code


def lost_of_tracks(pairs: Sequence[tuple[Track, Track]], suffix: str) -> list[str]:
    """Warnings of what a finished file does not say of its tracks, and the original does.

    Args:
        pairs: tracks of the original, each with that of the output which has its packets.
        suffix: of the output, in lower case.
    """
    warnings = []
    for track, written in pairs:
        own, kept = titled(track.tags), titled(written.tags)
        words = ["title"] if own.get("title") and kept.get("title") != own["title"] else []
        language = own.get("language", "und")
        other = language_for(language, ".mov")
        if language != "und" and kept.get("language") not in (language, other) and suffix not in WITHOUT_LANGUAGES:
            words.append(f"language ({language})")
        words += [f"mark ({mark})" for mark in track.marks if mark not in written.marks]
        if words:
            named = "the video" if track.kind == "video" else f"{track.kind} stream {track.index}"
            warnings.append(f"{' and '.join(words)} of {named} cannot be kept in {suffix}")
    return warnings


def lost_shape(info: VideoInfo, suffix: str) -> list[str]:
    """A warning if pixels are not square and a file cannot say so."""
    aspect = info.sample_aspect
    if aspect == 1:
        return []
    shape = f"{aspect.numerator}:{aspect.denominator}"
    return [f"pixels are {shape}, and {suffix} cannot say so: it is shown in another shape"]


def lost_in_pictures(media: MediaInfo, suffix: str, *, audio: bool) -> list[str]:
    """Warnings of what a video has and pictures have not.

    Args:
        media: the original.
        suffix: of the pictures.
        audio: whether sound and subtitles are wanted.
    """
    names = {"audio": "sound", "subtitle": "subtitles", "attachment": "attached files", "data": "data"}
    kinds = dict.fromkeys(stream.kind for stream in media.others if stream.kind in names and not stream.elsewhere)
    left = [names[kind] for kind in kinds if audio or kind not in ("audio", "subtitle")]
    left += ["chapters"] if media.chapters else []
    warnings = [f"{', '.join(left)} cannot be kept: pictures have none"] if left else []
    return warnings + (lost_shape(media.video, suffix) if media.video is not None else [])


_DIRECT = tuple(suffix for codec in CODECS.values() if not codec.stream for suffix in codec.containers)
