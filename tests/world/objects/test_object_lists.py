# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""The field's own lists of objects load: what they name beyond the thirty categories is counted."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robomamba_jax.cli.main import main
from robomamba_jax.errors import InputError
from robomamba_jax.world.objects.categories import CATEGORIES
from robomamba_jax.world.objects.library import PartNet, read_list
from robomamba_jax.world.sim.simulator import Simulator
from tests.world import downloads

# As ManipLLM's and where2act's lists go: more categories than the thirty, in no order.
FIELD = (
    "24931 Table",
    "103319 Window",
    "101090 Cart",
    "100598 FoldingChair",
    "45305 StorageFurniture",
    "103739 Knife",
    "100082 USB",
    "103320 Window",
    "148 Faucet",
    "103312 Window",
    "102301 Safe",
    "12583 Dishwasher",
)


def render(capsys: pytest.CaptureFixture[str], root: Path, *more: str) -> tuple[int, dict, str]:
    """``world render`` of a download: status, its JSON, and stderr."""
    flags = ["--assets", str(root), "--asset-list", str(root / "list.txt"), "--size", "32"]
    status = main(["world", "render", "--out", str(root / "page.png"), *flags, "--json", *more])
    said = capsys.readouterr()
    return status, json.loads(said.out), said.err


def test_a_list_of_the_field(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its thirty's objects are there, each other category is named with its count and first line,
    and need not be downloaded; a command's output and JSON say so."""
    path = downloads.listing(tmp_path, *FIELD)
    found = read_list(path)
    assert [(one.name, one.category, one.split) for one in found] == [
        ("24931", "Table", "test"),
        ("100598", "FoldingChair", "train"),
        ("45305", "StorageFurniture", "train"),
        ("100082", "USB", "test"),
        ("148", "Faucet", "test"),
        ("102301", "Safe", "train"),
    ]
    for one in found:
        downloads.put(tmp_path, one.name, one.category)
    status, result, err = render(capsys, tmp_path)
    assert status == 0
    assert result["categories"] == ["Table", "USB", "Faucet"]
    assert [(one["name"], one["objects"]) for one in result["left_out"]] == [
        ("Window", 3),
        ("Cart", 1),
        ("Knife", 1),
        ("Dishwasher", 1),
    ]
    assert [f"{path}, line {n}" in err for n in (2, 3, 6, 12)] == [True] * 4
    assert "left out: Window: 3 objects" in err
    assert any("each fifth of a category is for tests" in note for note in result["notes"])


@pytest.mark.parametrize("name", ["storage_furniture", "Storage Furniture", "STORAGEFURNITURE"])
@pytest.mark.parametrize("split", ["", " test"])
def test_other_spellings(tmp_path: Path, name: str, split: str) -> None:
    """Capitals, spaces and underscores do not make another category."""
    path = downloads.listing(tmp_path, f"45305 {name}{split}", f"7 trash-can{split}")
    assert [one.category for one in read_list(path)] == ["StorageFurniture", "TrashCan"]
    assert [one.split for one in read_list(path)] == [split.strip() or "train"] * 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1 Safe", "7 Window", "7179 Microwave dev"], "line 3: '7179 Microwave dev'"),
        (["7 Window", "Safe 30 11"], "line 2: 'Safe 30 11'"),
        (["1 Window", "2"], "line 2: '2'"),
        (["1 Window", ".. Safe"], "line 2: '..' is no id"),
        (["1 Window", "a\\b Safe"], r"line 2: 'a\\\\b' is no id"),
        (["# ids", "3 Window", "4 Cart"], "line 2: unknown category 'Window', and no line names"),
        (["1 Safe", "1 Door"], "lines 1 and 2: 1 is of Safe and of Door"),
        (["1 Safe train", "2 Cart", "1 Safe test"], "lines 1 and 3: 1 is for train and for test"),
    ],
)
def test_wrong_lines(tmp_path: Path, lines: list[str], message: str) -> None:
    """A line that says nothing stays an error, beside categories that are left out."""
    path = downloads.listing(tmp_path, *lines)
    with pytest.raises(InputError) as caught:
        read_list(path)
    assert message.replace(r"\\\\", "\\\\") in caught.value.message
    assert str(path) in caught.value.message


