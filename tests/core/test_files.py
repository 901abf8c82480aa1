"""Files that would be read for ever, and those that are too large, are one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmark.core.errors import DataError
from benchmark.core.files import content_of, inside, sha256_of, write_atomically


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.parametrize("name", ["/dev/zero", "pipe"])
def test_a_pipe_or_device_is_not_read(name: str, pipe: Path) -> None:
    path = pipe.parent / name
    with pytest.raises(DataError, match="is a pipe or device, not a file"):
        sha256_of(path)
    with pytest.raises(DataError, match="is a pipe or device, not a file"):
        content_of(path, 10)


def test_a_file_has_a_bound_and_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    assert content_of(tmp_path / "file", 10) == b"0123456789"
    with pytest.raises(DataError, match="has more than 9 bytes"):
        content_of(tmp_path / "file", 9)
    with pytest.raises(DataError, match="is a folder, not a file"):
        content_of(tmp_path, 9)


def test_a_link_that_leads_out_is_not_inside(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "out").symlink_to("/etc")
    (folder / "in").symlink_to(folder)
    assert inside(folder / "in" / "x", folder)
    assert not inside(folder / "out" / "passwd", folder)
    assert not inside(folder / ".." / "x", folder)
    assert not inside(folder / "\0", folder)


def test_writing_atomically_replaces_only_when_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert write_atomically(path, b"one", replace=False)
    assert not write_atomically(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    assert write_atomically(path, b"three")
    assert path.read_bytes() == b"three"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
