"""Development tasks and noises of the protocol."""

from __future__ import annotations

from benchmark.config.registry import raw
from benchmark.core.protocol import DEVELOPMENT


def test_development_tasks_and_noises_are_those_of_the_protocol() -> None:
    development, quick = ({p["task"]: p for p in raw("experiment", name)["hydra"]["sweeper"]["grid"]} for name in ("development", "quick"))
    assert set(development) == set(DEVELOPMENT)
    for task, product in development.items():
        shown = quick[task]["noise"]
        assert set(shown if isinstance(shown, list) else [shown]) <= set(product["noise"])  # what the first look shows was tuned on
        assert product.get("trainer") == quick[task].get("trainer")
        assert len(product["noise"]) == 3
        assert "method" not in product
    assert raw("experiment", "development")["seeds"] == [0, 1]
