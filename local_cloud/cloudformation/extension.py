"""Everything that this package changes in MiniStack's CloudFormation."""

from local_cloud.cloudformation import (
    batch_types,
    fidelity,
    pipelines,
    real,
    states,
    stubs,
    templates,
)
from local_cloud.machine import Machine


def install(machine: Machine) -> None:
    """Adds types, reads of templates, and refusals."""
    del machine
    for part in (pipelines, batch_types, real, stubs, templates, fidelity, states):
        part.install()
