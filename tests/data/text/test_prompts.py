# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Prompt templates to the letter, and labels that cover exactly the answers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.data.text.prompts import (
    LOSSES,
    TEMPLATES,
    Encoded,
    PromptTemplate,
    Turn,
    prompt_template,
)
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError
from tests.data.text.test_tokenizer import neox, trained

# What people write: it does not end or begin with a blank, is in form NFC and no special token.
WORDS = st.lists(
    st.sampled_from(
        ["open", "the", "Door?", "naïve", "机器人", "🤖", "a\nb", "12.5", "<image>", "|>"]
    ),
    min_size=1,
    max_size=8,
).map(" ".join)
ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=20).filter(lambda text: text.strip())


@st.composite
def conversations(draw: st.DrawFn, texts: Any = WORDS) -> list[Turn]:
    """One to four questions, each with its answer."""
    count = draw(st.integers(1, 4))
    return [(role, draw(texts)) for _ in range(count) for role in ("human", "gpt")]


def spelled(tokenizer: Tokenizer, row: Encoded, supervised: bool) -> str:
    """The text of the tokens that are learned, or of the others."""
    ids = [i for i, learned in zip(row.ids, row.supervised, strict=True) if learned == supervised]
    return tokenizer.decode(ids, skip_special=False)


def test_prompts_to_the_letter() -> None:
    """As the published code asks, character by character."""
    expected = {
        "official_train": "<|user|> Is it open?\n<|assistant|>",
        "official_test": "<image>Question:Is it open? Answer:",
        "official_pose": "<|user|> Is it open?\n",
        "llava_plain": "<image>",
        "standard": "<|user|> Is it open?\n<|assistant|>",
        "raw": "Is it open?",
    }
    assert set(expected) == set(TEMPLATES)
    for name, text in expected.items():
        assert prompt_template(name).format_prompt("Is it open?") == text


TURNS = [("human", "<image>\nQ1"), ("gpt", "A1"), ("human", "Q2"), ("gpt", "A2")]


def test_conversations_to_the_letter() -> None:
    """The training text of each template, and what of it is learned."""
    tokenizer = trained()
    whole = {
        "official_train": (
            "<|user|> <image>\nQ1\n<|assistant|> A1\n<|user|> Q2\n<|assistant|> A2\n<|endoftext|>"
        ),
        "standard": "<|user|> \nQ1\n<|assistant|> A1\n<|user|> Q2\n<|assistant|> A2\n<|endoftext|>",
    }
    for name, text in whole.items():
        ids, _ = prompt_template(name).encode_turns(tokenizer, TURNS)
        assert tokenizer.decode(ids, skip_special=False) == text
    official = prompt_template("official_train").encode(tokenizer, TURNS, loss="official")
    learned = "<|assistant|> A1\n<|assistant|> A2\n<|endoftext|>"
    assert spelled(tokenizer, official, True) == learned
    assert spelled(tokenizer, official, False) == "<|user|> <image>\nQ1\n<|user|> Q2\n"
    standard = prompt_template("official_train").encode(tokenizer, TURNS)
    assert standard.ids == official.ids
    assert spelled(tokenizer, standard, True) == " A1\n A2\n<|endoftext|>"
    assert official.image_positions == []

    plain = prompt_template("llava_plain").encode(tokenizer, TURNS[:2])
    assert plain.ids == tokenizer.encode("A1\n")
    assert plain.supervised == [True] * len(plain.ids)
    assert plain.image_positions == [0]


def test_placeholders_become_positions() -> None:
    """Where the template has them, in questions only; each part is tokenised by itself."""
    tokenizer = trained()
    template = prompt_template("standard")
    row = template.encode_prompt(tokenizer, "Is <image> like <image>?")
    parts = [tokenizer.encode(text) for text in ("<|user|> Is ", " like ", "?\n<|assistant|>")]
    assert row.ids == [*parts[0], *parts[1], *parts[2]]
    assert row.image_positions == [len(parts[0]), len(parts[0]) + len(parts[1])]
    assert not any(row.supervised)
    said = template.encode(tokenizer, [("human", "What?"), ("gpt", "<image>")])
    assert said.image_positions == []
    assert "<image>" in tokenizer.decode(said.ids)


@given(conversations(), st.sampled_from(LOSSES))
def test_labels_cover_exactly_the_answers(turns: list[Turn], loss: str) -> None:
    """Against a slow reference on strings, and the ids against the whole text's."""
    tokenizer = trained()
    row = prompt_template("official_train").encode(tokenizer, turns, loss=loss)
    text, learned, asked = "", "", ""
    for role, said in turns:
        if role == "human":
            text, asked = text + f"<|user|> {said}\n", asked + f"<|user|> {said}\n"
            continue
        text += f"<|assistant|> {said}\n"
        learned += f"<|assistant|> {said}\n" if loss == "official" else f" {said}\n"
        asked += "" if loss == "official" else "<|assistant|>"
    assert row.ids == tokenizer.encode(text + "<|endoftext|>")
    assert spelled(tokenizer, row, True) == learned + "<|endoftext|>"
    assert spelled(tokenizer, row, False) == asked


