"""Commands replace a file whole or not at all, and never one that they did not make."""

import os
import stat
from pathlib import Path

import pytest

from tools import writing


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def own(folder):
    """What a user sees: all but the record."""
    return {name: content.decode() for name, content in contents(folder).items() if name != writing.RECORD}


@pytest.fixture
def full_disk(monkeypatch):
    """A disk on which the second file no longer fits: half of it is written."""
    written = []

    def write_bytes(path, content):
        written.append(path)
        with open(path, "wb") as file:
            file.write(content if len(written) == 1 else content[: len(content) // 2])
            if len(written) > 1:
                raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    return written


# ------------------------------------------------------------------ whole or not at all


def test_files_are_written_with_their_folders_and_the_lines_ends_of_git(tmp_path):
    writing.replace({tmp_path / "new/folder/a.txt": "ü\nb\n", tmp_path / "b.bin": b"\0\r\n"})
    assert contents(tmp_path) == {"new/folder/a.txt": "ü\nb\n".encode(), "b.bin": b"\0\r\n"}


def test_a_full_disk_leaves_every_file_as_it_was(tmp_path, full_disk):
    for name in "ab":
        with open(tmp_path / name, "wb") as file:
            file.write(b"old")
    with pytest.raises(
        SystemExit, match="b could not be written and is as it was: .*No space left on device.*run the command again"
    ):
        writing.replace({tmp_path / "a": "new", tmp_path / "b": "new"})
    assert len(full_disk) == 2 and contents(tmp_path) == {"a": b"old", "b": b"old"}


def test_what_fails_otherwise_leaves_the_file_and_no_other(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), writing.beside(tmp_path / "a") as new:
        new.write_bytes(b"half")
        raise ZeroDivisionError
    assert contents(tmp_path) == {"a": b"old"}


def test_a_study_gets_the_error_itself_and_keeps_its_file(tmp_path, full_disk):
    """``whole`` is what ``beside`` and ``studies.rows`` stand on: a study says itself what to do."""
    with open(tmp_path / "a", "wb") as file:
        file.write(b"old")
    full_disk.append("an earlier file")
    with pytest.raises(OSError, match="No space left on device"), writing.whole(tmp_path / "a") as new:
        new.write_bytes(b"new")
    assert contents(tmp_path) == {"a": b"old"}


def test_permissions_stay_and_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o640)
    (tmp_path / "link").symlink_to("a")
    writing.replace({tmp_path / "link": "new"})
    assert (tmp_path / "link").is_symlink() and (tmp_path / "a").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_new_file_gets_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    writing.replace({tmp_path / "new": ""})
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_file_in_a_folders_place_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    for folder in ("file", "file/inside"):
        with pytest.raises(SystemExit, match="file is not a folder, so nothing can be written to .*name another folder"):
            writing.check_folder(tmp_path / folder)
        with pytest.raises(SystemExit, match="is not a folder"):
            writing.replace({tmp_path / folder / "a": "new"})


def test_a_folder_in_a_files_place_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(SystemExit, match="a is a folder, or no plain file; move it away"):
        writing.replace({tmp_path / "a": "new"})


def test_a_folder_that_may_not_be_written_to_is_named_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # who runs this may be root, whom nothing stops
    with pytest.raises(SystemExit, match="may not be written to; change its permissions, or name another folder"):
        writing.check_folder(tmp_path / "new" / "folder")
    assert not contents(tmp_path) and not list(tmp_path.iterdir())


# ------------------------------------------------------------------ only what was made here


def test_what_was_made_is_made_again(tmp_path):
    writing.replace_made(tmp_path, {"a.txt": "1", "sub/b.txt": "2"})
    writing.replace_made(tmp_path, {"a.txt": "3", "sub/b.txt": "2"})
    assert own(tmp_path) == {"a.txt": "3", "sub/b.txt": "2"}


@pytest.mark.parametrize("name", ["a.txt", "sub/b.txt"])
def test_a_file_of_somebody_elses_is_never_replaced(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit, match=f"(?s)would be lost:\n  .*{name}\nNothing was written. Move them away"):
        writing.replace_made(tmp_path, {"a.txt": "1", "sub/b.txt": "2"})
    assert own(tmp_path) == {name: "mine"}


def test_a_file_that_was_changed_since_is_never_replaced(tmp_path):
    writing.replace_made(tmp_path, {"a.txt": "1", "b.txt": "2"})
    (tmp_path / "a.txt").write_text("my notes", encoding="utf-8")
    with pytest.raises(SystemExit, match="or were changed since"):
        writing.replace_made(tmp_path, {"a.txt": "3", "b.txt": "4"})
    assert own(tmp_path) == {"a.txt": "my notes", "b.txt": "2"}


def test_a_file_that_would_not_change_is_no_obstacle(tmp_path):
    (tmp_path / "a.txt").write_text("1", encoding="utf-8")
    writing.replace_made(tmp_path, {"a.txt": "1"})
    writing.replace_made(tmp_path, {"a.txt": "2"})
    assert own(tmp_path) == {"a.txt": "2"}


def test_what_is_no_longer_made_goes_in_the_folders_that_are_made_whole_and_nothing_else(tmp_path):
    writing.replace_made(tmp_path, {"old.txt": "1", "whole/old.txt": "2", "whole/kept.txt": "3", "other/old.txt": "4"})
    for name in ("whole/mine.txt", "mine.txt"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    writing.replace_made(tmp_path, {"whole/kept.txt": "5"}, whole=["whole"])
    assert own(tmp_path) == {
        "old.txt": "1",
        "whole/kept.txt": "5",
        "other/old.txt": "4",
        "whole/mine.txt": "mine",
        "mine.txt": "mine",
    }


def test_what_is_no_longer_made_but_was_changed_is_not_removed(tmp_path):
    writing.replace_made(tmp_path, {"whole/old.txt": "1"})
    (tmp_path / "whole/old.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SystemExit, match="whole/old.txt"):
        writing.replace_made(tmp_path, {"whole/new.txt": "2"}, whole=["whole"])
    assert own(tmp_path) == {"whole/old.txt": "mine"}


@pytest.mark.parametrize("record", ["", "{", "[]", '"x"', "null"])
def test_a_damaged_record_means_that_nothing_is_known_to_be_ours(tmp_path, record):
    writing.replace_made(tmp_path, {"a.txt": "1"})
    (tmp_path / writing.RECORD).write_text(record, encoding="utf-8")
    with pytest.raises(SystemExit, match="would be lost"):
        writing.replace_made(tmp_path, {"a.txt": "2"})
    assert own(tmp_path) == {"a.txt": "1"}


def test_a_record_names_nothing_outside_its_folder(tmp_path):
    outside = tmp_path / "mine.txt"
    outside.write_text("mine", encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    names = ["whole/../../mine.txt", "../mine.txt", str(outside)]
    record = "{" + ", ".join(f'"{name}": "{writing.checksum("mine")}"' for name in names) + "}"
    (folder / writing.RECORD).write_text(record, encoding="utf-8")
    writing.replace_made(folder, {"whole/a.txt": "1"}, whole=["whole", "..", "/"])
    assert outside.read_text(encoding="utf-8") == "mine"


def test_a_link_to_a_folder_of_somebody_elses_protects_its_files(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "whole").symlink_to(mine)
    with pytest.raises(SystemExit, match="would be lost"):
        writing.replace_made(tmp_path / "folder", {"whole/a.txt": "1"}, whole=["whole"])
    assert (mine / "a.txt").read_text(encoding="utf-8") == "mine"
