"""x"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from support.grids import GIVEN, PRODUCTS, grid, shown

from benchmark.config.build import option
from benchmark.config.cells import Cell, cell
from benchmark.config.grid import ORDER, Grid, default_model, expand, parse, resolve, split, value_of
from benchmark.config.paper import bare
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.paths import CONF
from benchmark.core.protocol import AXES

EVERYTHING = [
    "digits clean erm",
    "digits clean gce",
    "digits symmetric(rate=0.4) erm",
    "digits symmetric(rate=0.4) gce",
    "diamonds clean erm",
    "diamonds clean huber",
    "diamonds gaussian erm",
    "diamonds gaussian huber",
]


def test_parse_spells_an_entry_out() -> None:
    assert parse("noise", "symmetric(rate=0.4)") == ["noise=symmetric", "noise.rate=0.4"]
    assert parse("noise", "clean") == ["noise=clean"]
    assert parse("noise", " symmetric( rate=0.4 ) ") == ["noise=symmetric", "noise.rate=0.4"]
    assert parse("noise", "label_flip(fpr=0.1, fnr=0.3)") == ["noise=label_flip", "noise.fpr=0.1", "noise.fnr=0.3"]
    assert parse("model", "mlp(hidden=[64,32],dropout=0.1)") == ["model=mlp", "model.hidden=[64,32]", "model.dropout=0.1"]
    assert parse("noise", "asymmetric(mapping={7:1,2:7})") == ["noise=asymmetric", "noise.mapping={7:1,2:7}"]


def test_parse_spells_nested_plugins_out() -> None:
    assert parse("method", "sam(base=elr)") == ["method=sam", "method@method.base=elr"]
    assert parse("method", "sam(base=elr(lam=5),rho=0.1)") == ["method=sam", "method@method.base=elr", "method.base.lam=5", "method.rho=0.1"]
    two = ["method=sam", "method@method.base=sam", "method@method.base.base=gce", "method.base.base.q=0.5"]
    assert parse("method", "sam(base=sam(base=gce(q=0.5)))") == two


@pytest.mark.parametrize(
    ("axis", "text", "hint"),
    [
        ("noise", "symetric(rate=0.4)", "noise='symetric' does not exist: did you mean 'symmetric'"),
        ("noise", "", "noise='' does not exist: choices: adversarial"),
        ("noise", "symmetric(raet=0.4)", "noise symmetric has no key 'raet': did you mean 'rate'"),
        ("noise", "symmetric(0.4)", "noise symmetric has no key '0.4'"),
        ("noise", "symmetric(rate=0.4", "lacks a closing bracket: write name(key=value, ...)"),
        ("method", "sam(base=elrr)", "method='elrr' does not exist: did you mean 'elr'"),
        ("method", "sam(base=elr(lambda=5))", "method elr has no key 'lambda': .*choices: beta, lam"),
    ],
)
def test_entries_that_are_none_are_refused_in_one_line(axis: str, text: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint.replace("(", r"\(").replace(")", r"\)")) as caught:
        parse(axis, text)
    assert "\n" not in str(caught.value)


def test_split_sees_brackets() -> None:
    assert split("a(b=1,c=2), d ,e([1,2]),,{f:1,g:2}") == ["a(b=1,c=2)", "d", "e([1,2])", "{f:1,g:2}"]
    assert split("") == []


def test_resolve_sets_keys_of_the_option() -> None:
    name, config = resolve("method", ("method=sam", "method@method.base=elr", "method.base.lam=5", "method.rho=0.1"))
    assert name == "sam"
    assert config == option("method", "sam") | {"rho": 0.1, "base": option("method", "elr") | {"lam": 5}}
    assert option("method", "sam")["rho"] == 0.05
    with pytest.raises(ConfigError, match="method sam has no key 'lan': did you mean 'lam'"):
        resolve("method", ("method=sam", "method@method.base=elr", "method.base.lan=5"))


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.4", 0.4), ("1e-5", 1e-5), ("null", None), ("true", True), ("[1,2]", [1, 2]), ("{a:1}", {"a": 1}), ("word", "word"), ("'0.4'", "0.4")],
)
def test_resolve_reads_values_as_hydra_does(text: str, value: Any) -> None:
    assert resolve("noise", ("noise=symmetric", f"noise.rate={text}"))[1]["rate"] == value


def test_a_grid_is_a_union_of_products() -> None:
    found = grid()
    assert shown(found) == EVERYTHING
    assert set(shown(found, "trainer")) == {"quick", "quick(epochs=5, lr=0.01)"}
    assert found.skipped == []
    assert set(found.overrides) == {made.id for made in found.cells}


def test_the_same_cell_from_two_products_is_one() -> None:
    twice = [{"task": "digits", "noise": ["symmetric", "symmetric(rate=0.2)", "symmetric(rate=0.20)"], "method": ["erm", "erm"]}]
    assert shown(grid([*twice, *twice])) == ["digits symmetric erm"]
    assert shown(grid([*PRODUCTS, *PRODUCTS[::-1]])) == EVERYTHING


def test_task_and_noise_vary_slowest_across_products() -> None:
    products = [
        {"task": ["digits", "yeast"], "noise": "clean", "method": ["erm", "mixup"]},
        {"task": "digits", "noise": ["symmetric", "clean"], "method": ["gce", "erm"], "trainer": ["quick", "smoke"]},
    ]
    pairs = shown(grid(products), "task", "noise")
    assert list(dict.fromkeys(pairs)) == ["digits clean", "digits symmetric", "yeast clean"]
    changes = sum(a != b for a, b in itertools.pairwise(pairs))
    assert changes == 2
    tasks = shown(grid([{"task": ["yeast", "digits"], "noise": ["clean", "label_flip", "symmetric"], "method": ["mixup", "erm"]}]), "task", "noise", "method")
    assert tasks[:4] == ["yeast clean mixup", "yeast clean erm", "yeast label_flip mixup", "yeast label_flip erm"]


def test_every_task_gets_the_model_that_its_yaml_names() -> None:
    found = grid([{"task": names("task"), "noise": "clean", "method": "erm"}])
    assert {made.choice["task"]: made.choice["model"] for made in found.cells} == {task: default_model(task) for task in names("task")}
    assert not found.skipped
    assert shown(grid([{"task": ["digits", "yeast"], "model": "linear"}]), "task", "model") == ["digits linear", "yeast linear"]
    assert shown(grid([{"task": "digits"}], model="mlp(hidden=[8])"), "model") == ["mlp(hidden=[8])"]


def test_axes_that_nobody_names_are_given() -> None:
    given = {"task": "yeast", "noise": "label_flip", "method": "asl", "trainer": "smoke"}
    assert shown(grid([{}], given=given), *AXES) == ["yeast label_flip asl mlp smoke"]
    assert shown(grid([], given=given), *AXES) == ["yeast label_flip asl mlp smoke"]
    assert shown(grid([{"method": ["erm", "mixup"], "noise": None}], given=given)) == ["yeast label_flip erm", "yeast label_flip mixup"]


@pytest.mark.parametrize(
    ("narrow", "expected"),
    [
        ({"task": "digits"}, EVERYTHING[:4]),
        ({"task": ["diamonds", "digits"]}, EVERYTHING),
        ({"noise": "symmetric(rate=0.4)"}, EVERYTHING[2:4]),
        ({"noise": "symmetric"}, EVERYTHING[2:4]),  # the name stands for all of its entries
        ({"noise": "clean", "method": "erm"}, [EVERYTHING[0], EVERYTHING[4]]),
        ({"noise": ["clean", "gaussian"], "method": ["huber", "gce"]}, [EVERYTHING[1], EVERYTHING[5], EVERYTHING[7]]),
        ({"task": "digits", "noise": "gaussian"}, []),
    ],
)
def test_narrowing_filters_the_entries_that_products_name(narrow: dict[str, Any], expected: list[str]) -> None:
    found = grid(**narrow)
    assert shown(found) == expected
    assert not found.skipped


def test_an_entry_that_no_product_names_takes_the_place_of_its_axis() -> None:
    assert shown(grid(method="mixup")) == [f"{task} {noise} mixup" for task, noise in dict.fromkeys(tuple(e.split()[:2]) for e in EVERYTHING)]
    assert shown(grid(method=["mixup", "gce"]))[:2] == ["digits clean gce", "digits clean mixup"]
    beside = grid(noise="symmetric(rate=0.1)")
    assert shown(beside) == ["digits symmetric(rate=0.1) erm", "digits symmetric(rate=0.1) gce"]
    assert beside.skipped == ["symmetric serves multiclass and tagging, diamonds is regression"]
    assert set(shown(grid(trainer="smoke"), "trainer")) == {"smoke"}
    assert shown(grid(trainer="smoke")) == EVERYTHING


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="method='mixapp' does not exist: did you mean 'mixup'"):
        grid(method="mixapp")
    with pytest.raises(ConfigError, match="a grid product names 'nois': did you mean 'noise'"):
        grid([{"nois": "clean"}])


def test_narrowing_to_the_given_option_keeps_the_products_that_do_not_name_the_axis() -> None:
    """The first product runs with the given trainer, quick: asking for quick must not drop it."""
    assert shown(grid(trainer="quick"), "task", "trainer")[:1] == ["digits quick"]
    assert shown(grid(trainer="quick")) == EVERYTHING


@pytest.mark.parametrize("entry", ["quick(epochs=5,lr=0.01)", "quick(lr=0.01, epochs=5)"])
def test_narrowing_knows_an_entry_however_it_is_written(entry: str) -> None:
    assert shown(grid(trainer=entry)) == EVERYTHING[4:]


def test_narrowing_knows_the_label_of_a_row() -> None:
    products = [{"task": "yeast", "noise": ["clean", "label_flip(fpr=0.1,fnr=0.3)"]}, {"task": "digits", "noise": "symmetric(rate=0.4)"}]
    (made,) = [c for c in grid(products).cells if c.choice["noise"] == "label_flip"]
    found = grid(products, noise=made.labels["noise"])
    assert [c.id for c in found.cells] == [made.id]
    assert not found.skipped


def test_extra_overrides_go_to_every_cell() -> None:
    found = grid(extra=["task.subset=50", "trainer.epochs=2", "noise.rate=0.7"], noise="symmetric")
    assert shown(found, "task", "noise", "trainer") == ["digits(subset=50) symmetric(rate=0.7) quick(epochs=2)"] * 2
    nested = grid([{"method": "sam"}], extra=["method@method.base=elr", "method.base.lam=5"])
    assert shown(nested, "method") == ["sam(base=elr(lam=5))"]
    with pytest.raises(ConfigError, match="noise clean has no key 'rate'"):
        grid(extra=["noise.rate=0.7"])


def test_words_of_a_cell_compose_it() -> None:
    for made, words in ((c, grid().overrides[c.id]) for c in grid().cells):
        for axis in AXES:
            own = [word for word in words if word.partition("=")[0].split(".")[0].split("@")[0] == axis]
            if axis == "model" and not own:
                own = [f"model={default_model(made.choice['task'])}"]
            name, config = resolve(axis, tuple(own))
            assert (name, bare(config)) == (made.choice[axis], made.config[axis])  # ``setting: default`` is no part of a cell


@pytest.fixture(scope="module")
def hydra_conf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Hydra's composition of conf, with the sweeper that config.yaml names."""
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(CONF.parent / "benchmark" / "plugins"))
    import hydra_plugins.grid_sweeper  # noqa: F401

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield CONF
    patch.undo()


