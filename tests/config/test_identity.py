"""Ids of cells: made of names, versions and changed parameters, never of places."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.imagefiles import encoded

from benchmark.config import cells, code, declarations, identity, modules, registry
from benchmark.config.build import default_of, load, option
from benchmark.config.cells import Cell
from benchmark.config.declarations import constructor
from benchmark.config.grid import expand, resolve
from benchmark.config.identity import TRAINER, cell_id, plugin_identity
from benchmark.config.paper import bare
from benchmark.config.registry import names, plugin
from benchmark.core import paths
from benchmark.core.protocol import AXES
from benchmark.results.freshness import is_stale, sources_of
from benchmark.results.row import Row
from benchmark.review.doctor import examine
from benchmark.running import runner

CHOICE = {"task": "digits", "noise": "symmetric", "method": "sam", "model": "mlp", "trainer": "quick"}
CACHES = (registry.names, registry.raw, registry.plugins, registry.renamed, registry.current_name, default_of, resolve)
CACHES += (
    declarations._module,
    declarations.declared,
    declarations.constructor,
    declarations.own_constant,
    modules.read_module,
    modules.names_of,
    code._fingerprints,
    code._fingerprint,
)
CACHES += (registry._targets, sources_of)


def made(**changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configurations of a cell with some keys changed."""
    return {axis: bare(option(axis, name) | dict(changes.get(axis, {}))) for axis, name in CHOICE.items()}


def entry(**changed: str) -> Cell:
    (cell,) = expand([CHOICE | changed], {}, {}, []).cells
    return cell


def reordered(value: Any) -> Any:
    return {key: reordered(value[key]) for key in reversed(list(value))} if isinstance(value, dict) else value


