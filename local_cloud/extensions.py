"""Puts every extension into MiniStack. The only place that knows all of them."""

import contextlib
from collections.abc import Callable
from typing import Any

import ministack.app as ministack

from local_cloud import (
    authorization,
    control,
    dataplane,
    ecr,
    events,
    faults,
    functions,
    mail,
    objects,
    processes,
    queues,
    resources,
    rules,
    transport,
)
from local_cloud.batch import extension as batch
from local_cloud.batch import mounts
from local_cloud.cloudformation import extension as cloudformation
from local_cloud.codebuild import extension as codebuild
from local_cloud.codepipeline import extension as codepipeline
from local_cloud.directory import Layout, ServerState
from local_cloud.github.service import GitHub
from local_cloud.machine import Machine
from local_cloud.xray import extension as xray


def install(layout: Layout, state: ServerState, stop: Callable[[], None]) -> Any:
    """Extends MiniStack and returns the ASGI application to serve."""
    github = GitHub(layout)
    machine = Machine(layout, state, github.hosting.settings)
    injected = faults.FaultInjector()
    outbox = mail.install()
    for extension in (authorization, resources, objects, ecr, rules, functions, queues, events,
                      cloudformation):  # fmt: skip
        extension.install(machine)
    for service in (codebuild, codepipeline, batch, xray):
        service.install(machine)
    application = transport.over_tls(dataplane.to_owner(ministack.app))
    misfortunes = (rules, functions, batch)
    return control.private_endpoints(
        github.beside(injected.around(application)),
        machine=machine,
        faults=injected,
        records={"mail": outbox, "statuses": github.statuses},
        actions={
            **github.deeds(),
            **codebuild.controls(),
            **{name: do for part in misfortunes for name, do in part.controls().items()},
        },
        forget=[github.forget, *(part.forget for part in misfortunes)],
        stop=stop,
    )


def uninstall() -> None:
    """Ends everything that the extensions started."""
    with contextlib.suppress(OSError):
        processes.kill_all()
    mounts.forget()
