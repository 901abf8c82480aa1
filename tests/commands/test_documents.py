"""What the documents say is true."""

from __future__ import annotations

import re
import tomllib

import numpy as np

from benchmark.commands.documents import pages
from benchmark.config.build import build, load
from benchmark.core.paths import ROOT, Paths
from benchmark.data.splits import assemble
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams
from tasks.digits import load as load_digits


def test_generated_pages_are_current() -> None:
    for path, text in pages():
        assert path.read_text(encoding="utf8") == text, f"{path.name} is out of date: run make docs"


def test_the_label_of_the_architecture_page_goes_where_it_says(paths: Paths) -> None:
    task = load_digits(paths)
    labels = task.problem.labels(task.train.y)
    streams = Streams(labels, 0)
    made = build(load("noise", "symmetric", rate=0.4), "noise")(labels, streams, Context())
    assert (task.train.y[10], made.observed[10]) == (2, 5)
    assert (round(streams["flip"][10], 3), round(streams["pick"][10], 3)) == (0.191, 0.266)
    data, _ = assemble(task, task.train, made, seed=0)
    (at,) = np.flatnonzero((data.train.x == task.train.x[10]).flatten(1).all(1).numpy())
    assert at == 5
    assert int(data.train.value[at, 0]) == 5


def test_files_that_the_documents_name_exist() -> None:
    for page in ("README.md", "docs/architecture.md"):
        text = (ROOT / page).read_text(encoding="utf8")
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            base = ROOT if page == "README.md" else ROOT / "docs"
            assert (base / target).exists(), f"{page} links to {target}"


def test_files_that_architecture_and_glossary_name_exist() -> None:
    text = "".join((ROOT / "docs" / name).read_text(encoding="utf8") for name in ("architecture.md", "glossary.md"))
    named = set(re.findall(r"`((?:benchmark|conf|tasks|tests|docs)/[\w./]+|[\w./]+\.(?:py|toml|yaml))`", text))
    assert len(named) > 40
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_the_order_of_the_rooms_is_the_one_that_is_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf8")
    assert f"\n{' < '.join(reversed(layers))}\n" in text
    rooms = {path.name for path in (ROOT / "benchmark").iterdir() if (path / "__init__.py").is_file()} - {"plugins"}
    assert {room for layer in layers for room in layer.split(" | ")} == rooms | {"api"}
    assert set(re.findall(r"`benchmark/(\w+)/`", text)) >= rooms
