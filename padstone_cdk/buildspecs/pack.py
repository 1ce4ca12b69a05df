"""usage: pack.py DIRECTORY ARCHIVE (.zip or .tar.gz)

Packs a directory so that the same content always gives the same bytes: sorted, one date, no owner,
only the executable bit of the mode; symbolic links are kept in a tarball and refused in a zip.
"""

import gzip
import os
import stat
import sys
import tarfile
import zipfile
from pathlib import Path


def entries(top: Path) -> list[Path]:
    """Every file and link below, without what Python leaves behind and what git keeps."""
    found = (p for p in top.rglob("*") if p.is_symlink() or p.is_file())
    left_out = {"__pycache__", ".git"}
    return sorted(p for p in found if not left_out & set(p.relative_to(top).parts))


def mode(path: Path) -> int:
    """The permissions kept of a file."""
    return 0o755 if path.lstat().st_mode & stat.S_IXUSR else 0o644


def pack_zip(top: Path, archive: Path) -> None:
    """Write a zip of the directory's content."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in entries(top):
            if path.is_symlink():
                raise SystemExit(f"pack: {path} is a symbolic link, which a zip cannot hold")
            info = zipfile.ZipInfo(path.relative_to(top).as_posix(), (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | mode(path)) << 16
            out.writestr(info, path.read_bytes())


def pack_tar(top: Path, archive: Path) -> None:
    """Write a gzipped tarball of the directory's content."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, 0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as out,
    ):
        for path in entries(top):
            info = tarfile.TarInfo(path.relative_to(top).as_posix())
            info.mode = mode(path)
            if path.is_symlink():
                info.type = tarfile.SYMTYPE
                info.linkname = os.readlink(path)  # noqa: PTH115 - the link's text as it stands
                out.addfile(info)
            else:
                info.size = path.stat().st_size
                with path.open("rb") as content:
                    out.addfile(info, content)


if __name__ == "__main__":
    _, directory, target = sys.argv
    pack = pack_zip if target.endswith(".zip") else pack_tar
    pack(Path(directory), Path(target))
