"""``method.setting=paper``: what a paper chose for a noise, its name, its identity and its mark."""

from __future__ import annotations

import doctest
from typing import Any

import pytest
from omegaconf import OmegaConf

from benchmark.api import load_method
from benchmark.board.frames import run_frame
from benchmark.config import build as config
from benchmark.config import paper as rules_of_papers
from benchmark.config.build import option
from benchmark.config.cells import Cell, cell
from benchmark.config.grid import expand
from benchmark.config.paper import published
from benchmark.config.registry import names, raw
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import AXES
from benchmark.results.row import Row

FACTS = {"noise": "asymmetric", "task": "digits", "rate": 0.4}


def test_examples_of_the_documentation() -> None:
    assert doctest.testmod(rules_of_papers).failed == 0


def made(method: str, noise: str = "asymmetric(rate=0.4)", extra: tuple[str, ...] = ()) -> Cell:
    (one,) = expand([{"task": "digits", "noise": noise, "method": method, "trainer": "quick"}], {}, {}, extra).cells
    return one


def test_paper_sets_the_keys_of_the_first_rule_that_fits() -> None:
    assert made("elr(setting=paper)").config["method"] == {"_target_": "benchmark.methods.regularization.elr.ELR", "lam": 1.0, "beta": 0.9, "setting": "paper"}
    other = made("elr(setting=paper)", "symmetric(rate=0.4)").config["method"]
    assert (other["lam"], other["beta"]) == (3.0, 0.7)  # no rule fits: the yaml's values


def test_a_paper_cell_is_another_cell_with_one_name_under_every_noise() -> None:
    paper, plain = made("elr(setting=paper)"), made("elr")
    assert paper.id != plain.id
    assert made("elr(lam=1.0,beta=0.9)").id != paper.id  # numbers that somebody gave who did not look at the noise
    assert {made("elr(setting=paper)", noise).labels["method"] for noise in ("symmetric", "asymmetric", "clean")} == {"elr(setting=paper)"}
    assert made("elr(setting=default)").id == plain.id
    assert made("elr", extra=("method.setting=paper",)).id == paper.id


def test_explicit_keys_win_and_are_named() -> None:
    one = made("elr(setting=paper,lam=5)")
    assert (one.config["method"]["lam"], one.config["method"]["beta"]) == (5, 0.9)
    assert one.labels["method"] == "elr(lam=5, setting=paper)"
    assert made(one.labels["method"]).id == one.id


def test_a_wrapped_method_has_its_own_setting() -> None:
    one = made("sam(base=elr(setting=paper))")
    assert one.config["method"]["base"]["lam"] == 1.0
    assert one.labels["method"] == "sam(base=elr(setting=paper))"
    assert one.overrides == ["noise.rate=0.4", "method@method.base=elr", "method.base.setting=paper"]


