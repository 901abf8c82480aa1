"""What identifies published rows stays as it is, or is changed on purpose."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden import write

REWRITE = "python tests/golden/write.py"


def stored(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((write.FOLDER / f"{name}.json").read_text(encoding="utf8"))
    return content


def test_cells_keep_their_ids() -> None:
    before, now = stored("cells"), write.cells()
    assert len(before) >= 60
    moved = [label for label, cell in before.items() if now.get(label) != cell]
    assert not moved, (
        f"{len(moved)} published cells have another id, such as {moved[:3]}: rows of them would be lost. Put the name, version or default back; "
        f"if the numbers changed on purpose, raise the plugin's version and run {REWRITE}"
    )


def test_cells_do_not_share_an_id() -> None:
    ids = list(stored("cells").values())
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", sorted(write.defaults()))
def test_a_changed_default_has_another_version(name: str) -> None:
    before, now = stored("defaults").get(name), write.defaults()[name]
    if before is None or before["version"] != now["version"]:
        return  # a new plugin, or a version that was raised
    for key, value in before["defaults"].items():
        assert now["defaults"].get(key) == value, f"the default of {name}'s {key} changed: raise `version` or put the default back ({REWRITE} after that)"
