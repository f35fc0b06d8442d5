# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""Every way by which a text comes in: it comes back as it was, or it is refused by name."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.cli.evaluate import main as evaluate
from robomamba_jax.config.files import load_data_config
from robomamba_jax.config.tree import tree_to_json
from robomamba_jax.data.geometry.camera import Camera
from robomamba_jax.data.processor import Processor, builtin_processor
from robomamba_jax.data.sources.json_records import JsonRecords
from robomamba_jax.data.sources.llava import LlavaSource
from robomamba_jax.data.sources.lrv import LrvSource
from robomamba_jax.data.sources.robovqa import RoboVqaSource
from robomamba_jax.data.sources.robovqa_json import RoboVqaJsonSource
from robomamba_jax.data.text.tokenizer import Tokenizer
from robomamba_jax.errors import InputError
from tests.data.samples import mixture, turns
from tests.data.sources.test_robovqa import example, framed
from tests.evaluation.runs import ROOT

MARK = "\ufeff"
ODD = (
    *(MARK, "\0", "\r", "\r\n", "\n", "\t", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"),
    *("=1+1", "=", "#N/A", "_x000D_", '"', ",", "|", "\x1b[2J", "é", "机器人", "👋🏽", "\ufffe"),
    *("\ud83d", "\udc4b", "\udcff"),
    "x" * 40_000,
)
HALVES = ("\ud83d", "\udc4b", "\udcff")
TEXTS = st.lists(st.sampled_from(ODD), min_size=1, max_size=3).map("".join)


def put(path: Path, content: Any, ascii_: bool) -> Path:
    """JSON in either of its spellings; halves of pairs stand in the bytes where they can."""
    text = json.dumps(content, ensure_ascii=ascii_)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


def answer(source: Any) -> str:
    return source[0].turns[-1][1]


def llava(folder: Path, text: str, ascii_: bool) -> str:
    record = {"id": "1", "conversations": turns("q", f"a{text}b")}
    return answer(LlavaSource(put(folder / "x.json", [record], ascii_)))


def llava_lines(folder: Path, text: str, ascii_: bool) -> str:
    """JSON lines, of which the first alone has a mark."""
    record = {"id": "1", "conversations": turns("q", f"a{text}b")}
    line = json.dumps(record, ensure_ascii=ascii_).encode("utf-8", "surrogatepass")
    (folder / "x.json").write_bytes(b"\xef\xbb\xbf" + line + b"\r\n" + line + b"\r\n")
    source = LlavaSource(folder / "x.json")
    assert len(source) == 2
    return source[1].turns[-1][1]


def lrv(folder: Path, text: str, ascii_: bool) -> str:
    (folder / "1.jpg").touch()
    record = {"image_id": "1", "question": "q", "answer": f"a{text}b"}
    return answer(LrvSource(put(folder / "x.json", [record], ascii_)))


def robovqa_json(folder: Path, text: str, ascii_: bool) -> str:
    (folder / "1.jpg").touch()
    record = {"uid": "1", "video": "1", "text": f"<task:a> Q: x <PRED>A: a{text}b</PRED>"}
    return answer(RoboVqaJsonSource([put(folder / "x.json", [record], ascii_)]))


def robovqa(folder: Path, text: str, ascii_: bool) -> str:
    """With the bytes of a half in the place of letters of as many."""
    del ascii_
    said = f"a{text}b".encode("utf-8", "surrogatepass")
    record = example([b"x"], f"<task:a> Q: x <PRED>A: {'y' * len(said)}</PRED>")
    (folder / "x").write_bytes(framed(record.replace(b"y" * len(said), said)))
    return answer(RoboVqaSource([folder / "x"]))


def config(folder: Path, text: str, ascii_: bool) -> str:
    content = tree_to_json(mixture(folder, {"a": 1}))
    content["sources"][0]["name"] = f"a{text}b"
    return load_data_config(put(folder / "data.json", content, ascii_)).sources[0].name


def processor(folder: Path, text: str, ascii_: bool) -> str:
    builtin_processor("tiny").save(folder)
    content = json.loads((folder / "processor.json").read_text())
    content["template"]["answer_prefix"] = f"a{text}b"
    put(folder / "processor.json", content, ascii_)
    return Processor.load(folder).template.answer_prefix


def tokenizer(folder: Path, text: str, ascii_: bool) -> str:
    """A token that stands for its text."""
    before = builtin_processor("tiny").need_tokenizer()
    content = json.loads(before.data)
    added = {**content["added_tokens"][0], "id": before.size, "content": f"a{text}b"}
    content["added_tokens"].append({**added, "special": False})
    found = Tokenizer.load(put(folder / "t.json", content, ascii_)).added
    return next(text for text, number in found.items() if number == before.size)


ENTRANCES: tuple[Callable[[Path, str, bool], str], ...] = (
    *(llava, llava_lines, lrv, robovqa_json, robovqa, config, processor, tokenizer),
)


def refused(error: InputError) -> bool:
    """In one line, by the name of what is wrong with its letters."""
    said = str(error)
    return "\n" not in said and ("surrogate" in said or "not UTF-8" in said)


@given(text=TEXTS, ascii_=st.booleans())
def test_a_text_comes_back_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str, ascii_: bool
) -> None:
    """As it was; what UTF-8 does not hold is an error that names it, and never a text."""
    # A high half before a low one is a whole letter.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    sound = "\ufffd" not in whole and text == whole
    for entrance in ENTRANCES:
        folder = tmp_path_factory.mktemp("in")
        try:
            found = entrance(folder, text, ascii_)
        except InputError as error:
            found = error
        if isinstance(found, InputError):
            assert not sound, (entrance.__name__, found)
            assert refused(found), (entrance.__name__, found)
            continue
        assert found == f"a{whole}b", entrance.__name__
        assert "\ufffd" not in found, entrance.__name__


