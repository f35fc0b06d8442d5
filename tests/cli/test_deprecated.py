# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Earlier names of flags and values: they work, say so on stderr, and are not in the help."""

import pytest

from robomamba_jax.cli.deprecated import add_renamed
from robomamba_jax.cli.main import Parser
from robomamba_jax.errors import InputError
from robomamba_jax.utils import renamed


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> Parser:
    """A parser with a flag of each sort, in a process that has warned of nothing yet."""
    monkeypatch.setattr(renamed, "_SAID", set())
    parser = Parser(prog="x")
    add_renamed(parser, "--batch-size", "--rows", type=int, default=8, help="of a batch")
    values = {"error": "raise"}
    choices = ("raise", "skip")
    add_renamed(parser, "--on-error", "--on-bad", values=values, choices=choices, default="raise")
    add_renamed(parser, "--quick", "--fast", action="store_true")
    return parser


def test_new_names_warn_of_nothing(parser: Parser, capsys: pytest.CaptureFixture[str]) -> None:
    """Also the defaults do not."""
    args = parser.parse_args(["--batch-size", "2", "--on-error", "skip", "--quick"])
    assert (args.batch_size, args.on_error, args.quick) == (2, "skip", True)
    args = parser.parse_args([])
    assert (args.batch_size, args.on_error, args.quick) == (8, "raise", False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("given", "dest", "value", "said"),
    [
        (["--rows", "2"], "batch_size", 2, "--rows is called --batch-size now"),
        (["--rows=2"], "batch_size", 2, "--rows is called --batch-size now"),
        (["--on-bad", "skip"], "on_error", "skip", "--on-bad is called --on-error now"),
        (["--on-error", "error"], "on_error", "raise", "error is called --on-error raise now"),
        (["--fast"], "quick", True, "--fast is called --quick now"),
        (["--rows", "2", "--batch-size", "3"], "batch_size", 3, "--batch-size"),
    ],
)
def test_old_names_work(
    parser: Parser,
    capsys: pytest.CaptureFixture[str],
    given: list[str],
    dest: str,
    value: object,
    said: str,
) -> None:
    """They set what the flag sets, and one line on stderr names the flag."""
    assert getattr(parser.parse_args(given), dest) == value
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.splitlines()) == 1


def test_old_name_and_old_value(parser: Parser, capsys: pytest.CaptureFixture[str]) -> None:
    """Both are warned of."""
    assert parser.parse_args(["--on-bad", "error"]).on_error == "raise"
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_help_and_mistakes(parser: Parser) -> None:
    """Help has the new names alone, and a wrong value is wrong under both."""
    assert "--batch-size" in parser.format_help()
    assert "--rows" not in parser.format_help()
    assert "--on-bad" not in parser.format_help()
    for flag in ("--on-error", "--on-bad"):
        with pytest.raises(InputError, match="invalid choice"):
            parser.parse_args([flag, "stop"])
    with pytest.raises(InputError, match="invalid int value"):
        parser.parse_args(["--rows", "x"])
    with pytest.raises(ValueError, match="cannot be required"):
        add_renamed(parser, "--new", "--old", required=True)
