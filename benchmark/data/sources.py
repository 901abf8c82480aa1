"""Data that tasks read from ``paths.data``: what each file or folder is, under which licence, and how it is fetched where the network allows.

A task's module lists them in ``SOURCES``; ``make data`` prints them. ``HF_HUB_OFFLINE=1`` keeps everything off the network.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from benchmark.core.errors import DataError
from benchmark.core.files import write_atomically, writing
from benchmark.data.reading import parquet_rows, verified

log = logging.getLogger(__name__)
HUB = "https://huggingface.co"
TIMEOUT = 20  # seconds without a byte


@dataclass(frozen=True)
class Source:
    """A file or folder under ``paths.data``.

    Args:
        path: where it is, relative to ``paths.data``.
        licence: under which its owners give it.
        sha256: of a file; it is checked before the file is read.
        alike: sha256 of copies that say the same in other bytes.
        url: where a file is downloaded from.
        hub: name under which ``datasets`` loads a folder.
    """

    path: str
    licence: str
    sha256: str | None = None
    url: str | None = None
    hub: str | None = None
    alike: tuple[str, ...] = ()

    @property
    def how(self) -> str:
        """How to get it."""
        return f"save {self.url} there" if self.url else f"save the parquet files of the data set {self.hub} in that folder"

    def find(self, data: Path) -> Path:
        """Its path below the folder ``data``; fetched first if nothing is there.

        Raises:
            DataError: it is missing and cannot be fetched, or it is damaged.
        """
        path = data / self.path
        if not path.exists():
            self._fetch(path)
        if self.hub is None:
            return verified(path, self.sha256, self.how, self.alike)
        if not self.files(data):
            raise DataError(f"{path} holds no parquet file: {self.how}")
        for file in self.files(data):
            parquet_rows(file, self.how)
        return path

    def files(self, data: Path) -> list[Path]:
        """What is there of it."""
        path = data / self.path
        return sorted(path.rglob("*.parquet")) if self.hub else [path]

    def find_or_none(self, data: Path) -> Path | None:
        """``find`` for what a task can do without: None where it is missing and cannot be fetched.

        Raises:
            DataError: it is damaged.
        """
        try:
            return self.find(data)
        except DataError as error:
            if (data / self.path).exists():
                raise
            log.warning("goes on without: %s", error)
            return None

    def state(self, data: Path, fetch: bool) -> tuple[str, str]:
        """``there``, ``missing`` or ``damaged``, and how much it is or what to do about it. ``fetch``: what is missing is fetched where the network allows."""
        if not fetch and not (data / self.path).exists():
            return "missing", self.how
        try:
            self.find(data)
        except DataError as error:
            return "damaged" if (data / self.path).exists() else "missing", str(error)
        return "there", f"{sum(map(parquet_rows, self.files(data)))} examples" if self.hub else ""

    def _fetch(self, path: Path) -> None:
        try:
            if offline():
                raise OSError("HF_HUB_OFFLINE is set")
            if self.url:
                _download(self.url, path, self.sha256)
            else:
                _load(str(self.hub), path)
        except (OSError, ValueError, HTTPException) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise DataError(f"{path} is missing and cannot be fetched ({reason}): {self.how}") from error


def offline() -> bool:
    """Whether the user keeps the libraries of Hugging Face, and with them this suite, off the network."""
    return os.environ.get("HF_HUB_OFFLINE", "0").upper() in ("1", "ON", "YES", "TRUE")


def _download(url: str, path: Path, sha256: str | None) -> None:
    """One file, written only if it is the right one.

    Raises:
        OSError, HTTPException: nobody answers, or not to the end, or with another content.
    """
    log.warning("downloading %s to %s", url, path)
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # only addresses that stand in the code
        content = answer.read()
    if sha256 is not None and (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise OSError(f"{url} gave {len(content)} bytes of sha256 {found[:12]}..., expected {sha256[:12]}...")
    write_atomically(path, content)


def _load(name: str, path: Path) -> None:
    """A data set of the hub as one parquet file a part, in a folder that appears whole or not at all.

    Raises:
        OSError: nobody answers, or not to the end.
    """
    import datasets

    _reach(os.environ.get("HF_ENDPOINT", HUB))
    log.warning("downloading the data set %s to %s", name, path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        made = Path(folder) / "made"
        try:
            found = datasets.load_dataset(name, cache_dir=f"{folder}/cache")
        except Exception as error:  # whatever the libraries of the hub, their HTTP client or Arrow raise
            raise OSError(str(error.__cause__ or error)) from error
        for part, table in found.items():
            table.to_parquet(made / f"{part}-00000-of-00001.parquet")
        if not path.exists():  # another process may have been faster
            made.rename(path)


def _reach(page: str) -> None:
    """Ask once: the libraries of the hub ask six times over half a minute, each time with a warning.

    Raises:
        OSError: nobody answers.
    """
    try:
        urllib.request.urlopen(page, timeout=TIMEOUT).close()
    except urllib.error.HTTPError:
        pass  # an answer
    except OSError as error:
        raise OSError(f"{page} cannot be reached: {getattr(error, 'reason', error)}") from error