def test_halves_are_refused(tmp_path: Path) -> None:
    """At every entrance."""
    for number, half in enumerate(HALVES):
        for entrance in ENTRANCES:
            folder = tmp_path / f"{entrance.__name__}{number}"
            folder.mkdir()
            with pytest.raises(InputError) as caught:
                entrance(folder, half, True)
            assert refused(caught.value), (entrance.__name__, caught.value)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    """JSON in every place, whole files and lines."""
    mark, camera = (
        b"\xef\xbb\xbf",
        {"width": 4, "height": 3, "K": [[1, 0, 2], [0, 1, 1], [0, 0, 1]]},
    )
    (tmp_path / "c.json").write_bytes(mark + json.dumps(camera).encode())
    assert Camera.from_json(tmp_path / "c.json").width == 4
    builtin = builtin_processor("tiny")
    builtin.save(tmp_path)
    for name in ("processor.json", "tokenizer.json"):
        (tmp_path / name).write_bytes(mark + (tmp_path / name).read_bytes())
    assert Processor.load(tmp_path) == builtin
    (tmp_path / "l.json").write_bytes(mark + b'{"a": 1}\n' + mark + b'{"a": 2}\n')
    assert [
        record["a"] for record in map(JsonRecords(tmp_path / "l.json").__getitem__, (0, 1))
    ] == [*(1, 2)]
    content = json.dumps(tree_to_json(mixture(tmp_path, {"a": 1}))).encode()
    (tmp_path / "d.json").write_bytes(mark + content)
    assert load_data_config(tmp_path / "d.json").sources[0].name == "a"


