"""Many training steps as one program of TensorFlow: a loop in a graph, traced anew for each training."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from videostyle.training.objective import LossFunction, Objective

if TYPE_CHECKING:
    from videostyle.training.device.pairs import DevicePairs

Tensor = Any


def has_accelerator() -> bool:
    """Whether there is a GPU or the like."""
    return bool(tf.config.list_physical_devices("GPU"))


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of tensors, as one program."""
    made: Callable[..., Any] = tf.function(function, autograph=False)
    return made


def compiled_steps(
    objective: Objective,
    function: LossFunction,
    sampler: DevicePairs,
    names: tuple[str, ...],
    most: int,
    kept: MutableMapping[Any, Any],
) -> Callable[[int, NDArray[np.float32]], NDArray[np.float32]]:
    """Traces the steps of a training; arguments and result as in ``loop``. Nothing is kept."""
    trained, optimizer = objective.trainable_variables, objective.optimizer

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((), tf.int32), tf.TensorSpec((None,), tf.float32)])
    def steps(first: Tensor, rates: Tensor) -> Tensor:
        def body(i: Tensor, table: Tensor) -> tuple[Tensor, Tensor]:
            batch = sampler.make(sampler.data, first + i)
            optimizer.learning_rate = rates[i]
            with tf.GradientTape() as tape:
                found = function(objective.named([variable.value for variable in trained]), batch)
            optimizer.apply(tape.gradient(found["loss"], [variable.value for variable in trained]), trained)
            return i + 1, table.write(i, tf.stack([tf.cast(found[name], tf.float32) for name in names]))

        count = tf.shape(rates)[0]
        table = tf.TensorArray(tf.float32, size=count, element_shape=(len(names),))
        _, table = tf.while_loop(lambda i, _: i < count, body, (0, table), parallel_iterations=1)
        return table.stack()

    steps.get_concrete_function()
    return lambda first, rates: np.asarray(steps(np.int32(first), np.asarray(rates, np.float32)))
