"""CIFAR-100N: CIFAR-100 with the fine and coarse label that one person gave to each training image, and who it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from tasks import cifar100
from tasks.cifar10n import labels

HUMAN = labels.source("CIFAR-100_human.pt", "data/CIFAR-100_human.pt", "bd2d80409754d420292d622e15e25248ba21e37d27429efac49c8da723f44394")
SIDE = labels.source("side_info_cifar100N.csv", "side_info_cifar100N.csv", "22b9ca66e25a9c0663ddc415ea3a5b9063f30d434d802ccbd0f0bf3d532d19a9")
FIELDS = {"fine": ("clean_label", "noisy_label"), "coarse": ("clean_coarse_label", "noisy_coarse_label")}
BATCH = 5  # images that a worker labeled together
SOURCES = (*cifar100.SOURCES, HUMAN, SIDE)
GIVES = frozenset({"privileged"})  # beside labels, what a method may need


def load(paths: Paths, target: Literal["fine", "coarse"] = "fine", rows: int | None = None) -> Task:
    """CIFAR-100 with the label set ``noisy`` and, as privileged inputs, each label's worker and time.

    Args:
        paths: of the run.
        target: 100 classes, or their 20 superclasses.
        rows: the first training images; None = all.

    Raises:
        DataError: files that are missing, damaged or of another order.
    """
    task = cifar100.load(paths, target, rows)
    right, noisy = FIELDS[target]
    given = labels.read(HUMAN, paths.data, {"right": right, "noisy": noisy}, task.problem.num_classes)
    labels.check_order(HUMAN, given["right"], task.train.y)
    fine = labels.read(HUMAN, paths.data, {"right": FIELDS["fine"][0], "noisy": FIELDS["fine"][1]}, len(cifar100.NAMES["fine"]))
    side = labels.side_information(SIDE, paths.data, [fine["noisy"] != fine["right"]], BATCH)
    size = len(task.train)
    inputs = None if side is None else privileged(side[:, 0])[:size]
    return replace(task, name="cifar100n", annotations={"noisy": given["noisy"][:size]}, privileged=inputs)


def privileged(side: np.ndarray) -> Tensor:
    """(E, workers + 1) half: one-hot id of who labeled an image, and standardized log(1 + seconds), from (batches, 2) ids and seconds."""
    worker = torch.from_numpy(np.unique(side[:, 0], return_inverse=True)[1])
    time = torch.from_numpy(np.log1p(side[:, 1]))
    time = (time - time.mean()) / time.std().clamp(min=1e-6)
    table = torch.cat([torch.nn.functional.one_hot(worker).half(), time.half()[:, None]], dim=1)
    return table.repeat_interleave(BATCH, dim=0)
