"""What is kept of a proof that holds, for runs that come to the same proof again. Pure."""

import json

from proof_ci.model.outcome import Outcome
from proof_ci.model.run import Run
from proof_ci.model.verdicts import Verdict

VERSION = 1


def cache_key(identity: str) -> str:
    """Where the entry of an identity is in the results bucket."""
    return f"cache/{identity}.json"


def entry(run: Run, outcome: Outcome) -> str | None:
    """The entry for an outcome; None if later runs cannot rest on it."""
    if outcome.verdict is not Verdict.SUCCESS or not outcome.identity or outcome.unchanged_since:
        return None
    whose = {"run_id": run.run_id, "proof": outcome.proof, "sha": run.sha}
    what = {"version": VERSION, "key": outcome.identity, "outcome": json.loads(outcome.to_json())}
    return json.dumps({**whose, **what}, sort_keys=True)
