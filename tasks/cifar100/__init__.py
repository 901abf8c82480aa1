"""CIFAR-100: 60,000 color photographs of 32 x 32 pixels, 100 classes in 20 superclasses, with right labels for generated noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data import imagesets
from benchmark.data.imagesets import ImageSet
from benchmark.data.sources import Source
from benchmark.noise.superclass import CIFAR100, FINE
from tasks.cifar10 import relabeled

NAMES = {"fine": FINE, "coarse": tuple(CIFAR100)}
IMAGES = ImageSet(
    Source("cifar100", "no formal licence; cite Krizhevsky (2009)", hub="uoft-cs/cifar100"),
    image="img",
    label="fine_label",
    shape=(3, 32, 32),
    sizes={"train": 50_000, "test": 10_000},
    first={"train": (19, 29, 0, 11, 1, 86, 90, 28, 23, 31), "test": (49, 33, 72, 51, 71, 92, 15, 14, 23, 0)},
)
REVIEWS = relabeled.reviews("cifar100", "b2b4fedc433e814c64fb33eff99976bbeee6355470e127b56d64bc5fb57493c0")
SOURCES = (IMAGES.source, REVIEWS)


def load(paths: Paths, target: Literal["fine", "coarse"] = "fine", rows: int | None = None) -> Task:
    """Images (3, 32, 32) as bytes in the official order. Where its file is there, the test part also has the fine labels ``corrected`` by reviewers.

    Args:
        paths: of the run.
        target: 100 classes, or their 20 superclasses.
        rows: the first training images; None = all.

    Raises:
        DataError: files that are missing, damaged or of another order.
    """
    task = imagesets.load("cifar100", IMAGES, f"{target}_label", NAMES[target], paths, rows)
    further = relabeled.corrected(REVIEWS, paths.data, task.test.y) if target == "fine" else {}
    return replace(task, further_tests=further)
