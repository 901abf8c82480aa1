"""Rows of made-up runs: what tests of the board, of its page and of submissions read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmark.config.grid import expand
from benchmark.results.row import Row

EFFECTS = {"erm": 0.0, "gce": 0.05, "elr": 0.08, "small_loss": 0.03, "mixup": 0.02}
NOISES = {"clean": 0.0, "symmetric(rate=0.1)": 0.1, "symmetric(rate=0.4)": 0.4, "asymmetric(rate=0.4)": 0.4}


def made_rows(tasks: int = 7, seeds: int = 3, effects: Mapping[str, float] = EFFECTS, noises: Mapping[str, float] = NOISES) -> list[Row]:
    """Multiclass rows of tasks ``made0`` ... on which erm memorizes; a method's gain grows with the noise and is larger on some tasks."""
    grid = expand([{"task": "digits", "trainer": "smoke", "noise": list(noises), "method": list(effects)}], {}, {}, [])
    rows, rng = [], np.random.default_rng(0)
    for task in range(tasks):
        for cell in grid.cells:
            rate, method = noises[cell.labels["noise"]], cell.choice["method"]
            for seed in range(seeds):
                score = 0.95 - 0.5 * rate + 2 * effects[method] * rate * (1 + task % 3) + 0.01 * rng.normal()
                labels = cell.labels | {"task": f"made{task}"}
                rows.append(
                    Row(
                        **{"cell": f"{task:02x}{cell.id[2:]}", "seed": (seed, seed, seed), "status": "ok", "labels": labels, "config": dict(cell.config)},
                        **cell.choice | {"task": f"made{task}"},
                        metrics=_metrics(score, rate, method),
                        cost={
                            "passes": 200 if method == "small_loss" else 100,
                            "seconds": 1.0 + task,
                            "forward": [50],
                            "backward": [25],
                            "examples": 25,
                            "epochs": 2,
                        },
                        noise_stats={"rate": rate, "information_kept": 1 - rate, "margin": 1 - 2 * rate},
                        provenance={"source_digest": "other", "started": "2026-01-01T00:00:00+00:00", "command": f"python -m benchmark task=made{task}"},
                    )
                )
    return rows


def _metrics(score: float, rate: float, method: str) -> dict[str, float]:
    out: dict[str, Any] = {f"test/{track}/accuracy": score - 0.01 * at for at, track in enumerate(("oracle", "last", "noisy_val", "clean_val"))}
    out |= {"train/last/ceiling": 0.95, "val/last/noisy_val": score}
    out |= {"train/last/memorization": 0.5 if method == "erm" else 0.1} if rate else {}
    for k in range(4):
        out |= {f"val/checkpoint_{k}/noisy_val": score + 0.01 * k, f"val/checkpoint_{k}/clean_val": score + 0.011 * k, f"val/checkpoint_{k}/epoch": k + 1.0}
        out |= {f"train/checkpoint_{k}/memorization": 0.1 * k} if rate else {}
    return out


GRID = {
    "digits": {"noise": ["clean", "symmetric(rate=0.4)"], "method": ["erm", "gce", "small_loss", "forward"]},
    "diamonds": {"noise": ["clean", "uniform_resample"], "method": ["erm", "mae", "small_loss"]},
}
LEVEL = {"erm": 0.7, "gce": 0.8, "small_loss": 0.75, "forward": 0.72, "mae": 0.6}


def rows(**changed: Any) -> list[Row]:
    """Rows of two tasks; the noise costs .1, seeds differ by .01."""
    made, rng = [], np.random.default_rng(0)
    for task, rest in GRID.items():
        for cell in expand([{"task": task, "trainer": "smoke", **rest}], {}, {}, []).cells:
            for s in range(3):
                method, clean = cell.choice["method"], cell.choice["noise"] == "clean"
                score = LEVEL[method] + (0.1 if clean else 0) + 0.01 * rng.normal()
                name, score = ("accuracy", score) if task == "digits" else ("mae", 1000 * (1 - score))
                metrics = {f"test/{track}/{name}": score for track in ("last", "noisy_val", "clean_val", "oracle")}
                metrics |= {"train/last/memorization": 0.1, "train/last/ceiling": 0.95}
                metrics |= {f"val/checkpoint_{k}/{side}": score + k + i for k in range(3) for i, side in enumerate(("noisy_val", "clean_val"))}
                fields: dict[str, Any] = {
                    "cost": {"passes": 200 if method == "forward" else 100, "seconds": 1.0},
                    "noise_stats": {"rate": None if clean else 0.4},
                    "provenance": {"source_digest": "old", "started": "2026-01-01"},
                    **changed,
                }
                fields |= {"labels": cell.labels, "config": dict(cell.config), "metrics": metrics}
                made.append(Row(cell=cell.id, seed=(s, s, s), status="ok", **cell.choice, **fields))
    return made
