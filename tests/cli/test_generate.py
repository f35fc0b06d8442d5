# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""``robomamba generate`` for one prompt: what it prints, when, and what it refuses."""

from __future__ import annotations

import io
import itertools
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import robomamba_jax as rm
from robomamba_jax import released
from robomamba_jax.cli.main import main
from robomamba_jax.data.processor import builtin_processor
from robomamba_jax.inference.text import AnswerText
from tests.cli.asked import as_json, asked, check_mistake, lines, loaded_by, run

pytestmark = pytest.mark.usefixtures("inside")

TOKENIZER = builtin_processor("tiny").need_tokenizer()


@pytest.mark.slow
def test_one_answer(
    ask: list[Any], loaded: tuple[rm.Model, rm.Processor], capsys: pytest.CaptureFixture[str]
) -> None:
    """The API's answer, with the template and pictures in their order; text alone, too."""
    both = ["--image", "a.png", "--image", "wide.jpg"]
    for given_images, images in ((both, [["a.png", "wide.jpg"]]), ([], None)):
        (want,) = asked(loaded, images, ["what is this?"])
        status, out, err = run(capsys, *ask, "--prompt", "what is this?", *given_images)
        assert (status, out.removesuffix("\n"), err) == (0, want.removesuffix("\n"), "")
        found = as_json(capsys, *ask, "--prompt", "what is this?", *given_images)
        assert found["schema"] == "robomamba.generate/1"
        assert found["answer"] == want
        assert found["image_tokens"] == 9 * len(given_images) // 2
        assert found["new_tokens"] == 12
        assert found["reason"] == "length"
        assert found["tokens_per_second"] == pytest.approx(12 / found["seconds"])


