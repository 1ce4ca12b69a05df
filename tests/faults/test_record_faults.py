"""Faults at any call of adding packages and accounts: the same command then converges."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from snapshot_tool.errors import PadstoneError
from snapshot_tool.model.names import AccountId, ToolName
from snapshot_tool.model.records import RegisteredAccount
from snapshot_tool.packages import Packages
from snapshot_tool.register import Register
from tests.fakes.clock import START, FakeClock
from tests.fakes.faults import CrashError, Faults, Kind
from tests.fakes.objects import FakeObjects
from tests.fakes.parameters import FakeParameters
from tests.fakes.tables import FakeTables

CBMC = ToolName("cbmc")
BETA = RegisteredAccount(
    name="beta", account_id=AccountId("2" * 12), added_at=START, added_by="dave"
)


@pytest.mark.parametrize("at", range(1, 4))
@pytest.mark.parametrize("kind", Kind)
def test_adding_a_package_leaves_it_whole_or_not_there(tmp_path: Path, at: int, kind: Kind) -> None:
    """Also where the first try was written and its answer lost."""
    path = tmp_path / "cbmc.tar.gz"
    path.write_bytes(b"package")
    objects, parameters = FakeObjects(), FakeParameters()
    with contextlib.suppress(PadstoneError, CrashError):
        faulty = Faults(at, kind).around(objects)
        Packages(faulty, parameters, "/padstone", FakeClock()).add(CBMC, path)
    assert list(objects.bodies().values()) in ([], [b"package"])
    added = Packages(objects, parameters, "/padstone", FakeClock()).add(CBMC, path)
    assert objects.bodies() == {added.key: b"package"}


@pytest.mark.parametrize("at", range(1, 4))
@pytest.mark.parametrize("kind", Kind)
def test_registering_an_account_converges(at: int, kind: Kind) -> None:
    """Our own first try is no conflict."""
    tables = FakeTables()
    with contextlib.suppress(PadstoneError, CrashError):
        Register(Faults(at, kind).around(tables), "accounts").add(BETA)
    assert Register(tables, "accounts").add(BETA) == BETA
    assert Register(tables, "accounts").accounts() == [BETA]


@pytest.mark.parametrize("at", range(1, 4))
def test_a_repeated_registration_says_the_same(at: int) -> None:
    """The door retried it: the answer is as if it had not."""
    tables = FakeTables()
    faulty = Faults(at, Kind.REPEATED).around(tables)
    assert Register(faulty, "accounts").add(BETA) == BETA