def composed(words: list[str]) -> Cell:
    config = compose("config", overrides=words, return_hydra_config=True)
    choices: Any = OmegaConf.to_container(config.hydra.runtime.choices)
    return cell(config, choices)


def experiment(name: str) -> Grid:
    """As ``python -m benchmark experiment=NAME`` expands it."""
    sweeper = compose("config", overrides=[f"experiment={name}"], return_hydra_config=True).hydra.sweeper
    products: Any = OmegaConf.to_container(sweeper.grid)
    narrow: Any = OmegaConf.to_container(sweeper.narrow)
    return expand(products, narrow, GIVEN, [])


def covering(found: Grid) -> list[Cell]:
    """Few cells that show every label of every axis."""
    left = {(axis, made.labels[axis]) for made in found.cells for axis in AXES}
    chosen = []
    while left:
        best = max(found.cells, key=lambda made: len(left & set(made.labels.items())))
        left -= set(best.labels.items())
        chosen.append(best)
    return chosen


def test_hydra_composes_the_cells_of_the_smoke_experiment(hydra_conf: Path) -> None:
    found = experiment("smoke")
    assert {made.choice["trainer"] for made in found.cells} == {"smoke"}
    assert {made.choice["task"] for made in found.cells} == {"digits", "yeast", "newswire", "diamonds"}
    chosen = covering(found)
    assert len(chosen) < 20
    for made in chosen:
        twin = composed(found.overrides[made.id])
        assert twin.config == made.config
        assert twin.choice == made.choice
        assert twin.id == made.id


