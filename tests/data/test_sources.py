"""Files are fetched once and verified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support import imagefiles

from benchmark.core.errors import DataError
from benchmark.data.sources import Source


def test_a_file_is_fetched_once_and_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    (tmp_path / "there.bin").write_bytes(b"labels")
    sha = imagefiles.sha256_of(tmp_path / "there.bin")
    source = Source("a/b.bin", "CC BY 4.0", sha256=sha, url=(tmp_path / "there.bin").as_uri())
    assert source.find(tmp_path / "data").read_bytes() == b"labels"
    (tmp_path / "there.bin").unlink()
    assert source.find(tmp_path / "data").read_bytes() == b"labels"
    with pytest.raises(DataError, match="is missing and cannot be fetched"):
        source.find(tmp_path / "elsewhere")
    assert source.find_or_none(tmp_path / "elsewhere") is None
    (tmp_path / "there.bin").write_bytes(b"<html>other</html>")
    with pytest.raises(DataError, match=r"cannot be fetched \(file:.*there.bin gave 18 bytes of sha256 .* expected"):
        source.find(tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()
    (tmp_path / "data/a/b.bin").write_bytes(b"the labels")
    with pytest.raises(DataError, match="has sha256"):
        source.find(tmp_path / "data")
    assert replace(source, alike=(imagefiles.sha256_of(tmp_path / "data/a/b.bin"),)).find(tmp_path / "data").is_file()
    (tmp_path / "data/a/b.bin").write_bytes(b"<html>no</html>")
    with pytest.raises(DataError, match=r"is a web page \(HTML\)"):
        source.find_or_none(tmp_path / "data")
