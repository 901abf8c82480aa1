"""A cell: its labels and overrides lead back to it, and cells that differ have other labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from benchmark.config.build import load, option
from benchmark.config.cells import Cell, label
from benchmark.config.grid import parse, resolve
from benchmark.config.identity import cell_id
from benchmark.core.protocol import AXES


def made_cell(**changes: Mapping[str, Any]) -> Cell:
    choice = {"task": "digits", "noise": "asymmetric", "method": "sam", "model": "mlp", "trainer": "quick"}
    return Cell(choice, {axis: option(axis, name) | changes.get(axis, {}) for axis, name in choice.items()})


CHANGES: dict[str, dict[str, Mapping[str, Any]]] = {
    "nothing": {},
    "numbers": {"noise": {"rate": 1e-05}, "method": {"rho": 2.0}, "trainer": {"epochs": 7, "lr": 0.012345}, "task": {"subset": 100}},
    "many digits": {"noise": {"rate": 0.123456789}, "trainer": {"lr": 1 / 3}},
    "null": {"trainer": {"threads": None}},
    "a list": {"model": {"hidden": [64, 32, 16]}},
    "a word": {"trainer": {"schedule": "cosine", "precision": "bf16-mixed"}},
    "a mapping": {"noise": {"mapping": {"cat": "dog", "dog": "cat"}}},
    "a mapping of tags": {"noise": {"mapping": {"B-PER": "B-ORG"}}},
    "names with spaces": {"noise": {"mapping": {"Very Good": "Good"}}},
    "words that need quotes": {"noise": {"mapping": {"cat": "it's a (small) dog"}}},
    "another base": {"method": {"base": option("method", "elr")}},
    "a key of another base": {"method": {"base": load("method", "elr", lam=5.0, beta=0.9), "rho": 0.1}},
    "another yaml of the base's class": {"method": {"base": option("method", "erm_long")}},
    "a key of the base": {"method": {"base": load("method", "erm", sequence=False)}},
    "two levels": {"method": {"base": load("method", "sam", rho=0.3) | {"base": load("method", "gce", q=0.5)}}},
}


@pytest.mark.parametrize("name", CHANGES)
def test_labels_lead_back_to_the_cell(name: str) -> None:
    """What a row is labelled with, written into a grid, is that row's cell."""
    this = made_cell(**CHANGES[name])
    back = {axis: resolve(axis, tuple(parse(axis, this.labels[axis])))[1] for axis in AXES}
    assert cell_id(back) == this.id


@pytest.mark.parametrize("name", CHANGES)
def test_overrides_lead_back_to_the_cell(name: str) -> None:
    """What a row's command says beside the names."""
    this = made_cell(**CHANGES[name])
    back = {}
    for axis in AXES:
        own = [text for text in this.overrides if text.split("=")[0].split("@")[0].split(".")[0] == axis]
        back[axis] = resolve(axis, (f"{axis}={this.choice[axis]}", *own))[1]
    assert cell_id(back) == this.id


def test_labels_say_what_differs() -> None:
    labels = made_cell(method={"base": load("method", "elr", lam=5.0, beta=0.9)}, noise={"rate": 0.4}, model={"hidden": [8]}).labels
    assert labels == {
        "task": "digits",
        "noise": "asymmetric(rate=0.4)",
        "method": "sam(base=elr(lam=5, beta=0.9))",
        "model": "mlp(hidden=[8])",
        "trainer": "quick",
    }
    assert str(made_cell()) == "digits asymmetric sam"


def test_labels_of_different_cells_differ() -> None:
    """The board groups rows by their labels."""
    values = [0.1, 0.12345678, 0.12345679, 0.1234568, 1e-9, 1, "1", [1], None]
    assert len({label("noise", "symmetric", option("noise", "symmetric") | {"rate": value}) for value in values}) == len(values) - 1  # 1 and "1" read alike


def test_equal_numbers_are_no_difference() -> None:
    assert label("method", "elr", option("method", "elr") | {"lam": 3}) == "elr"
    assert label("method", "m_correction", option("method", "m_correction") | {"dynamic": True}) == "m_correction(dynamic=true)"  # as one types it
    assert made_cell(method={"rho": 0.05}).overrides == []


@pytest.mark.parametrize(("axis", "key", "value"), [("noise", "rate", 0.3), ("trainer", "threads", 2), ("task", "rows", 5), ("model", "dropout", 0.1)])
def test_identity_of_a_cell_follows_its_configuration(axis: str, key: str, value: Any) -> None:
    assert made_cell(**{axis: {key: value}}).id != made_cell().id
    assert made_cell(**{axis: {key: option(axis, made_cell().choice[axis])[key]}}).id == made_cell().id