ENCODINGS = {
    "utf-16": "is UTF-16 text",
    "utf-32": "is UTF-32 text",
    "utf-16-le": "is UTF-16 text",
    "latin-1": r"is not UTF-8 text: byte \d+ is 0xE9 \(line 3\)",
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_other_encodings_are_named(encoding: str, tmp_path: Path) -> None:
    """With the line of the first odd byte, where that is all that is known."""
    record = {"id": "1", "conversations": turns("q", "café")}
    path = tmp_path / "x.json"
    path.write_bytes(json.dumps([record], indent=1, ensure_ascii=False).encode(encoding))
    content = json.dumps({"\n": "é"}, ensure_ascii=False)
    (tmp_path / "d.json").write_bytes(f"\n\n{content}".encode(encoding))
    with pytest.raises(InputError, match=ENCODINGS[encoding]):
        load_data_config(tmp_path / "d.json")
    with pytest.raises(InputError, match=ENCODINGS[encoding].split(r" \(")[0]):
        LlavaSource(path)[0]


def test_a_key_stands_once(tmp_path: Path) -> None:
    """Of two equal keys one would be lost: in records, configurations, cameras, processors."""
    record = json.dumps({"id": "1", "conversations": turns("q", "a")})
    (tmp_path / "x.json").write_text(f'[{record[:-1]}, "conversations": [{{"from": "x"}}]}}]')
    with pytest.raises(InputError, match="record 0 has the key 'conversations' twice"):
        LlavaSource(tmp_path / "x.json")[0]
    content = json.dumps(tree_to_json(mixture(tmp_path, {"a": 1})))
    (tmp_path / "d.json").write_text(content[:-1] + ', "seed": 7}')
    with pytest.raises(InputError, match="the key 'seed' twice"):
        load_data_config(tmp_path / "d.json")
    (tmp_path / "c.json").write_text('{"width": 4, "height": 3, "width": 5}')
    with pytest.raises(InputError, match="the key 'width' twice"):
        Camera.from_json(tmp_path / "c.json")
    builtin_processor("tiny").save(tmp_path)
    text = (tmp_path / "processor.json").read_text()
    (tmp_path / "processor.json").write_text('{"contact_scale": "raw",' + text[1:])
    with pytest.raises(InputError, match="the key 'contact_scale' twice"):
        Processor.load(tmp_path)


def mmbench(folder: Path, said: dict[str, str] | Path, out: str) -> Path:
    """eval.py on the drawn questions; the folder of its result."""
    path = said
    if isinstance(said, dict):
        path = folder / "said.json"
        records = [{"question_id": key, "answer": text} for key, text in said.items()]
        path.write_text(json.dumps(records))
    config = str(ROOT / "configs" / "eval_mmbench.py")
    words = ["--tiny", "--config", config, "--predictions", str(path), "--out", str(folder / out)]
    assert evaluate(words) == 0
    return folder / out


def questions(folder: Path) -> list[str]:
    """The drawn questions' ids: a run that scores nothing has written them."""
    config = str(ROOT / "configs" / "eval_mmbench.py")
    (folder / "none.json").write_text('[{"question_id": "-1", "answer": "A"}]')
    words = ["--tiny", "--config", config, "--predictions", str(folder / "none.json")]
    evaluate([*words, "--out", str(folder / "drawn")])
    (table,) = (folder / "drawn").rglob("MMBench*.tsv")
    csv.field_size_limit(2**24)
    with table.open(encoding="utf-8", newline="") as file:
        return [row["index"] for row in csv.DictReader(file, delimiter="\t")]


def sheet(path: Path) -> dict[str, tuple[Any, str]]:
    """The predictions in a submission, and of which type their cells are."""
    from openpyxl import load_workbook

    _, *rows = load_workbook(path).worksheets[0].iter_rows()
    return {str(row[0].value): (row[-1].value, row[-1].data_type) for row in rows}


def test_a_sheet_gives_back_what_was_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A formula, an error's name, control characters, a carriage return, what looks like an escape:
    text in the submission, and the same text where that is read."""
    ids = questions(tmp_path)
    odd = ["=1+1", "#N/A", "a\rb", "a\0b", "\x1b[2J", "_x000D_", " a ", "é\u2028机", "-1", "\ufffe"]
    said = {key: odd[number % len(odd)] for number, key in enumerate(ids)}
    first = mmbench(tmp_path, said, "first")
    cells = sheet(first / "submission.xlsx")
    assert {kind for _, kind in cells.values()} <= {"s", "inlineStr"}
    assert next(cells[key][0] for key in ids if said[key] == "=1+1") == "=1+1"
    assert next(cells[key][0] for key in ids if said[key] == "a\rb") == "a_x000D_b"
    again = mmbench(tmp_path, first / "submission.xlsx", "again")
    assert sheet(again / "submission.xlsx") == cells
    whole = json.loads((first / "results.json").read_text())
    assert not any("no submission" in note for note in whole["notes"])
    long = mmbench(tmp_path, {**said, ids[0]: "y" * 40_000}, "long")
    result = json.loads((long / "results.json").read_text())
    assert result["answered"] == len(ids)
    (note,) = [note for note in result["notes"] if "no submission was written" in note]
    assert f"question {ids[0]!r}" in note
    assert "40,000" in note
    assert not (long / "submission.xlsx").exists()
    capsys.readouterr()
