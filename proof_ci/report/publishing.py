"""From a message to pages on the site."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from proof_ci.batches import Message
from proof_ci.log import Log
from proof_ci.model.events import MalformedEventError, check_delivery
from proof_ci.model.outputs import written
from proof_ci.ports import UnavailableError

from . import document, evidence, missing, page, proof_document, proof_page, reading
from .archive import Archive, File
from .model import Proof, Run
from .places import check_name, commit_prefix, proof_prefix, run_prefix
from .published import Published
from .store import LASTING, Outputs, Page, Site
from .stream import Body
from .viewer import is_script, mended

VERSION = 1
HTML = "text/html; charset=utf-8"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
_TYPES = {".html": HTML, ".css": "text/css; charset=utf-8", ".json": JSON}
_AT_ONCE = 8


@dataclass(frozen=True)
class Wanted:
    """What a message asks for: a proof's report, or (no proof) the page of a run."""

    run_id: str
    proof: str
    key: str

    def __post_init__(self) -> None:
        check_delivery(self.run_id)
        if not self.proof:
            return
        check_name(self.proof)
        attempt = written(self.key, "output.tar.gz") if isinstance(self.key, str) else None
        if attempt is None or attempt.run_id != self.run_id:
            raise MalformedEventError("the output is not one of the run's")

    @classmethod
    def from_message(cls, text: str) -> "Wanted":
        """The wish in a message. Raises MalformedEventError for any other text."""
        try:
            fields = json.loads(text)
            if fields.pop("version") != VERSION:
                raise MalformedEventError(f"the message is not of version {VERSION}")
            return cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise MalformedEventError("the message asks for no page") from error


@dataclass(frozen=True)
class Reports:
    """What the function needs."""

    runs: reading.Runs
    outputs: Outputs
    site: Site
    repository: str
    snapshot_id: str
    log: Log = field(default_factory=Log)

    def handle(self, message: Message) -> None:
        """Write what is asked for; doing it again writes the same."""
        wanted = Wanted.from_message(message.body)
        run = self._run(wanted.run_id)
        log = self.log.bind(correlation_id=run.run_id, sha=run.sha)
        if wanted.proof:
            self._proof(run, wanted, log.bind(proof=wanted.proof))
        else:
            self._page(run, log)

    def _run(self, run_id: str) -> Run:
        record = self.runs.get(run_id)
        if record is None:
            raise MalformedEventError("there is no such run")
        if record.run.repository.lower() != self.repository.lower():
            raise MalformedEventError("the run is of another repository")
        return reading.shown(record, self.runs.results(record.run), self.snapshot_id)

    def _page(self, run: Run, log: Log) -> None:
        compared = reading.comparison(self.runs, run)
        prefixes = [run_prefix(run.run_id)]
        if reading.stands_for_commit(self.runs, run):
            prefixes.append(commit_prefix(run.sha))
        for prefix in prefixes:
            self.site.put(_text(f"{prefix}index.json", document.render(run, compared), JSON))
            self.site.put(_text(f"{prefix}index.html", page.render(run, compared), HTML))
        self._missing(log)
        log.info("page written", state=run.state, verdict=run.verdict, proofs=len(run.proofs))

    def _missing(self, log: Log) -> None:
        """What the site answers for all that is not there; no run is the worse without it."""
        try:
            self.site.put(_text(missing.KEY, missing.render(), HTML))
        except UnavailableError as error:
            log.info("the page for what is missing was not written", why=str(error))

    def _proof(self, run: Run, wanted: Wanted, log: Log) -> None:
        prefix = proof_prefix(run.run_id, wanted.proof)
        body = self.outputs.open(wanted.key)
        published, found = self._publish(prefix, body)
        named = (proof for proof in run.proofs if proof.name == wanted.proof)
        proof = next(named, Proof(wanted.proof))
        shown = (run, proof, published, found)
        self.site.put(_text(f"{prefix}index.json", proof_document.render(*shown), JSON))
        self.site.put(_text(f"{prefix}index.html", proof_page.render(*shown), HTML))
        log.info("report written", files=len(published.files), left_out=len(published.left_out))

    def _publish(self, prefix: str, body: Body | None) -> tuple[Published, evidence.Evidence]:
        if body is None:
            return Published(()), evidence.Evidence()
        archive, kept = Archive(body), dict[str, bytes]()
        sizes: list[tuple[str, int]] = []

        def pages() -> Iterator[Page]:
            for file in archive.files():
                if is_script(file.path):
                    continue
                evidence.keep(kept, file)
                sizes.append((file.path, len(file.content)))
                yield object_of(prefix, file)

        put_all(pages(), self.site.put)
        published = Published(tuple(sizes), tuple(archive.left_out))
        return published, evidence.gather(kept)


def object_of(prefix: str, file: File) -> Page:
    """A file of a report as an object below the prefix; text unless its kind is known."""
    suffix = file.path[file.path.rfind(".") :]
    known = _TYPES.get(suffix, TEXT) if file.path.startswith("report/") else TEXT
    kind = JSON if suffix == ".json" else known
    return Page(prefix + file.path, mended(file.path, file.content), kind, LASTING)


def put_all(pages: Iterator[Page], put: Callable[[Page], None]) -> None:
    """Put all, some at a time, so that few are in memory at once."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while some := list(islice(pages, _AT_ONCE)):
            list(pool.map(put, some))


def _text(key: str, content: str, content_type: str) -> Page:
    return Page(key, content.encode(errors="replace"), content_type)