@given(conversations(ANY_TEXT), st.sampled_from(sorted(TEMPLATES)), st.sampled_from(LOSSES))
def test_ids_are_the_pieces_in_a_row(turns: list[Turn], name: str, loss: str) -> None:
    """For any text at all: pieces tokenised singly, one label per id, the end learned."""
    tokenizer, template = trained(), prompt_template(name)
    row = template.encode(tokenizer, turns, loss=loss)
    learned = 0
    for role, said in turns:
        if role == "gpt":
            answer = template.answer[0] + said + template.answer[1]
            learned += len(tokenizer.encode(answer))
            if loss == "official":
                learned += len(tokenizer.encode(template.answer_prefix))
    assert len(row.ids) == len(row.supervised)
    assert sum(row.supervised) == learned + template.eos
    assert row.supervised[-1]
    assert (row.ids[-1] == tokenizer.eos_id) or not template.eos
    assert all(0 <= place <= len(row.ids) for place in row.image_positions)


@given(conversations())
def test_a_prompt_is_the_beginning_of_its_conversation(turns: list[Turn]) -> None:
    """What the model is asked with is, in tokens, what it was trained on."""
    tokenizer = trained()
    for name in ("standard", "official_train", "official_test", "official_pose", "llava_plain"):
        template = prompt_template(name)
        prompt = template.encode_prompt(tokenizer, turns[0][1])
        whole = template.encode(tokenizer, turns[:2])
        assert whole.ids[: len(prompt.ids)] == prompt.ids
        assert whole.supervised[: len(prompt.ids)] == prompt.supervised
        assert whole.image_positions == prompt.image_positions


def test_with_the_real_tokenizer() -> None:
    """The markers are ordinary text of several tokens; so is <image>."""
    tokenizer = neox()
    row = prompt_template("official_train").encode(tokenizer, TURNS, loss="official")
    text = "<|user|> <image>\nQ1\n<|assistant|> A1\n<|user|> Q2\n<|assistant|> A2\n<|endoftext|>"
    assert row.ids == tokenizer.encode(text)
    prompt = prompt_template("official_test").encode_prompt(tokenizer, "What is it?")
    assert prompt.ids[:3] == [29, 5695, 31]
    assert prompt.ids == tokenizer.encode("<image>Question:What is it? Answer:")


@pytest.mark.parametrize("name", TEMPLATES)
def test_json_round_trip(name: str) -> None:
    """Written, read, equal; through real JSON text."""
    template = prompt_template(name)
    assert PromptTemplate.from_json(json.loads(json.dumps(template.to_json()))) == template


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": 3}, "name"),
        ({"start": None}, "start"),
        ({"question": "ab"}, "question"),
        ({"question": ["a"]}, "question"),
        ({"answer": None}, "answer"),
        ({"eos": 1}, "eos"),
        ({"placeholders": "no"}, "placeholders"),
        ({"extra": 1}, "fields"),
    ],
)
def test_bad_json_is_refused(change: dict[str, Any], complaint: str) -> None:
    """Each field is checked, and the message names it."""
    with pytest.raises(InputError, match=complaint):
        PromptTemplate.from_json({**prompt_template("standard").to_json(), **change})


@pytest.mark.parametrize(
    ("turns", "complaint"),
    [
        ([], "no answer"),
        ([("human", "Q")], "no answer"),
        ([("human", "Q"), ("gpt", "  \n")], "no answer"),
        ([("user", "Q"), ("gpt", "A")], "unknown role 'user'"),
        ([("human", None), ("gpt", "A")], "NoneType"),
        ([("human", "Q"), ("gpt", 3)], "int"),
    ],
)
def test_bad_conversations(turns: Any, complaint: str) -> None:
    """Nothing to learn from, and turns that are none."""
    with pytest.raises(InputError, match=complaint):
        prompt_template("standard").encode(trained(), turns)


def test_unknown_names() -> None:
    """Near names are offered."""
    with pytest.raises(InputError, match="did you mean official_test"):
        prompt_template("oficial_test")
    with pytest.raises(InputError, match="did you mean official"):
        prompt_template("standard").encode_turns(trained(), TURNS, loss="offical")
    with pytest.raises(InputError, match="prompt is a int"):
        prompt_template("standard").format_prompt(3)  # type: ignore[arg-type]
