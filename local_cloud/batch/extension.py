"""placeholder"""

from local_cloud.machine import Machine


def install(machine: Machine) -> None:
    """Nothing yet."""
    del machine
