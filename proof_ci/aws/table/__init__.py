"""The port `Runs` on one DynamoDB table, with TTL `expires_at`.

places       where things are; the map of the table
attributes   values as DynamoDB has them
items        runs and results as items
writes       changes with their conditions, as values
life         the steps of a run, as such changes
results      what becomes of a proof's result, as such changes
door         DynamoDB's calls
runs         the port itself
"""

from .life import RUN_LIFE
from .runs import RunsTable

__all__ = ["RUN_LIFE", "RunsTable"]
