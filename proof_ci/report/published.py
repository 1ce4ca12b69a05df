"""What a proof left behind, beside its page. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from .evidence import Evidence, Property
from .markup import Content, Markup, join, tag
from .parts import bullets, note, section
from .places import link, quoted
from .words import size

REPORT = "report/html/index.html"
_HTML = "report/html/"
_DATA = (".json", ".xml")


@dataclass(frozen=True)
class Published:
    """What of a proof's output is beside its page: paths and sizes; and what is not, and why."""

    files: tuple[tuple[str, int], ...]
    left_out: tuple[str, ...] = ()

    @cached_property
    def paths(self) -> frozenset[str]:
        """What is there."""
        return frozenset(path for path, _ in self.files)

    def trace(self, refuted: Property) -> str | None:
        """The page of a property's trace, if there is one."""
        path = f"{_HTML}traces/{refuted.name}.html"
        return path if path in self.paths else None

    def source(self, refuted: Property) -> str | None:
        """The viewer's page of the source file, if there is one; its fragments are lines."""
        path = f"{_HTML}{refuted.file}.html"
        return path if refuted.file and path in self.paths else None


def refuted_section(evidence: Evidence, published: Published) -> list[Content]:
    """The refuted properties, each with its trace and its place in the source."""
    items = [_property(each, published) for each in evidence.refuted]
    return section("Refuted properties", bullets(items))


def _property(refuted: Property, published: Published) -> Markup:
    trace = published.trace(refuted)
    shown = tag("a", "trace", href=link(trace)) if trace else None
    facts = [refuted.name or None, _place(refuted, published)]
    told = join([fact for fact in facts if fact], between=" \u00b7 ")
    return join([refuted.description or refuted.name, " " if shown else None, shown, note(told)])


def _place(refuted: Property, published: Published) -> Content:
    source = published.source(refuted)
    if source is None:
        return refuted.place
    return tag("a", refuted.place, href=f"{link(source)}#{quoted(refuted.line, safe='')}")


def files_section(published: Published) -> list[Content]:
    """Links to logs and data, and what is not there."""
    files = sorted(each for each in published.files if not each[0].startswith(_HTML))
    logs = [each for each in files if not each[0].endswith(_DATA)]
    data = [each for each in files if each[0].endswith(_DATA)]
    said = bool(files or published.left_out)
    return [
        None if said else tag("p", "The proof left nothing behind."),
        *section("Logs", _files(logs)),
        *section("Data", _files([*data, ("index.json", -1)])),
        *section("Left out of this page", bullets(published.left_out)),
    ]


def _files(files: Iterable[tuple[str, int]]) -> Markup | None:
    items = [join([tag("a", path, href=link(path)), _size(octets)]) for path, octets in files]
    return tag("ul", *(tag("li", item) for item in items), class_="files") if items else None


def _size(octets: int) -> Markup | None:
    told = "empty" if octets == 0 else size(octets)
    return tag("span", f" {told}", class_="soft") if octets >= 0 else None