def as_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(as_floats(item) for item in value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_the_order_of_keys_and_the_way_numbers_are_written_do_not_count() -> None:
    assert cell_id(reordered(made())) == cell_id(made())
    assert cell_id(as_floats(made())) == cell_id(made())


def test_what_is_not_identity_does_not_count() -> None:
    assert cell_id(made() | {"paths": {"results": "elsewhere"}, "seeds": [0], "logger": "wandb", "launcher": "joblib"}) == cell_id(made())


@pytest.mark.parametrize(
    ("axis", "key", "value"),
    [
        ("task", "subset", 100),
        ("task", "rows", 100),
        ("noise", "rate", 0.40000001),
        ("noise", "_target_", "benchmark.noise.class_conditional.PairFlip"),
        ("method", "rho", 0.1),
        ("method", "setting", "paper"),
        ("method", "base", load("method", "elr")),
        ("method", "base", load("method", "elr", lam=5.0)),
        ("method", "base", load("method", "erm_long")),
        ("model", "hidden", [64, 128]),
        ("model", "hidden", [[128, 64]]),
        ("trainer", "threads", 2),
        ("trainer", "threads", True),
        ("trainer", "clip", 0),
        ("trainer", "epochs", 34),
    ],
)
def test_every_value_counts(axis: str, key: str, value: Any) -> None:
    assert cell_id(made(**{axis: {key: value}})) != cell_id(made())


def test_values_count_where_they_stand() -> None:
    changed = [made(method={"base": load("method", "elr", lam=5.0)}), made(method={"base": load("method", "elr", lam=5.0), "rho": 0.1})]
    assert len({cell_id(config) for config in changed}) == 2


def test_the_protocol_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cell_id(made())
    monkeypatch.setattr(identity, "PROTOCOL_VERSION", identity.PROTOCOL_VERSION + 1)
    assert cell_id(made()) != before


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_is_needed(axis: str) -> None:
    with pytest.raises(KeyError, match=axis):
        cell_id({name: value for name, value in made().items() if name != axis})


@pytest.mark.parametrize("axis", ["task", "noise", "method", "model"])
def test_the_version_of_a_plugin_counts(axis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cell_id(made())
    monkeypatch.setattr(identity, "plugin", lambda a, target: replace(plugin(a, target), version=2) if a == axis else plugin(a, target))
    assert cell_id(made()) != before


def test_two_plugins_never_share_an_identity() -> None:
    for axis in registry.PLUGIN_AXES:
        seen: dict[str, str] = {}
        for name in names(axis):
            content = repr(plugin_identity(axis, bare(option(axis, name)), {}))
            assert content not in seen, f"{axis} {name} and {seen.get(content)} are one"
            seen[content] = name


def test_a_yaml_of_a_class_with_several_is_a_preset() -> None:
    assert entry(method="erm_long").id == entry(method="erm(epochs=2.0)").id
    assert entry(method="erm_long").id != entry(method="erm").id


def test_a_trainer_is_its_fields_each_left_out_at_its_neutral_value() -> None:
    neutral = {key: parameter.default for key, parameter in constructor(TRAINER).items() if not parameter.required}
    assert {"clip", "threads", "precision", "channels_last", "devices", "augment", "reference_folds"} <= set(neutral)
    full = made()["trainer"]
    assert cell_id(made() | {"trainer": {key: value for key, value in full.items() if value != neutral.get(key, object())}}) == cell_id(made())
    assert entry(trainer="full(accelerator=gpu,precision=bf16-mixed,channels_last=true)").id == entry(trainer="gpu").id


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the suite's sources and yamls, from which everything is read in the test."""
    for folder in ("benchmark", "tasks", "conf"):
        shutil.copytree(paths.ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.js", "*.svg"))
    forget()
    for module in (registry, cells, paths, modules):
        for name, value in (("ROOT", tmp_path), ("CONF", tmp_path / "conf")):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    yield tmp_path
    monkeypatch.undo()
    forget()


def forget() -> None:
    for cache in CACHES:
        cache.cache_clear()


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    forget()


GCE = "benchmark/methods/robust_loss/gce.py"


def test_a_plugin_that_moves_and_is_renamed_in_the_code_keeps_its_cells(suite: Path) -> None:
    before, stale = entry(method="gce(q=0.5)").id, code.source_digest(code.plugin_places("benchmark.methods.robust_loss.gce.GCE"))
    (suite / "benchmark/elsewhere").mkdir()
    (suite / "benchmark/elsewhere/__init__.py").write_text("")
    (suite / GCE).rename(suite / "benchmark/elsewhere/moved.py")
    edited(suite / "conf/method/gce.yaml", "benchmark.methods.robust_loss.gce.GCE", "benchmark.elsewhere.moved.GCE")
    assert entry(method="gce(q=0.5)").id == before
    assert code.source_digest(code.plugin_places("benchmark.elsewhere.moved.GCE")) == stale
    edited(suite / "benchmark/elsewhere/moved.py", "class GCE(", "class GeneralizedCrossEntropy(")
    edited(suite / "conf/method/gce.yaml", "moved.GCE", "moved.GeneralizedCrossEntropy")
    assert entry(method="gce(q=0.5)").id == before


def stored(cell: Cell) -> Row:
    """Return a row as a run writes it."""
    content, origin = runner._begun(cell, (0, 0, 0))
    return Row(status="failed", provenance=origin, **content)


def test_a_row_of_a_plugin_that_moves_stays_as_fresh_as_it_was(suite: Path) -> None:
    row = stored(entry(method="sam(base=gce(q=0.5))"))
    assert not is_stale(row)
    assert [row.config["method"]["_target_"], row.config["method"]["base"]["_target_"]] == ["sam", "gce"]
    (suite / "benchmark/elsewhere").mkdir()
    (suite / "benchmark/elsewhere/__init__.py").write_text("")
    (suite / GCE).rename(suite / "benchmark/elsewhere/moved.py")
    edited(suite / "conf/method/gce.yaml", "benchmark.methods.robust_loss.gce.GCE", "benchmark.elsewhere.moved.GCE")
    assert row.placed["method"]["base"]["_target_"] == "benchmark.elsewhere.moved.GCE"
    assert not is_stale(row)
    assert [text for _, rule, text in examine([row]) if rule in ("identity", "code")] == []
    edited(suite / "benchmark/elsewhere/moved.py", "q: float = 0.7", "q: float = 0.6")
    assert is_stale(row)


def test_an_image_list_keeps_its_cells_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encoded(np.full((4, 4), 7, dtype=np.uint8)))
    found = []
    for name in ("list.csv", "renamed.csv"):
        (tmp_path / name).write_text("path,label\n" + "1.png,x\n" * 30)
        found.append(identity.contents_of({"task": load("task", "image_folder", path=str(tmp_path / name))}, tmp_path)["task.path"])
    assert found[0] == found[1]
    assert identity.contents_of({"task": load("task", "image_folder", path="")}, tmp_path) == {}


def test_a_new_parameter_changes_no_cell_and_a_changed_default_with_its_yaml_does(suite: Path) -> None:
    before = entry(method="elr").id
    edited(suite / "benchmark/methods/regularization/elr.py", "beta: float = 0.7", "beta: float = 0.7, power: int = 1")
    edited(suite / "conf/method/elr.yaml", "beta: 0.7", "beta: 0.7\npower: 1")
    assert entry(method="elr").id == before
    assert entry(method="elr(power=2)").id != before


def test_a_plugin_that_gets_another_name_finds_its_rows(suite: Path) -> None:
    old = entry(method="gce(q=0.5)")
    (suite / "conf/method/gce.yaml").rename(suite / "conf/method/gxe.yaml")
    forget()
    assert entry(method="gxe(q=0.5)").id != old.id
    (suite / "conf/renamed.yaml").write_text("method: {gxe: gce}\n")
    forget()
    assert entry(method="gxe(q=0.5)").id == old.id
    row = Row(cell=old.id, seed=(0, 0, 0), status="failed", labels=old.labels, config=dict(old.config), **old.choice)
    assert [text for _, rule, text in examine([row]) if rule == "identity"] == []


def test_defaults_of_a_task_type_are_resolved_and_what_is_named_wins(suite: Path) -> None:
    edited(suite / "conf/method/gce.yaml", "  tagging: {q: 0.3}", "  tagging: {q: 0.3}\n  multilabel: {q: 0.2}")
    assert entry(task="yeast", noise="label_flip", method="gce").config["method"]["q"] == 0.2
    on = {name: entry(task="newswire", model="bilstm", method=name) for name in ("gce", "gce(q=0.7)", "gce(q=0.3)")}
    assert [cell.config["method"]["q"] for cell in on.values()] == [0.3, 0.7, 0.3]
    assert on["gce"].id == on["gce(q=0.3)"].id != on["gce(q=0.7)"].id
    assert [cell.labels["method"] for cell in on.values()] == ["gce", "gce(q=0.7)", "gce"]
    assert "method.q=0.7" in on["gce(q=0.7)"].overrides
    assert not [text for text in on["gce"].overrides if text.startswith("method")]
    assert entry(method="gce").config["method"]["q"] == 0.7
    wrapped = [entry(task="newswire", model="bilstm", method=f"sam(base={base})") for base in ("gce", "gce(q=0.7)")]
    assert [cell.config["method"]["base"]["q"] for cell in wrapped] == [0.3, 0.7]
    extra = expand([CHOICE | {"task": "newswire", "model": "bilstm", "method": "gce"}], {}, {}, ["method.q=0.7"]).cells[0]
    assert extra.config["method"]["q"] == 0.7


@pytest.mark.parametrize("block", ["{taging: {q: 0.3}}", "{tagging: {p: 0.3}}", "[q]"])
def test_a_block_of_task_types_that_is_none_is_one_line(suite: Path, block: str) -> None:
    edited(suite / "conf/method/gce.yaml", "by_kind:\n  tagging: {q: 0.3}", f"by_kind: {block}")
    with pytest.raises(registry.ConfigError, match=r"conf/method/gce\.yaml: by_kind"):
        entry(method="gce")


def test_images_of_a_list_are_part_of_the_data(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(encoded(np.full((4, 4), 7 if name == "a" else 9, dtype=np.uint8)))
        (tmp_path / name / "list.csv").write_text("path,label\n" + "1.png,x\n" * 30)
    ids = {name: identity.contents_of({"task": load("task", "image_folder", path=str(tmp_path / name / "list.csv"))}, tmp_path) for name in ("a", "b")}
    assert ids["a"]["task.path"] != ids["b"]["task.path"]


def test_an_encoder_of_features_counts_by_its_name_and_scaling() -> None:
    config = load("task", "cifar10n", features="efficientnet_lite0")
    found = plugin_identity("task", config, {})["with"]["features"]
    assert (found["name"], found["version"]) == ("efficientnet_lite0", 1)
    assert plugin_identity("task", load("task", "cifar10n"), {}) == {"name": "cifar10n", "version": 1}
