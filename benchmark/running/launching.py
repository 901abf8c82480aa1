"""Between a sweep and Hydra's launchers: what has to be installed, what a worker is told, what is said when one dies."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.plugins.launcher import Launcher

from benchmark.core.errors import LaunchError, UserError
from benchmark.core.seeds import Seed
from benchmark.results.store import Store
from benchmark.running.limits import passing_on_sigterm

OURS = "LABELNOISE_"
PATIENCE = 5.0  # seconds until a process that was killed has ended


def passed_on() -> list[str]:
    """Overrides that set our environment variables of this process around a job, wherever it runs.

    Processes that a launcher started earlier, or on another machine, do not inherit them.
    """
    own = {name: QuotedString(value, Quote.single).with_quotes() for name, value in sorted(os.environ.items()) if name.startswith(OURS)}
    return [f"+hydra.job.env_set.{name}={value}" for name, value in own.items()]


def start(launcher: Launcher) -> None:
    """Start Ray, where the launcher uses it: it takes SIGTERM for itself when it starts, so this comes before our handler is set."""
    settings = getattr(launcher, "ray_cfg", None)
    if settings is not None:
        from hydra_plugins.hydra_ray_launcher._launcher_util import start_ray

        start_ray(settings.init)


def launched(launcher: Launcher, jobs: Sequence[Sequence[str]], store: Store, lost: Callable[[str, Seed], None]) -> list[Exception]:
    """Hand jobs to a launcher; SIGTERM drains meanwhile.

    Args:
        launcher: of Hydra.
        jobs: overrides of each.
        store: knows which runs are under way.
        lost: told of every run (cell id, seed) whose process died.

    Returns:
        What went wrong: errors of jobs, or the one that ended the launcher, whose other jobs are lost but not their rows.
    """
    try:
        start(launcher)
        with passing_on_sigterm():
            returned = launcher.launch(jobs, initial_job_idx=0)
    except (HydraException, UserError):
        raise
    except Exception as error:  # each launcher has its own: a pool that broke, a cluster that is not there
        found = _died(store)
        for key in found:
            lost(*key)
        died = sorted(set(found.values()))
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        what = f"a worker process died while it ran {'; '.join(died)}" if died else f"the launcher stopped: {type(error).__name__}: {reason}"
        how = "run the same command again, with fewer jobs or limits.memory_gb= if memory ran out" if died else "correct that and run the same command again"
        broken = LaunchError(f"{what}: finished rows are kept, {how}")
        broken.__cause__ = error
        return [broken]
    return [_error(job) for job in returned if job.status == JobStatus.FAILED]


def _died(store: Store) -> dict[tuple[str, Seed], str]:
    """Return the runs whose process is gone. A launcher may tell before a killed process has ended: this waits a little while some are under way."""
    until = time.monotonic() + PATIENCE
    found = store.died()
    while not found and store.under_way() and time.monotonic() < until:
        time.sleep(0.1)
        found = store.died()
    return found


def _error(job: JobReturn) -> Any:
    """The exception of a failed job; ``return_value`` would raise it."""
    return job._return_value
