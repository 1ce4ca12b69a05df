"""From the reports queue to objects of the site."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from proof_ci.batches import handle_each
from proof_ci.model.outcome import Outcome
from proof_ci.model.run import End, Run, RunRecord, State
from proof_ci.model.verdicts import ProofResult, Verdict
from proof_ci.ports import UnavailableError
from proof_ci.report.publishing import Reports
from proof_ci.report.store import LASTING, Page
from proof_ci.report.stream import Body

from .fakes import DELIVERY, REPOSITORY, SHA, FakeRuns, Lines, sqs_event
from .test_report_archive import Entry, pack

EARLIER = DELIVERY.replace("7", "1")
LATER = DELIVERY.replace("7", "8")
OUTPUT = f"outputs/{DELIVERY}/1f2e:3/1/AROAEXAMPLEEXAMPLE123:{'0' * 32}/output.tar.gz"
PAGE = json.dumps({"version": 1, "run_id": DELIVERY, "proof": "", "key": ""})


def wish(proof: object = "proofs/one", **other: object) -> str:
    fields = {"version": 1, "run_id": DELIVERY, "proof": proof, "key": OUTPUT}
    return json.dumps({**fields, **other})


@dataclass
class FakeOutputs:
    objects: dict[str, bytes] = field(default_factory=dict)

    def open(self, key: str) -> Body | None:
        return io.BytesIO(self.objects[key]) if key in self.objects else None


@dataclass
class FakeSite:
    """Objects by key; `refuses` as many puts as it says, and always those that are `forbidden`."""

    objects: dict[str, Page] = field(default_factory=dict)
    refuses: int = 0
    forbidden: set[str] = field(default_factory=set)

    def put(self, page: Page) -> None:
        if self.refuses:
            self.refuses -= 1
            raise UnavailableError("PutObject: SlowDown")
        if page.key in self.forbidden:
            raise UnavailableError("PutObject: AccessDenied")
        self.objects[page.key] = page

    def text(self, key: str) -> str:
        return self.objects[key].content.decode()


@dataclass
class World:
    """The function with fakes of all that it needs."""

    runs: FakeRuns = field(default_factory=FakeRuns)
    outputs: FakeOutputs = field(default_factory=FakeOutputs)
    site: FakeSite = field(default_factory=FakeSite)
    lines: Lines = field(default_factory=Lines)

    def has(self, run_id: str = DELIVERY, *results: ProofResult, **other: Any) -> RunRecord:
        """Record a run that ended well, unless told otherwise."""
        asked: dict[str, Any] = {
            "repository": REPOSITORY,
            "sha": SHA,
            "ref": "refs/heads/main",
            "kind": "push",
        }
        asked |= {name: other.pop(name) for name in list(other) if name in ("replay_of", *asked)}
        fields: dict[str, Any] = {
            "state": State.ENDED,
            "verdict": End.SUCCESS,
            "created_at": 1_795_272_000,
        }
        fields |= {"deadline": 0, "total": len(results), **other}
        record = RunRecord(Run(run_id=run_id, **asked), **fields)
        self.runs.records[run_id] = record
        for result in results:
            self.runs.kept[run_id, result.proof] = result
        return record

    def handles(self, *bodies: str) -> dict[str, object]:
        reports = Reports(
            self.runs, self.outputs, self.site, REPOSITORY, "snapshot-1", self.lines.log
        )
        return handle_each(sqs_event(*bodies, group=DELIVERY), reports.handle, reports.log)

    def document(self, folder: str) -> Any:
        return json.loads(self.site.text(f"{folder}/index.json"))


def result(
    proof: str = "proofs/one", verdict: Verdict = Verdict.SUCCESS, **other: Any
) -> ProofResult:
    fields: dict[str, Any] = {"run_id": DELIVERY, "repository": REPOSITORY, "sha": SHA}
    fields |= {"job_id": "job-1", "reason": "", "output_key": OUTPUT, "seconds": 3.0}
    return ProofResult(**{**fields, "proof": proof, "verdict": verdict, **other})


DONE: dict[str, object] = {"batchItemFailures": []}
KEPT = {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_the_page_of_a_run_is_written_for_people_and_for_programs() -> None:
    """Beside each other, at the run's place and at its commit's, never kept by a cache."""
    world = World()
    world.has(DELIVERY, result(refuted="0/67", reached="3/4", peak_memory=5))
    assert world.handles(PAGE) == DONE
    folders = (f"runs/{DELIVERY}", f"commits/{SHA}")
    pages = {f"{f}/index.{e}" for f in folders for e in ("html", "json")}
    assert set(world.site.objects) == {*pages, "missing.html"}
    assert {each.cache_control for each in world.site.objects.values()} == {"no-cache"}
    assert "proofs/one" in world.site.text(f"commits/{SHA}/index.html")
    (found,) = world.document(f"runs/{DELIVERY}")["proofs"]
    assert (found["refuted"], found["reached"]) == ({"of": 0, "total": 67}, {"of": 3, "total": 4})
    assert world.document(f"runs/{DELIVERY}")["snapshot_id"] == "snapshot-1"


def test_what_is_missing_has_a_page_that_no_run_waits_for() -> None:
    """The site shows it for every address that has none; a bucket that refuses it stops nobody."""
    world = World(site=FakeSite(forbidden={"missing.html"}))
    world.has(DELIVERY, result())
    assert world.handles(PAGE) == DONE
    assert "missing.html" not in world.site.objects
    world.site.forbidden.clear()
    world.handles(PAGE)
    assert "There is no such page" in world.site.text("missing.html")
    assert "href" not in world.site.text("missing.html")


def test_a_run_is_compared_with_the_previous_of_its_ref() -> None:
    """With its proofs, as they were."""
    world = World()
    bad = result(verdict=Verdict.FAILURE)
    world.has(EARLIER, replace(bad, run_id=EARLIER), created_at=1, verdict=End.FAILURE)
    world.has(DELIVERY, result())
    world.handles(PAGE)
    assert world.document(f"runs/{DELIVERY}")["compared_with"] == EARLIER
    assert world.document(f"runs/{DELIVERY}")["proofs"][0]["change"] == "fixed"


def test_a_replay_is_compared_with_what_it_replays() -> None:
    """And does not take the commit's page from the run whose tools are the account's."""
    world = World()
    world.has(EARLIER, replace(result(), run_id=EARLIER), created_at=1, ref="refs/heads/other")
    world.has(DELIVERY, result(verdict=Verdict.FAILURE), replay_of=EARLIER, kind="request")
    world.handles(PAGE)
    assert world.document(f"runs/{DELIVERY}")["proofs"][0]["change"] == "broken"
    assert f"commits/{SHA}/index.html" not in world.site.objects


def test_the_commits_page_is_that_of_its_latest_run() -> None:
    """A late message about an earlier run does not bring it back."""
    world = World()
    world.has(DELIVERY)
    world.has(LATER, created_at=1_795_272_001)
    world.handles(PAGE)
    assert f"commits/{SHA}/index.html" not in world.site.objects
    assert f"runs/{DELIVERY}/index.html" in world.site.objects


def test_a_report_is_published_below_its_proofs_place() -> None:
    """Each file with its type, and a page that leads to them and tells the table's verdict."""
    world = World()
    world.has(DELIVERY, result(verdict=Verdict.FAILURE, reason="refuted, says the table"))
    files = ["cbmc.txt", "coverage.xml", "result.json", "report/json/a.json"]
    files += [f"report/html/{name}" for name in ("index.html", "viewer.css", "a.svg", "viewer.js")]
    files += ["report/html/noend", "logs/x.html.txt"]
    world.outputs.objects[OUTPUT] = pack(*(Entry(name) for name in files))
    assert world.handles(wish()) == DONE
    place = f"runs/{DELIVERY}/proofs/proofs~one/"
    html, text = "text/html; charset=utf-8", "text/plain; charset=utf-8"
    assert {
        key.removeprefix(place): each.content_type for key, each in world.site.objects.items()
    } == {
        "index.html": html,
        "index.json": "application/json",
        "cbmc.txt": text,
        "coverage.xml": text,
        "result.json": "application/json",
        "report/json/a.json": "application/json",
        "report/html/index.html": html,
        "report/html/viewer.css": "text/css; charset=utf-8",
        "report/html/a.svg": text,
        "report/html/noend": text,
        "logs/x.html.txt": text,
    }
    assert world.site.objects[f"{place}cbmc.txt"].cache_control == LASTING
    assert "refuted, says the table" in world.site.text(f"{place}index.html")


