"""What reads inputs from outside: each takes a generator, alters one input and reads it."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser
from support import ownfiles

from benchmark.api import load_task
from benchmark.config.build import build, load
from benchmark.config.commandline import prepared
from benchmark.config.grid import expand
from benchmark.config.registry import names
from benchmark.core.artifacts import kept, mapped
from benchmark.core.errors import DataError
from benchmark.core.paths import CONF, Paths
from benchmark.core.yamls import read_yaml
from benchmark.data.wheels import member, tar_files
from benchmark.results.freshness import due
from benchmark.results.row import Row, parse
from benchmark.results.store import Store
from benchmark.running.plan import planned
from benchmark.tuning import frozen as tuned
from fuzz.mutations import altered, replaced, words

Target = Callable[[random.Random], None]


class SilentError(AssertionError):
    """Something else was read than what was written, and nobody was told."""


def targets(folder: Path) -> dict[str, Target]:
    """Return everything that is fuzzed, by name; inputs are written below ``folder``."""
    made = [_rows, _tables, _packed, _parquet, _sentences, _multilabel, _images, _archives, _reports, _caches, _yamls, _frozen, _commands, _configurations]
    out = {}
    for make in made:
        own = folder / make.__name__.strip("_")
        own.mkdir(parents=True, exist_ok=True)
        out[own.name] = make(own)
    return out


def _rows(folder: Path) -> Target:
    cell = expand([{"task": "digits", "noise": "symmetric", "method": "sam(base=elr)", "trainer": "smoke"}], {}, {}, []).cells[0]
    right = Row(cell=cell.id, seed=(0, 0, 0), status="ok", labels=cell.labels, config=dict(cell.config), metrics={"test/last/accuracy": 0.5}, **cell.choice)
    values, store = json.loads(right.model_dump_json()), Store(folder)
    path = store.path(cell.id, (0, 0, 0))
    path.parent.mkdir(parents=True)

    def read(draw: random.Random) -> None:
        content = json.dumps(replaced(values, draw)).encode() if draw.random() < 0.5 else altered(right.model_dump_json(indent=1).encode(), draw)
        path.write_bytes(content)
        store.state(cell.id, (0, 0, 0))
        for row in store.rows():
            due(row, "skip", folder)
        with contextlib.suppress(DataError):
            parse(content, path)

    return read


def _own(folder: Path, task: str, write: Callable[[Path], dict[str, Any]], suffix: str = "") -> Target:
    """A task over a file of the user's own."""
    options, paths = write(folder), Paths(folder, folder, folder / "cache")
    path = Path(options["path"])
    right = path.read_bytes()
    target = path.with_name(path.name + suffix)

    def read(draw: random.Random) -> None:
        content = gzip.compress(right) if suffix else right
        target.write_bytes(altered(content, draw))
        load_task(task, paths, **options | {"path": str(target)})

    return read


def _tables(folder: Path) -> Target:
    return _own(folder, "table", ownfiles.write_table)


def _packed(folder: Path) -> Target:
    return _own(folder, "table", ownfiles.write_table, ".gz")


def _parquet(folder: Path) -> Target:
    def write(folder: Path) -> dict[str, Any]:
        options = ownfiles.write_table(folder)
        pd.read_csv(options["path"]).to_parquet(folder / "shop.parquet")
        return options | {"path": str(folder / "shop.parquet")}

    return _own(folder, "table", write)


def _sentences(folder: Path) -> Target:
    return _own(folder, "conll", ownfiles.write_conll)


def _multilabel(folder: Path) -> Target:
    return _own(folder, "multilabel", ownfiles.write_multilabel)


def _images(folder: Path) -> Target:
    options, paths = ownfiles.write_images(folder), Paths(folder, folder, folder / "cache")
    files = [path for path in sorted(Path(options["path"]).rglob("*.*")) if path.is_file()]
    contents = {path: path.read_bytes() for path in files}

    def read(draw: random.Random) -> None:
        path = draw.choice(files)
        path.write_bytes(altered(contents[path], draw))
        try:
            load_task("image_folder", paths, **options)
        finally:
            path.write_bytes(contents[path])

    return read


def _archives(folder: Path) -> Target:
    archive = Path(ownfiles.write_cxr_reports(folder)["archive"])
    right, name = archive.read_bytes(), "torchxrayvision/data/NLMCXR_reports.tgz"
    sha256, inner = hashlib.sha256(member(archive, name)).hexdigest(), member(archive, name)

    def read(draw: random.Random) -> None:
        archive.write_bytes(altered(right, draw))
        if member(archive, name, sha256) != inner:
            raise SilentError("another table")

    return read


def _reports(folder: Path) -> Target:
    archive = Path(ownfiles.write_cxr_reports(folder)["archive"])
    inner = member(archive, "torchxrayvision/data/NLMCXR_reports.tgz")
    plain = gzip.decompress(inner)

    def read(draw: random.Random) -> None:
        content = altered(inner, draw) if draw.random() < 0.5 else gzip.compress(altered(plain, draw), 1)
        for _ in tar_files(content, ".xml", "here"):
            pass

    return read


def _caches(folder: Path) -> Target:
    arrays, says = {"a": np.arange(30)}, {"statistics": {"rate": 0.4}, "observed": "x"}

    def both() -> str:
        found, manifest = kept(folder / "one.npz", lambda: (arrays, says))
        return json.dumps([found["a"].tolist(), manifest, mapped(folder / "two.npy", lambda: arrays["a"]).tolist()], sort_keys=True)

    right = both()
    contents = {path: path.read_bytes() for path in sorted(folder.iterdir())}

    def read(draw: random.Random) -> None:
        path = draw.choice(list(contents))
        path.write_bytes(altered(contents[path], draw))
        if both() != right:
            raise SilentError(f"{path.name} altered")

    return read


def _yamls(folder: Path) -> Target:
    files = sorted(CONF.glob("*/*.yaml"))

    def read(draw: random.Random) -> None:
        (folder / "x.yaml").write_bytes(altered(draw.choice(files).read_bytes(), draw))
        read_yaml(folder / "x.yaml")

    return read


def _frozen(folder: Path) -> Target:
    def within(action: Callable[[], Any]) -> Any:
        before = tuned.FOLDER
        tuned.FOLDER = folder
        try:
            return action()
        finally:
            tuned.FOLDER = before

    path = within(lambda: tuned.freeze("gce", {"keys": {"q": 0.7}, "trainer": {"lr": 0.003, "epochs": 5}, "tasks": ["digits"]}))
    content, right = path.read_bytes(), within(lambda: tuned.frozen("gce"))

    def read(draw: random.Random) -> None:
        path.write_bytes(altered(content, draw))
        if within(lambda: tuned.frozen("gce")) != right:
            raise SilentError("another point")

    return read


def _commands(folder: Path) -> Target:
    def read(draw: random.Random) -> None:
        said = words(draw)
        with contextlib.redirect_stdout(io.StringIO()):
            ready = prepared(said)
            OverridesParser.create().parse_overrides([word for word in ready if not word.startswith("-")])
            if draw.random() < 0.2:
                planned(["experiment=smoke", *(word for word in said if not word.startswith("-"))])

    return read


def _configurations(folder: Path) -> Target:
    options = [(axis, name) for axis in ("noise", "method") for name in names(axis)]

    def read(draw: random.Random) -> None:
        axis, name = draw.choice(options)
        config = load(axis, name)
        changed = replaced(config, draw)
        if isinstance(changed, dict):
            build(changed, axis)

    return read