def test_hydra_composes_what_the_grid_resolves() -> None:
    chosen = {"task": "digits", "noise": "asymmetric", "method": "elr", "model": "cnn", "trainer": "quick"}
    composed = {axis: raw(axis, name) for axis, name in chosen.items()}
    composed = {axis: {k: v for k, v in value.items() if k != "defaults"} for axis, value in composed.items()}
    composed["method"] |= {"setting": "paper"}
    composed["noise"] |= {"rate": 0.4}
    one = cell(OmegaConf.create(composed), chosen)
    assert one.id == made("elr(setting=paper)").id
    assert one.overrides == ["noise.rate=0.4", "method.setting=paper"]


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("elr(setting=papr)", "method.setting='papr' is unknown: did you mean 'paper'"),
        ("erm(setting=paper)", "method erm has no key 'setting'"),
        ("sam(base=elr(setting=3))", "method.base.setting=3 is unknown"),
    ],
)
def test_a_wrong_setting_is_one_line(method: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(method)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_method_without_a_cell_has_no_noise_to_know() -> None:
    with pytest.raises(ConfigError, match="depends on a cell's noise"):
        load_method("elr", setting="paper")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"lam": 1}, "no list of rules"),
        ([{"when": {}}], "no list of rules"),
        ([{"use": {"lma": 1}}], "unknown key 'lma': did you mean 'lam'"),
        ([{"use": {"setting": "default"}}], "unknown key 'setting'"),
        ([{"when": {"nois": "clean"}, "use": {}}], "unknown condition 'nois': did you mean 'noise'"),
    ],
)
def test_a_block_that_is_none_is_one_line(rules: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        published(rules, {"lam": 3.0, "setting": "default"}, FACTS, "conf/method/elr.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("rate", "fits"), [(0.2, True), (0.4, True), (0.19, False), (0.41, False), (None, False)])
def test_a_range_of_rates_includes_its_ends(rate: float | None, fits: bool) -> None:
    rules = [{"when": {"rate": [0.2, 0.4]}, "use": {"lam": 9.0}}]
    assert published(rules, {"lam": 3.0}, FACTS | {"rate": rate}, "") == ({"lam": 9.0} if fits else {})


@pytest.mark.parametrize("name", [name for name in names("method") if "paper" in raw("method", name)])
def test_every_block_changes_something_of_the_right_type(name: str) -> None:
    rules, keys = raw("method", name)["paper"], option("method", name)
    assert keys["setting"] == "default"
    published(rules, keys, FACTS, name)
    assert any(keys[key] != value for rule in rules for key, value in rule["use"].items())
    for rule in rules:
        config.build(keys | rule["use"], "method")
        assert rule.get("when") or rule is rules[-1]


@pytest.mark.parametrize(
    ("name", "facts", "keys"),
    [
        ("sam", {"noise": "clean", "task": "cifar10", "rate": None}, {"rho": 0.05}),
        ("sam", {"noise": "human", "task": "cifar10n", "rate": None}, {"rho": 0.1}),
        ("gce", {"noise": "symmetric", "task": "cifar100", "rate": 0.4}, {"start": 0.533}),
        ("dividemix", {"noise": "symmetric", "task": "cifar100", "rate": 0.9}, {"lambda_u": 150.0, "threshold": 0.6, "history": 5, "warmup": 0.1}),
        ("dividemix", {"noise": "symmetric", "task": "cifar100", "rate": 0.8}, {"lambda_u": 150.0, "threshold": 0.5, "history": 1, "warmup": 0.1}),
        ("dividemix", {"noise": "symmetric", "task": "cifar10", "rate": 0.9}, {"lambda_u": 50.0, "threshold": 0.6, "history": 5, "warmup": 0.033}),
        ("dividemix", {"noise": "symmetric", "task": "cifar10", "rate": 0.2}, {"lambda_u": 0.0, "threshold": 0.5}),
        ("dividemix", {"noise": "asymmetric", "task": "cifar10", "rate": 0.4}, {"lambda_u": 0.0, "confidence_penalty": 1.0}),
        ("jocor", {"noise": "symmetric", "task": "cifar10", "rate": 0.8}, {"lam": 0.65}),
        ("sop", {"noise": "superclass", "task": "cifar100", "rate": 0.4}, {"lr_u": 0.1, "lr_v": 100.0}),
        ("late_stopping", {"noise": "symmetric", "task": "cifar10", "rate": 0.4}, {"keep": 0.955, "rounds": [4, 4, 4]}),
    ],
)
def test_blocks_say_what_the_papers_did(name: str, facts: dict[str, Any], keys: dict[str, Any]) -> None:
    default = option("method", name)
    found = default | published(raw("method", name)["paper"], default, facts, name)
    assert {key: found[key] for key in keys} == keys


def test_the_board_marks_who_knew_the_noise() -> None:
    rows = []
    for method in ("elr", "elr(setting=paper)", "sam(base=elr(setting=paper))", "forward"):
        one = made(method)
        rows.append(
            Row(cell=one.id, seed=(0, 0, 0), status="ok", labels=one.labels, config=dict(one.config), metrics={"test/last/accuracy": 0.5}, **one.choice)
        )
    assert list(run_frame(rows, ["last"])["privileged"]) == ["", "setting=paper", "setting=paper", "transition"]
    assert set(rows[0].labels) == set(AXES)
