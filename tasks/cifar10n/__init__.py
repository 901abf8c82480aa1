"""CIFAR-10N: CIFAR-10 with the labels that three people gave to each training image."""

from __future__ import annotations

from dataclasses import replace

from benchmark.core.paths import Paths
from benchmark.core.types import Task
from tasks import cifar10
from tasks.cifar10n import labels

HUMAN = labels.source("CIFAR-10_human.pt", "data/CIFAR-10_human.pt", "873e69c39cb9b5e97fb6bae2d60bb59b38a5cbc31d2b868f7903dcb2b9dd2310")
SIDE = labels.source("side_info_cifar10N.csv", "side_info_cifar10N.csv", "50fcbe619a003d0b804a20ece51447dcdb48978c60e1202371d08302b2e14351")
ANNOTATORS = ("random1", "random2", "random3")
FIELDS = {"aggre": "aggre_label", "random1": "random_label1", "random2": "random_label2", "random3": "random_label3", "worse": "worse_label"}
SOURCES = (*cifar10.SOURCES, HUMAN, SIDE)


def load(paths: Paths, rows: int | None = None) -> Task:
    """CIFAR-10 with the label sets aggre (majority), random1 to random3 (one person each) and worse (a wrong one wherever there is one).

    The workers' ids and seconds pass through ``labels.side_information``, which refuses the published file: its lines are in no known order.

    Raises:
        DataError: files that are missing, damaged or of another order.
    """
    task = cifar10.load(paths, rows)
    given = labels.read(HUMAN, paths.data, {"right": "clean_label", **FIELDS}, len(cifar10.NAMES))
    right = given.pop("right")
    labels.check_order(HUMAN, right, task.train.y)
    labels.side_information(SIDE, paths.data, [given[name] != right for name in ANNOTATORS], batch=10)
    size = len(task.train)
    return replace(task, name="cifar10n", annotations={name: value[:size] for name, value in given.items()}, annotators=ANNOTATORS)
