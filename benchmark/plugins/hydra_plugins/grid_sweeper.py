"""Hydra's side of ``benchmark.config.grid``: hands the cells of a grid that are still to run to Hydra's own launcher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from benchmark.results.row import Row

ConfigStore.instance().store(
    group="hydra/sweeper",
    name="grid",
    node={"_target_": "hydra_plugins.grid_sweeper.GridSweeper", "grid": [], "narrow": {}, "extra": []},
    provider="labelnoise-bench",
)


class GridSweeper(Sweeper):
    """``grid`` is a list of products, ``narrow`` what it is narrowed to, ``extra`` keys to set in every cell; see ``benchmark.config.grid.expand``."""

    def __init__(self, grid: Sequence[Any], narrow: Mapping[str, Any], extra: Sequence[str]) -> None:
        plain = OmegaConf.to_container(OmegaConf.create({"grid": list(grid), "narrow": dict(narrow), "extra": list(extra)}))
        self.sweep_config: dict[str, Any] = plain  # type: ignore[assignment]

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Remember the configuration and make the launcher."""
        self.config, self.hydra_context = config, hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> Any:
        """Expand, ask the store what is missing, launch, report."""
        from benchmark.running.sweep import run_sweep

        def publish(rows: Sequence[Row], results: Path) -> None:
            from benchmark.board.leaderboard import publish_local  # brings pandas and pictures, which a sweep does without until its end

            publish_local(rows, results)

        assert self.config is not None
        assert self.hydra_context is not None
        assert self.launcher is not None
        overrides = OverridesParser.create(config_loader=self.hydra_context.config_loader).parse_overrides(arguments)
        return run_sweep(self.sweep_config, overrides, self.config, self.launcher, publish)
