"""What ``python -m benchmark`` runs: one cell, or a sweep when the experiment has a grid."""

from __future__ import annotations

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from benchmark.config.cells import cell
from benchmark.config.support import unsupported
from benchmark.core.errors import Abort, UserError
from benchmark.core.paths import CONF, folder
from benchmark.results.row import Row
from benchmark.running.limits import drained_by_sigterm
from benchmark.running.sweep import end, seed_tuples


def run_config(config: DictConfig) -> list[Row]:
    """Run the cell of a composed configuration."""
    chosen = HydraConfig.get().runtime.choices
    this = cell(config, OmegaConf.to_container(chosen), list(HydraConfig.get().overrides.task))  # type: ignore[arg-type]
    reason = unsupported(this)
    if reason:
        print(f"skipped: {reason}")
        return []
    from benchmark.core.paths import Paths
    from benchmark.running.runner import Options, run_cell

    seeds = seed_tuples(config.seeds, config.seed_axes)
    options = Options(config.on_existing, config.logger, config.limits.seconds, config.limits.memory_gb)
    return run_cell(this, seeds, Paths.of(config.paths), options)


@hydra.main(config_path=str(CONF), config_name="config", version_base="1.3")
def main(config: DictConfig) -> None:
    """Entry point of Hydra; a sweep's jobs come here too."""
    if HydraConfig.get().mode != RunMode.RUN:
        run_config(config)
        return
    try:
        results = folder(str(config.paths.results), "paths.results")
        with drained_by_sigterm(results / "running") as drained:
            rows, ended = run_config(config), drained()
        if rows:
            from benchmark.board.leaderboard import publish_local

            publish_local(rows, results)
    except UserError as error:
        raise Abort from error
    end(rows, ended)
