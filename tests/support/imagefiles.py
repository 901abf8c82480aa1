"""Small folders in the layout of the public image sets and their label files."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from PIL import Image

from benchmark.core.files import sha256_of
from benchmark.data.imagesets import ImageSet

TRAIN, TEST = 60, 30


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """One image (H, W) or (H, W, C)."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def labels_of(images: ImageSet, part: str, size: int, classes: int) -> np.ndarray:
    """Labels that begin as the official ones."""
    rest = np.random.default_rng(1).integers(0, classes, size)
    first = np.array(images.first[part])[:size]
    return np.concatenate([first, rest[len(first) :]])


def write_images(
    folder: Path, images: ImageSet, classes: int, *, train: int = TRAIN, kind: str = "PNG", coarse: dict[int, int] | None = None
) -> dict[str, np.ndarray]:
    """Parquet files as the public ones; returns the training pixels (E, C, H, W) and labels of both parts."""
    channels, height, width = images.shape
    rng, made = np.random.default_rng(0), {}
    for part, size in (("train", train), ("test", TEST)):
        pixels = rng.integers(0, 256, (size, height, width, channels), dtype=np.uint8)
        y = labels_of(images, part, size, classes)
        columns: dict[str, Any] = {
            images.image: [{"bytes": encoded(p.squeeze(-1) if channels == 1 else p, kind), "path": None} for p in pixels],
            images.label: y,
        }
        if coarse is not None:
            columns["coarse_label"] = [coarse[int(c)] for c in y]
        table = datasets.Dataset.from_dict(columns).cast_column(images.image, datasets.Image())
        (folder / images.source.path).mkdir(parents=True, exist_ok=True)
        table.to_parquet(folder / images.source.path / f"{part}-00000-of-00001.parquet")
        made[part], made[f"{part}_x"] = y, pixels.transpose(0, 3, 1, 2)
    return made


def write_labels(path: Path, arrays: dict[str, np.ndarray]) -> str:
    """A label file as the published ones; returns its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(arrays, path)
    return sha256_of(path)


def people(right: np.ndarray, classes: int, batch: int, seed: int = 0, workers: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Labels (E,) of workers who err with rates of their own, and worker and seconds of each batch (E / batch, 2)."""
    rng = np.random.default_rng(seed)
    worker = rng.integers(0, workers, len(right) // batch)
    error = np.linspace(0.02, 0.7, workers)[worker].repeat(batch)
    given = np.where(rng.random(len(right)) < error, (right + rng.integers(1, classes, len(right))) % classes, right)
    return given, np.stack([worker + 100, rng.integers(5, 90, len(worker))], axis=1)


def write_side(path: Path, side: np.ndarray, batch: int) -> str:
    """Worker ids and seconds (batches, annotators, 2) as the published csv; returns its sha256."""
    lines = ["Image-batch," + ",".join(f"Worker{a}-id,Work-time-in-seconds-{a}" for a in range(side.shape[1]))]
    lines += [f"{i * batch}--{i * batch + batch - 1}," + ",".join(map(str, row.reshape(-1))) for i, row in enumerate(side)]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode())
    return sha256_of(path)


def write_reviews(path: Path, y: np.ndarray, votes: dict[int, tuple[int, dict[str, int]]]) -> str:
    """Reviews of test labels: image -> (guessed label, votes); returns the file's sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [{"id": i, "given_original_label": int(y[i]), "our_guessed_label": guess, "mturk": v} for i, (guess, v) in votes.items()]
    path.write_text(json.dumps(entries))
    return sha256_of(path)
