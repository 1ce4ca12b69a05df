"""How a CodeBuild build of the source preparation ended, in words for whoever pushed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proof_ci.model.reading import mapping, text

_ENDED = ("SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED")
_LONGEST = 300
LAST_WORD = "PREPARATION"
"""The variable that the build exports: one line that says why the source is not there."""
_BAD_PHASES = ("FAILED", "FAULT", "TIMED_OUT", "STOPPED", "CLIENT_ERROR")


@dataclass(frozen=True)
class EndedBuild:
    """A build that has ended; `phase` went wrong first, and `said` is what CodeBuild says of it."""

    build_id: str
    run_id: str
    status: str
    phase: str = ""
    said: str = ""
    log: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the commit's source is there."""
        return self.status == "SUCCEEDED"

    @property
    def reason(self) -> str:
        """Why the source is not there, and where to read more."""
        what = {
            "TIMED_OUT": "The commit's source could not be fetched in time",
            "STOPPED": "Fetching the commit's source was stopped",
        }.get(self.status, "The commit's source could not be fetched")
        where = f" (phase {self.phase}{': ' if self.said else ''}{self.said})" if self.phase else ""
        return f"{what}{where}{'; log: ' if self.log else ''}{self.log}"


def build_of_event(detail: object) -> EndedBuild | None:
    """The build of a "CodeBuild Build State Change" event's detail; None if it has not ended."""
    told = mapping(detail)
    about = mapping(told.get("additional-information"))
    if told.get("build-status") not in _ENDED:
        return None
    phases = [
        (text(p, "phase-type"), text(p, "phase-status"), _first(p.get("phase-context")))
        for p in _mappings(about.get("phases"))
    ]
    return _build(
        text(told, "build-id").rpartition(":build/")[2],
        text(told, "build-status"),
        variables(mapping(about.get("environment")).get("environment-variables")),
        phases,
        text(mapping(about.get("logs")), "deep-link"),
    )


def build_of_answer(answer: object) -> EndedBuild | None:
    """A build of BatchGetBuilds; None if it has not ended."""
    told = mapping(answer)
    if told.get("buildStatus") not in _ENDED:
        return None
    own = variables(told.get("exportedEnvironmentVariables")).get(LAST_WORD, "")
    phases = [
        (text(p, "phaseType"), text(p, "phaseStatus"), own or _message(p.get("contexts")))
        for p in _mappings(told.get("phases"))
    ]
    return _build(
        text(told, "id"),
        text(told, "buildStatus"),
        variables(mapping(told.get("environment")).get("environmentVariables")),
        phases,
        text(mapping(told.get("logs")), "deepLink"),
    )


def _build(
    build_id: str,
    status: str,
    named: Mapping[str, str],
    phases: list[tuple[str, str, str]],
    log: str,
) -> EndedBuild:
    bad = [(phase, said) for phase, how, said in phases if how in _BAD_PHASES]
    phase, said = bad[0] if bad else ("", "")
    said = said.removeprefix("prepare: ")[:_LONGEST]
    return EndedBuild(build_id, named.get("RUN_ID", ""), status, phase, said, log)


def variables(entries: object) -> dict[str, str]:
    """Environment variables, as CodeBuild lists them."""
    return {text(entry, "name"): text(entry, "value") for entry in _mappings(entries)}


def _mappings(entries: object) -> list[dict[str, Any]]:
    return [mapping(entry) for entry in entries] if isinstance(entries, list) else []


def _first(contexts: object) -> str:
    texts = [c for c in contexts if isinstance(c, str)] if isinstance(contexts, list) else []
    return " ".join(texts[:1]).strip(" :")


def _message(contexts: object) -> str:
    return " ".join(text(context, "message") for context in _mappings(contexts)[:1]).strip(" :")
