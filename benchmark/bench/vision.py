"""Speed on images: the suite's whole-tensor batches in bf16 against plain torch with a loader of single images. Rows of ``make bench``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, Dataset

from benchmark.bench.timing import Measurement, ratio, seconds
from benchmark.config.build import load
from benchmark.config.grid import expand
from benchmark.core.paths import Paths
from benchmark.core.seeds import generator
from benchmark.data.parts import Part, as_numbers
from benchmark.data.problems import Multiclass
from benchmark.data.splits import TrainingData
from benchmark.methods.base import Method
from benchmark.methods.step import Passes
from benchmark.models.encoder import Encoder
from benchmark.models.features import encoded, encoder
from benchmark.models.stem import CENTER, SCALE
from benchmark.results.row import Row
from benchmark.running.conditions import load_task
from benchmark.running.runner import run_cell
from benchmark.training.augmentation import augment
from benchmark.training.learner import Learner
from benchmark.training.recipe import Recipe, input_shape
from benchmark.training.trainer import TrainerSettings, train

BATCH, LARGE = 128, 50_000
PLAIN = TrainerSettings(epochs=1, batch_size=BATCH, optimizer="sgd", lr=0.02, weight_decay=5e-4)
OURS = replace(PLAIN, precision="bf16-mixed", channels_last=True)


def vision() -> Iterator[Measurement]:
    """Steps, epochs, augmentation and a linear probe; one thread each."""
    torch.set_num_threads(1)
    for model, batches, repeats, step_aim, epoch_aim in (("resnet8", 40, 5, 1.3, 1.5), ("preact_resnet18", 3, 3, 1.9, 2.0)):
        for what, strength, aim in (("images a second", "none", step_aim), ("epoch with crop and flip", "crop_flip", epoch_aim)):
            data, recipe = _data(BATCH * batches), Recipe(load("model", model), input_shape(_data(1).train.pool), replace(OURS, augment=strength), 0)  # type: ignore[arg-type]
            value = ratio(lambda r=recipe, d=data: _plain(r, d), lambda r=recipe, d=data: _ours(r, d), repeats)  # type: ignore[misc]
            yield f"{model}, {what}: bf16, channels_last, whole tensors / float32, a loader of single images", f"{value:.2f} x", f"at least {aim} x"
    yield from _augmentation()
    yield from _probe()


def _data(size: int) -> TrainingData:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (size, 3, 32, 32), dtype=np.uint8), rng.integers(0, 10, (size, 1))
    part = Part(torch.from_numpy(x), torch.from_numpy(y), torch.ones(size, 1, dtype=torch.bool), torch.arange(size))
    return TrainingData(Multiclass([str(i) for i in range(10)]), part, part)


def _ours(recipe: Recipe, data: TrainingData) -> None:
    train(Learner(Method(), recipe.networks(data.problem, 1), data, recipe.settings, 0, epochs=1, passes=Passes.zeros(1)))


class _Images(Dataset[tuple[Tensor, Tensor]]):
    """Images one by one: padded, cut, mirrored where asked for, made numbers and normalised, as transforms of single images do."""

    def __init__(self, data: TrainingData, augmented: bool) -> None:
        self.part, self.augmented = data.train, augmented

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, at: int) -> tuple[Tensor, Tensor]:
        x = self.part.pool[at]
        if self.augmented:
            top, left, mirrored = (int(torch.randint(n, ())) for n in (9, 9, 2))
            x = F.pad(x, (4, 4, 4, 4))[:, top : top + 32, left : left + 32]
            x = x.flip(2) if mirrored else x
        return (x.float().div(255) - CENTER) / SCALE, self.part.value[at, 0]


def _plain(recipe: Recipe, data: TrainingData) -> None:
    """The same network, optimizer and batches in a hand-written loop; the stem's normalisation is undone, so that both do it once."""
    (network,) = replace(recipe, settings=PLAIN).networks(data.problem, 1)
    optimizer = PLAIN.make_optimizer(network.parameters())
    for x, y in DataLoader(_Images(data, recipe.settings.augment != "none"), BATCH, shuffle=True):
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(x * SCALE + CENTER), y).backward()
        optimizer.step()


def _augmentation(batches: int = 40) -> Iterator[Measurement]:
    """The share of an epoch that making the images takes: bytes cut, mirrored and turned into numbers, less what numbers alone cost."""
    data = _data(BATCH * batches)
    recipe = Recipe(load("model", "resnet8"), input_shape(data.train.pool), OURS, 0)

    def views(make: Callable[[Tensor, int], Tensor]) -> Callable[[], None]:
        def run() -> None:
            for k, at in enumerate(torch.arange(BATCH * batches).split(BATCH)):
                make(data.train.inputs(at), k)

        return run

    def share(strength: str) -> float:
        def made(x: Tensor, k: int) -> Tensor:
            return as_numbers(augment(x, strength, generator("bench", k)))

        return ratio(views(made), lambda: _ours(recipe, data), 5) - ratio(views(lambda x, _: as_numbers(x)), lambda: _ours(recipe, data), 5)

    yield f"augmentation of {LARGE:,} images, crop and flip / epoch of resnet8 in bf16", f"{100 * share('crop_flip'):.1f} %", "at most 5 %"
    yield "the same with a gray square, cutout", f"{100 * share('cutout'):.1f} %", "at most 5 %"
    yield "the same, strong", f"{100 * share('strong'):.1f} %", ""


class _Stored(Encoder):
    """Stands for the encoder of a package while its features are written; they have something to do with the class, as real ones do."""

    def identity(self) -> str:
        return encoder("efficientnet_lite0").identity()

    def load(self) -> Callable[[Tensor], Tensor]:
        weight = torch.randn(3 * 4 * 4, 1280, generator=torch.Generator().manual_seed(0))
        return lambda images: (images.flatten(1) @ weight).relu()


def _probe(size: int = 11_111, seeds: int = 5) -> Iterator[Measurement]:
    """A cell of ``model=linear`` from its images on disk to its rows, the features being there: 10,000 examples, 1,280 features, references included."""
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(0)
        label = rng.integers(0, 10, size)
        pixels = (rng.normal(128, 30, (size, 4, 4, 3)) + rng.normal(0, 30, (10, 4, 4, 3))[label]).clip(0, 255).astype(np.uint8)
        for row, image in enumerate(pixels):
            Image.fromarray(image).save(folder / f"{row}.png")
        given = np.where(rng.random(size) < 0.4, rng.integers(0, 10, size), label)
        table = pd.DataFrame({"path": [f"{row}.png" for row in range(size)], "label": given, "clean": label})
        table.to_csv(folder / "list.csv", index=False)
        paths = Paths(folder, folder / "results", folder / "cache")
        task = f"image_folder(path={folder}/list.csv,size=4,test_fraction=0.1,features=efficientnet_lite0)"
        product = {"task": task, "noise": "recorded", "method": "erm", "model": "linear", "trainer": "quick(epochs=12,batch_size=512,lr=0.002)"}
        (cell,) = expand([product], {}, {}, []).cells
        plain = load_task(dict(cell.config["task"]) | {"features": None}, paths)
        for side in (plain.train, plain.test):
            encoded(side.x, _Stored(), paths.cache)
        rows = list[Row]()
        took = seconds(lambda: rows.extend(run_cell(cell, [(s, s, s) for s in range(seeds)], paths)))
        assert all(row.status == "ok" for row in rows), rows[0].error
    yield f"linear probe, 10,000 x 1,280 features, {seeds} seeds", f"{took:.1f} s", "at most 10 s"
