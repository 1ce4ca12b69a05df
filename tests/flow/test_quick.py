"""What the flow does with pushes, pull requests, comments and projects of all kinds."""

from __future__ import annotations

import json
import time

from demo.proof_account import REPOSITORY, ProofAccount
from local_cloud import testing
from tests.flow.conftest import GOTO, git, project

SUMMARY = "CBMC proofs"


def test_every_status_is_pending_first_and_true_at_the_end(quick: ProofAccount) -> None:
    """A push of two proofs: three statuses, none left pending."""
    sha = quick.cloud.hub.push(REPOSITORY, files=project(holds="holds", refuted="refuted"))
    run = quick.ended(sha)
    told = [s for s in quick.cloud.statuses() if s["sha"] == sha]
    first = {s["context"]: s["state"] for s in reversed(told)}
    last = {s["context"]: s["state"] for s in told}
    assert set(first.values()) == {"pending"}
    assert last == {
        SUMMARY: "failure",
        "CBMC proof: cbmc/proofs/holds": "success",
        "CBMC proof: cbmc/proofs/refuted": "failure",
    }
    assert all(run["run_id"] in s["target_url"] for s in told)


def test_what_is_unchanged_is_not_proved_again(quick: ProofAccount) -> None:
    """The status says since when; a refuted proof is always tried again."""
    files = project(one="one holds", two="two holds", red="refuted one")
    first = quick.ended(quick.cloud.hub.push(REPOSITORY, files=files))
    assert quick.verdicts(first["run_id"])["cbmc/proofs/one"] == "success"
    changed = {"cbmc/proofs/two/text": "two holds, otherwise"}
    sha = quick.cloud.hub.push(REPOSITORY, files=changed)
    proofs = quick.proofs(quick.ended(sha)["run_id"])
    since = {name: item.get("unchanged_since", "") for name, item in proofs.items()}
    assert since["cbmc/proofs/one"] == first["run_id"], proofs["cbmc/proofs/one"]
    assert since["cbmc/proofs/two"] == since["cbmc/proofs/red"] == ""
    assert first["run_id"] in quick.statuses(sha)["CBMC proof: cbmc/proofs/one"][1]


def test_a_request_without_the_cache_proves_all(quick: ProofAccount) -> None:
    """Even what is known to hold."""
    sha = quick.cloud.hub.push(REPOSITORY, files=project(again="again holds"))
    quick.ended(sha)
    quick.request(sha, cache=False)
    run = quick.ended(sha, number=2)
    assert not any(p.get("unchanged_since") for p in quick.proofs(run["run_id"]).values())


def test_a_commit_without_proofs_fails(quick: ProofAccount) -> None:
    """Green without a proof would be a lie."""
    folder = quick.cloud.repository(REPOSITORY)
    tree = git(folder, "mktree")
    empty = git(folder, "commit-tree", tree, "-m", "Nothing is left")
    run = quick.ended(quick.cloud.hub.push(REPOSITORY, sha=empty, force=True))
    assert run["verdict"] == "failure", run["reason"]
    assert "no proofs" in quick.statuses(empty)[SUMMARY][1].lower()


def test_a_delivery_that_comes_again_is_one_run(quick: ProofAccount) -> None:
    """GitHub's redelivery carries the same GUID."""
    sha = quick.cloud.hub.push(REPOSITORY, files=project(twice="twice holds"))
    delivery = quick.cloud.hub.deliveries(REPOSITORY)[-1]
    quick.cloud.hub.redeliver(REPOSITORY, delivery["id"])
    quick.ended(sha)
    assert len(quick.runs(sha)) == 1


def test_a_lost_delivery_is_found(quick: ProofAccount) -> None:
    """The sweeper asks GitHub for heads that have no run."""
    quick.cloud.hub.lose("push")
    sha = quick.cloud.hub.push(REPOSITORY, files=project(lost="lost and holds"))
    assert quick.runs(sha) == []
    quick.invoke("sweep")
    assert quick.ended(sha)["verdict"] in ("success", "failure")


def test_a_newer_push_supersedes_the_older(quick: ProofAccount) -> None:
    """Whose statuses say so, and whose jobs are stopped."""
    old = quick.cloud.hub.push(REPOSITORY, files=project(slow="slow"))
    testing.until(lambda: quick.statuses(old), what="the older push is taken")
    new = quick.cloud.hub.push(REPOSITORY, files=project(slow="quick now, holds"))
    assert quick.ended(old)["verdict"] == "superseded"
    assert quick.statuses(old)[SUMMARY] == ("error", f"Cancelled: superseded by {new[:7]}")
    assert quick.ended(new)["verdict"] in ("success", "failure")


