"""Folders of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.core.errors import ConfigError
from benchmark.core.paths import ROOT, Paths, folder


def test_relative_folders_start_at_the_project_and_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder("data", "paths.data") == ROOT / "data"
    assert folder("~/data", "paths.data") == tmp_path / "data"
    assert folder(str(tmp_path), "paths.data") == tmp_path


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"])
def test_a_name_that_no_folder_can_have_is_one_line(name: str) -> None:
    with pytest.raises(ConfigError, match=r"names no folder \(.+\): give paths\.results=DIR"):
        folder(name, "paths.results")


def test_some_of_the_default_folders_can_be_changed(tmp_path: Path) -> None:
    changed, plain = Paths.default(results=str(tmp_path)), Paths.default()
    assert changed == Paths(plain.data, tmp_path, plain.cache)
    assert plain.results == ROOT / "results"
