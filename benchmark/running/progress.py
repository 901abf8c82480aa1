"""One line that tells how far a sweep is, read from the files that appear, so that it serves every launcher."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmark.core.seeds import Seed
from benchmark.results.store import Store

EVERY = 0.5  # seconds between looks at the store
QUIET = 60.0  # seconds between lines where the output is no terminal


class Watch:
    """Counts what a sweep has done."""

    def __init__(self, waiting: Iterable[tuple[str, Seed]], store: Store) -> None:
        self.waiting, self.store, self.started = set(waiting), store, time.time()
        self.done = self.failed = 0
        self.total = len(self.waiting)

    def look(self) -> None:
        """Count the rows that have appeared since the last look."""
        for key in list(self.waiting):
            path = self.store.path(*key)
            if path.exists() and path.stat().st_mtime >= self.started - 1:
                self.waiting.remove(key)
                self.done += 1
                self.failed += self.store.state(*key) == "failed"

    def running(self) -> list[str]:
        """The cells under way."""
        return [text for path in self.store.under_way() if (text := _since(path, self.started - 1))]


def _since(path: Path, start: float) -> str:
    """Content of a file that was written after ``start``; nothing where it is older or gone."""
    try:
        return path.read_text(encoding="utf8") if path.stat().st_mtime >= start else ""
    except FileNotFoundError:
        return ""


@contextmanager
def progress(waiting: Iterable[tuple[str, Seed]], store: Store, skipped: int = 0) -> Iterator[None]:
    """Show done, failed, skipped and running runs, the time that is left and a current cell while the body runs.

    On a terminal as a line that changes, elsewhere as a plain line a minute; the numbers fit into 80 columns and a wider terminal shows
    the whole cell. The time that is left follows from the mean speed since the first run ended.

    Args:
        waiting: the runs to come, as cell ids and seeds.
        store: where their rows appear.
        skipped: pairs that are not supported.
    """
    watch, console, stop = Watch(waiting, store), Console(stderr=True), threading.Event()
    width, left = max(4, min(24, console.width - 100)), TimeRemainingColumn()
    columns = (BarColumn(width), MofNCompleteColumn(), TextColumn("{task.fields[counts]}, ETA"), left, TextColumn("{task.fields[cell]}", markup=False))
    with Progress(*columns, console=console, disable=not console.is_terminal, speed_estimate_period=float("inf")) as shown:
        job = shown.add_task("runs", total=len(watch.waiting), counts="starting", cell="")

        def look() -> str:
            watch.look()
            running = watch.running()
            counts = f"failed {watch.failed}, skipped {skipped}, running {len(running)}"
            cell, eta = running[0] if running else "", left.render(shown.tasks[0]).plain
            room = console.width - width - 2 * len(str(watch.total)) - len(f" / {counts}, ETA {eta}  ") - 2  # rich would cut all columns alike
            shown.update(job, completed=watch.done, counts=counts, cell=cell if len(cell) <= room else f"{cell[: max(0, room - 1)]}…")
            return f"{counts}, ETA {eta}: {cell}"

        def show() -> None:
            last = time.time()
            while not stop.wait(EVERY):
                text = look()
                if not console.is_terminal and time.time() - last >= QUIET:
                    last = time.time()
                    console.print(f"{watch.done} of {watch.total} runs, {text}", soft_wrap=True, markup=False)

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            look()
    if not console.is_terminal:
        console.print(f"{watch.done} of {watch.total} runs done, failed {watch.failed}, skipped {skipped}")
