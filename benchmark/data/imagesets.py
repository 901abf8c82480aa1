"""Public sets of small images in the columns that the ``datasets`` library gives them, as tasks.

Pixels are decoded once, kept as bytes under ``paths.cache`` by the content of the files, and mapped into memory: a second load takes no
decoding, and processes of one machine share the pages.
"""

from __future__ import annotations

import functools
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.core.artifacts import Arrays, Manifest, kept, mapped
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import sha256_of
from benchmark.core.paths import Paths
from benchmark.core.types import Examples, Task
from benchmark.data.images import pixels
from benchmark.data.problems import Multiclass
from benchmark.data.reading import same_inputs
from benchmark.data.sources import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageSet:
    """What is known of a public set.

    Args:
        source: its folder.
        image, label: columns; the ``first`` labels of both parts tell the official order.
        shape: (C, H, W).
        sizes: examples of the parts train and test.
        shares: first labels of the equal shares that the training part was published in, in the official order; a copy that has the shares in another
            one is put right.
    """

    source: Source
    image: str
    label: str
    shape: tuple[int, int, int]
    sizes: Mapping[str, int]
    first: Mapping[str, tuple[int, ...]]
    shares: tuple[tuple[int, ...], ...] = ()


def load(name: str, images: ImageSet, label: str, names: Sequence[str], paths: Paths, rows: int | None) -> Task:
    """Images (C, H, W) as bytes with the labels of the column ``label``, in the official order.

    A copy that holds fewer training examples than were published is read for ``rows`` alone; its test part is what is there.

    Args:
        names: of the classes.
        rows: the first training examples; None = all.

    Raises:
        DataError: files that are missing, damaged or of another order, or too few examples.
    """
    folder, cache = images.source.find(paths.data), paths.cache / "images"
    key, opened = _key(images, paths.data), functools.cache(lambda: _tables(images, folder, paths.cache))
    labels = _kept_labels(images, cache, key, opened)
    for part in images.sizes:
        _check_labels(f"{folder} {part}", labels, f"{part}/{label}", len(names), images.source.how)
    sizes = {part: len(labels[f"{part}/{label}"]) for part in images.sizes}
    _check_sizes(images, folder, sizes, rows)
    sizes["train"] = sizes["train"] if rows is None else rows
    parts = {}
    for part, size in sizes.items():

        def make(part: str = part, size: int = size) -> np.ndarray:
            cells = ((cell or {}).get("bytes") for batch in opened()[part].select(range(size)).iter(512) for cell in batch[images.image])
            return pixels(cells, size, images.shape, f"{folder} {part}")

        x = mapped(cache / f"{key}-{part}-{size}.npy", make)
        parts[part] = Examples(torch.from_numpy(x), labels[f"{part}/{label}"][:size])
    groups, _ = kept(cache / f"{key}-groups-{sizes['train']}.npz", lambda: ({"groups": same_inputs(parts["train"].x.numpy())}, {}))
    return Task(name, Multiclass(names), parts["train"], parts["test"], groups["groups"])


def labels_of(images: ImageSet, paths: Paths) -> Arrays:
    """Integer columns of both parts as ``part/column``, without a look at the images.

    Raises:
        DataError: files that are missing, damaged or of another order.
    """
    folder = images.source.find(paths.data)
    return _kept_labels(images, paths.cache / "images", _key(images, paths.data), lambda: _tables(images, folder, paths.cache))


def _kept_labels(images: ImageSet, cache: Path, key: str, opened: Callable[[], Any]) -> Arrays:
    return kept(cache / f"{key}-labels.npz", lambda: _labels(opened(), images))[0]


def _key(images: ImageSet, data: Path) -> str:
    return digest([images.image, images.shape], [sha256_of(file) for file in images.source.files(data)])


def _tables(images: ImageSet, folder: Path, cache: Path) -> Any:
    """The parts as ``datasets`` reads them, images still encoded.

    Raises:
        DataError: it cannot read them, or finds other columns.
    """
    import datasets
    import pyarrow

    datasets.disable_progress_bars()
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=cache) as fresh:  # nobody verifies an Arrow copy that was kept
            found = datasets.load_dataset(str(folder), cache_dir=fresh)
    except (OSError, ValueError, pyarrow.ArrowException, datasets.exceptions.DatasetsError) as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise DataError(f"{folder} cannot be read by datasets ({reason}): {images.source.how}") from error
    for part in images.sizes:
        if part not in found:
            raise DataError(f"{folder} has no part {part!r}: {images.source.how}")
        for column in (images.image, images.label):
            if column not in found[part].column_names:
                raise DataError(f"{folder} {part} has no column {column!r}, but {', '.join(found[part].column_names)}: {images.source.how}")
    return _in_order(found.cast_column(images.image, datasets.Image(decode=False)), images)


def _in_order(tables: Any, images: ImageSet) -> Any:
    """The parts with the shares of a whole training part in the official order."""
    part, count = tables["train"], len(images.shares)
    if count == 0 or len(part) != images.sizes["train"]:
        return tables
    at = np.arange(len(part)).reshape(count, -1)
    begin = np.asarray(part.with_format("numpy")[images.label][:]).reshape(count, -1)[:, : len(images.shares[0])].tolist()
    found = [begin.index(list(share)) for share in images.shares if list(share) in begin]
    if len(found) == count and found != sorted(found):
        tables["train"] = part.select(at[found].reshape(-1), keep_in_memory=True)
    return tables


def _labels(tables: Any, images: ImageSet) -> tuple[Arrays, Manifest]:
    """Integer columns of both parts as ``part/column``.

    Raises:
        DataError: another order than the official one.
    """
    out = {}
    for part in images.sizes:
        for column, kind in tables[part].features.items():
            if "int" in str(getattr(kind, "dtype", "")):
                out[f"{part}/{column}"] = np.asarray(tables[part].with_format("numpy")[column][:], dtype=np.int64)
        if f"{part}/{images.label}" not in out:
            raise DataError(f"{images.source.path} {part} has no whole numbers in the column {images.label!r}: {images.source.how}")
        expected = np.array(images.first[part])
        found = out[f"{part}/{images.label}"][: len(expected)]
        if not np.array_equal(found, expected[: len(found)]):
            raise DataError(
                f"{images.source.path} {part} begins with the labels {' '.join(map(str, found))}, the official order with "
                f"{' '.join(map(str, expected))}: {images.source.how}"
            )
    return out, {}


def _check_labels(where: str, labels: Arrays, name: str, classes: int, how: str) -> None:
    column = name.partition("/")[2]
    if name not in labels:
        raise DataError(f"{where} has no whole numbers in a column {column!r}: {how}")
    if len(labels[name]) and not 0 <= labels[name].min() <= labels[name].max() < classes:
        raise DataError(f"{where} has labels of {labels[name].min()} to {labels[name].max()} in the column {column!r}, expected 0 to {classes - 1}: {how}")


def _check_sizes(images: ImageSet, folder: Path, sizes: Mapping[str, int], rows: int | None) -> None:
    if rows is not None and rows < 1:
        raise ConfigError(f"task.rows={rows} is below 1: give a number of training examples")
    there, asked = sizes["train"], images.sizes["train"] if rows is None else rows
    if asked > there:
        raise DataError(f"{folder} holds {there} of {asked} training images: give task.rows={there} for the part that is there, or {images.source.how}")
    if sizes["test"] < images.sizes["test"]:
        log.warning("%s holds %d of %d test images: scores are those of this part", folder, sizes["test"], images.sizes["test"])
