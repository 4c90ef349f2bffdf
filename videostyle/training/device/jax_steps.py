"""Many training steps as one program of JAX.

It is compiled once for all paintings. What a loss function knows of a painting (Gram matrices, quantiles of colours)
are constants in it; tracing the function finds them, and here they become inputs of the program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun
from numpy.typing import NDArray

from videostyle.training.objective import LossFunction, Objective

if TYPE_CHECKING:
    from videostyle.training.device.pairs import DevicePairs

Tensor = Any
Losses = Callable[[list[Tensor], list[Tensor], dict[str, Tensor]], Tensor]


def has_accelerator() -> bool:
    """Whether there is a GPU or the like."""
    return any(device.platform != "cpu" for device in jax.devices())


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of tensors, as one program."""
    return jax.jit(function)


def compiled_steps(
    objective: Objective,
    function: LossFunction,
    sampler: DevicePairs,
    names: tuple[str, ...],
    most: int,
    kept: MutableMapping[Any, Any],
) -> Callable[[int, NDArray[np.float32]], NDArray[np.float32]]:
    """Compiles the steps of a training, or finds a program in ``kept``; arguments and result as in ``loop``."""
    trained, state = objective.trainable_variables, objective.optimizer.variables

    def values() -> tuple[list[Tensor], list[Tensor]]:
        return [v.value for v in trained], [v.value for v in state]

    def of_batch(tensors: list[Tensor], batch: dict[str, Tensor]) -> Tensor:
        found = function(objective.named(tensors), batch)
        return jnp.stack([jnp.asarray(found[name], jnp.float32) for name in names])

    batch = jax.eval_shape(sampler.make, sampler.data, jnp.int32(0))
    traced = jax.make_jaxpr(of_batch)(values()[0], batch)
    known = [jnp.asarray(constant) for constant in traced.consts]

    def losses(known: list[Tensor], tensors: list[Tensor], batch: dict[str, Tensor]) -> Tensor:
        return jaxpr_as_fun(ClosedJaxpr(traced.jaxpr, known))(*jax.tree.leaves((tensors, batch)))[0]

    def inputs(first: int, rates: NDArray[np.float32]) -> tuple[Any, ...]:
        padded = np.zeros(most, np.float32)
        padded[: len(rates)] = rates
        return known, sampler.data, *values(), np.int32(first), np.int32(len(rates)), padded

    # Two trainings have one program if their losses are the same to the compiler, and their batches are made alike.
    text = jax.jit(losses).lower(known, values()[0], batch).as_text()
    shapes = [(name, value.shape) for name, value in sampler.data.items()]
    key = hashlib.sha256(f"{text} {sampler.form} {shapes} {most}".encode()).hexdigest()
    if key not in kept:
        program = jax.jit(_steps(objective, losses, sampler, (most, len(names))))
        kept[key] = program.lower(*inputs(1, np.zeros(1, np.float32))).compile()

    def run(first: int, rates: NDArray[np.float32]) -> NDArray[np.float32]:
        tensors, variables, table = kept[key](*inputs(first, rates))
        for variable, value in zip([*trained, *state], [*tensors, *variables], strict=True):
            variable.assign(value)
        return np.asarray(table)[: len(rates)]

    return run


def _steps(
    objective: Objective, losses: Losses, sampler: DevicePairs, shape: tuple[int, int]
) -> Callable[..., tuple[list[Tensor], list[Tensor], Tensor]]:
    """The function of state and inputs that makes ``count`` steps; ``shape`` is that of the table of their losses."""
    optimizer = objective.optimizer
    rate = next(i for i, variable in enumerate(optimizer.variables) if variable is optimizer.learning_rate)

    def loss(tensors: list[Tensor], known: list[Tensor], batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        row = losses(known, tensors, batch)
        return row[0], row

    def steps(
        known: list[Tensor],
        data: dict[str, Tensor],
        tensors: list[Tensor],
        variables: list[Tensor],
        first: Tensor,
        count: Tensor,
        rates: Tensor,
    ) -> tuple[list[Tensor], list[Tensor], Tensor]:
        def body(i: Tensor, carry: tuple[list[Tensor], list[Tensor], Tensor]) -> Any:
            tensors, variables, table = carry
            batch = sampler.make(data, first + i)
            (_, row), gradients = jax.value_and_grad(loss, has_aux=True)(tensors, known, batch)
            variables = [*variables[:rate], rates[i], *variables[rate + 1 :]]
            tensors, variables = optimizer.stateless_apply(variables, gradients, tensors)
            return tensors, variables, table.at[i].set(row)

        result: tuple[list[Tensor], list[Tensor], Tensor] = jax.lax.fori_loop(
            0, count, body, (tensors, variables, jnp.zeros(shape, jnp.float32))
        )
        return result

    return steps
