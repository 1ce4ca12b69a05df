"""The runs that events ask for. Pure."""

from proof_ci.model.events import Command, MalformedEventError, Pull, PullRequest, Push, Request
from proof_ci.model.run import Run, Tools

from .decisions import Project


def of_push(event: Push, project: Project) -> Run:
    """The run of a branch's head; the canary's takes nothing from the cache."""
    return Run(
        event.delivery,
        project.repository,
        event.sha,
        event.ref,
        "sweep" if event.swept else event.KIND,
        cache=not event.canary,
    )


def requested(event: Request, project: Project) -> Run:
    """The run that an operator asks for. Raises MalformedEventError."""
    return Run(
        event.delivery,
        project.repository,
        event.sha,
        event.ref,
        event.KIND,
        cache=event.cache,
        statuses=event.statuses,
        tools=None if event.tools is None else _tools(event.tools),
        replay_of=event.replay_of,
        requested_by=event.requested_by,
    )


def _tools(given: dict[str, str]) -> Tools:
    try:
        return Tools(**given)
    except TypeError as error:
        raise MalformedEventError("the tools are not of their form") from error


def of_pull(event: PullRequest | Command, pull: Pull, project: Project) -> Run:
    """The run of a pull request's head."""
    swept = isinstance(event, PullRequest) and event.swept
    return Run(
        event.delivery,
        project.repository,
        pull.sha,
        event.ref,
        "sweep" if swept else event.KIND,
        number=event.number,
        requested_by=event.commenter if isinstance(event, Command) else "",
    )
