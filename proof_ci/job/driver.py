"""Carries out one order: fetches and unpacks, has the runner run, uploads what it has kept."""

import contextlib
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace

from proof_ci.model.outcome import Outcome, OutcomeError
from proof_ci.model.verdicts import Verdict
from proof_ci.runner import foreign
from proof_ci.runner.preparing import ARCHIVE, FOUND
from proof_ci.runner.proving import Earlier

from .archive import ArchiveError, pack, unpack
from .objects import ObjectError, Objects
from .order import RUN_ID, Order, Task
from .place import Place
from .runner import Heard, Runner, unpacking

LOST = Verdict.LOST.exit_code
_PLAN = 2**24
_RESULT = 2**22
_CACHED = 2**20
_LEAST_RESERVE, _MOST_RESERVE = 20.0, 300.0


class JobError(Exception):
    """The job cannot go on; the message says why."""


@dataclass
class Driver:
    """One job. `began`: when its time began to count, by the monotonic clock."""

    order: Order
    objects: Objects
    place: Place
    began: float
    warnings: list[str] = field(default_factory=list)
    told: Outcome | None = None

    def run(self) -> int:
        """Do the job; the exit code. Raises JobError, ObjectError or OrderError."""
        pool = ThreadPoolExecutor(5)
        try:
            fetching = [pool.submit(self._source)]
            fetching += [pool.submit(self._package, name) for name in self._packages()]
            proof = self._proof() if self.order.task is Task.PROVE else ""
            for each in as_completed(fetching):
                each.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return self._prepare() if self.order.task is Task.PREPARE else self._prove(proof)

    # --- inputs

    def _packages(self) -> list[str]:
        proving = self.order.task is Task.PROVE
        return [name for name in ("cbmc", "viewer") if proving and name in self.order.pins]

    def _proof(self) -> str:
        plan = self.objects.read(self.order.results_bucket, self.order.plan_key, _PLAN)
        if plan is None:
            raise JobError("the run has no plan")
        return self.order.proof(plan)

    def _source(self) -> None:
        archive = self.place.archives / "source.tar.gz"
        self.objects.fetch(self.order.results_bucket, self.order.source_key, archive)
        if unpacking(archive, self.place.source).wait() != 0:
            raise JobError("the archive of the source does not unpack")
        archive.unlink()

    def _package(self, name: str) -> None:
        """Unpack it right here: it is what was pinned, and a program of its own takes its time."""
        archive, pin = self.place.archives / f"{name}.tar.gz", self.order.pins[name]
        digest = self.objects.fetch(self.order.shared_bucket, pin.key, archive, pin.version_id)
        if digest != pin.sha256:
            raise JobError(f"{pin.key} is not what was pinned")
        target = self.place.tools / name
        target.mkdir()
        try:
            unpack(archive, target)
        except ArchiveError as error:
            raise JobError(str(error)) from error
        archive.unlink()

    # --- the runner

    def _prepare(self) -> int:
        code = self._attend("--prepare", str(self.place.source))
        bucket = self.order.results_bucket
        if code == 0:
            made = self.place.output / ARCHIVE
            if made.exists():
                self.objects.put_new(bucket, self.order.output(ARCHIVE), made)
                made.unlink()
            self.objects.put_new(bucket, self.order.output(FOUND), self.place.output / FOUND)
        self._keep_output()
        return 0 if code == 0 else LOST

    def _prove(self, proof: str) -> int:
        tools = ("--tools", self.order.tools)
        where = ("--source", str(self.place.source), str(self.place.source / proof))
        code = self._attend(*tools, *where)
        outcome = self._result()
        if outcome is None:
            outcome = Outcome(proof, "", Verdict.LOST, f"the runner ended with {code}")
        self._tell(outcome)
        self._tell_rest(outcome)
        self._keep_output()
        agreed = outcome.verdict.exit_code == code
        return code if agreed else LOST

    def _attend(self, *arguments: str) -> int:
        seconds = self._seconds()
        limits = ("--timeout", f"{seconds:.1f}")
        folders = ("--output", str(self.place.output), "--scratch", str(self.place.scratch))
        runner = Runner(self.place, (*limits, *folders, *arguments))
        try:
            return runner.attend(
                time.monotonic() + seconds + self._reserve() / 2,
                Heard(self._earlier, self._kept),
            )
        finally:
            runner.close()

    def _seconds(self) -> float:
        """What is left for all phases: the rest is for carrying out what came of them."""
        spent = time.monotonic() - self.began
        return max(0.0, self.order.seconds - spent - self._reserve())

    def _reserve(self) -> float:
        return min(_MOST_RESERVE, max(_LEAST_RESERVE, self.order.seconds / 10))

    # --- what it says

    def _earlier(self, identity: str) -> Earlier | None:
        """The success that the cache knows of this identity. What goes wrong there is a miss."""
        if not self.order.cache:
            return None
        try:
            key = f"cache/{identity}.json"
            text = self.objects.read(self.order.results_bucket, key, _CACHED)
            return None if text is None else _cached(text, identity)
        except (ObjectError, OutcomeError, ValueError, LookupError, TypeError) as error:
            self._warn(f"the cache was not asked: {error}")
            return None

    def _kept(self) -> None:
        if self.told is None and (outcome := self._result()) is not None:
            self._tell(outcome)

    def _result(self) -> Outcome | None:
        try:
            text = foreign.text(self.place.output / "result.json", _RESULT)
            return Outcome.from_json(text)
        except (OSError, ValueError, OutcomeError):
            return None

    def _tell(self, outcome: Outcome) -> None:
        """Upload the verdict, once."""
        if self.told is not None:
            return
        self.told = outcome
        self._put("verdict.json", outcome)

    def _tell_rest(self, outcome: Outcome) -> None:
        """Upload what came of coverage and report, if the verdict was told before them."""
        if outcome != self.told:
            self._put("outcome.json", outcome)

    def _put(self, name: str, outcome: Outcome) -> None:
        outcome = replace(outcome, warnings=(*outcome.warnings, *self.warnings))
        key = self.order.output(name)
        self.objects.put_new(self.order.results_bucket, key, outcome.to_json().encode())

    def _keep_output(self) -> None:
        """Pack and upload what the runner has kept. The project may have left no room for that."""
        for folder in (self.place.source, self.place.scratch):
            shutil.rmtree(folder, ignore_errors=True)
        archive = self.place.archives / "output.tar.gz"
        if self.warnings:
            text = "".join(f"{warning}\n" for warning in self.warnings)
            (self.place.output / "job.txt").write_text(text, encoding="utf-8")
        pack(self.place.output, archive)
        key = self.order.output("output.tar.gz")
        self.objects.put_new(self.order.results_bucket, key, archive)

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        print(f"job: {text}", flush=True)

    # --- the end of a job that is ended

    def salvage(self) -> None:
        """Upload what is known, if possible."""
        with contextlib.suppress(ObjectError, OSError):
            if (outcome := self._result()) is not None:
                self._tell(outcome)
                self._tell_rest(outcome)
            self._keep_output()


def _cached(text: bytes, identity: str) -> Earlier | None:
    """What a cache entry says; the function that judges verdicts wrote it."""
    entry = json.loads(text)
    outcome = Outcome.from_json(json.dumps(entry["outcome"]))
    of_it = (entry["version"], entry["key"], outcome.identity) == (1, identity, identity)
    sound = of_it and RUN_ID.fullmatch(entry["run_id"])
    if not sound or outcome.verdict is not Verdict.SUCCESS or outcome.unchanged_since:
        raise ValueError("its entry is not of this proof")
    return Earlier(entry["run_id"], outcome.refuted, outcome.reached)
