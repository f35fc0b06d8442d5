# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""What all commands share: parse, run, and turn errors into one line and an exit status.

Status 0: done. 2: the user's input is wrong (one line, no traceback). 1: we failed.
With ``--json``, stdout holds one object and nothing else, on failure too.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn, TypeAlias

from robomamba_jax.cli.terminal import lenient_streams, say
from robomamba_jax.errors import InputError

# The system's complaints about a path that the user gave: status 2, where nothing in the package
# has found a better message. Any other OSError is ours, and shows its traceback.
_REFUSED = (
    *(errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EILSEQ),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
)


class Parser(argparse.ArgumentParser):
    """An argparse parser whose complaints are ``InputError``s in one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Examples in an epilog are lines of their own.
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        # An abbreviated flag would change its meaning when another flag is added.
        super().__init__(*args, allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Called by argparse with what is wrong."""
        fix = f"see {self.prog} --help"
        if message.endswith("expected one argument"):
            fix = f"a value that begins with a dash is written with =, such as --out=-x; {fix}"
        raise InputError("bad_arguments", message, fix)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """As argparse's, but an unknown argument's complaint names the near ones."""
        parsed, unknown = self.parse_known_args(args, namespace or argparse.Namespace())
        if unknown:
            leaf = getattr(parsed, "parser", self)
            near = get_close_matches(unknown[0].split("=")[0], leaf.flags(), n=2)
            fix = f"did you mean {' or '.join(near)}?" if near else f"see {leaf.prog} --help"
            raise InputError("unknown_argument", f"unknown argument {unknown[0]!r}", fix)
        return parsed

    def runs(
        self,
        run: Callable[[argparse.Namespace], object],
        json_help: str = "one object on stdout",
        **defaults: object,
    ) -> Parser:
        """End a command's declaration with ``--json`` and what the command does.

        Args:
          run: called with the arguments; what it returns is printed for ``--json``.
          json_help: the help of ``--json``.
          **defaults: see :func:`run_command`.

        Returns:
          This parser.
        """
        self.add_argument("--json", action="store_true", help=json_help)
        self.set_defaults(run=run, parser=self, **defaults)
        return self

    def flags(self) -> list[str]:
        """The long options of this parser."""
        return [flag for flag in self._option_string_actions if flag.startswith("--")]


# What ``add_subparsers`` returns; at run time argparse's class takes no type argument.
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def run_command(parser: Parser, argv: Sequence[str] | None = None) -> int:
    """Parse, run and print; the exit status.

    A parser's defaults hold ``run``, a function of the parsed arguments whose result ``--json``
    prints, and ``distributed``, which is true for commands that may be one of several processes.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    lenient_streams()
    args = argparse.Namespace()
    status = _run(parser, argv, args)
    if status and getattr(args, "distributed", False) and "jax" in sys.modules:
        # The other processes wait for this one in a collective: an ordinary exit would first wait
        # for them, in jax's shutdown barrier.
        from robomamba_jax.training.distributed import leave_now

        leave_now(status)
    return status


def _run(parser: Parser, argv: list[str], args: argparse.Namespace) -> int:
    """The status; ``args`` is filled in."""
    as_json = "--json" in argv  # not from args: arguments that do not parse are complained of, too
    try:
        parser.parse_args(argv, args)
        result = args.run(args)
    except InputError as error:
        dashed = [word for word in argv if word[:1] == "-" and os.path.lexists(word)]
        if dashed and error.kind in ("bad_arguments", "unknown_argument"):
            error.fix = f"a path that begins with a dash is written ./{dashed[0]}"
        _complain(as_json, error.kind, error.message, error.fix)
        return 2
    except BrokenPipeError:
        # The reader of our output, such as `head`, has closed it. Python would complain once more
        # when it flushes stdout at exit, so stdout becomes /dev/null.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in _REFUSED or error.filename is None:
            return _failed(as_json, error)
        what = f"{os.fsdecode(error.filename)}: {error.strerror}"
        _complain(as_json, "refused_path", what, "give another path, or fix its permissions")
        return 2
    except KeyboardInterrupt:
        _complain(as_json, "interrupted", "interrupted", "run the command again")
        return 1
    except Exception as error:  # the last resort
        return _failed(as_json, error)
    if as_json:
        print(json.dumps(result))
    return getattr(args, "status", 0)


def _failed(as_json: bool, error: Exception) -> int:
    """Our fault, so the traceback is wanted; called while the error is handled."""
    traceback.print_exc()
    what = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    _complain(as_json, "internal", what, "please report this with the traceback")
    return 1


def _complain(as_json: bool, kind: str, message: str, fix: str) -> None:
    if as_json:
        print(json.dumps({"error": {"kind": kind, "message": message, "fix": fix}}))
    say(f"robomamba: {message} ({fix})", file=sys.stderr)