def test_an_id_that_comes_again(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It counts once, and is named with both lines."""
    path = downloads.listing(tmp_path, "1 Safe test", "2 Safe test", "1 Safe test")
    assert [one.name for one in read_list(path)] == ["1", "2"]
    downloads.put(tmp_path, "1", "Safe")
    downloads.put(tmp_path, "2", "Safe", 1)
    _, result, err = render(capsys, tmp_path)
    note = f"{path}, lines 1 and 3: 1 is there twice: counted once"
    assert result["notes"] == [note]
    assert f"note: {note}" in err


def test_objects_that_are_not_there(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many, and the first with their lines; a run that is to go on takes those that are."""
    names = [str(number) for number in range(1, 9)]
    path = downloads.listing(tmp_path, "# mine", *(f"{name} Safe test" for name in names))
    downloads.put(tmp_path, "1", "Safe")
    message = r"7 of the 8 objects .*: 2 \(line 3\), 3 \(line 4\), .*, 6 \(line 7\), \.\.\."
    with pytest.raises(InputError, match=message) as caught:
        PartNet(simulator.sapien, tmp_path, path)
    assert "--on-error skip" in caught.value.fix
    status, result, _ = render(capsys, tmp_path)
    assert (status, result["error"]["kind"]) == (2, "missing_file")
    status, result, _ = render(capsys, tmp_path, "--on-error", "skip")
    assert status == 0
    assert [one["name"] for one in result["left_out"]] == names[1:]
    # None at all: the folder is another one, and there is nothing to go on with.
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(InputError, match="8 of the 8 objects") as caught:
        PartNet(simulator.sapien, elsewhere, path)
    assert "as --assets" in caught.value.fix
    assert "--on-error" not in caught.value.fix


TEXTS = {
    "a mark": "\ufeff24931 Table\n2 Safe\n",
    "a mark, line ends of Windows": "\ufeff24931 Table\r\n2 Safe\r\n",
    "a mark, old line ends": "\ufeff24931 Table\r2 Safe\r",
    "a separator in a remark": "24931 Table # a\u2028b c d e\n2 Safe\n",
    "a form feed": "24931 Table # page\x0c1 2 3 4\n2 Safe\n",
}


@pytest.mark.parametrize("what", TEXTS)
def test_texts(tmp_path: Path, what: str) -> None:
    """Marks and line ends of all kinds; a separator of lines inside of a line divides none."""
    path = tmp_path / "list.txt"
    path.write_bytes(TEXTS[what].encode())
    assert [(one.name, one.category) for one in read_list(path)] == [
        ("24931", "Table"),
        ("2", "Safe"),
    ]


def test_texts_that_are_none(tmp_path: Path) -> None:
    """The message says what the file is."""
    path = tmp_path / "list.txt"
    path.write_bytes("1 Safe\n".encode("utf-16"))
    with pytest.raises(InputError, match="is UTF-16 text"):
        read_list(path)
    path.write_bytes(b"1 Safe\n2 T\xfcr\n")
    with pytest.raises(InputError, match=r"byte 10 is 0xFC \(line 2\)"):
        read_list(path)


LINES = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from([*CATEGORIES, "Window", "Oven", "Dishwaher", "Cart"]),
        st.sampled_from(["", " train", " test", "  # seen", "\t"]),
    ),
    max_size=30,
)


@given(LINES)
def test_any_list(tmp_path_factory: pytest.TempPathFactory, lines: list) -> None:
    """Every object of the thirty is there once, in order; or the error names what contradicts."""
    path = downloads.listing(
        tmp_path_factory.mktemp("lists"), *(f"{i} {name}{end}" for i, name, end in lines)
    )
    known = [(str(i), name) for i, name, _ in lines if name in CATEGORIES]
    ids = [name for name, _ in known]
    error = None
    try:
        found = [(one.name, one.category) for one in read_list(path)]
    except InputError as raised:
        error = raised
    if error is None:
        assert found == list(dict.fromkeys(known))
        assert len({name for name, _ in found}) == len(found)
    elif not known:
        assert error.kind == ("unknown_category" if lines else "bad_record")
    else:  # an id with two meanings
        assert any(f": {name} is " in error.message for name in ids if ids.count(name) > 1)
