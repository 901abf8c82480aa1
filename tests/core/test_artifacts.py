"""An artifact is what was made, or it is made again with one line: whatever happened to it and its manifest."""

from __future__ import annotations

import json
import logging
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.core.artifacts import kept, mapped

RIGHT = {"a": np.arange(50), "b": np.linspace(0, 1, 7)}
SAYS: dict[str, Any] = {"statistics": {"rate": 0.4, "by": (1, 2)}, "observed": "x", "none": None, "nan": float("nan")}


def both(folder: Path) -> tuple[Any, Any, np.ndarray]:
    arrays, manifest = kept(folder / "one.npz", lambda: (RIGHT, SAYS))
    return arrays, manifest, mapped(folder / "two.npy", lambda: RIGHT["a"])


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    written, read = both(tmp_path), both(tmp_path)
    assert text(written[1]) == text(read[1])
    assert all(np.array_equal(read[0][name], value) for name, value in RIGHT.items())


MANIFESTS = ["", "{}", "[]", "null", "3", '"x"', '{"sha256": 3}', "[" * 100_000, "\udcff"]


@pytest.mark.parametrize("content", [*MANIFESTS, *(f"without {key}" for key in ("sha256", *SAYS))])
def test_a_manifest_that_is_damaged_heals(content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    right = both(tmp_path)
    for name in ("one", "two"):
        path = tmp_path / f"{name}.json"
        if content.startswith("without "):
            says = json.loads(path.read_text())
            says.pop(content.removeprefix("without "), None)
            path.write_text(json.dumps(says | {"more": 1}))
        else:
            path.write_text(content, errors="surrogateescape")
    with caplog.at_level(logging.WARNING):
        healed = both(tmp_path)
    assert text(healed[1]) == text(right[1])
    assert len(caplog.records) == 2  # one line each
    caplog.clear()
    both(tmp_path)
    assert not caplog.records


def test_no_altered_byte_is_used(tmp_path: Path) -> None:
    right = both(tmp_path)
    files = [path for path in sorted(tmp_path.iterdir()) if path.is_file()]
    contents, draw = {path: path.read_bytes() for path in files}, random.Random(2)
    for _ in range(400):
        path = draw.choice(files)
        altered = bytearray(contents[path])
        altered[draw.randrange(len(altered))] ^= 1 << draw.randrange(8)
        path.write_bytes(altered)
        found = both(tmp_path)
        assert text(found[1]) == text(right[1])
        assert np.array_equal(found[0]["a"], RIGHT["a"])
        assert np.array_equal(found[2], RIGHT["a"])
        path.write_bytes(contents[path])


@pytest.mark.parametrize("name", ["one.npz", "one.json", "two.npy", "two.json"])
def test_a_file_that_is_gone_or_empty_is_made_again(name: str, tmp_path: Path) -> None:
    right = both(tmp_path)
    for damage in (Path.unlink, lambda path: path.write_bytes(b"")):
        damage(tmp_path / name)  # type: ignore[operator]
        assert text(both(tmp_path)[1]) == text(right[1])
