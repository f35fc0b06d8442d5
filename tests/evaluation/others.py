# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Other people's scorers, loaded from their installed files, without what else they install."""

import functools
import importlib.util
import random
import re
from types import ModuleType
from typing import Any


@functools.cache
def lmms_eval(path: str) -> ModuleType:
    """A file of lmms-eval's tasks as a module; its package would load torch and datasets."""
    found = importlib.util.find_spec("lmms_eval")
    assert found is not None, "make install-test brings lmms-eval"
    assert found.submodule_search_locations
    file = f"{found.submodule_search_locations[0]}/tasks/{path}"
    spec = importlib.util.spec_from_file_location(f"lmms_{path.replace('/', '_')[:-3]}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def evalai() -> Any:
    """EvalAI's answer processor, as LLaVA and lmms-eval have it."""
    return lmms_eval("_task_utils/vqa_eval_metric.py").EvalAIAnswerProcessor()


def vqa_eval() -> Any:
    """The same with the challenge's own reading: no words are split, and "1,,2" is no number."""
    base = lmms_eval("_task_utils/vqa_eval_metric.py").EvalAIAnswerProcessor

    class Challenge(base):
        COMMA_STRIP = re.compile(r"(\d)(\,)(\d)")

        def word_tokenize(self, word: str) -> str:
            return word

    return Challenge()


# fmt: off
PIECES = (
    "yes", "no", "No", "not", "the", "a", "An", "two", "none", "ten", "dont", "Yes,", "Dog.",
    "couldntve", "couldn'tve", "ow's'at", "'ows'at", "somebody'd", "it's", "'s", "y'alld've",
    "1,000", "3.5", "1,,2", "12-3", "0", "red-cup", "red - cup", "(ok)", "?", "!", ".", "..", ",",
    "U.S.", "e.g.", "a/b", "\n", "\t", " ", "  ", "@", "`", "&amp;", "&quot;", "<unk>",
    "<|user|>", "é", "x:y", "A:", "put", "the", "cup", "on", "table", "wipe", "men", "girl",
    "Answer:", "-\n",
)
# fmt: on


def texts(count: int, seed: int = 0) -> list[str]:
    """Answers with all that scorers stumble over."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        pieces = [rng.choice(PIECES) for _ in range(rng.randint(0, 8))]
        found.append("".join(f"{piece}{rng.choice(('', ' ', ' '))}" for piece in pieces))
    return found


def pairs(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Answers and references that often share their beginning, or all."""
    rng = random.Random(seed)
    said, wanted = texts(count, seed + 1), texts(count, seed + 2)
    found = []
    for mine, theirs in zip(said, wanted, strict=True):
        kind = rng.random()
        if kind < 0.3:
            theirs = mine[: rng.randint(0, len(mine))]
        elif kind < 0.6:
            mine = theirs + mine
        found.append((mine, theirs))
    return found
