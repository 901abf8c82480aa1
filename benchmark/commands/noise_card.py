"""The noise card: what a generator did to the labels of a task, as numbers, as text and as one picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmark.board.figures import noise_picture
from benchmark.config.cells import label
from benchmark.config.grid import expand
from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels, Problem
from benchmark.measures.label_errors import known
from benchmark.measures.strength import noise_strength
from benchmark.noise.cache import corrupt, pool_of
from benchmark.running.conditions import conditions_for, load_task
from benchmark.stats import worst_pair

LARGE = 12  # classes up to which T is printed whole


@dataclass(frozen=True)
class Card:
    """``numbers``: name -> value or list, ``units``: what the lists are about, ``transition``: realised, ``true``: drawn from (L, K, K)."""

    title: str
    problem: str
    units: tuple[str, ...]
    classes: tuple[str, ...]
    numbers: Mapping[str, Any]
    transition: np.ndarray | None
    true: np.ndarray | None
    right: np.ndarray
    given: np.ndarray


def describe(title: str, problem: Problem, labels: Labels, made: Corruption, manifest: Mapping[str, Any]) -> Card:
    """The card of one artefact; ``labels`` are the right ones that it was made from.

    Beside ``noise_strength``: requested rate, rate of every class, share of units without a right class (open set) and without a label
    (unknown), mean largest share of one target among a class's flips, the confusion that noisy validation separates worst (``_worst``);
    tokens: share of wrong entities, 1 - span F1, beside that of wrong tokens; targets: MAE and SD of the error; and whatever the generator
    measured itself (entropy of instances).
    """
    assert made.clean is not None
    slots = (made.source[:, None] * labels.width + np.arange(labels.width)).reshape(-1)
    here = replace(labels, value=made.clean, group=np.arange(len(made.source)).repeat(labels.width), column=labels.column[slots], live=labels.live[slots])
    given_known = np.isfinite(made.observed) if labels.kind == "continuous" else made.observed >= 0
    use = here.live & known(made.clean) & given_known
    if not use.any():
        raise ConfigError(f"{title}: no label is left to describe")
    numbers: dict[str, Any] = {
        "examples": len(made.source),
        "open_set_share": _mean((made.clean < 0)[here.live]) if labels.kind == "categorical" else 0.0,
        "unknown_share": _mean(~given_known[here.live]),
        "requested_rate": manifest["nominal_rate"],  # what was realised, ``rate``, stands below it
        **noise_strength(problem, here, made.observed),
    }
    right, given = made.clean[use], made.observed[use]
    if labels.kind == "continuous":
        numbers |= {"error_mae": float(np.abs(given - right).mean()), "error_sd": float((given - right).std()), "error_mean": float((given - right).mean())}
    else:
        numbers |= _by_class(problem, made)
    if problem.name == "tagging":
        precision, recall = float(numbers["span_precision"]), float(numbers["span_recall"])
        numbers["token_share"] = numbers["rate"]
        numbers["entity_share"] = 1 - 2 * precision * recall / max(precision + recall, 1e-12)
    numbers |= made.statistics
    units = labels.names if problem.name == "multilabel" else labels.names if labels.kind == "categorical" else ()
    classes = ("0", "1") if problem.name == "multilabel" else labels.names
    if made.transition is not None:
        numbers |= _worst(made.transition, labels.names, problem.name == "multilabel")
    return Card(title, problem.name, units, classes, numbers, made.transition, made.true_transition, right, given)


def _by_class(problem: Problem, made: Corruption) -> dict[str, Any]:
    """Share of wrong labels of every class (multi-label: of every label), and how much of a class's flips goes to one target."""
    assert made.transition is not None
    stay = np.diagonal(made.transition, axis1=1, axis2=2)
    off = made.transition * (1 - np.eye(made.transition.shape[1]))
    mass = off.sum(2)
    share = off.max(2)[mass > 0] / mass[mass > 0]
    largest = {"largest_target_share": float(share.mean()) if len(share) else None}
    return largest if problem.name == "multilabel" else {**largest, "rate_by_class": (1 - stay[0]).tolist()}