def test_what_the_job_says_of_itself_makes_no_verdict() -> None:
    """A result made to look green stands beside the verdict as what it is: a file."""
    world = World()
    world.has(DELIVERY, result(verdict=Verdict.ERROR))
    green = Outcome("proofs/one", "cbmc-batch.yaml", Verdict.SUCCESS, "all is well").to_json()
    world.outputs.objects[OUTPUT] = pack(Entry("result.json", green.encode()))
    world.handles(wish())
    page = world.site.text(f"runs/{DELIVERY}/proofs/proofs~one/index.html")
    assert "Error" in page and "Success" not in page and "all is well" not in page


@pytest.mark.parametrize("proof", [".", "index.html", "a", "a/b", "report/html", "proofs"])
def test_nothing_is_written_outside_the_proofs_own_place(proof: str) -> None:
    """Whatever the proof is called and whatever the archive holds."""
    world = World()
    world.has(DELIVERY, result(proof))
    hostile = ["../../index.html", "/runs/x", f"../../../{LATER}/index.html", "index.html"]
    hostile += ["index.json", "./index.json", "logs/../index.json"]
    world.outputs.objects[OUTPUT] = pack(*(Entry(name) for name in [*hostile, "cbmc.txt"]))
    assert world.handles(wish(proof)) == DONE
    (folder,) = {key.rpartition("/")[0] for key in world.site.objects}
    assert folder.startswith(f"runs/{DELIVERY}/proofs/") and folder.count("/") == 3
    names = {key.rpartition("/")[2] for key in world.site.objects}
    assert names == {"index.html", "index.json", "cbmc.txt"}
    told = world.document(folder)
    assert (told["proof"]["name"], told["files"]) == (proof, [{"path": "cbmc.txt", "bytes": 7}])
    assert "index.json: the page has one of its own" in told["left_out"]


