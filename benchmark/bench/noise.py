"""Speed and memory of the noise generators: rows of ``make bench``."""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmark.bench.timing import Measurement
from benchmark.config.build import build, load
from benchmark.core.types import Examples, Labels, Task
from benchmark.data.problems import Multiclass
from benchmark.noise.base import Context, Noise
from benchmark.noise.cache import corrupt
from benchmark.noise.streams import Streams
from benchmark.noise.superclass import FINE

SIZE, FEATURES = 50_000, 3072
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FAMILIES = {
    10: ("symmetric_inclusive", "pairflip", "asymmetric", "block5", "transition", "class_random"),
    100: ("symmetric_inclusive", "pairflip", "superclass", "block5", "transition", "class_random"),
}


def _noise(name: str, **options: Any) -> Noise:
    """Return a generator as its yaml describes it, with some keys changed."""
    made: Noise = build(load("noise", name, **options), "noise")
    return made


def noise_speed() -> Iterator[Measurement]:
    """Class-conditional families, margins, projections, the cache, and ten million labels."""
    for classes in (10, 100):
        labels = _labels(SIZE, classes)
        yield f"symmetric, 50,000 labels, {classes} classes", f"{_milliseconds(build(load('noise', 'symmetric'), 'noise'), labels):.1f} ms", "at most 3 ms"
        slowest = max(FAMILIES[classes], key=lambda name: _milliseconds(_noise(name), labels))
        yield (
            f"slowest class-conditional family ({slowest}), {classes} classes",
            f"{_milliseconds(build(load('noise', slowest), 'noise'), labels):.1f} ms",
            "at most 12 ms",
        )
        yield from _margins(labels)
        yield from _projection(labels)
    yield from _cache()
    yield from _ten_million()


def _labels(size: int, classes: int) -> Labels:
    names = FINE if classes == 100 else CIFAR10
    return Multiclass(names).labels(np.random.default_rng(0).integers(0, classes, size))


def _seconds(run: Callable[[], object], repeats: int = 7) -> float:
    """Median wall time after one warm-up."""
    run()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return median(taken)


def _milliseconds(noise: Noise, labels: Labels, context: Context | None = None) -> float:
    return 1000 * _seconds(lambda: noise(labels, Streams(labels, 0), context or Context()))


def _peak_megabytes(run: Callable[[], object]) -> float:
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _margins(labels: Labels) -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probabilities.npy"
        np.save(path, np.random.default_rng(1).dirichlet(np.ones(labels.num_classes), SIZE).astype(np.float32))
        slowest = max(_milliseconds(_noise("instance_margin", kind=kind, probabilities=str(path)), labels) for kind in ("I", "II", "III"))
    yield f"slowest margin family, probabilities given, {labels.num_classes} classes", f"{slowest:.1f} ms", "at most 30 ms"


def _projection(labels: Labels) -> Iterator[Measurement]:
    """Against the gathered product of each class with its own normal matrix, drawn on the way."""
    x = np.random.default_rng(2).random((SIZE, FEATURES), dtype=np.float32)
    rows = [np.flatnonzero(labels.value == c) for c in range(labels.num_classes)]
    noise, context = _noise("instance_projection"), Context(features=x)
    generator = torch.Generator().manual_seed(0)

    def products() -> None:
        for at in rows:
            x[at] @ torch.randn(FEATURES, labels.num_classes, generator=generator).numpy()

    ratio = median(_milliseconds_once(noise, labels, context) / (1000 * _seconds(products, 1)) for _ in range(3))
    peak = _peak_megabytes(lambda: noise(labels, Streams(labels, 0), context))
    what = f"instance_projection, 50,000 x 3,072, {labels.num_classes} classes"
    yield f"{what} / its products", f"{ratio:.2f} x", "at most 1.3 x"
    yield f"{what}, memory beyond the input", f"{peak:.0f} MB", "at most 200 MB"


def _milliseconds_once(noise: Noise, labels: Labels, context: Context) -> float:
    return 1000 * _seconds(lambda: noise(labels, Streams(labels, 0), context), 1)


def _cache() -> Iterator[Measurement]:
    y = np.random.default_rng(0).integers(0, 10, SIZE)
    task = Task("bench", Multiclass(CIFAR10), Examples(torch.zeros(SIZE, 1), y), Examples(torch.zeros(1, 1), y[:1]))
    with tempfile.TemporaryDirectory() as folder:
        taken = _seconds(lambda: corrupt(task, load("noise", "symmetric"), 0, Path(folder)))
    yield "cached labels of 50,000 examples, verified", f"{1000 * taken:.1f} ms", "at most 20 ms"


def _ten_million() -> Iterator[Measurement]:
    labels, noise = _labels(10_000_000, 10), _noise("symmetric")
    taken = _seconds(lambda: noise(labels, Streams(labels, 0), Context()), 3)
    peak = _peak_megabytes(lambda: noise(labels, Streams(labels, 0), Context()))
    yield "symmetric, 10 million labels", f"{taken:.2f} s", "at most 0.6 s"
    yield "symmetric, 10 million labels, memory beyond the input", f"{peak:.0f} MB", "at most 500 MB"
