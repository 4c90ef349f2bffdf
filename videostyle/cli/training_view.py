"""Shows a training to the user: a progress bar, a preview picture, curves in TensorBoard; and handles Ctrl-C."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videostyle.cli.progress import Bars
from videostyle.errors import Interrupted
from videostyle.training.trainer import FINISH

if TYPE_CHECKING:
    from videostyle.frames import UInt8Array
    from videostyle.styles.card import Style
    from videostyle.training.trainer import Progress

PREVIEW_EVERY = 50  # steps


class TrainingView:
    """Shows how far a training is, after each of its steps.

    Args:
        bars: where progress is shown.
        scene: the picture that previews paint, uint8 ``[H, W, 3]`` RGB.
        painting: uint8 ``[H, W, 3]`` RGB.
        preview: the PNG file to write previews to; None = none.
        tensorboard: the folder to write scalars to; None = none.
        cancel: the training is stopped once this is set.
        stopped: hint for a user who stopped it.
    """

    def __init__(
        self,
        bars: Bars,
        scene: UInt8Array,
        painting: UInt8Array,
        *,
        preview: Path | None,
        tensorboard: Path | None,
        cancel: threading.Event,
        stopped: str,
    ) -> None:
        self._bars, self._scene, self._painting = bars, scene, painting
        self._preview, self._cancel, self._stopped = preview, cancel, stopped
        self._board: Any = None
        if tensorboard is not None:
            import tensorflow as tf

            self._board = tf.summary.create_file_writer(str(tensorboard))

    def stage(self, text: str) -> None:
        """Says what is being prepared.

        Raises:
            Interrupted: if the training is to stop.
        """
        self._bars.note(text)
        if self._cancel.is_set():
            raise Interrupted("training was stopped", hint="the same command begins again")

    def __call__(self, progress: Progress) -> None:
        """Takes a step.

        Raises:
            Interrupted: if the training is to stop.
        """
        self._bars.timed("train", progress.step, progress.expected, progress.seconds_left + FINISH)
        if self._board is not None:
            import tensorflow as tf

            with self._board.as_default():
                for name, value in progress.losses.items():
                    tf.summary.scalar(name, value, progress.step)
        if progress.step % PREVIEW_EVERY == 0:
            self.show(progress.style())
        if self._cancel.is_set():
            raise Interrupted("training was stopped", hint=self._stopped)

    def show(self, style: Style) -> None:
        """Writes scene, painting and painted scene side by side, where a preview is wanted."""
        if self._preview is None:
            return
        import numpy as np

        from videostyle.api import Stylizer
        from videostyle.media.opencv import load_cv2
        from videostyle.media.writers.images import write_png

        cv2 = load_cv2()
        height = self._scene.shape[0]
        width = round(self._painting.shape[1] * height / self._painting.shape[0])
        beside = cv2.resize(self._painting, (width, height), interpolation=cv2.INTER_AREA)
        painted = Stylizer(style)(self._scene[None])[0]
        write_png(self._preview, np.concatenate([self._scene, beside, painted], axis=1))
