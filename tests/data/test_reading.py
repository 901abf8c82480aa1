"""What is read from files, and what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark.core.errors import DataError
from benchmark.data.reading import read_arrays


def test_nothing_but_arrays_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return Path.touch, (str(tmp_path / "ran"),)

    for content in ({"label": Trap()}, [1, 2]):
        torch.save(content, tmp_path / "labels.pt")
        with pytest.raises(DataError, match=r"labels\.pt (is no|holds a list, not a) dictionary of arrays"):
            read_arrays(tmp_path / "labels.pt")
    assert not (tmp_path / "ran").exists()
