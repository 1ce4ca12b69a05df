"""Which proofs go into one array of jobs: those of one class of memory. Pure.

The classes are the account's usual memory of a job, and twice, four and eight times that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from proof_ci.model.found import Wanted

FACTORS = (1, 2, 4, 8)
LARGEST_ARRAY = 10_000  # Batch's
_MIB = 1024 * 1024
RUNNER_MIB = 256
"""What a job's own processes need beside the proof."""


@dataclass(frozen=True)
class Group:
    """Proofs that get the same memory, in the order of their places in the array."""

    memory_mib: int
    proofs: tuple[str, ...]


def grouped(proofs: Sequence[Wanted], standard_mib: int) -> tuple[Group, ...]:
    """The groups, smallest class first, proofs by name: the same for the same proofs."""
    classes: dict[int, list[str]] = {standard_mib * factor: [] for factor in FACTORS}
    for wanted in sorted(proofs, key=lambda wanted: wanted.name):
        classes[memory_class(wanted.memory, standard_mib)].append(wanted.name)
    return tuple(
        Group(memory, tuple(names[start : start + LARGEST_ARRAY]))
        for memory, names in classes.items()
        for start in range(0, len(names), LARGEST_ARRAY)
    )


def memory_class(asked: int | None, standard_mib: int) -> int:
    """The smallest class, in MiB, that holds so many bytes; else the largest."""
    needed = 0 if asked is None else -(-asked // _MIB) + RUNNER_MIB
    classes = [standard_mib * factor for factor in FACTORS]
    return next((memory for memory in classes if memory >= needed), classes[-1])


def warnings(proofs: Sequence[Wanted], standard_mib: int, seconds: int) -> dict[str, str]:
    """What proofs ask for and do not get, by name."""
    largest = standard_mib * FACTORS[-1]
    told: dict[str, str] = {}
    for wanted in proofs:
        if wanted.memory is not None and wanted.memory // _MIB + RUNNER_MIB > largest:
            told[wanted.name] = (
                f"asks for {wanted.memory // _MIB} MiB of memory; its job has {largest} MiB"
            )
        elif wanted.seconds is not None and wanted.seconds > seconds:
            told[wanted.name] = f"asks for {wanted.seconds} s; its job has {seconds} s"
    return told
