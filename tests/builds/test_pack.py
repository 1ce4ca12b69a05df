"""An archive holds what the directory holds, and nothing of when, where and by whom."""

import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from demo.packages import unpack
from padstone_cdk.buildspecs.pack import pack_tar, pack_zip


def tree(top: Path) -> Path:
    (top / "sub").mkdir(parents=True)
    (top / "sub" / "tool").write_bytes(b"#!/bin/sh\n")
    (top / "sub" / "tool").chmod(0o700)
    (top / "data").write_bytes(b"data")
    for left_out in ("__pycache__", ".git"):
        (top / left_out).mkdir()
        (top / left_out / "x").touch()
    return top


@pytest.mark.parametrize(("pack", "suffix"), [(pack_zip, "zip"), (pack_tar, "tar.gz")])
def test_equal_content_gives_equal_bytes(tmp_path: Path, pack: object, suffix: str) -> None:
    """Dates, order of creation, owner and the umask do not count."""
    assert callable(pack)
    archives = []
    for name, date in (("a", 1), ("b", 2_000_000_000)):
        top = tree(tmp_path / name)
        for path in top.rglob("*"):
            os.utime(path, (date, date))
        pack(top, tmp_path / f"{name}.{suffix}")
        archives.append((tmp_path / f"{name}.{suffix}").read_bytes())
    assert archives[0] == archives[1]


def test_a_zip_keeps_the_executable_bit_and_refuses_links(tmp_path: Path) -> None:
    """Lambda unpacks with these modes."""
    top = tree(tmp_path / "top")
    pack_zip(top, tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        modes = {i.filename: stat.S_IMODE(i.external_attr >> 16) for i in archive.infolist()}
    assert modes == {"data": 0o644, "sub/tool": 0o755}
    (top / "link").symlink_to("data")
    with pytest.raises(SystemExit, match="symbolic link"):
        pack_zip(top, tmp_path / "y.zip")


def test_a_tarball_keeps_links_and_no_owner(tmp_path: Path) -> None:
    """It unpacks for anybody, anywhere."""
    top = tree(tmp_path / "top")
    (top / "link").symlink_to("sub/tool")
    pack_tar(top, tmp_path / "x.tar.gz")
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        members = {m.name: m for m in archive.getmembers()}
    unpack(tmp_path / "x.tar.gz", tmp_path / "out")
    assert members.keys() == {"data", "link", "sub/tool"}
    assert {(m.uid, m.gid, m.uname, m.mtime) for m in members.values()} == {(0, 0, "", 0)}
    assert (tmp_path / "out" / "link").read_bytes() == b"#!/bin/sh\n"