@pytest.mark.parametrize("packed", [None, b"", b"no archive", pack(Entry("cbmc.txt"))[:-9]])
def test_a_lost_or_broken_output_has_a_page_nevertheless(packed: bytes | None) -> None:
    """No link of the run's page leads nowhere, and the message does not come again."""
    world = World()
    world.has(DELIVERY, result(verdict=Verdict.LOST))
    if packed is not None:
        world.outputs.objects[OUTPUT] = packed
    assert world.handles(wish()) == DONE
    assert "Lost" in world.site.text(f"runs/{DELIVERY}/proofs/proofs~one/index.html")


def test_doing_it_again_writes_the_same() -> None:
    """A message may come twice."""
    world = World()
    world.has(DELIVERY, result())
    world.outputs.objects[OUTPUT] = pack(Entry("cbmc.txt"), Entry("report/html/index.html"))
    world.handles(wish(), PAGE)
    once = dict(world.site.objects)
    world.handles(wish(), PAGE)
    assert world.site.objects == once


@pytest.mark.parametrize("body", [PAGE, wish()])
def test_what_could_not_be_written_comes_again(body: str) -> None:
    """At whichever object the bucket refuses, the next try makes it whole."""
    for refuses in range(1, 3):
        world = World(site=FakeSite(refuses=refuses))
        world.has(DELIVERY, result())
        world.outputs.objects[OUTPUT] = pack(Entry("cbmc.txt"), Entry("make.txt"))
        assert world.handles(body) == KEPT
        world.site.refuses = 0
        assert world.handles(body) == DONE


MALFORMED: dict[str, Callable[[], str]] = {
    "no JSON": lambda: "{",
    "no object": lambda: "[]",
    "deep": lambda: "[" * 100_000,
    "another version": lambda: wish(version=2),
    "an unknown field": lambda: wish(more=1),
    "no run": lambda: wish(run_id="../x"),
    "a run that is not known": lambda: wish(run_id=LATER, key=OUTPUT.replace(DELIVERY, LATER)),
    "the output of another run": lambda: wish(key=OUTPUT.replace(DELIVERY, LATER)),
    "another object": lambda: wish(key=f"runs/{DELIVERY}/source.tar.gz"),
    "a way out": lambda: wish(key=f"outputs/{DELIVERY}/../x/1/output.tar.gz"),
    "something behind": lambda: wish(key=f"{OUTPUT}\n"),
    "a key that is none": lambda: wish(key=7),
    "a proof that is no path": lambda: wish("../x"),
    "a proof that is no text": lambda: wish(7),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=list(MALFORMED))
def test_a_message_that_is_not_understood_writes_nothing(body: Callable[[], str]) -> None:
    """It goes where an alarm sees it."""
    world = World()
    world.has()
    assert world.handles(body()) == KEPT
    assert world.site.objects == {}


def test_a_run_of_another_repository_has_no_page_here() -> None:
    """The account serves one; letters' case makes no other."""
    world = World()
    world.has(repository="other/project")
    assert world.handles(PAGE) == KEPT
    world.has(repository=REPOSITORY.upper())
    assert world.handles(PAGE) == DONE


def test_each_line_of_the_log_names_its_run() -> None:
    """By the correlation id that all parts share; what the job wrote is not in it."""
    world = World()
    world.has(DELIVERY, result())
    world.outputs.objects[OUTPUT] = pack(Entry("cbmc.txt", b"secret-of-the-job"))
    world.handles(wish(), PAGE)
    told = [json.loads(line) for line in world.lines.lines]
    assert [each["message"] for each in told] == ["report written", "page written"]
    assert {each["correlation_id"] for each in told} == {DELIVERY}
    assert "secret" not in world.lines.text
