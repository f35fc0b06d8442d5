# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""LLaVA's, LRV's and RoboVQA's records as their users have them, and paths that want out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.data.sources.llava import LlavaSource
from robomamba_jax.data.sources.lrv import LrvSource
from robomamba_jax.data.sources.paths import below, find_image
from robomamba_jax.data.sources.robovqa_text import parse_questions
from robomamba_jax.errors import InputError


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def image(path: Path) -> Path:
    """An empty file: sources look, but do not open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def turns(question: str, answer: str) -> list[dict[str, str]]:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


CAPTION = {
    "id": "004539375",
    "image": "00453/004539375.jpg",
    "conversations": turns("Describe it.\n<image>", "a mattress"),
}


@pytest.mark.parametrize("folder", ["", "images"])
def test_llava_captions(folder: str, tmp_path: Path) -> None:
    """Images beside the JSON, or where the archive is often extracted to."""
    path = written(tmp_path / "blip.json", [CAPTION])
    file = image(tmp_path / folder / "00453" / "004539375.jpg")
    source = LlavaSource(path)
    assert source.facts() == {"format": "llava", "records": 1}
    sample = source[0]
    assert (sample.id, sample.images) == ("004539375", (file,))
    assert sample.turns == (("human", "Describe it.\n<image>"), ("gpt", "a mattress"))


def test_llava_mix(tmp_path: Path) -> None:
    """All five folders, another ending, text alone, several turns, a root elsewhere."""
    names = ["coco/train2017/1.jpg", "gqa/images/2.jpg", "ocr_vqa/images/3.jpg"]
    names += ["textvqa/train_images/4.jpg", "vg/VG_100K/5.jpg", "vg/VG_100K_2/6.jpg"]
    endings = {names[2]: ".gif", names[3]: ".PNG"}
    root = tmp_path / "data"
    for name in names:
        image((root / name).with_suffix(endings.get(name, ".jpg")))
    records: list[Any] = [
        {"id": n, "image": n, "conversations": turns("<image>\nQ", "A") * 2} for n in names
    ]
    records.append({"id": "sg_1", "conversations": turns("hi", "hello")})
    records.append({"id": "sg_2", "image": None, "conversations": turns("hi", "hello")})
    source = LlavaSource(written(tmp_path / "mix.json", records), root)
    assert source[2].images == (root / "ocr_vqa/images/3.gif",)
    counts = [len(source[n].images) for n in range(len(source)) if n != 3]
    assert counts == [1, 1, 1, 1, 1, 0, 0]
    assert len(source[0].turns) == 4
    with pytest.raises(InputError, match=r"4\.jpg.*is not below"):
        source[3]  # .PNG is another ending than .png where case counts


BAD_LLAVA = {
    "no conversations": ({**CAPTION, "conversations": []}, "has no conversations"),
    "a turn of another role": (
        {**CAPTION, "conversations": [{"from": "system", "value": "x"}]},
        "turn 0",
    ),
    "a turn without text": (
        {**CAPTION, "conversations": [{"from": "human"}, {"from": "gpt", "value": "x"}]},
        "turn 0",
    ),
    "no answer": ({**CAPTION, "conversations": turns("Q", "A")[:1]}, "has no answer"),
    "an image of number": ({**CAPTION, "image": 3}, "is not a file name"),
    "an image that is missing": ({**CAPTION, "image": "no.jpg"}, "is not below"),
    "an image of the system": ({**CAPTION, "image": "/etc/passwd"}, "leaves the data"),
    "an id of list": ({**CAPTION, "id": [1]}, "no text 'id'"),
    "text about an image": (
        {"id": "1", "conversations": turns("<image>\nQ", "A")},
        "that it does not have",
    ),
}


@pytest.mark.parametrize("what", BAD_LLAVA)
def test_bad_llava_records(what: str, tmp_path: Path) -> None:
    """One line each; a sound record before them is read."""
    image(tmp_path / str(CAPTION["image"]))
    record, complaint = BAD_LLAVA[what]
    source = LlavaSource(written(tmp_path / "a.json", [CAPTION, record]))
    assert source[0].id == "004539375"
    with pytest.raises(InputError, match=complaint) as caught:
        source[1]
    assert "\n" not in str(caught.value)


def test_lrv(tmp_path: Path) -> None:
    """Photos by number, charts by file name; ids differ where images are the same."""
    records = [
        {
            "image_id": "2392588",
            "question": " Is there a teapot? ",
            "answer": "No.",
            "task": "negative",
        },
        {"image_id": 2392588, "question": "What is it?", "answer": " A cat. "},
        {"image_id": "chart_1.png", "question": "Which bar?", "answer": "The third."},
    ]
    photo, chart = (
        image(tmp_path / "image/2392588.jpg"),
        image(tmp_path / "chart_image/chart_1.png"),
    )
    source = LrvSource(written(tmp_path / "filter_cap1.json", records))
    samples = [source[index] for index in range(len(source))]
    assert [sample.images for sample in samples] == [(photo,), (photo,), (chart,)]
    assert len({sample.id for sample in samples}) == 3
    assert samples[0].turns == (("human", "<image>\nIs there a teapot?"), ("gpt", "No."))
    assert [sample.task for sample in samples] == ["negative", None, None]
    with pytest.raises(InputError, match="no LRV file"):
        LrvSource(written(tmp_path / "b.json", [CAPTION]))
    with pytest.raises(InputError, match="no LLaVA file"):
        LlavaSource(tmp_path / "filter_cap1.json")
    empty = written(tmp_path / "c.json", [{**records[0], "answer": " "}])
    with pytest.raises(InputError, match="empty answer"):
        LrvSource(empty)[0]


CLIP = """<task:affordance:discriminative:discrete:True>
put packet on the table Q: possible right now? <PRED>A: \
<PRED:ANSWER><PRED:DISCRETE><PRED:BINARY>yes</PRED:BINARY></PRED:DISCRETE></PRED:ANSWER>
</PRED><task:future_prediction:freeform>
Q: what is likely to happen next? <PRED>A: put packet on the table
</PRED><task:remaining5_planning_with_context20:freeform>
current goal is: tidy the desk. last 20 steps: 1- put packet on the table \
Q: next 5 steps? <PRED>A: 1- wipe table 2- done
</PRED>"""


def test_robovqa_text() -> None:
    """Every task of a clip, tags taken away; an earlier a: splits in the official way only."""
    found = parse_questions(CLIP, "clip 1")
    assert [question.task for question in found] == [
        "affordance:discriminative:discrete:True",
        "future_prediction:freeform",
        "remaining5_planning_with_context20:freeform",
    ]
    assert found[0].question == "put packet on the table Q: possible right now?"
    assert [question.answer for question in found] == [
        "yes",
        "put packet on the table",
        "1- wipe table 2- done",
    ]
    tricky = "<task:planning:freeform> goal a: open Q: then? <PRED>A: close</PRED>"
    assert parse_questions(tricky, "c")[0].answer == "close"
    assert parse_questions(tricky, "c", "official")[0].answer == "open Q: then? A: close"
    plain = "<task:planning:freeform> Q: then? A: close"
    assert parse_questions(plain, "c")[0].answer == "close"


@pytest.mark.parametrize("text", ["", "Q: x A: y", "<task:planning:freeform> Q: x", "<task:>"])
def test_robovqa_without_answers(text: str) -> None:
    """Named by the clip."""
    with pytest.raises(InputError, match="clip 7"):
        parse_questions(text, "clip 7")


@given(st.text(alphabet="<>/:taskPREDQA \nab", max_size=80))
def test_robovqa_any_text(text: str) -> None:
    """Questions or an InputError; no tag stays."""
    try:
        found = parse_questions(text, "x")
    except InputError:
        found = []
    assert all("<task:" not in question.answer for question in found)


OUTSIDE = ["/etc/passwd", "../x", "a/../../x", "~/x", "~root", "a/..", "C:/x", "c:x", "a\\..\\x"]
OUTSIDE += ["\\\\host\\x", "", "a\0b", "x" * 2000, "file:///etc/passwd", "..", "/"]


@pytest.mark.parametrize("name", [*OUTSIDE, None, 3, ["a"]])
def test_paths_that_leave(name: Any, tmp_path: Path) -> None:
    """Refused before anything is looked up."""
    with pytest.raises(InputError, match=r"is not a file name|leaves the data") as caught:
        below(tmp_path, name)
    assert "\n" not in str(caught.value)


def test_links(tmp_path: Path) -> None:
    """Out of the folder: refused. Inside of it: fine. A whole root that is a link: fine."""
    inside, outside = image(tmp_path / "root/a/x.jpg"), image(tmp_path / "secret.jpg")
    (tmp_path / "root/out.jpg").symlink_to(outside)
    (tmp_path / "root/in.jpg").symlink_to(inside)
    (tmp_path / "linked").symlink_to(tmp_path / "root")
    (tmp_path / "root/away").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(InputError, match="by a link"):
        below(tmp_path / "root", "out.jpg")
    for name in ("out.jpg", "out.png", "away/secret.jpg"):  # out.jpg is found for out.png
        with pytest.raises(InputError, match="by a link"):
            find_image(tmp_path / "root", name)
    assert find_image(tmp_path / "root", "in.jpg").exists()
    assert find_image(tmp_path / "linked", "a/x.jpg").exists()


@given(st.lists(st.sampled_from(["..", ".", "a", "b.jpg", "", "~", "\\", "c:"]), max_size=6))
def test_no_combination_leaves(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    """Whatever is accepted lies below the root."""
    root = tmp_path_factory.mktemp("root")
    try:
        path = below(root, "/".join(parts))
    except InputError:
        return
    assert Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
