"""Zip files with the modes and links of their files: Python's own extraction drops both."""

import io
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(base: Path, files: Iterable[Path], *, flat: bool = False) -> bytes:
    """A zip of files below base, by their paths relative to it, or flat by their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            name = path.name if flat else path.relative_to(base).as_posix()
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = path.lstat().st_mode << 16
            linked = path.is_symlink()
            archive.writestr(entry, str(path.readlink()) if linked else path.read_bytes())
    return out.getvalue()


def unpack(data: bytes, target: Path) -> None:
    """Writes the files of a zip below target; ValueError for one that would leave it."""
    root = target.resolve()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            path = (target / entry.filename).resolve()
            if not path.is_relative_to(root):
                raise ValueError(f"{entry.filename} would be written outside of {target}")
            _write(archive, entry, path)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    mode = entry.external_attr >> 16
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(mode):
        path.symlink_to(archive.read(entry).decode())
        return
    path.write_bytes(archive.read(entry))
    if mode:
        path.chmod(stat.S_IMODE(mode) | stat.S_IRUSR | stat.S_IWUSR)
