"""One line that tells how far a sweep is, read from the files that appear, so that it serves every launcher."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmark.store import Seed, Store

EVERY = 0.5  # seconds between looks at the store
QUIET = 60.0  # seconds between lines where the output is no terminal


class Watch:
    """Counts what a sweep has done."""

    def __init__(self, waiting: Iterable[tuple[str, Seed]], store: Store) -> None:
        self.waiting, self.store, self.started = set(waiting), store, time.time()
        self.done = self.failed = 0

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

    Args:
        waiting: the runs to come, as cell ids and seeds.
    """
    watch = Watch(waiting, store)
    total = len(watch.waiting)
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.fields[text]}"))
    console = Console(stderr=True)
    stop = threading.Event()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        job = bar.add_task("runs", total=total, text="")

        def show() -> None:
            last = time.time()
            while not stop.wait(EVERY):
                watch.look()
                running = watch.running()
                text = f"failed {watch.failed}, skipped {skipped}, running {len(running)}: {running[0] if running else 'starting'}"
                bar.update(job, completed=watch.done, text=text)
                if not console.is_terminal and time.time() - last >= QUIET:
                    last = time.time()
                    console.print(f"{watch.done} of {total} runs, {text}", soft_wrap=True)

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            watch.look()
            bar.update(job, completed=watch.done, text=f"failed {watch.failed}, skipped {skipped}")
    if not console.is_terminal:
        console.print(f"{watch.done} of {total} runs done, failed {watch.failed}, skipped {skipped}")
