# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The repository's tokenizer takes spaces out of what it decodes: so does the official recipe, and
no other."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robomamba_jax.cli.evaluate import main
from robomamba_jax.config import model_preset
from robomamba_jax.config.serial import ModelParts
from robomamba_jax.convert.folder import write_folder
from robomamba_jax.convert.tensor_names import tensor_shapes
from robomamba_jax.convert.tensors import TensorInfo
from robomamba_jax.data.processor import builtin_processor
from robomamba_jax.data.text.prompts import prompt_template
from robomamba_jax.data.text.tokenizer import Tokenizer, train_bpe
from tests.evaluation.runs import answers, arguments
from tests.weights import draw_parameters

SAID = "blue .5 ? it 's , is n't so !"
THEIRS = "blue.5? it's, isn't so!"
TEMPLATES = ("standard", "official_test")


def speaker(folder: Path, tokenizer: Tokenizer, said: str) -> Path:
    """A checkpoint of the tiny model that answers every question with ``said``.

    Its blocks add nothing, so the next token v after u is the largest of M[u] = E w E[u], where E
    is the embedding and w the last norm's weight. M is a symmetric matrix whose numbers grow along
    the text, so that each token leads to the next, and none back.
    """
    ids = [*tokenizer.encode(said), tokenizer.eos_id]
    assert len(ids) == len(set(ids))
    prompts = (prompt_template(name).encode_prompt(tokenizer, "?") for name in TEMPLATES)
    starts = sorted({prompt.ids[-1] for prompt in prompts})
    assert not set(starts) & set(ids)
    steps = [*((start, ids[0]) for start in starts), *itertools.pairwise(ids)]
    used = [*starts, *ids]
    wanted = np.zeros((len(used), len(used)))
    for number, (u, v) in enumerate([*steps, (ids[-1], ids[-1])], 1):
        wanted[used.index(u), used.index(v)] = wanted[used.index(v), used.index(u)] = number
    values, vectors = np.linalg.eigh(wanted)
    config = model_preset("tiny")
    parts = ModelParts(config.llm, config.vision, config.policy)
    numbers = draw_parameters(tensor_shapes(parts))
    for layer in range(config.llm.n_layer):
        numbers[f"llm.backbone.layers.{layer}.mixer.out_proj.weight"][:] = 0
    embedding = numbers["llm.backbone.embeddings.weight"]
    embedding[:] = 0
    embedding[used, : len(used)] = vectors * np.sqrt(np.abs(values))
    numbers["llm.backbone.norm_f.weight"][: len(used)] = np.sign(values)
    tensors = [
        (name, TensorInfo(array.shape, str(array.dtype)), lambda array=array: array)
        for name, array in numbers.items()
    ]
    processor = builtin_processor("tiny").replace(tokenizer=tokenizer)
    return write_folder(folder / "speaker", parts, processor, tensors)


def save(tokenizer: Tokenizer, folder: Path) -> Path:
    """Its file."""
    folder.mkdir(exist_ok=True)
    tokenizer.save(folder / "tokenizer.json")
    return folder / "tokenizer.json"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """One that has tokens for what is taken out."""
    return train_bpe([SAID] * 3, 300)


@pytest.fixture(scope="module")
def checkpoint(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The model that says SAID."""
    return str(speaker(tmp_path_factory.mktemp("speaker"), tokenizer, SAID))


def ask(checkpoint: str, out: Path, scoring: str) -> int:
    """The exit status of an evaluation with a budget that holds all of SAID."""
    changes = (f"scoring={scoring}", "prompt.max_new_tokens=32", "toy=3")
    return main(arguments("gqa", out, *changes, checkpoint=checkpoint))


@pytest.mark.slow
def test_answers_are_decoded_as_the_recipe_says(checkpoint: str, tmp_path: Path) -> None:
    """The repository's recipe as its tokenizer does, which is written down; ours as it was said."""
    for scoring, wanted in (("official", THEIRS), ("standard", SAID)):
        out = tmp_path / scoring
        assert ask(checkpoint, out, scoring) == 0
        assert set(answers(out).values()) == {wanted}
        submission = json.loads((out / "testdev_balanced_predictions.json").read_text())
        assert {row["prediction"] for row in submission} == {wanted}
        result = json.loads((out / "results.json").read_text())
        assert ("clean_up_spaces" in result["recipe"]) == (scoring == "official")


def test_answers_of_both_decodings_are_not_mixed(
    checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of official answers from before is refused; a standard one is gone on with."""
    for scoring, status in (("standard", 0), ("official", 2)):
        out = tmp_path / scoring
        assert ask(checkpoint, out, scoring) == 0
        head, *rows = (out / "answers.jsonl").read_text().split("\n")
        header: dict[str, Any] = json.loads(head)
        header["recipe"].pop("clean_up_spaces", None)  # as it was before
        (out / "answers.jsonl").write_text("\n".join([json.dumps(header), *rows]))
        capsys.readouterr()
        assert ask(checkpoint, out, scoring) == status
    assert "with another recipe (give another --out" in capsys.readouterr().err


def test_decoding_is_that_of_transformers(
    tokenizer: Tokenizer, checkpoint: str, tmp_path: Path
) -> None:
    """On what this model says, and on thousands of random rows of tokens."""
    from transformers import PreTrainedTokenizerFast

    theirs = PreTrainedTokenizerFast(
        tokenizer_file=str(save(tokenizer, tmp_path)),
        clean_up_tokenization_spaces=True,
        # What every release did until it was found to harm such tokenizers.
        clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output=True,
    )
    assert theirs.decode(tokenizer.encode(SAID)) == THEIRS
    assert ask(checkpoint, tmp_path / "out", "official") == 0
    assert set(answers(tmp_path / "out").values()) == {THEIRS}

    from robomamba_jax.evaluation.runner.predictor import clean_up_spaces

    rng, changed = np.random.default_rng(0), 0
    pieces = [tokenizer.encode(text) for text in (" .", " ?", " '", "'", " ", " n't", "s", "a")]
    for _ in range(3000):
        row = [pieces[k] for k in rng.integers(0, len(pieces), rng.integers(0, 12))]
        ids = [index for piece in row for index in piece]
        ids += rng.integers(2, tokenizer.size, rng.integers(0, 6)).tolist()
        ours = tokenizer.decode(ids)
        assert clean_up_spaces(ours) == theirs.decode(ids, skip_special_tokens=True)
        changed += clean_up_spaces(ours) != ours
    assert changed > 1000