def test_a_fork_waits_until_somebody_with_a_right_approves_its_head(quick: ProofAccount) -> None:
    """And a later push of the fork waits again."""
    hub = quick.cloud.hub
    hub.fork(REPOSITORY, "stranger/padmath")
    hub.collaborator(REPOSITORY, "maintainer", "write")
    sha = hub.push("stranger/padmath", "idea", files=project(idea="holds"), user="stranger")
    number = hub.open_pull(REPOSITORY, "idea", head="stranger/padmath", user="stranger")
    testing.until(lambda: quick.statuses(sha), what="the pull request is seen")
    assert quick.run(quick.runs(sha)[0])["state"] == "waiting"
    time.sleep(1.1)  # GitHub tells times by the second, and what is not surely later counts not
    hub.comment(REPOSITORY, number, "/ok-to-test", user="stranger")
    hub.comment(REPOSITORY, number, "/ok-to-test", user="maintainer")
    assert quick.ended(sha)["verdict"] in ("success", "failure")
    later = hub.push("stranger/padmath", "idea", files=project(idea="holds more"), user="stranger")
    testing.until(lambda: quick.statuses(later), what="the later push is seen")
    assert quick.run(quick.runs(later)[0])["state"] == "waiting"


PREPARE = """\
import os, pathlib, sys
assert not [name for name in os.environ if name.startswith("AWS")], "credentials"
here = pathlib.Path.cwd()
goto = here / "made" / "x.goto"
marker = f"goto: {goto}\\nexpected: SUCCESSFUL\\ncbmcflags: ''\\n"
(here / "made" / "cbmc-batch.yaml").write_text(marker)
print("prepared one proof")
"""


def test_a_project_may_make_its_proofs_itself(quick: ProofAccount) -> None:
    """Where its prepare.py ran is where each proof runs, to the letter of the path."""
    made = {"Makefile": GOTO, "text": "made and holds"}
    files = {f"own/cbmc/proofs/made/{name}": text for name, text in made.items()}
    files["own/cbmc/proofs/prepare.py"] = PREPARE
    sha = quick.cloud.hub.push(REPOSITORY, files=files)
    run = quick.ended(sha)
    assert quick.verdicts(run["run_id"])["own/cbmc/proofs/made"] == "success", run["reason"]


def test_the_verdict_is_told_before_coverage_is_done(quick: ProofAccount) -> None:
    """A job that takes long to explain keeps nobody waiting."""
    sha = quick.cloud.hub.push(REPOSITORY, files=project(early="holds, long to cover"))
    context = "CBMC proof: cbmc/proofs/early"
    testing.until(
        lambda: quick.statuses(sha).get(context, ("",))[0] == "success",
        seconds=60,
        what="the verdict of a proof that is being covered",
    )
    run_id = quick.runs(sha)[0]
    item = quick.proofs(run_id)["cbmc/proofs/early"]
    assert item["provisional"] is True
    assert quick.run(run_id)["state"] == "proving"
    quick.cancel(run_id)
    assert quick.ended(sha)["verdict"] == "cancelled"
    assert quick.statuses(sha)[context][0] == "success"
    quick.ended(quick.cloud.hub.push(REPOSITORY, files=project(early="holds")))


def test_one_id_leads_through_all_parts(quick: ProofAccount) -> None:
    """From the delivery's log line to the status, and in the traces."""
    sha = quick.cloud.hub.push(REPOSITORY, files=project(followed="followed and holds"))
    run_id = quick.ended(sha)["run_id"]
    assert run_id == quick.cloud.hub.deliveries(REPOSITORY)[-1]["guid"]
    logs = quick.client("logs")
    told = set()
    for named in quick.facts["FunctionLogGroups"].split(","):
        events = logs.filter_log_events(logGroupName=named.partition("=")[2])["events"]
        lines = [json.loads(e["message"]) for e in events if e["message"].startswith("{")]
        told |= {line["function"] for line in lines if line.get("correlation_id") == run_id}
    assert told >= {"webhook", "dispatch", "launch", "verdict", "status", "report"}
    now = time.time()
    traced = quick.client("xray").get_trace_summaries(
        StartTime=now - 600, EndTime=now + 60, FilterExpression=f'annotation.run_id = "{run_id}"'
    )
    assert len(traced["TraceSummaries"]) >= 2


def test_reports_are_kept_for_each_proof_and_for_the_commit(quick: ProofAccount) -> None:
    """And name the run, the commit and the verdicts."""
    sha = quick.cloud.hub.push(REPOSITORY, files=project(told="told and holds"))
    run_id = quick.ended(sha)["run_id"]
    s3, bucket = quick.client("s3"), quick.facts["ReportBucketName"]

    def page() -> str | None:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"commits/{sha}/").get("Contents", [])
        if f"commits/{sha}/index.html" not in {o["Key"] for o in found}:
            return None
        key = f"runs/{run_id}/index.html"
        text = str(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), "utf-8")
        return text if "cbmc/proofs/told" in text and "running" not in text.lower() else None

    text = testing.until(page, what="the page of an ended run")
    assert sha in text
    assert run_id in text
