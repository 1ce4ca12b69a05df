"""Puts every extension into MiniStack. The only place that knows all of them."""

import asyncio
import contextlib
from collections import ChainMap
from collections.abc import Callable
from typing import Any

import ministack.app as ministack

from local_cloud import (
    accounts,
    authorization,
    constraints,
    control,
    dataplane,
    ecr,
    events,
    faults,
    functions,
    keys,
    mail,
    mappings,
    messages,
    objects,
    pacing,
    processes,
    queues,
    resources,
    rules,
    targets,
    transport,
    variables,
)
from local_cloud.batch import extension as batch
from local_cloud.batch import metadata, mounts
from local_cloud.cloudformation import extension as cloudformation
from local_cloud.codebuild import extension as codebuild
from local_cloud.codepipeline import extension as codepipeline
from local_cloud.directory import Layout, ServerState
from local_cloud.github.service import GitHub
from local_cloud.machine import Machine
from local_cloud.xray import extension as xray

_EXTENSIONS = (
    *(authorization, variables, resources, objects, ecr, rules, functions, queues, events),
    *(cloudformation, codebuild, codepipeline, batch, xray),
    *(keys, messages, mappings, targets, constraints),
)


def install(layout: Layout, state: ServerState, stop: Callable[[], None]) -> Any:
    """Extends MiniStack and returns the ASGI application to serve."""
    github = GitHub(layout)
    machine = Machine(layout, state, github.hosting.settings)
    injected = faults.FaultInjector()
    outbox = mail.install()
    for extension in _EXTENSIONS:
        extension.install(machine)
    endpoints = _endpoints(machine, github, injected, outbox, stop)
    application = transport.over_tls(dataplane.to_owner(ministack.app))
    return endpoints.before(metadata.beside(github.beside(injected.around(application))))


def _endpoints(
    machine: Machine,
    github: GitHub,
    injected: faults.FaultInjector,
    outbox: list[dict[str, str]],
    stop: Callable[[], None],
) -> control.PrivateEndpoints:
    known = accounts.Accounts(machine)
    asked: control.Actions = {
        "health": lambda body: {"ready": True},
        "mail": lambda body: {"mail": outbox},
        "stack-delay": _delay_stacks,
        "statuses": lambda body: {"statuses": github.statuses},
        "stop": lambda body: _soon(stop),
    }
    forgetful = (known, injected, github, rules, functions, batch)
    mishaps = [part.controls() for part in (rules, functions, batch, codebuild)]
    return control.PrivateEndpoints(
        token=machine.state.token,
        quick={**asked, **injected.controls()},
        slow={"accounts": known.open, **github.deeds(), **dict(ChainMap(*mishaps))},
        forget=[outbox.clear, *(part.forget for part in forgetful)],
    )


def _delay_stacks(body: dict[str, Any]) -> None:
    pacing.stack_seconds = float(body["seconds"])


def _soon(stop: Callable[[], None]) -> None:
    """Lets the answer go out first."""
    asyncio.get_running_loop().call_later(0.02, stop)


def uninstall() -> None:
    """Ends everything that the extensions started."""
    with contextlib.suppress(OSError):
        processes.kill_all()
    mounts.forget()
