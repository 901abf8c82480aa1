"""Public image sets: read from a folder or fetched, kept as bytes, and refused in one line where they are damaged."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from http.client import IncompleteRead
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from support import imagefiles
from support.imagefiles import TEST, TRAIN, encoded, write_images
from support.tiny import make_conditions, run
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from benchmark.api import load_noise, load_task
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.paths import Paths
from benchmark.core.types import Examples, Task
from benchmark.data import imagesets
from benchmark.data.images import pixels
from benchmark.data.problems import Multiclass
from benchmark.data.reading import same_inputs
from benchmark.data.sources import Source
from benchmark.data.splits import assemble
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams
from benchmark.running.conditions import load_task as load_resolved
from benchmark.training.prediction import EVALUATION_BATCH
from tasks import cifar10, cifar100, fashion_mnist

TRAIN_FILE = "cifar10/train-00000-of-00001.parquet"


def cifar(paths: Paths, **options: Any) -> dict[str, np.ndarray]:
    return write_images(paths.data, cifar10.IMAGES, 10, **options)


def test_a_folder_is_read_in_its_order(paths: Paths) -> None:
    made = cifar(paths)
    task = load_task("cifar10", paths, rows=TRAIN)
    assert task.train.x.dtype == torch.uint8
    assert np.array_equal(task.train.x.numpy(), made["train_x"])
    assert np.array_equal(task.test.x.numpy(), made["test_x"])
    assert np.array_equal(task.train.y, made["train"])
    assert task.problem.names[6] == "frog"
    prefix = load_task("cifar10", paths, rows=25)
    assert torch.equal(prefix.train.x, task.train.x[:25])
    assert len(prefix.test) == TEST


def test_a_second_load_decodes_nothing(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    cifar(paths)
    first = load_task("cifar10", paths, rows=TRAIN)
    monkeypatch.setattr(imagesets, "_tables", lambda *_: pytest.fail("decoded again"))
    second = load_task("cifar10", paths, rows=TRAIN)
    assert digest(first.train.x, first.test.x, first.train.y) == digest(second.train.x, second.test.x, second.train.y)


def test_altered_pixels_in_the_cache_are_decoded_again(paths: Paths) -> None:
    made = cifar(paths)
    load_task("cifar10", paths, rows=TRAIN)
    (kept,) = paths.cache.glob(f"images/*-train-{TRAIN}.npy")
    content = bytearray(kept.read_bytes())
    content[-1] ^= 255
    kept.write_bytes(content)
    assert np.array_equal(load_task("cifar10", paths, rows=TRAIN).train.x.numpy(), made["train_x"])


def test_all_parts_of_a_setting_share_the_bytes(paths: Paths) -> None:
    cifar(paths)
    task = load_task("cifar10", paths, rows=TRAIN)
    labels = task.problem.labels(task.train.y)
    made = load_noise("clean")(labels, Streams(labels, 0), Context())
    data, _ = assemble(task, task.train, made, seed=0)
    for part in (data.train, data.val):
        assert part.pool.data_ptr() == task.train.x.data_ptr()
        assert torch.equal(part.x, torch.cat(list(part.blocks(7))))
    at = torch.tensor([3, 1])
    x, value, _ = data.train.rows(at)
    assert torch.equal(x, data.train.x[at].float() / 255)
    assert torch.equal(data.train.take(at).rows(torch.tensor([1]))[1], value[1:])
    joined = np.concatenate([data.train.x.numpy(), data.val.x.numpy()])
    assert sorted(map(digest, joined)) == sorted(map(digest, task.train.x.numpy()))


class Largest(TorchDispatchMode):
    """Remembers the size of the largest tensor of numbers that anything makes."""

    size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.size = max([self.size, *(t.numel() for t in pytree.tree_leaves(out) if isinstance(t, torch.Tensor) and t.is_floating_point())])
        return out


@pytest.mark.parametrize("augment", ["none", "crop_flip"])
def test_no_float_copy_of_all_images_is_ever_made(augment: str) -> None:
    """From the split over training to the last evaluation numbers are made of a batch at a time; no batch holds all images."""
    x, y = torch.randint(0, 256, (2600, 3, 6, 6), dtype=torch.uint8), np.arange(2600) % 4
    task = Task("pictures", Multiclass(list("abcd")), Examples(x, y), Examples(x[:100], y[:100]))
    with Largest() as seen:
        done = run({"_target_": "benchmark.methods.baseline.erm.ERM"}, make_conditions("multiclass", task=task, model="linear", epochs=1, augment=augment))
    assert done.evaluation.records
    assert 0 < seen.size <= EVALUATION_BATCH * x[0].numel() < x.numel()


def test_a_partial_folder_needs_rows(paths: Paths) -> None:
    cifar(paths)
    with pytest.raises(DataError, match=f"holds {TRAIN} of 50000 training images: give task.rows={TRAIN}"):
        load_task("cifar10", paths)
    with pytest.raises(DataError, match=f"holds {TRAIN} of {TRAIN + 1} training images"):
        load_task("cifar10", paths, rows=TRAIN + 1)
    with pytest.raises(ConfigError, match=r"task\.rows=0 is below 1"):
        load_task("cifar10", paths, rows=0)


def test_rows_reach_the_task_from_a_resolved_cell(paths: Paths) -> None:
    cifar(paths)
    config = {"_target_": "tasks.cifar10.load", "problem": "multiclass", "inputs": "image", "subset": None, "rows": 31}
    assert len(load_resolved(config, paths).train) == 31


def test_equal_images_share_a_group(paths: Paths) -> None:
    cifar(paths)
    x = imagefiles.write_images(paths.data, cifar10.IMAGES, 10, train=4)["train_x"]
    groups = same_inputs(np.concatenate([x, x[1:3]]))
    assert groups.tolist() == [0, 1, 2, 3, 1, 2]


def test_labels_that_cannot_be_are_one_line(paths: Paths) -> None:
    """Columns of words are left alone; those that labels are read from hold classes."""
    write_images(paths.data, cifar100.IMAGES, 100)
    with pytest.raises(DataError, match=r"cifar100 train has no whole numbers in a column 'coarse_label': save the parquet files"):
        load_task("cifar100", paths, target="coarse", rows=TRAIN)
    table = datasets.load_dataset("parquet", data_files=str(_written(paths)), split="train", cache_dir=str(paths.cache))
    table.add_column("writer", ["somebody"] * TRAIN).to_parquet(paths.data / TRAIN_FILE)
    assert load_task("cifar10", paths, rows=TRAIN).train.x.shape == (TRAIN, 3, 32, 32)
    unlabeled = [*table["label"][: TRAIN - 1], -1]
    table.remove_columns("label").add_column("label", unlabeled).to_parquet(paths.data / TRAIN_FILE)
    with pytest.raises(DataError, match=r"cifar10 train has labels of -1 to 9 in the column 'label', expected 0 to 9"):
        load_task("cifar10", paths, rows=TRAIN)
    table.remove_columns("label").add_column("label", list(map(str, table["label"]))).to_parquet(paths.data / TRAIN_FILE)
    with pytest.raises(DataError, match=r"cifar10 train has no whole numbers in the column 'label'"):
        load_task("cifar10", paths, rows=TRAIN)


@pytest.mark.parametrize(("target", "classes"), [("fine", 100), ("coarse", 20)])
def test_cifar100_has_two_targets(target: str, classes: int, paths: Paths) -> None:
    coarse = {i: i % 20 for i in range(100)}
    made = write_images(paths.data, cifar100.IMAGES, 100, coarse=coarse)
    task = load_task("cifar100", paths, target=target, rows=TRAIN)
    assert task.problem.num_classes == classes
    assert np.array_equal(task.train.y, made["train"] if target == "fine" else made["train"] % 20)


def test_fashion_mnist_is_gray_and_has_look_alikes(paths: Paths) -> None:
    made = write_images(paths.data, fashion_mnist.IMAGES, 10)
    task = load_task("fashion_mnist", paths, rows=TRAIN)
    assert np.array_equal(task.train.x.numpy(), made["train_x"])
    labels = task.problem.labels(task.train.y)
    noisy = load_noise("asymmetric", rate=1.0)(labels, Streams(labels, 0), Context()).observed
    names = np.array(task.problem.names)
    assert set(zip(names[task.train.y].tolist(), names[noisy].tolist(), strict=True)) >= {("ankle_boot", "sneaker"), ("sneaker", "sandal"), ("bag", "bag")}


DAMAGE = {
    "0 bytes": (b"", "has 0 bytes"),
    "a web page": (b"<!DOCTYPE html><html><body>Not found</body></html>", "is a web page (HTML), not data"),
    "another format": (b"img,label\n1,2\n", "is no parquet file"),
    "truncated": (None, "is truncated"),
    "damaged inside": (b"PAR1" + bytes(400) + b"PAR1", "is damaged ("),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_one_line(case: str, paths: Paths) -> None:
    cifar(paths)
    file, (content, message) = paths.data / TRAIN_FILE, DAMAGE[case]
    file.write_bytes(file.read_bytes()[:-500] if content is None else content)
    with pytest.raises(DataError) as raised:
        load_task("cifar10", paths, rows=TRAIN)
    text = str(raised.value)
    assert message in text
    assert "cifar10" in text
    assert "uoft-cs/cifar10" in text
    assert "\n" not in text


def test_another_order_is_refused(paths: Paths) -> None:
    table = datasets.load_dataset("parquet", data_files=str(_written(paths)), split="train", cache_dir=str(paths.cache))
    table.select(range(TRAIN - 1, -1, -1)).to_parquet(paths.data / TRAIN_FILE)
    with pytest.raises(DataError, match=r"train begins with the labels .*, the official order with 6 9 9 4 1 1 2 7 8 3"):
        load_task("cifar10", paths, rows=TRAIN)


def test_the_order_of_the_hub_is_put_right(paths: Paths) -> None:
    """The hub begins with the fourth of the five files of the archive; images and labels move together."""
    known = cifar10.IMAGES
    made, small = cifar(paths), replace(known, sizes={"train": TRAIN, "test": TEST}, first={part: labels[:10] for part, labels in known.first.items()})
    y, at = made["train"].copy(), np.arange(TRAIN).reshape(5, -1)
    for where, first in zip(at, small.shares, strict=True):
        y[where[: len(first)]] = first
    table = datasets.load_dataset("parquet", data_files=str(paths.data / TRAIN_FILE), split="train", cache_dir=str(paths.cache))
    table = table.remove_columns("label").add_column("label", y)
    for shares in ([3, 2, 1, 4, 0], range(5)):
        table.select(at[list(shares)].reshape(-1)).to_parquet(paths.data / TRAIN_FILE)
        for rows in (None, 25):
            task = imagesets.load("cifar10", small, "label", cifar10.NAMES, paths, rows)
            assert np.array_equal(task.train.y, y[:rows])
            assert np.array_equal(task.train.x.numpy(), made["train_x"][:rows])
    table.select(at[[3, 2, 1, 4]].reshape(-1)).to_parquet(paths.data / TRAIN_FILE)  # a share is missing: nobody knows where the others belong
    with pytest.raises(DataError, match=r"train begins with the labels 0 6 0 2 7 2 1 2 4 1, the official order with 6 9 9 4 1 1 2 7 8 3"):
        imagesets.load("cifar10", small, "label", cifar10.NAMES, paths, 25)


def test_other_columns_are_refused(paths: Paths) -> None:
    table = datasets.load_dataset("parquet", data_files=str(_written(paths)), split="train", cache_dir=str(paths.cache))
    for file in (TRAIN_FILE, TRAIN_FILE.replace("train", "test")):
        table.rename_column("img", "picture").to_parquet(paths.data / file)
    with pytest.raises(DataError, match="train has no column 'img', but picture, label"):
        load_task("cifar10", paths, rows=TRAIN)


def _written(paths: Paths) -> Path:
    cifar(paths)
    return paths.data / TRAIN_FILE


def test_pixels_that_are_not_the_originals_are_refused(paths: Paths) -> None:
    cifar(paths, kind="JPEG")
    with pytest.raises(DataError, match="image 0 is a JPEG copy, which alters pixels"):
        load_task("cifar10", paths, rows=TRAIN)
    good = encoded(np.zeros((32, 32, 3), np.uint8))
    cases = ((encoded(np.zeros((16, 32, 3), np.uint8)), "has 32 x 16 pixels, expected 32 x 32"), (good[:40], "cannot be decoded"), (None, "is empty"))
    for content, message in cases:
        with pytest.raises(DataError, match=f"here image 1 {message}"):
            pixels([good, content], 2, (3, 32, 32), "here")


def test_missing_data_tell_how_to_get_them(paths: Paths) -> None:
    with pytest.raises(
        DataError, match=r"cifar10 is missing and cannot be fetched \(HF_HUB_OFFLINE is set\): save the parquet files of the data set uoft-cs/cifar10"
    ):
        load_task("cifar10", paths)


def test_a_set_of_the_hub_gets_the_local_layout(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``datasets`` gives by name is kept as a folder, which the same reader reads."""
    made = cifar(paths)
    found = datasets.load_dataset(str(paths.data / "cifar10"), cache_dir=str(paths.cache / "hub"))
    there = Paths(paths.data / "new", paths.results, paths.cache)
    real = datasets.load_dataset
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(datasets, "load_dataset", lambda name, **k: found if name == "uoft-cs/cifar10" else real(name, **k))
    monkeypatch.setenv("HF_ENDPOINT", (paths.data / TRAIN_FILE).as_uri())  # somebody answers
    monkeypatch.setattr("benchmark.data.sources._download", lambda *_: (_ for _ in ()).throw(OSError("no network")))
    assert np.array_equal(load_task("cifar10", there, rows=TRAIN).train.x.numpy(), made["train_x"])
    assert sorted(file.name for file in (there.data / "cifar10").iterdir()) == ["test-00000-of-00001.parquet", "train-00000-of-00001.parquet"]


