# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The generator: what comes out, that a batch is one call, and that requests do not meet.

All batches hold eight requests where the test does not need another number: each batch size is
compiled once, here as in use.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import robomamba_jax as rm
from robomamba_jax.generation import Completion, GenerationSettings, Generator
from robomamba_jax.models.params import Params
from tests.weights import random_params

CONFIG = rm.MambaConfig(d_model=16, n_layer=1, vocab_size=41, d_state=4, dt_rank=3)
# One byte each: letters, digits, and the two halves of é.
SPELLING = [bytes([code]) for code in b"abcdefghijklmnopqrstuvwxyz0123456789 .\n\xc3\xa9"]
LENGTHS = (3, 17, 1, 64, 8, 30, 5, 11)
PROMPTS = [
    np.random.default_rng(length).integers(1, CONFIG.vocab_size, length).tolist()
    for length in LENGTHS
]
# No token of the vocabulary, so that every text has its full length where nothing else ends it.
NO_EOS = (41, 41)
FREE = GenerationSettings(max_new_tokens=40, eos_ids=NO_EOS)
replace = partial(dataclasses.replace, FREE)


@cache
def weights(layout: str) -> Params:
    """Weights that write varied texts (a weak embedding) and choose clearly (a strong norm)."""
    params = random_params(CONFIG, layout, seed=0, embedding_scale=0.02)
    params["backbone"]["norm_f"]["weight"] *= 50
    return params


@cache
def generator(layout: str = "list") -> Generator:
    """A generator that all tests share, and with it what is compiled."""
    return Generator(CONFIG, weights(layout), layout=layout, token_bytes=SPELLING)


@cache
def greedy() -> list[list[int]]:
    """The greedy texts of PROMPTS, 40 tokens each."""
    return [done.tokens for done in generator().generate(PROMPTS, FREE)]


@cache
def naive() -> tuple[list[list[int]], float]:
    """The same by reading the whole text anew for each token, and the smallest lead of a choice."""
    apply, params = jax.jit(rm.functional(CONFIG)[1]), weights("stacked")
    texts = [list(prompt) for prompt in PROMPTS]
    lead = np.inf
    for _ in range(40):
        ids, mask = np.zeros((8, 104), np.int32), np.zeros((8, 104), bool)
        for row, text in enumerate(texts):
            ids[row, 104 - len(text) :], mask[row, 104 - len(text) :] = text, True
        logits = np.asarray(apply(params, jnp.asarray(ids), mask=jnp.asarray(mask)))[:, -1]
        best = np.sort(logits, axis=1)
        lead = min(lead, float((best[:, -1] - best[:, -2]).min()))
        for text, token in zip(texts, logits.argmax(1), strict=True):
            text.append(int(token))
    return [text[len(prompt) :] for text, prompt in zip(texts, PROMPTS, strict=True)], lead


@pytest.mark.slow
def test_greedy_is_the_naive_loop() -> None:
    """Cache, padding and the compiled loop against a forward pass per token."""
    texts, lead = naive()
    assert lead > 1e-4, "no choice is near a tie, so rounding cannot excuse a difference"
    assert greedy() == texts
    assert min(len(set(text)) for text in texts) > 9, "texts are not one token over and over"


def test_the_stacked_layout_writes_the_same() -> None:
    """The layers' place in memory is no matter."""
    done = generator("stacked").generate(PROMPTS, FREE)
    assert [completion.tokens for completion in done] == greedy()


def test_order_and_neighbours_do_not_matter() -> None:
    """Greedy texts follow their prompts, beside longer and other prompts."""
    order = [5, 2, 7, 0, 3, 1, 6, 4]
    shuffled = generator().generate([PROMPTS[at] for at in order], FREE)
    assert [done.tokens for done in shuffled] == [greedy()[at] for at in order]
    others = [PROMPTS[0], *([[7] * 50] * 3), PROMPTS[4], [9], [3, 4], PROMPTS[7] * 5]
    mixed = generator().generate(others, FREE)
    assert [mixed[at].tokens for at in (0, 4)] == [greedy()[at] for at in (0, 4)]


def test_eos_ends_a_text_and_is_left_out() -> None:
    """Several EOS ids; a text may be empty."""
    eos = (greedy()[0][0], greedy()[3][20])
    for done, text in zip(
        generator().generate(PROMPTS, replace(eos_ids=eos)), greedy(), strict=True
    ):
        places = [place for place, token in enumerate(text) if token in eos]
        expected = Completion(text[: places[0]], "eos") if places else Completion(text, "length")
        assert done == expected
    assert generator().generate(PROMPTS, replace(eos_ids=eos))[0] == Completion([], "eos")


