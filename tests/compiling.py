# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""How the tests compile: quickly (conftest's XLA_FLAGS), or as users do where that is asked for.

Compiling is most of the suite's time, and what is compiled mostly runs a few times on tiny arrays.
The older emitters and no optimisation of the machine code take a quarter of it; the program is the
same, and its numbers agree but for rounding. ``XLA_FLAGS= make test`` compiles all as users do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import pytest

# What conftest's XLA_FLAGS change; a quick program that runs long takes several times longer.
AS_USERS = {"xla_backend_optimization_level": 3, "xla_cpu_use_fusion_emitters": True}
users_jit = partial(jax.jit, compiler_options=AS_USERS)


@contextmanager
def users_compilation() -> Iterator[None]:
    """Within it everything is compiled as users do, in this process and in those that it starts.

    What was compiled before is dropped, and afterwards what was compiled within: bits from here
    and from a subprocess are compared, so that no function may keep its quick program.
    """
    from jax._src import compiler  # XLA reads its flags once; later ones go with each compilation

    from robomamba_jax.training.weights import _random_tensors

    original = compiler.get_compile_options

    def with_users_options(*args: Any, **kwargs: Any) -> Any:
        options = original(*args, **kwargs)
        overrides = dict(options.env_option_overrides)
        options.env_option_overrides = list(({**AS_USERS, **overrides}).items())
        return options

    with pytest.MonkeyPatch.context() as patch:
        jax.devices()  # from here on XLA_FLAGS are those of subprocesses
        patch.setenv("XLA_FLAGS", "")
        patch.setattr(compiler, "get_compile_options", with_users_options)
        jax.clear_caches()
        # Random weights are kept by seed, and their last bits depend on how they were compiled.
        _random_tensors.cache_clear()
        yield
    jax.clear_caches()
    _random_tensors.cache_clear()
