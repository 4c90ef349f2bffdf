"""Writes a video: encodes it, muxes it with the original's sound, verifies it and gives it its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import av
from av.error import FFmpegError

from videostyle.errors import OutputError, SettingError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media import gif, webp
from videostyle.media.atomic import PendingOutput, disk_error
from videostyle.media.ffmpeg.argv import encoded_rate
from videostyle.media.ffmpeg.codecs import (
    HARDWARE,
    Codec,
    check_pixel_format,
    check_quality,
    codec_for,
    holds_alpha,
    stores_deep,
)
from videostyle.media.ffmpeg.process import encoder_formats, encoder_works
from videostyle.media.packets import stored_frames
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.encoder import StreamEncoder
from videostyle.media.writers.mux import DISK_ERRORS, Muxer, Original
from videostyle.media.writers.original_tags import lost
from videostyle.media.writers.streams import Chosen, choose_streams


def check_encoding(suffix: str, info: VideoInfo, options: EncodeOptions) -> Codec:
    """Makes sure that frames can be encoded as asked for, before anything is decoded; the codec to encode with.

    Args:
        suffix: of the output.
        info: what the frames are like.
        options: how to encode.

    Raises:
        UsageError: if there is no such codec, the container cannot hold it, or it has no such quality, preset or pixel
            format.
        OutputError: if the encoder does not work here.
    """
    codec = codec_for(options.codec, suffix)
    check_quality(options.codec, suffix, options.crf, options.preset)
    stores_deep(options.codec, suffix, options.pixel_format, options.bit_depth, info.bit_depth)
    if info.color.is_hdr and not stores_deep(options.codec, suffix, options.pixel_format, options.bit_depth, 10):
        raise SettingError("tone_map", "HDR needs 10 bits", "choose a `codec` of 10 bits: hevc, av1, vp9, prores, ffv1")
    if options.pixel_format is not None:
        formats = encoder_formats(codec.encoder)
        check_pixel_format(codec, options.pixel_format, formats, (info.width, info.height))
    if options.codec in HARDWARE and not encoder_works(codec.encoder):
        raise OutputError(
            f"the encoder {codec.encoder} does not work on this machine",
            hint="choose another `codec`: 'videostyle doctor' lists those that work",
        )
    return codec


class VideoWriter:
    """Encodes with ffmpeg at a constant rate into a scratch file, then muxes that with every frame's true time.

    A raw pipe to ffmpeg carries no times. Each encoded packet gets its frame's time afterwards: that is exact, costs a
    copy of the encoded stream, and adds the sound, subtitles and chapters in the same pass.

    Args:
        path: the output.
        info: what the frames are like.
        options: how to encode.
        original: where everything but the video is copied from; None = a silent video without tags.
        metadata: tags of the container, added to those of the original; read when the file is muxed.
        finish: called with the complete file, before it is verified and named, and 0.

    Attributes:
        warnings: what could not be kept.

    Raises:
        UsageError: if there is no such codec, the container cannot hold it, or it has no such quality,
            preset or pixel format.
        OutputError: if the encoder does not work here, or the output cannot be created.
    """

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        options: EncodeOptions,
        original: Original | None = None,
        metadata: Mapping[str, str] | None = None,
        finish: Callable[[Path, int], object] | None = None,
    ) -> None:
        self._finish = finish
        self._codec = check_encoding(path.suffix, info, options)
        self.warnings: list[str] = []
        self._info = info
        self._options = options
        self._original = original
        self._metadata = metadata if metadata is not None else {}
        self._output = PendingOutput(
            path, overwrite=options.overwrite, sources=(original.media.path,) if original else ()
        )
        # ffmpeg writes GIF and WebP itself: their frames cannot be muxed from another container.
        self._direct = not self._codec.stream
        self._chosen = Chosen()
        self._last_shown: float | None = None
        self._length = 0.0  # seconds that a GIF or WebP lasts
        self._left_out = 0  # frames that came too soon after the one before
        target = self._output.temporary if self._direct else self._output.scratch
        self._encoder = StreamEncoder(target, info, self._codec, options)
        if original is not None and self._direct:
            self.warnings += lost(original.media, path.suffix.lower())
        elif original is not None:
            try:
                self._chosen = choose_streams(original.media, path.suffix, copy=options.audio)
                self.warnings += [*self._chosen.warnings, *lost(original.media, path.suffix.lower())]
            except BaseException:
                self._output.abort()
                raise

    @property
    def in_parts(self) -> bool:
        """Whether the output can be joined from parts that were encoded separately (``assemble``)."""
        return not self._direct

    @property
    def stores_deep(self) -> bool:
        """Whether 10 bits a sample are stored."""
        options, bits = self._options, self._info.bit_depth
        return stores_deep(options.codec, self._output.path.suffix, options.pixel_format, options.bit_depth, bits)

    @property
    def holds_light(self) -> bool:
        """Whether the video says how bright its HDR is."""
        return self._codec.encoder in ("libx265", "libsvtav1") and min(self._info.width, self._info.height) >= 64

    @property
    def holds_alpha(self) -> bool:
        """Whether the video has an alpha channel, if the frames have one."""
        return holds_alpha(self._options.codec, self._output.path.suffix, self._options.pixel_format)

    def write(self, batch: FrameBatch) -> None:
        """Encodes one batch.

        Raises:
            OutputError: if ffmpeg has ended.
        """
        if self._direct:
            batch = self._thinned(batch)
        if len(batch):
            self._encoder.write(batch)

    def _thinned(self, batch: FrameBatch) -> FrameBatch:
        """The frames of a batch that are shown for long enough for their format."""
        shortest = gif.SHORTEST if self._codec.encoder == "gif" else webp.SHORTEST
        kept = []
        for number, time in enumerate(batch.pts):
            if self._last_shown is None or time - self._last_shown >= shortest - 1e-6:
                kept.append(number)
                self._last_shown = float(time)
        self._left_out += len(batch) - len(kept)
        if len(kept) == len(batch):
            return batch
        alpha = None if batch.alpha is None else batch.alpha[kept]
        return FrameBatch(batch.frames[kept], batch.pts[kept], batch.index, batch.pixel_format, alpha)

    def close(self) -> Path:
        """Finishes encoding, muxes, verifies and renames; returns the output.

        Raises:
            OutputError: if any of that fails; nothing is left behind then.
        """
        if not self._encoder.times:
            self.abort()
            raise OutputError(
                f"nothing to write to '{self._output.path}'",
                "there was no frame",
                hint="check that the input holds frames, and `start` and `end`",
            )
        try:
            self._encoder.close()
        except BaseException:
            self.abort()
            raise
        return self.assemble([self._output.scratch], self._encoder.times)

    def assemble(self, parts: Sequence[Path], times: Sequence[float]) -> Path:
        """Joins files that ``StreamEncoder`` wrote to the output, without encoding again.

        Args:
            parts: the files in order, all with the same parameters.
            times: when each frame of all of them is shown, seconds on the original's clock.

        Raises:
            OutputError: if that fails; nothing but ``parts`` is left behind then.
        """
        path, copied = self._output.path, 0
        try:
            if self._direct:
                self._retime(times)
            else:
                muxer = Muxer(path, self._output.temporary, self._info, self._original, self._chosen, self._metadata)
                try:
                    muxer.write(parts, times)
                finally:
                    self.warnings += muxer.warnings
                copied = len(muxer.copied)
            if self._finish is not None:
                self._finish(self._output.temporary, 0)
            self._verify(len(times), copied)
            return self._output.commit()
        except FFmpegError as error:
            if isinstance(error, OSError) and error.errno in DISK_ERRORS:
                raise disk_error(path, error) from error
            raise self._incomplete(str(error)) from error
        except OSError as error:
            raise disk_error(path, error) from error
        finally:
            self.abort()

    def _retime(self, times: Sequence[float]) -> None:
        """Gives the frames of a GIF or WebP, which were encoded at a constant rate, their own times."""
        file, step = self._output.temporary, float(1 / encoded_rate(self._info))
        until = self._original.shown_until if self._original is not None else None
        usual = times[-1] - times[-2] if len(times) > 1 else step
        end = until if until is not None and until > times[-1] else times[-1] + usual
        try:
            if self._codec.encoder == "gif":
                gif.retime(file, times, end)
            elif webp.is_animation(file):
                webp.retime(file, times, end, step)
        except ValueError as error:
            raise self._incomplete(str(error)) from error
        self._length = end - times[0]
        if self._left_out:
            kept = f"{len(times)} of {len(times) + self._left_out} frames"
            fastest = 1 / (gif.SHORTEST if self._codec.encoder == "gif" else webp.SHORTEST)
            self.warnings.append(f"{kept} are written: such files show at most {fastest:.0f} frames a second")

    def abort(self) -> None:
        """Stops encoding and removes everything that is not finished. May be called twice, and after ``close``."""
        self._encoder.kill()
        self._output.abort()

    def _verify(self, frames: int, copied: int) -> None:
        """Counts frames and streams in the complete file: a file that plays may still lack some.

        Args:
            frames: how many were written.
            copied: how many streams of the original were copied.

        Raises:
            OutputError: if something is missing.
        """
        file = self._output.temporary
        with av.open(f"file:{file}") as container:
            # There may be more: chapters are a track of their own in some containers, and some keep empty ones.
            found, pictures = len(container.streams) - 1, len(container.streams.video)
        if not pictures:
            raise self._incomplete("the written file has no video stream")
        if found < copied:
            raise self._incomplete(f"{found} of {copied} copied streams are in the written file")
        if self._codec.encoder == "libwebp_anim":
            try:
                shown = webp.duration(file)
            except ValueError as error:
                raise self._incomplete(str(error)) from error
            if shown is not None and abs(shown - self._length) > 0.001 * (frames + 1):
                raise self._incomplete(f"{shown:.2f} of {self._length:.2f} seconds are in the written file")
            return
        written = stored_frames(file)
        if written != frames:
            raise self._incomplete(f"{written} of {frames} frames are in the written file")

    def _incomplete(self, why: str) -> OutputError:
        return OutputError(
            f"cannot finish '{self._output.path}'",
            why,
            hint="run it again; if it fails again, try another `codec` or container",
        )