@pytest.mark.slow
def test_an_answer_is_streamed(ask: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token is flushed by itself, and no piece holds a part of a letter."""

    class Terminal(io.StringIO):
        def flush(self) -> None:
            seen.append(self.getvalue())

    seen: list[str] = []
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert main([*map(str, ask), "--prompt", "hello", "--temperature", "1.5"]) == 0
    assert len(seen) == 12
    assert all(late.startswith(early) for early, late in itertools.pairwise(seen))
    assert len(set(seen)) > 3


@pytest.mark.slow
def test_draws_follow_the_seed(ask: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    """The same seed draws the same."""
    draw = [*ask, "--prompt", "hello", "--temperature", 2, "--top-k", 50, "--top-p", 0.95]
    found = [as_json(capsys, *draw, "--seed", seed)["answer"] for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_stop_strings(
    ask: list[Any], loaded: tuple[rm.Model, rm.Processor], capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer ends before the first of them, streamed or not."""
    (whole,) = asked(loaded, None, ["hello"], temperature=1.0)
    stop = re.findall("[ -~]{2}", whole)[-1]
    words = [*ask, "--prompt", "hello", "--temperature", 1, "--stop", "no such", "--stop", stop]
    found = as_json(capsys, *words)
    assert found["answer"] == whole[: whole.index(stop)]
    assert found["reason"] == "stop"
    assert run(capsys, *words)[1].removesuffix("\n") == found["answer"].removesuffix("\n")


TEXTS = st.text(st.sampled_from("abé€🤖\n "), max_size=12)
STOPS = st.lists(st.text(st.sampled_from("abé€"), min_size=1, max_size=3), max_size=2)


@given(TEXTS, STOPS, st.lists(st.integers(2, TOKENIZER.size - 1), max_size=8))
def test_text_grows_and_is_never_taken_back(text: str, stops: list[str], noise: list[int]) -> None:
    """Token by token, of letters of one to four bytes and of bytes that are none, it comes to
    what decoding the whole and cutting it gives."""
    tokens = TOKENIZER.encode(text) + noise
    whole = TOKENIZER.decode(tokens)
    places = [place for stop in stops if (place := whole.find(stop)) >= 0]
    growing = AnswerText(TOKENIZER.decode, stops)
    pieces = []
    for number, token in enumerate(tokens):
        # As the device does: a stop string that is complete is the end.
        cut = any(stop in TOKENIZER.decode(tokens[: number + 1]) for stop in stops)
        pieces.append(growing.add([token], ended=cut or number == len(tokens) - 1))
        if cut:
            break
    assert "".join(pieces) == whole[: min(places, default=len(whole))]


def test_a_letter_is_whole() -> None:
    """Three bytes, three tokens, one letter; a beginning of a stop string waits."""
    growing = AnswerText(TOKENIZER.decode, ["STOP"])
    first, second, third = TOKENIZER.encode("€")
    assert [growing.add([t], ended=False) for t in (first, second, third)] == ["", "", "€"]
    assert growing.add(TOKENIZER.encode("ST"), ended=False) == ""
    assert growing.add(TOKENIZER.encode("AR"), ended=False) == "STAR"
    assert growing.add([first], ended=True) == "\ufffd"


def test_the_released_checkpoint(
    models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is what is asked where none is named; an installation without it says so."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    for name in ("nano", released.START):
        (shipped / name).symlink_to(models / "whole")
    monkeypatch.setattr(released, "WEIGHTS", shipped)
    found = as_json(capsys, "generate", "--prompt", "hello", "--max-new-tokens", 2)
    assert found["checkpoint"] == str(shipped / "nano")
    named = as_json(
        capsys, "generate", "--checkpoint", "nano-start", "--prompt", "hello", "--max-new-tokens", 2
    )
    assert named["checkpoint"] == "nano-start"
    assert named["answer"] == found["answer"]
    monkeypatch.setattr(released, "WEIGHTS", tmp_path / "weights")
    words = ["generate", "--prompt", "hello"]
    check_mistake(capsys, tmp_path, words, "has no released checkpoint (give --checkpoint")


WRONG: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "--prompt is missing"),
    "a flag": (["--imag", "a.png"], "did you mean --image?"),
    "no picture": (["--image", "no.png"], "'no.png' does not exist"),
    "half a picture": (["--image", "cut.png"], "'cut.png' cannot be decoded"),
    "a text": (["--image", "text.png"], "'text.png' is a text file, not PNG"),
    "a folder": (["--image", "."], "is a directory"),
    "places": (["--image", "a.png", "--prompt", "<image> or <image>?"], "2 <image> for 1 images"),
    "no checkpoint": (["--checkpoint", "no/such"], "checkpoint no/such does not exist"),
    "a misspelt preset": (["--checkpoint", "nanoo"], "did you mean nano?"),
    "no folder": (["--checkpoint", "a.png"], "a.png is not a checkpoint"),
    "no tokenizer": (["--tokenizer", "no.json"], "'no.json' does not exist"),
    "no tokens": (["--max-new-tokens", "0"], "--max-new-tokens: '0' is not a whole number"),
    "no number": (["--temperature", "nan"], "--temperature: 'nan' is not 0 or more"),
    "more than all": (["--top-p", "1.1"], "--top-p: '1.1' is not above 0"),
    "an empty stop": (["--stop", ""], "--stop"),
    "out": (["--out", "a.jsonl"], "--out belongs to --batch"),
    "both": (["--batch", "q.jsonl"], "--batch has prompts and images of its own"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_words(
    what: str, ask: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the thing."""
    words, complaint = WRONG[what]
    prompt = ["--prompt", "hello"] if words and "--prompt" not in words else []
    check_mistake(capsys, tmp_path, [*ask, *prompt, *words], complaint)


def test_a_model_without_eyes(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It answers text; a picture is refused before it is loaded."""
    blind = ["generate", "--checkpoint", models / "blind", "--prompt", "hello"]
    check_mistake(capsys, tmp_path, [*blind, "--image", "a.png"], "has no image encoder")
    found = as_json(capsys, *blind, "--max-new-tokens", 2)
    assert (found["image_tokens"], found["new_tokens"]) == (0, 2)


def test_mistakes_are_told_without_jax(models: Path, tmp_path: Path) -> None:
    """Arguments, pictures, lines and what a checkpoint lacks need no framework."""
    lines(tmp_path / "q.jsonl", {"prompt": "hello"}, {"prompt": 1})
    blind = ["generate", "--checkpoint", str(models / "blind")]
    for words in (["--prompt", "a", "--image", "a.png"], ["--batch", "q.jsonl"]):
        assert not loaded_by([*blind, *words], tmp_path) & {"jax", "flax", "torch"}
