"""Where things are in the table: HASH `run_id`, RANGE `record`. Pure.

Of a run there are the item "run" and an item "proof#NAME" for each result. Lists of runs are items
under "active", "recent", "ref#REPOSITORY#REF" and "commit#SHA". The item "claim" under "comment#ID"
names the run that a comment may start.
"""

from dataclasses import dataclass

from .attributes import Item, coded

ACTIVE = "active"
RECENT = "recent"
PROOF = "proof#"


@dataclass(frozen=True)
class Place:
    """The key of an item; with no record that of a run itself."""

    key: str
    record: str = "run"

    def coded(self) -> Item:
        """The key as DynamoDB wants it."""
        return coded(self.plain())

    def plain(self) -> Item:
        """The two attributes."""
        return {"run_id": self.key, "record": self.record}


def of_result(run_id: str, proof: str) -> Place:
    """A proof's result."""
    return Place(run_id, f"{PROOF}{proof}")


def among_active(run_id: str) -> Place:
    """A run in the list of those that are not settled."""
    return Place(ACTIVE, run_id)


def of_claim(comment: int) -> Place:
    """The claim on a comment."""
    return Place(f"comment#{comment}", "claim")


def of_ref(repository: str, ref: str) -> str:
    """The list of a ref's runs; GitHub does not tell the case of a repository's name apart."""
    return f"ref#{repository.lower()}#{ref}"


def of_commit(sha: str) -> str:
    """The list of a commit's runs."""
    return f"commit#{sha}"


def at(moment: int, run_id: str) -> str:
    """A run's record in a list that is ordered by time."""
    return f"{moment:010d}#{run_id}"


def listed(record: str) -> str:
    """The run of such a record."""
    return record.partition("#")[2]