def test_hydra_composes_nested_plugins_lists_and_mappings_alike(hydra_conf: Path) -> None:
    product = {
        "task": "digits(subset=100)",
        "noise": "asymmetric(rate=0.1,mapping={7:1,2:7})",
        "method": "sam(base=elr(lam=5),rho=0.2)",
        "model": "mlp(hidden=[64,32])",
        "trainer": "quick(clip=1.5,schedule=cosine,weight_decay=1e-4)",
    }
    found = grid([product])
    (made,) = found.cells
    twin = composed(found.overrides[made.id])
    assert twin.config == made.config
    assert twin.labels == made.labels


def test_every_experiment_expands_to_cells_that_run(hydra_conf: Path) -> None:
    for name in names("experiment"):
        found = experiment(name)
        assert found.cells
        assert not found.skipped
        assert "erm" in {made.choice["method"] for made in found.cells}
        order = [tuple(made.labels[axis] for axis in ORDER[:2]) for made in found.cells]
        assert len(set(order)) == 1 + sum(a != b for a, b in itertools.pairwise(order))


@pytest.mark.parametrize(
    "text", ["0", "-3", "12", "0.4", "-0.05", "1.5e-4", "1e-4", "007", "+5", "1_000", ".5", "5.", "nan", "true", "null", "a", "[1, 0.5]", "'1'"]
)
def test_a_value_is_what_hydra_reads(text: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    try:
        expected = OverridesParser.create().parse_override(f"key={text}").value()
    except Exception as error:
        with pytest.raises(type(error)):
            value_of(f"key={text}")
        return
    found = value_of(f"key={text}")
    assert (repr(found), type(found)) == (repr(expected), type(expected))


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("trainer.lr=0.1,0.2", "is no axis: run one sweep for each value"),
        ("method.q=[1", r"method.q=\[1 cannot be read"),
    ],
)
def test_a_value_that_is_not_one_is_named(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        value_of(override)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("task.subset=-5", "task.subset=-5 is below 1"),
        ("task.rows=0", "task.rows=0 is below 1"),
        ("trainer.epochs=0", "trainer.epochs=0 is below 1"),
        ("trainer.batch_size=0", "trainer.batch_size=0 is below 1"),
        ("trainer.threads=0", "trainer.threads=0 is below 1"),
        ("trainer.lr=-0.1", "trainer.lr=-0.1 is below 0"),
        ("trainer.weight_decay=-1", "trainer.weight_decay=-1 is below 0"),
    ],
)
def test_numbers_out_of_range_are_told_before_anything_is_loaded(extra: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        expand([{"task": "digits", "noise": "clean", "method": "erm", "trainer": "smoke"}], {}, {}, [extra])
