"""What a job packed is read as what a stranger packed."""

import gzip
import io
import random
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from proof_ci.ports import UnavailableError
from proof_ci.report.archive import Archive, File, Limits

GOOD = "report/html/index.html"


@dataclass(frozen=True)
class Entry:
    """A member: what it is called and holds, and whatever else a header can say."""

    name: str
    content: bytes = b"content"
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    size: int | None = None


def tar(*entries: Entry, form: int = tarfile.PAX_FORMAT) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for entry in entries:
            member = tarfile.TarInfo(entry.name)
            member.type, member.linkname = entry.kind, entry.link
            member.size = len(entry.content) if entry.size is None else entry.size
            archive.addfile(member, io.BytesIO(entry.content))
    return made.getvalue()


def pack(*entries: Entry) -> bytes:
    return gzip.compress(tar(*entries), mtime=0)


def read(packed: bytes, **limits: int) -> tuple[list[File], list[str]]:
    archive = Archive(io.BytesIO(packed), Limits(**limits))
    return list(archive.files()), archive.left_out


def test_logs_and_the_report_come_out_as_they_are() -> None:
    """Names with and without `./`, in their order, byte for byte."""
    names = ["./result.json", "cbmc.txt", "./logs/result.xml", GOOD, "report/json/a.json"]
    files, left = read(pack(*(Entry(name, name.encode()) for name in names)))
    assert files == [File(name.removeprefix("./"), name.encode()) for name in names]
    assert left == []


