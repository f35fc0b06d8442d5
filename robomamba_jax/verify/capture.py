# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every tapped value of a function, read out of its jaxpr.

The program is not changed to be looked at: it is traced as it is, and its equations are
carried out one by one. At a probe (``ops.probes``) the value is noted, and may be replaced:
given torch's value there, what follows is computed from torch's, and so the error of each
op stands by itself. Loops over layers are unrolled, so that every layer's probes are met in
the order of execution; equations without probes inside run as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

Namer = Callable[[str, int], str]
"""From a probe's name and how often it has been met before, to the op's path."""
OnProbe = Callable[[str, jax.Array], jax.Array]
Captures = dict[str, jax.Array]
PyTree: TypeAlias = Any
"""Any nesting of dicts, sequences and registered classes with arrays as leaves."""


# Equations that run the program inside them, once: it is entered. A loop other than scan has no
# fixed number of iterations to unroll, so a probe inside one is an error.
_TRANSPARENT = ("jit", "pjit", "checkpoint", "remat", "remat2", "closed_call", "core_call")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class _Ordered:
    """Captures as jit gives them back: a dict would come in the order of its keys, and the
    paths belong to the program that was compiled for these very arguments."""

    paths: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    values: tuple[jax.Array, ...]


class ProbedFunction:
    """A function whose probes can be read and replaced; compiled once for all its calls."""

    def __init__(self, function: Callable[..., Any], namer: Namer) -> None:
        """Wrap it.

        Args:
          function: any traceable function of pytrees of arrays.
          namer: gives each probe its path.
        """
        self._function, self._namer = function, namer
        self._compiled = jax.jit(self._values)

    def __call__(self, *args: Any, forced: Mapping[str, Any] | None = None) -> tuple[Any, Captures]:
        """The result and the value at every probe, in the order of execution.

        Args:
          *args: the function's.
          forced: path -> value that flows on from that probe instead of our own, which is
            still the one that is captured.

        Returns:
          The result, and arrays by path in the dtype of the program.
        """
        given = {path: jnp.asarray(value) for path, value in (forced or {}).items()}
        # The forced paths are keys of a tree, and so part of what is compiled: once for each set.
        result, seen = self._compiled(args, given)
        return result, dict(zip(seen.paths, seen.values, strict=True))

    def _values(self, args: Any, forced: Captures) -> tuple[Any, _Ordered]:
        seen: Captures = {}

        def note(path: str, value: jax.Array) -> jax.Array:
            _once(seen, path, value)
            if path not in forced:
                return value
            # torch's values are float32 of as many numbers; what flows on has our shape and dtype.
            return forced[path].reshape(value.shape).astype(value.dtype)

        result = evaluate(self._function, args, on_probe=_named(self._namer, note))
        return result, _Ordered(tuple(seen), tuple(seen.values()))

    def gradients(
        self, weight: np.ndarray | jax.Array, params: PyTree, *args: PyTree
    ) -> tuple[PyTree, Captures]:
        """Of sum(result * weight), with respect to parameters and to the value at every probe.

        A zero is added at each probe, and the derivative taken with respect to it.

        Args:
          weight: float, of the result's shape.
          params: the function's first argument, a pytree of float arrays.
          *args: its others.

        Returns:
          Gradients like ``params``, and by path.
        """

        def total(params: PyTree, deltas: Captures) -> tuple[jax.Array, Captures]:
            """The weighted sum with ``deltas`` added at the probes, and the values there."""
            seen: Captures = {}

            def note(path: str, value: jax.Array) -> jax.Array:
                _once(seen, path, value)
                return value + deltas[path].astype(value.dtype) if path in deltas else value

            on_probe = _named(self._namer, note)
            result = evaluate(self._function, (params, *args), on_probe=on_probe)
            return jnp.sum(result * weight), seen

        # Every probe needs its zero beforehand, and only a run tells which there are: an abstract
        # one does, and computes nothing.
        shapes = jax.eval_shape(lambda params: total(params, {})[1], params)
        zeros = {path: jnp.zeros(shape.shape, shape.dtype) for path, shape in shapes.items()}
        return jax.jit(jax.grad(lambda p, d: total(p, d)[0], argnums=(0, 1)))(params, zeros)


