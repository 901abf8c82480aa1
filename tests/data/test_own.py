"""Files of a user's own: bounds, names, links."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.data import own


def test_what_a_gz_unpacks_to_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "LARGEST", 1000)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 251))
    with pytest.raises(DataError, match="holds more than 1000 bytes"):
        own.read(tmp_path / "bomb.csv.gz")


@pytest.mark.parametrize("name", ["\0", "x" * 5000, "~nosuchuser/x"])
def test_a_name_that_no_file_can_have_is_one_line(name: str, paths: Paths) -> None:
    with pytest.raises(DataError, match=r"task\.path="):
        own.find(name, "task.path", paths)