def _worst(transition: np.ndarray, names: Sequence[str], by_label: bool) -> dict[str, Any]:
    """The confusion that noisy validation labels see worst: its kappa = T_ii - T_ij, and what share of as many clean labels they are worth there."""
    pair = worst_pair(transition)
    if pair is None:
        return {}
    confusion = f"{names[pair.layer]} {pair.right} -> {pair.given}" if by_label else f"{names[pair.right]} -> {names[pair.given]}"
    return {"worst_confusion": confusion, "worst_kappa": pair.kappa, "worst_worth": pair.worth}


def lines(card: Card) -> Iterator[str]:
    """The card as text."""
    yield f"# {card.title}"
    for name, value in card.numbers.items():
        if not isinstance(value, list):
            shown = "realised rate" if name == "rate" else name.replace("_", " ")
            yield f"{shown:28} {_text(value)}"
    lists = {name: value for name, value in card.numbers.items() if isinstance(value, list)}
    if lists:
        width = max(map(len, card.units))
        yield ""
        yield f"{'':{width}}  " + "  ".join(f"{name.removesuffix('_by_class'):>8}" for name in lists)
        for at, unit in enumerate(card.units):
            yield f"{unit:{width}}  " + "  ".join(f"{_text(value[at]):>8}" for value in lists.values())
    for name, matrix in (("realised", card.transition), ("true", card.true)):
        if matrix is not None and card.problem != "multilabel":
            yield ""
            yield from _matrix(f"T, {name} (rows: right, columns: observed)", matrix[0], card.classes)


def _matrix(title: str, matrix: np.ndarray, classes: Sequence[str]) -> Iterator[str]:
    if len(matrix) <= LARGE:
        yield title
        width = max(map(len, classes))
        for name, row in zip(classes, matrix, strict=True):
            yield f"{name:{width}}  " + " ".join(f"{value:5.3f}" for value in row)
        return
    yield f"{title}: the ten largest confusions"
    off = matrix * (1 - np.eye(len(matrix)))
    for flat in np.argsort(-off, axis=None, kind="stable")[:10]:
        i, j = np.unravel_index(flat, off.shape)
        yield f"  {classes[i]} -> {classes[j]}  {off[i, j]:.3f}"


def _text(value: Any) -> str:
    return "n/a" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def noise_card(arguments: Sequence[str] = ()) -> int:
    """``noise-card task=digits noise=symmetric(rate=0.4) [trainer=quick] [seed=0] [noise.KEY=]``: print the card and draw it.

    The systematic share compares with predictions of plain training out of fold (``trainer``) on the training part; the rest is about
    all examples. The picture is ``<results>/local/noise-<task>-<noise>.png``.
    """
    own, paths, rest = options_of(arguments, task="digits", noise="symmetric", trainer="quick", seed="0")
    strange = [argument for argument in rest if not argument.startswith(("noise.", "noise@", "task."))]
    if strange or not own["seed"].isdigit():
        raise ConfigError(
            f"noise-card does not know {(strange or ['seed=' + own['seed']])[0]!r}: give task=, noise=, trainer=, seed=, noise.KEY= or paths.KEY="
        )
    grid = expand([{axis: own[axis] for axis in ("task", "noise", "trainer")} | {"method": "erm"}], {}, {}, rest)
    if not grid.cells:
        raise ConfigError(grid.skipped[0])
    (cell,) = grid.cells
    seed = int(own["seed"])
    task = load_task(cell.config["task"], paths)
    made, manifest = corrupt(task, cell.config["noise"], seed, paths.cache)
    name = label("noise", cell.choice["noise"], cell.config["noise"])
    card = describe(f"{task.name}, {name}, noise seed {seed}", task.problem, task.problem.labels(pool_of(task).y), made, manifest)
    psi = conditions_for(cell, (seed, seed, seed), paths).noise_stats.get("systematic_share")
    card = replace(card, numbers={"systematic_share": psi} | dict(card.numbers))
    print("\n".join(lines(card)))
    stem = "".join(c if c.isalnum() or c in "._-" else "_" for c in name).strip("_")
    path = paths.results / "local" / f"noise-{task.name}-{stem}.png"
    noise_picture(card.title, card.transition, card.classes, card.units, card.numbers, card.right, card.given, path)
    print(f"\npicture: {path}")
    return 0
