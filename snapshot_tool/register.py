"""The register of proof accounts: who may read the shared bucket and pull the image.

One item an account, each written under a condition, so two additions at once both survive.
"""

from __future__ import annotations

from snapshot_tool.errors import ConflictError, NotFoundError
from snapshot_tool.model.fields import suggestion
from snapshot_tool.model.records import RegisteredAccount
from snapshot_tool.ports import Tables

_NEW = "attribute_not_exists(#name)"
_THERE = "attribute_exists(#name)"


class Register:
    """Registered proof accounts, by name."""

    def __init__(self, tables: Tables, accounts_table: str) -> None:
        self._tables = tables
        self._table = accounts_table

    def add(self, account: RegisteredAccount) -> RegisteredAccount:
        """Register an account, and return what is registered then.

        Adding it again with the same ID changes nothing; with another ID raises ConflictError.
        """
        if self._tables.put_if(self._table, account.to_json(), condition=_NEW):
            return account
        there = self.get(account.name)
        if there is None:  # removed in between
            return self.add(account)
        if there.account_id != account.account_id:
            raise ConflictError(
                f"{account.name} is registered as account {there.account_id},"
                f" not {account.account_id}",
                where="account register",
                fix=f"take another name, or first: padstone account remove {account.name}",
            )
        return there

    def remove(self, name: str) -> None:
        """Take an account out of the register; NotFoundError if it is not in there."""
        if not self._tables.delete_if(self._table, {"name": name}, condition=_THERE):
            known = [account.name for account in self.accounts()]
            raise NotFoundError(
                f"no account {name!r} is registered{suggestion(name, known)}",
                fix="see which are: padstone account list",
            )

    def get(self, name: str) -> RegisteredAccount | None:
        """Return one account; None if it is not registered."""
        item = self._tables.get(self._table, {"name": name})
        return None if item is None else RegisteredAccount.from_json(item)

    def accounts(self) -> list[RegisteredAccount]:
        """Return all of them, by name."""
        found = map(RegisteredAccount.from_json, self._tables.scan(self._table))
        return sorted(found, key=lambda account: account.name)