def test_a_hub_that_nobody_reaches_is_one_line_at_once(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", (paths.data / "nowhere").as_uri())
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("the library was asked"))
    with pytest.raises(DataError, match=r"cifar10 is missing and cannot be fetched \(file:.*nowhere cannot be reached: .*\): save the parquet files"):
        load_task("cifar10", paths)


def test_a_download_that_breaks_off_is_one_line_and_leaves_nothing(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")

    def cut(*_: Any, **__: Any) -> Any:
        raise IncompleteRead(b"lab", 100)

    def broken(*_: Any, **__: Any) -> Any:
        raise datasets.exceptions.DatasetGenerationError("while generating") from ConnectionResetError("the connection was reset\nby the peer")

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: nullcontext(SimpleNamespace(read=cut)))
    with pytest.raises(DataError, match=r"b\.bin is missing and cannot be fetched \(IncompleteRead\(3 bytes read, 100 more expected\)\): save https"):
        Source("b.bin", "CC BY 4.0", url="https://example.org/b.bin").find(paths.data)
    monkeypatch.setattr("benchmark.data.sources._reach", lambda _: None)
    monkeypatch.setattr(datasets, "load_dataset", broken)
    with pytest.raises(DataError, match=r"cifar10 is missing and cannot be fetched \(the connection was reset\): save the parquet files"):
        load_task("cifar10", paths)
    assert not list(paths.data.rglob("*.bin")) + list(paths.data.glob("cifar10*"))
