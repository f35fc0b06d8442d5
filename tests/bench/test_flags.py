# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""A benchmark's fields are its flags: read back, they are the same settings."""

from __future__ import annotations

import pytest

from robomamba_jax.bench.benchmark import Bench
from robomamba_jax.bench.cases import BENCHES, ScanBench
from robomamba_jax.bench.control import ControlBench
from robomamba_jax.cli.main import build_parser, main
from robomamba_jax.cli.options import read_fields


def read(kind: type[Bench], *words: str) -> Bench:
    """The settings that a command line makes."""
    return read_fields(build_parser().parse_args(["bench", kind.what, *words]), kind)


@pytest.mark.parametrize("kind", BENCHES)
def test_defaults(kind: type[Bench]) -> None:
    """Without a flag everything is as the class has it."""
    assert read(kind) == kind()


def test_values_and_earlier_names() -> None:
    """Numbers, lists, switches, None; a flag's earlier name."""
    words = ("--lengths", "8,16", "--batch", "2", "--chunk-size", "4", "--no-peers")
    made = ScanBench(lengths=(8, 16), batch_size=2, chunk_size=4, no_peers=True)
    assert read(ScanBench, *words) == made
    assert read(ControlBench, "--lengths", "none") == ControlBench(lengths=None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("scan", "--lengths", "8,0"), "argument --lengths: '0' is not a whole number above 0"),
        (("scan", "--rounds", "many"), "argument --rounds: 'many' is not"),
        (("lm", "--cases", "prefil"), "unknown case 'prefil' (did you mean prefill?)"),
        (("control", "--dtype", "float31"), "unknown --dtype 'float31'"),
    ],
)
def test_mistakes(words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and one line, before anything starts."""
    assert main(["bench", *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