def test_each_request_has_its_length() -> None:
    """From one token to as many as there are; EOS as the last one still counts as EOS."""
    limits = [1, 2, 5, 40, 39, 7, 1, 33]
    done = generator().generate(PROMPTS, replace(max_new_tokens=limits))
    for completion, text, limit in zip(done, greedy(), limits, strict=True):
        assert completion == Completion(text[:limit], "length")
    full = generator().generate(PROMPTS, replace(max_new_tokens=64))
    assert {len(completion.tokens) for completion in full} == {64}, "capacity is reached exactly"
    assert [completion.tokens[:40] for completion in full] == greedy()


def test_each_request_has_its_temperature() -> None:
    """Rows of temperature 0 stay greedy beside rows that draw; k = 1 is greedy too."""
    temperature = [0.0, 1.5, 0.0, 2.0, 0.0, 1.0, 1.0, 0.0]
    done = generator().generate(PROMPTS, replace(temperature=temperature))
    for completion, text, value in zip(done, greedy(), temperature, strict=True):
        assert (completion.tokens == text) == (value == 0)
    done = generator().generate(PROMPTS, replace(temperature=1.0, top_k=[1, 1, 0, 1, 1, 0, 1, 1]))
    assert [c.tokens == text for c, text in zip(done, greedy(), strict=True)] == [
        at not in (2, 5) for at in range(8)
    ]


def test_draws_depend_on_seed_and_place_alone() -> None:
    """The same seed repeats, another one differs; row i is row i of a smaller batch, greedy ones
    included.
    """
    temperature = [1.2, 0.0, 1.2, 1.2, 1.5, 0.7, 1.2, 1.2]
    drawn = replace(temperature=temperature, seed=4)
    first = generator().generate(PROMPTS, drawn)
    assert generator().generate(PROMPTS, drawn) == first
    other = generator().generate(PROMPTS, replace(temperature=temperature, seed=5))
    assert [x == y for x, y in zip(other, first, strict=True)] == [t == 0 for t in temperature]
    few = replace(temperature=temperature[:3], seed=4)
    assert generator().generate(PROMPTS[:3], few) == first[:3]
    assert first[1].tokens == greedy()[1]
    changed = [[5, 6], *PROMPTS[1:3], [9] * 60, *PROMPTS[4:]]
    mixed = generator().generate(changed, drawn)
    assert [mixed[at] for at in (1, 2, 4, 5, 6, 7)] == [first[at] for at in (1, 2, 4, 5, 6, 7)]


def stopped(text: list[int], stops: tuple[str, ...]) -> Completion:
    """What a search in the written bytes says."""
    written = b""
    for place, token in enumerate(text):
        written += SPELLING[token]
        if any(stop.encode() in written for stop in stops):
            return Completion(text[: place + 1], "stop")
    return Completion(text, "length")


def test_stop_strings_end_texts() -> None:
    """Three tokens out of one text, two out of another: each row ends where they appear first."""
    spelled = [b"".join(SPELLING[token] for token in text) for text in greedy()]
    stops = tuple(
        part.decode() for part in (spelled[0][12:15], spelled[5][20:22]) if part.isascii()
    )
    assert stops, spelled
    done = generator().generate(PROMPTS, replace(stop=stops))
    assert done == [stopped(text, stops) for text in greedy()]
    assert {completion.reason for completion in done} == {"stop", "length"}


def joined(events: Iterator[Any]) -> list[Completion]:
    """A stream's events put together; nothing may come after a request's end."""
    texts, reasons = [[] for _ in PROMPTS], ["running"] * len(PROMPTS)
    for event in events:
        assert reasons[event.index] == "running", "an event after the last"
        assert event.tokens or event.reason != "running", "an event that says nothing"
        texts[event.index] += event.tokens
        reasons[event.index] = event.reason
    return [Completion(*pair) for pair in zip(texts, reasons, strict=True)]


@pytest.mark.parametrize("every", [1, 3, 39, 1000])
def test_a_stream_is_the_result_in_pieces(every: int) -> None:
    """Rows that end by EOS at once, by EOS, by length; greedy and drawn."""
    limits = [40, 1, 40, 40, 13, 40, 2, 40]
    asked = replace(eos_ids=(greedy()[0][0], 7), max_new_tokens=limits, temperature=[0.0, 1.2] * 4)
    done = generator().generate(PROMPTS, asked)
    assert {completion.reason for completion in done} == {"eos", "length"}
    assert joined(generator().stream(PROMPTS, asked, every=every)) == done


def test_tokens_come_while_they_are_made() -> None:
    """Each call to the device brings what was asked for, and an abandoned stream does no harm."""
    stream = generator().stream(PROMPTS, FREE, every=4)
    events = [next(stream) for _ in range(16)]
    assert [event.index for event in events] == [*range(8), *range(8)]
    assert [len(event.tokens) for event in events] == [1] * 8 + [4] * 8
    stream.close()
    assert [done.tokens for done in generator().generate(PROMPTS, FREE)] == greedy()


