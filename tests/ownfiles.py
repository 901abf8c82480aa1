"""Small files of a user's own, in the formats that the generic tasks read. Each writer returns the options of its task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROWS, WRONG = 120, 12


def table(size: int = ROWS, wrong: int = WRONG) -> pd.DataFrame:
    """Columns a, b (numbers), color (words), a class, a number, and both with every ``size // wrong``-th one wrong."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"a": rng.normal(size=size), "b": rng.normal(size=size), "color": rng.choice(["red", "green", "blue"], size)})
    frame["right"] = np.where(frame["a"] > 0, "yes", "no")
    frame["right_price"] = 3 * frame["a"] + frame["b"]
    at = np.arange(size) % (size // wrong) == 1
    frame["given"] = np.where(at, np.where(frame["right"] == "yes", "no", "yes"), frame["right"])
    frame["price"] = frame["right_price"] + np.where(at, 25.0, 0.0)
    return frame


def write_table(folder: Path) -> dict[str, Any]:
    """Classes with right ones."""
    table()[["a", "b", "color", "given", "right"]].to_csv(folder / "shop.csv", index=False)
    return {"path": str(folder / "shop.csv"), "target": "given", "clean": "right"}


WRITERS: dict[str, Callable[[Path], dict[str, Any]]] = {"table": write_table}