NAMES = [
    "../cbmc.txt",
    "/etc/passwd",
    "report/html/../../../cbmc.txt",
    "report/html//index.html",
    "report/html/./index.html",
    "./../cbmc.txt",
    "././cbmc.txt",
    "report\\html\\index.html",
    "report/html/..\\..\\x.html",
    "report/html/line\nbreak.html",
    "report/html/\u202elmth.html",
    "report/html/<img src=x>.html",
    "report/html/a?b.html",
    "report/html/a#b.html",
    "report/html/%2e%2e/x.html",
    "report/html/" + "a" * 300 + ".html",
    "report/html/" + "a/" * 60 + "x.html",
    "report/html/",
    "report/html",
    "report/index.html",
    "reports/html/index.html",
    "index.html",
    "proofs/a/index.html",
    "logs/deeper/x.txt",
    "logs/../x.txt",
    "id_rsa",
    ".bashrc",
    ".txt",
    "cbmc.txt/",
    "",
    ".",
    "..",
    "~/cbmc.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_only_plain_names_of_known_places_come_out(name: str) -> None:
    """Whatever else a file is called, it stays where it is, and the next one still comes."""
    files, left = read(pack(Entry(name), Entry(GOOD)))
    assert [file.path for file in files] == [GOOD]
    assert len(left) <= 1


KINDS = {
    "a link to a secret": Entry(GOOD, b"", tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": Entry(GOOD, b"", tarfile.LNKTYPE, "result.json"),
    "a character device": Entry(GOOD, b"", tarfile.CHRTYPE),
    "a block device": Entry(GOOD, b"", tarfile.BLKTYPE),
    "a pipe": Entry(GOOD, b"", tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("entry", KINDS.values(), ids=list(KINDS))
def test_only_regular_files_come_out(entry: Entry) -> None:
    """No link, no device, no pipe, under whatever name."""
    files, left = read(pack(entry, Entry("cbmc.txt")))
    assert [file.path for file in files] == ["cbmc.txt"]
    assert left == [f"{GOOD}: it is no regular file"]


def test_a_folder_named_like_a_file_and_through_a_link_adds_nothing() -> None:
    """What a link would lead to is not followed: a name is a name."""
    entries = [
        Entry("report/html/up", b"", tarfile.SYMTYPE, "../../.."),
        Entry("report/html/up/x.html"),
        Entry("result.json", b"", tarfile.DIRTYPE),
    ]
    files, _ = read(pack(*entries))
    assert [file.path for file in files] == ["report/html/up/x.html"]


def test_of_two_files_of_one_name_the_first_stands() -> None:
    """What has been published is not replaced by what comes behind it."""
    files, _ = read(pack(Entry("cbmc.txt", b"first"), Entry("./cbmc.txt", b"second")))
    assert files == [File("cbmc.txt", b"first")]


def header(size: bytes, kind: bytes = b"0", name: bytes = b"cbmc.txt") -> bytes:
    """A header that says any size, and sums up."""
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = b"0000644\0"
    block[124:136] = size.rjust(12, b"\0") if size[:1] in b"\x80\xff" else size.ljust(12, b"\0")
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


BROKEN = {
    "empty": b"",
    "not gzip": b"PK\x03\x04 something else",
    "gzip of nothing": gzip.compress(b""),
    "gzip of noise": gzip.compress(random.Random(1).randbytes(4096)),
    "cut in the gzip": pack(Entry("a", b"x" * 9000))[:-40],
    "cut within a file": gzip.compress(tar(Entry("cbmc.txt", b"x" * 2000))[:1500]),
    "cut within a header": gzip.compress(tar(Entry("id", b"x"))[:300]),
    "a wrong checksum of gzip": pack(Entry("id"))[:-8] + b"\0" * 8,
    "a size of 8 exabytes": gzip.compress(header(b"\x80" + (2**62).to_bytes(11, "big"))),
    "a negative size": gzip.compress(header(b"\xff" * 12)),
    "a long name of 4 GB": gzip.compress(header(b"37777777777", b"L")),
    "a long link of 4 GB": gzip.compress(header(b"37777777777", b"K")),
    "extended headers of 4 GB": gzip.compress(header(b"37777777777", b"x")),
    "global headers of 4 GB": gzip.compress(header(b"37777777777", b"g")),
    "long names for ever": gzip.compress((header(b"1", b"L") + b"a".ljust(512, b"\0")) * 3000),
    "extended headers for ever": gzip.compress(
        (header(b"9", b"x") + b"9 a=bbbb\n".ljust(512, b"\0")) * 3000
    ),
    "an extended header of nonsense": gzip.compress(header(b"17", b"x") + b"99 size=-1\n" * 40),
    "a negative size in words": gzip.compress(
        header(b"13", b"x") + b"11 size=-5\n".ljust(512, b"\0") + header(b"5") + b"\0" * 1024
    ),
    "a sparse map that ends": gzip.compress(
        header(b"62", b"x")
        + b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n".ljust(512, b"\0")
        + header(b"512")
        + b"9999999\n".ljust(512, b"0")
    ),
    "an old sparse file": gzip.compress(header(b"0", b"S") + b"\0" * 1024),
}


@pytest.mark.parametrize("packed", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_archive_ends_and_says_so(packed: bytes) -> None:
    """It costs neither memory nor time, raises nothing, and nothing half comes out."""
    files, left = read(packed)
    assert files == []
    assert all(len(each) < 400 for each in left)


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g"])
def test_a_header_larger_than_any_honest_one_is_not_read(kind: bytes) -> None:
    """Even where the archive holds all that its header claims."""
    packed = gzip.compress(header(b"2000000", kind) + b"a" * 0o2000000 + header(b"0"))
    _, left = read(packed)
    assert left == ["the rest of the archive: one of its headers is larger than any honest one"]


def test_what_came_before_the_break_is_kept() -> None:
    """A job that was killed while it packed still shows what it had."""
    packed = gzip.compress(tar(Entry("make.txt", b"made"), Entry("cbmc.txt", b"x" * 9000))[:4000])
    files, left = read(packed)
    assert files == [File("make.txt", b"made")]
    assert left == ["the rest of the archive: it is broken"]


def test_a_bomb_is_not_unpacked() -> None:
    """A gigabyte of nothing in a megabyte: read up to the limit, and no further."""
    bomb = zlib.compressobj(9, wbits=31)
    packed = bomb.compress(header(b"37777777777"))
    packed += b"".join(bomb.compress(bytes(2**20)) for _ in range(64)) + bomb.flush()
    files, left = read(packed, unpacked=2**24, file=2**22)
    assert files == []
    assert left == ["the rest of the archive: it unpacks to more than 16.8 MB"]


def test_too_many_members_are_not_counted_to_their_end() -> None:
    """The first are shown; how many more there are is not worth knowing."""
    files, left = read(pack(*(Entry(f"logs/{n}.txt") for n in range(50))), members=20)
    assert len(files) == 20
    assert left == ["the rest of the archive: it has more than 20 members"]


def test_the_sum_of_what_is_shown_is_bounded() -> None:
    """Many files of allowed size are too much, too."""
    files, left = read(pack(*(Entry(f"logs/{n}.txt", b"x" * 100) for n in range(50))), kept=1000)
    assert len(files) == 10
    assert left == ["the rest of the archive: it has more than 1.0 kB to show"]


def test_a_long_log_loses_its_middle() -> None:
    """How it began and how it ended is what people look for."""
    log = b"begin" + b"." * 5000 + b"the end"
    files, left = read(pack(Entry("cbmc.txt", log), Entry("make.txt", b"next")), file=100)
    assert files[0].content.startswith(b"begin...")
    assert files[0].content.endswith(b"...the end")
    assert b"4,912 bytes left out" in files[0].content
    assert (files[1], left) == (File("make.txt", b"next"), [])


def test_another_file_that_is_too_long_is_left_out() -> None:
    """Half a document is none."""
    files, left = read(pack(Entry(GOOD, b"x" * 101), Entry("cbmc.txt")), file=100)
    assert [file.path for file in files] == ["cbmc.txt"]
    assert left == [f"{GOOD}: it is larger than 100 B"]


def test_what_is_left_out_is_told_up_to_a_point() -> None:
    """A thousand refusals do not make a page of a thousand lines."""
    _, left = read(pack(*(Entry(f"{n}.exe") for n in range(1000))))
    assert len(left) == 41
    assert left[-1] == "and 960 more"


def test_any_flipped_bit_is_borne() -> None:
    """Seeded damage all over an archive: it is read or refused, and never raises."""
    whole = tar(*(Entry(f"logs/{n}.txt", b"x" * 700) for n in range(8)), form=tarfile.GNU_FORMAT)
    chance = random.Random(20261121)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 40)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        for file in read(gzip.compress(bytes(damaged), 1))[0]:
            assert not file.path.startswith(("/", "."))


def test_no_answer_of_the_bucket_is_not_taken_for_the_end() -> None:
    """What the bucket does not give now is asked for again later."""

    class Silent:
        read: Callable[[int], bytes]

        def __init__(self) -> None:
            self.read = self._refuse

        def _refuse(self, amount: int) -> bytes:
            raise UnavailableError("GetObject: SlowDown")

    with pytest.raises(UnavailableError):
        list(Archive(Silent()).files())