class Watch:
    """One of a generator's functions, with what it was given."""

    def __init__(self, function: Any) -> None:
        self.function, self.given = function, []
        self._before = function._cache_size()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.given.append((args, kwargs))
        return self.function(*args, **kwargs)

    @property
    def compiled(self) -> int:
        """How often it was compiled since it is watched."""
        return self.function._cache_size() - self._before


def watch(model: Generator, monkeypatch: pytest.MonkeyPatch) -> list[Watch]:
    """Put a watch before prefill, begin and advance."""
    watches = []
    for name in ("prefill", "begin", "advance"):
        watches.append(Watch(getattr(model, name)))
        monkeypatch.setattr(model, name, watches[-1])
    return watches


def test_a_batch_is_one_call_and_one_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefill, begin and advance once each for eight requests; a second batch compiles nothing.

    One decode step serves every context length, and every temperature.
    """
    # Functions are shared by generators of one config, so this one is nobody else's.
    config = CONFIG.replace(d_state=3)
    model = Generator(config, random_params(config, "list"))
    watches = watch(model, monkeypatch)
    model.generate(PROMPTS, replace(temperature=0.7))
    assert [len(w.given) for w in watches] == [1, 1, 1]
    assert [w.compiled for w in watches] == [1, 1, 1]
    warmer = replace(temperature=[0.1 * at for at in range(8)], seed=3, max_new_tokens=64)
    model.generate([[1]] * 8, warmer)
    list(model.stream([[2] * 64] * 8, warmer, every=20))
    assert [w.compiled for w in watches] == [1, 1, 1], "lengths up to 64, temperatures, seeds"
    model.generate([[1] * 65] * 8, warmer)
    assert [w.compiled for w in watches] == [2, 1, 1], "the decode step has seen all lengths"


def test_buffers_are_donated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call takes over the state that it is given: no second cache exists. Parameters stay."""
    model = generator()
    _, begin, advance = watch(model, monkeypatch)
    list(model.stream(PROMPTS, FREE, every=20))
    states = [kwargs["cache"] for _, kwargs in begin.given] + [args[1] for args, _ in advance.given]
    assert len(states) == 3
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(states))
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(model.params))


WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no prompts": ([], {}, "there are no prompts"),
    "empty": ([[1], []], {}, "prompt 1 is empty"),
    "too long": ([[1] * 6], {"max_prompt_tokens": 5}, "prompt 0 has 6 tokens, over the limit of 5"),
    "id": ([[1], [2, 41]], {}, "prompt 1 has id 41 at position 1; the vocabulary has 41"),
    "negative id": ([[-1]], {}, "prompt 0 has id -1 at position 0"),
    "temperature": ([[1]], {"temperature": -0.1}, "temperature is -0.1"),
    "nan": ([[1]], {"temperature": float("nan")}, "temperature is nan"),
    "infinite": ([[1]], {"temperature": float("inf")}, "temperature is inf"),
    "one of many": ([[1], [1]], {"temperature": [0.5, -2.0]}, "temperature is -2.0"),
    "list length": ([[1], [1]], {"top_k": [1, 2, 3]}, "top_k has 3 values for 2 prompts"),
    "top_k": ([[1]], {"top_k": -1}, "top_k is -1"),
    "top_k float": ([[1]], {"top_k": 2.5}, "top_k is 2.5"),
    "top_p zero": ([[1]], {"top_p": 0.0}, "top_p is 0.0"),
    "top_p above": ([[1]], {"top_p": 1.01}, "top_p is 1.01"),
    "no tokens": ([[1]], {"max_new_tokens": 0}, "max_new_tokens is 0"),
    "half a token": ([[1]], {"max_new_tokens": 1.5}, "max_new_tokens is 1.5"),
    "empty stop": ([[1]], {"stop": ("a", "")}, "a stop string is empty"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_line(name: str) -> None:
    """The message names the thing; `stream` says so before the first event is asked for."""
    prompts, values, message = WRONG[name]
    for call in (generator().generate, generator().stream):
        with pytest.raises(rm.InputError) as caught:
            call(prompts, replace(**values))
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_other_wrong_input_is_one_line() -> None:
    """Stop strings without a tokenizer, a stream of no tokens, parameters of another model."""
    bare = Generator(CONFIG, weights("list"))
    with pytest.raises(rm.InputError) as caught:
        bare.generate([[1]], replace(stop=("a",)))
    assert str(caught.value) == "stop strings were given without a tokenizer (give token_bytes)"
    with pytest.raises(rm.InputError) as caught:
        generator().stream([[1]], every=0)
    assert str(caught.value) == "every is 0 (give 1 or more)"
    with pytest.raises(rm.InputError) as caught:
        Generator(CONFIG, weights("list"), layout="stacked")
    assert "\n" not in str(caught.value)