def evaluate(
    function: Callable[..., PyTree], args: Sequence[PyTree], *, on_probe: OnProbe
) -> PyTree:
    """``function(*args)`` where ``on_probe(name, value)`` gives what flows on from each probe."""
    closed, shape = jax.make_jaxpr(function, return_shape=True)(*args)
    flat = jax.tree.leaves(tuple(args))
    out = _run(closed.jaxpr, closed.consts, flat, on_probe)
    return jax.tree.unflatten(jax.tree.structure(shape), out)


def _once(seen: Captures, path: str, value: jax.Array) -> None:
    """Notes a value; a second one of the same path would hide the first."""
    if path in seen:
        raise ValueError(f"two probes are called {path}")
    seen[path] = value


def _named(namer: Namer, note: Callable[[str, jax.Array], jax.Array]) -> OnProbe:
    counts: dict[str, int] = {}

    def on_probe(name: str, value: jax.Array) -> jax.Array:
        """Names a probe by how often its name has been met."""
        count = counts.get(name, 0)
        counts[name] = count + 1
        return note(namer(name, count), value)

    return on_probe


def _run(jaxpr: Any, consts: Sequence[Any], args: Sequence[Any], on_probe: OnProbe) -> list[Any]:
    """The values of a jaxpr's results."""
    values: dict[Any, Any] = {}

    def read(variable: core.Var | core.Literal) -> jax.Array:
        """The value of a variable, or of a literal."""
        return variable.val if isinstance(variable, core.Literal) else values[variable]

    values.update(zip(jaxpr.constvars, consts, strict=True))
    values.update(zip(jaxpr.invars, args, strict=True))
    for equation in jaxpr.eqns:
        results = _apply(equation, [read(v) for v in equation.invars], on_probe)
        values.update(zip(equation.outvars, results, strict=True))
    return [read(variable) for variable in jaxpr.outvars]


def _apply(equation: Any, values: list[Any], on_probe: OnProbe) -> Sequence[Any]:
    """The results of one equation."""
    kind, params = equation.primitive.name, equation.params
    # The primitive of jax.ad_checkpoint.checkpoint_name, of which probes are made: an identity.
    if kind == "name":
        return [on_probe(params["name"], values[0])]
    if not _has_probes(equation):
        # A primitive whose parameters hold a jaxpr may want it back as a function
        # (custom_jvp_call): get_bind_params makes of the parameters what bind takes.
        out = equation.primitive.bind(*values, **equation.primitive.get_bind_params(params))
        return out if equation.primitive.multiple_results else [out]
    if kind == "scan":
        return _unroll(params, values, on_probe)
    inner = params.get("jaxpr", params.get("call_jaxpr"))
    if kind not in _TRANSPARENT:
        raise NotImplementedError(f"a probe inside {kind}")
    if isinstance(inner, core.ClosedJaxpr):
        # jit and its like carry the constants of their program; remat's are among its arguments.
        return _run(inner.jaxpr, inner.consts, values, on_probe)
    return _run(inner, (), values, on_probe)


def _unroll(params: Mapping[str, Any], values: list[Any], on_probe: OnProbe) -> list[Any]:
    """A scan, iteration by iteration."""
    body, length = params["jaxpr"], params["length"]
    # The operands of a scan are its constants, its carry, and what it walks over, [L, ...] each.
    consts, carry, stacked = (
        values[: params["num_consts"]],
        values[params["num_consts"] :][: params["num_carry"]],
        values[params["num_consts"] + params["num_carry"] :],
    )
    rows: list[Any] = [None] * length
    # Results keep their place whichever way it is walked: row i belongs to iteration i.
    for step in reversed(range(length)) if params["reverse"] else range(length):
        out = _run(
            body.jaxpr, body.consts, [*consts, *carry, *(x[step] for x in stacked)], on_probe
        )
        carry, rows[step] = out[: len(carry)], out[len(carry) :]
    return [*carry, *(jnp.stack(column) for column in zip(*rows, strict=True))]


def _has_probes(equation: Any) -> bool:
    """Whether a probe stands anywhere inside."""
    # A parameter may be a program, or a tuple of them (the branches of a cond).
    found = [
        inner.jaxpr if isinstance(inner, core.ClosedJaxpr) else inner
        for value in equation.params.values()
        for inner in (value if isinstance(value, tuple | list) else (value,))
        if isinstance(inner, core.ClosedJaxpr | core.Jaxpr)
    ]
    return any(
        inner_eqn.primitive.name == "name" or _has_probes(inner_eqn)
        for jaxpr in found
        for inner_eqn in jaxpr.eqns
    )
