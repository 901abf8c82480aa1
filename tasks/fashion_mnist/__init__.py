"""Fashion-MNIST: 70,000 gray pictures of clothes of 28 x 28 pixels, 10 classes, with right labels for generated noise."""

from __future__ import annotations

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import imagesets
from benchmark.data.imagesets import ImageSet
from benchmark.data.sources import Source

NAMES = ("t_shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle_boot")
IMAGES = ImageSet(
    Source("fashion_mnist", "MIT; cite Xiao et al. (2017), arXiv:1708.07747", hub="zalando-datasets/fashion_mnist"),
    image="image",
    label="label",
    shape=(1, 28, 28),
    sizes={"train": 60_000, "test": 10_000},
    first={"train": (9, 0, 0, 3, 0, 2, 7, 2, 5, 5), "test": (9, 2, 1, 1, 6, 1, 4, 6, 5, 7)},
)
SOURCES = (IMAGES.source,)


def load(paths: Paths, rows: int | None = None) -> Task:
    """Images (1, 28, 28) as bytes in the official order; ``rows`` takes the first training images.

    Raises:
        DataError: files that are missing, damaged or of another order.
    """
    return imagesets.load("fashion_mnist", IMAGES, "label", NAMES, paths, rows)
