"""CIFAR-10: 60,000 color photographs of 32 x 32 pixels, 10 classes, with right labels for generated noise."""

from __future__ import annotations

from dataclasses import replace

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import imagesets
from benchmark.data.imagesets import ImageSet
from benchmark.data.sources import Source
from tasks.cifar10 import relabeled

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
IMAGES = ImageSet(
    Source("cifar10", "no formal licence; cite Krizhevsky (2009)", hub="uoft-cs/cifar10"),
    image="img",
    label="label",
    shape=(3, 32, 32),
    sizes={"train": 50_000, "test": 10_000},
    first={"train": (6, 9, 9, 4, 1, 1, 2, 7, 8, 3, 4, 7, 7, 2, 9, 9, 9, 3, 2, 6), "test": (3, 8, 8, 0, 6, 6, 1, 6, 3, 1)},
    shares=(  # the hub has the five files of the original archive in another order, the fourth one first
        (6, 9, 9, 4, 1, 1, 2, 7, 8, 3),
        (1, 6, 6, 8, 8, 3, 4, 6, 0, 6),
        (8, 5, 0, 6, 9, 2, 8, 3, 6, 2),
        (0, 6, 0, 2, 7, 2, 1, 2, 4, 1),
        (1, 8, 5, 1, 5, 7, 4, 3, 8, 2),
    ),
)
REVIEWS = relabeled.reviews("cifar10", "81b2c16c9eee060d6cc2390f6bbce1e0e7be0a050574be5177c9428f3596b5b5")
VOTES = Source(
    "cifar-10h/data/cifar10h-counts.npy",
    "CC BY-NC-SA 4.0; cite Peterson et al. (2019), arXiv:1908.07086",
    sha256="9b36b4550349af56c79083356312eb4af856cc5fd3caf1f669d40b9d0bbb69ff",
    url="https://raw.githubusercontent.com/jcpeterson/cifar-10h/HEAD/data/cifar10h-counts.npy",
    alike=("4815c33b01c7931dcaf55da47797d277b5cd115bc5be8aff3fc71022afe3458f",),  # the same counts as float64
)
SOURCES = (IMAGES.source, REVIEWS, VOTES)


def load(paths: Paths, rows: int | None = None) -> Task:
    """Images (3, 32, 32) as bytes in the official order; ``rows`` takes the first training images.

    Where their files are there, the test part has two more sets of labels: ``corrected`` by
    reviewers, and ``soft``, the votes of about fifty people an image.

    Raises:
        DataError: files that are missing, damaged or of another order.
    """
    task = imagesets.load("cifar10", IMAGES, "label", NAMES, paths, rows)
    y = task.test.y
    return replace(task, further_tests=relabeled.corrected(REVIEWS, paths.data, y) | relabeled.votes(VOTES, paths.data, y))
