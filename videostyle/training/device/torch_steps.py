"""Many training steps in one call, with PyTorch: a plain loop that reads the losses once, at its end."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from videostyle.training.objective import LossFunction, Objective

if TYPE_CHECKING:
    from videostyle.training.device.pairs import DevicePairs

Tensor = Any


def has_accelerator() -> bool:
    """Whether there is a GPU or the like."""
    return torch.cuda.is_available()


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself: PyTorch runs it as it is."""
    return function


def compiled_steps(
    objective: Objective,
    function: LossFunction,
    sampler: DevicePairs,
    names: tuple[str, ...],
    most: int,
    kept: MutableMapping[Any, Any],
) -> Callable[[int, NDArray[np.float32]], NDArray[np.float32]]:
    """The steps of a training; arguments and result as in ``loop``. Nothing is compiled or kept."""
    trained, optimizer = objective.trainable_variables, objective.optimizer

    def run(first: int, rates: NDArray[np.float32]) -> NDArray[np.float32]:
        table = []
        for i, rate in enumerate(rates):
            with torch.no_grad():
                batch = sampler.make(sampler.data, first + i)
            optimizer.learning_rate = float(rate)
            found = function(objective.named([variable.value for variable in trained]), batch)
            gradients = torch.autograd.grad(found["loss"], [variable.value for variable in trained])
            with torch.no_grad():
                optimizer.apply(list(gradients), trained)
            table.append(torch.stack([torch.as_tensor(found[name], device=found["loss"].device) for name in names]))
        return torch.stack(table).detach().cpu().numpy().astype(np.float32)

    return run
