"""Small files of a user's own, in the formats that the generic tasks read. Each writer returns the options of its task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

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


def sentences(size: int = 60) -> list[tuple[list[str], list[str], list[str]]]:
    """Tokens, right and observed IOB2 tags; every fifth sentence misses its entity."""
    rng = np.random.default_rng(4)
    out = []
    for i in range(size):
        tokens = [f"w{n}" for n in rng.integers(0, 30, 6)]
        at = int(rng.integers(0, 4))
        tokens[at : at + 2] = ["Ann", "Lee"] if i % 2 else ["Old", "Town"]
        right = ["O"] * 6
        right[at : at + 2] = ["B-PER", "I-PER"] if i % 2 else ["B-LOC", "I-LOC"]
        out.append((tokens, right, ["O"] * 6 if i % 5 == 1 else right))
    return out


def conll(pairs: list[tuple[list[str], list[str]]]) -> str:
    """A file of tokens and tags."""
    return "\n".join("".join(f"{token} {tag}\n" for token, tag in zip(*pair, strict=True)) for pair in pairs)


def write_conll(folder: Path) -> dict[str, Any]:
    """Observed and right tags."""
    made = sentences()
    (folder / "news.conll").write_text(conll([(tokens, given) for tokens, _, given in made]))
    (folder / "right.conll").write_text(conll([(tokens, right) for tokens, right, _ in made]))
    return {"path": str(folder / "news.conll"), "clean": str(folder / "right.conll")}


def write_multilabel(folder: Path) -> dict[str, Any]:
    """Two labels with right ones, some of them unknown."""
    frame = table()
    out = frame[["a", "b", "color"]].assign(p=frame["given"] == "yes", p_right=frame["right"] == "yes", q=frame["b"] > 0, q_right=frame["b"] > 0)
    out = out.astype(dict.fromkeys(("p", "p_right", "q", "q_right"), int)).astype({"q": object})
    out.loc[::10, "q"] = ""
    out.to_csv(folder / "genes.csv", index=False)
    return {"path": str(folder / "genes.csv"), "labels": ["p", "q"], "clean": ["p_right", "q_right"]}


def write_images(folder: Path) -> dict[str, Any]:
    """Dark and bright images of several sizes and modes, in a folder a class."""
    rng = np.random.default_rng(5)
    for i in range(40):
        name, low = ("bright", 150) if i % 2 else ("dark", 0)
        (folder / "photos" / name).mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(low, low + 100, (10 + i % 3, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(("RGB", "L", "RGBA", "P")[i % 4]).save(folder / "photos" / name / f"{i:02}.png")
    (folder / "photos" / "dark" / "notes.txt").write_text("no image")
    return {"path": str(folder / "photos"), "size": 8}


WRITERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "table": write_table,
    "conll": write_conll,
    "multilabel": write_multilabel,
    "image_folder": write_images,
}
