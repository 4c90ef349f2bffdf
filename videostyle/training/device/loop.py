"""Many training steps in one call: a step on a GPU takes milliseconds, as long as the host needs to ask for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from videostyle.training.device.backend import backend_module
from videostyle.training.device.pairs import DevicePairs
from videostyle.training.objective import LossFunction, Objective

Steps = Callable[[int, Sequence[float]], list[dict[str, float]]]


class CompiledSteps(Protocol):
    """What the module of a backend gives as ``compiled_steps``."""

    def __call__(
        self,
        objective: Objective,
        function: LossFunction,
        sampler: DevicePairs,
        names: tuple[str, ...],
        most: int,
        kept: dict[Any, Any],
    ) -> Callable[[int, NDArray[np.float32]], NDArray[np.float32]]:
        """Compiles the steps of a training.

        Args:
            objective: what is trained; its variables are changed by each call.
            function: the loss function of ``objective``.
            sampler: makes the batches.
            names: of the losses to report, "loss" first.
            most: largest number of steps in a call.
            kept: compiled programs, for backends that can use one again.

        Returns:
            A function of the number of the first step and of the learning rates of all steps, at most ``most``, that
            makes these steps and returns their losses, float32 ``[steps, names]``.
        """


class DeviceLoop:
    """Makes many steps of a training in one call, and keeps compiled programs for later trainings of the same kind.

    Args:
        most: largest number of steps in a call. Within a call, training cannot be observed, saved or stopped.
    """

    def __init__(self, most: int = 50) -> None:
        self.most = most
        self._kept: dict[Any, Any] = {}

    def steps(
        self, objective: Objective, function: LossFunction, sampler: DevicePairs, names: tuple[str, ...]
    ) -> Steps:
        """Compiles the steps of a training, which may take a minute.

        Args:
            objective: what is trained.
            function: the loss function that it was made with.
            sampler: makes the batches.
            names: as in ``Objective``, "loss" first.

        Returns:
            A function of the number of the first step and of the learning rate of each step, at most ``most``, that
            makes these steps and returns the losses of each, by name.
        """
        compiled: CompiledSteps = backend_module().compiled_steps
        run = compiled(objective, function, sampler, names, self.most, self._kept)

        def steps(first: int, rates: Sequence[float]) -> list[dict[str, float]]:
            table = run(first, np.asarray(rates, np.float32))
            return [dict(zip(names, map(float, row), strict=True)) for row in table]

        return steps
