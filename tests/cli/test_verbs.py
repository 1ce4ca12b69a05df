"""What each command asks for, and how it answers people and scripts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from snapshot_tool.model.parameters import Source
from snapshot_tool.model.plan import Action
from snapshot_tool.model.records import Finding, PackageRecord, RegisteredAccount
from tests.cli.conftest import CommandLine
from tests.cli.recorder import (
    ACCOUNT,
    ALICE,
    DIGEST,
    ID,
    LATER,
    NOON,
    Recorder,
    a_change,
    a_deployment,
    a_diff,
    a_listing,
    a_manifest,
    a_package,
    a_plan,
    a_status,
    a_value,
    an_empty_plan,
)


def test_create_says_the_id_in_one_line(padstone: CommandLine) -> None:
    """Scripts find the new ID without looking."""
    result = padstone("snapshot", "create", "proof", "--reason", "new CBMC")
    assert (result.code, result.out, result.err) == (0, f"snapshot {ID}\n", "")
    assert padstone.work.asked["stage"] == "proof"
    assert padstone.work.asked["reason"] == "new CBMC"
    assert padstone.work.asked["app_dir"] == padstone.folder


def test_a_package_on_the_command_line_comes_before_the_overrides_file(
    padstone: CommandLine,
) -> None:
    """The nearer statement wins."""
    overrides = padstone.file("overrides.json", '{"cbmc": "far.tar.gz", "batch": "b.tar.gz"}')
    padstone(
        *("snapshot", "create", "proof", "--package-overrides", overrides),
        *("--package", "cbmc=near.tar.gz"),
    )
    assert padstone.work.asked["overrides"] == {"cbmc": "near.tar.gz", "batch": "b.tar.gz"}


def test_list_shows_the_newest_first_as_they_come(padstone: CommandLine) -> None:
    """One line a snapshot, none cut off where there is no terminal."""
    padstone.work = Recorder(manifests=[a_manifest(LATER), a_manifest()])
    lines = padstone("snapshot", "list", "--stage", "proof").out.splitlines()
    assert [line.split()[0] for line in lines] == ["snapshot", LATER, ID]
    assert lines[2].split(maxsplit=5) == [
        ID,
        "proof",
        "user/alice",
        "c0ffeec0ffee",
        "1",
        "new CBMC",
    ]
    assert padstone.work.asked == {"stage": "proof", "limit": 20}


def test_an_empty_list_says_so(padstone: CommandLine) -> None:
    """Silence would look like a failure."""
    assert padstone("snapshot", "list").out == "no snapshots yet\n"
    assert padstone("snapshot", "list", "--json").json == {"snapshots": []}


def test_uncommitted_changes_are_marked(padstone: CommandLine) -> None:
    """A snapshot of an unclean checkout cannot pass for one of its commit."""
    unclean = replace(a_manifest().provenance, clean=False)
    padstone.work = Recorder(
        manifest=a_manifest(provenance=unclean), manifests=[a_manifest(provenance=unclean)]
    )
    assert "c0ffeec0ffee+" in padstone("snapshot", "list").out
    assert "and uncommitted changes" in padstone("snapshot", "show", ID).out


def test_show_names_every_part_with_a_short_digest(padstone: CommandLine) -> None:
    """Templates, packages, images, and where it all comes from."""
    out = padstone("snapshot", "show", ID).out
    for part in (f"snapshot {ID}", "aws-cdk-lib 2.275.0", ALICE, "12.3 MB", DIGEST[:12]):
        assert part in out
    assert "padstone-proof-ci" in out
    assert DIGEST not in out


def test_show_in_json_has_full_digests(padstone: CommandLine) -> None:
    """What scripts compare is never shortened."""
    document = padstone("snapshot", "show", ID, "--json").json
    assert document["id"] == ID
    assert document["packages"][0]["sha256"] == DIGEST
    assert document["packages"][0]["file"] == a_package().file
    assert document["provenance"]["created_at"] == "2020-02-03T12:00:00Z"
    assert set(document) == {"id", "stage", "templates", "packages", "images", "provenance"}


def test_diff_shows_packages_and_resources(padstone: CommandLine) -> None:
    """Every entry with its type and the path that differs."""
    out = padstone("snapshot", "diff", ID, LATER).out
    assert "cbmc-20200301-000000-deadbeef.tar.gz" in out
    assert "Resources Queue (AWS::SQS::Queue)" in out
    assert "Properties.VisibilityTimeout" in out
    assert "the whole stack" in out


def test_verify_ends_with_four_if_anything_is_wrong(padstone: CommandLine) -> None:
    """Findings are an answer, and a failure for scripts."""
    padstone.work = Recorder(findings=[Finding(where="packages/cbmc/x", what="other bytes")])
    result = padstone("snapshot", "verify", ID, "--json")
    assert result.code == 4
    assert result.json == {
        "snapshot": ID,
        "verified": False,
        "findings": [{"where": "packages/cbmc/x", "what": "other bytes"}],
    }
    assert "other bytes" in padstone("snapshot", "verify", ID).out


def test_verify_ends_with_zero_if_all_is_right(padstone: CommandLine) -> None:
    """One line that can be read aloud."""
    assert padstone("snapshot", "verify", ID).out == f"snapshot {ID} verifies\n"
    assert padstone.work.asked["read_packages"] is False


def test_plan_says_stack_action_and_why(padstone: CommandLine) -> None:
    """The table of a plan."""
    padstone.work = Recorder(planned=a_plan(a_change("storage", Action.NOTHING), a_change("ci")))
    out = padstone("plan", "beta", "--snapshot", ID).out
    assert f"proof {ID} -> beta ({ACCOUNT}, us-west-2)" in out
    assert "padstone-proof-storage  nothing to do  -" in out
    assert "padstone-proof-ci       update         template differs" in out
    assert "ProjectName" not in out


def test_explain_lists_every_value_and_masks_the_hidden(padstone: CommandLine) -> None:
    """Where a value comes from is told, a secret never."""
    change = a_change(
        "ci",
        parameters=(
            a_value("ProjectName", "MQTT-Beta2"),
            a_value("Token", "hunter2", hidden=True, source=Source.COMMAND_LINE, where="--set"),
            a_value("Bucket", None, known_after="storage"),
        ),
    )
    padstone.work = Recorder(planned=a_plan(change))
    shown = padstone("plan", "beta", "--explain")
    document = padstone("plan", "beta", "--json")
    assert "hunter2" not in shown.out + document.out
    assert "MQTT-Beta2" in shown.out
    assert "(known after storage)" in shown.out
    assert "project parameters" in shown.out
    values = {one["name"]: one for one in document.json["changes"][0]["parameters"]}
    assert values["Token"]["value"] == "****"
    assert values["Bucket"] == {
        "name": "Bucket",
        "value": None,
        "known_after": "storage",
        "source": "project_file",
        "where": "beta.json",
        "hidden": False,
    }


@pytest.mark.parametrize(
    ("planned", "flags", "code"),
    [
        (a_plan(), ["--exit-code"], 5),
        (a_plan(), [], 0),
        (an_empty_plan(), ["--exit-code"], 0),
    ],
)
def test_plan_ends_with_five_only_where_asked_and_different(
    padstone: CommandLine, planned: object, flags: list[str], code: int
) -> None:
    """Differences are an answer, no error."""
    padstone.work = Recorder(planned=planned)  # type: ignore[arg-type]  # plans, all of them
    assert padstone("plan", "beta", *flags).code == code


def test_diff_ends_with_five_only_where_asked_and_different(padstone: CommandLine) -> None:
    """As for plans."""
    assert padstone("snapshot", "diff", ID, LATER, "--exit-code").code == 5
    assert padstone("snapshot", "diff", ID, LATER).code == 0
    padstone.work = Recorder(difference=a_diff(empty=True))
    result = padstone("snapshot", "diff", ID, LATER, "--exit-code")
    assert (result.code, result.out.splitlines()[1]) == (0, "nothing differs but the ID")


def test_deploy_passes_all_that_was_said(padstone: CommandLine) -> None:
    """Each flag reaches the orchestrator."""
    file = padstone.file("mine.json", "{}")
    result = padstone(
        *("deploy", "beta", "--snapshot", ID, "--parameters", file, "--reason", "why"),
        *("--set", "ProjectName=A=B", "--set", "Empty=", "--build", "--deadline", "30m"),
    )
    assert result.code == 0
    assert padstone.work.calls == [
        (
            "deploy",
            {
                "name": "beta",
                "snapshot": ID,
                "settings": {"ProjectName": "A=B", "Empty": ""},
                "parameters_file": Path(file),
                "from_source": None,
                "reason": "why",
                "build": True,
                "build_deadline": 1800.0,
            },
        )
    ]
    assert result.out.endswith(f"beta runs proof {ID} (12.3 s)\n")


def test_deploy_in_json_tells_whether_anything_changed(padstone: CommandLine) -> None:
    """Doing nothing is told from doing."""
    changed = padstone("deploy", "beta", "--snapshot", ID, "--json").json
    assert changed["changed"] is True
    assert changed["deployment"]["snapshot"] == ID
    padstone.work = Recorder(planned=an_empty_plan())
    same = padstone("deploy", "beta", "--snapshot", ID, "--json").json
    assert (same["changed"], same["deployment"]) == (False, None)


def test_a_deploy_with_nothing_to_do_says_so(padstone: CommandLine) -> None:
    """And claims nothing else."""
    padstone.work = Recorder(planned=an_empty_plan())
    result = padstone("deploy", "beta", "--snapshot", ID)
    assert result.out.endswith("nothing to do\n")


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        (["deploy", "beta", "--snapshot", ID], "plan"),
        (["rollback", "beta"], "plan_rollback"),
        (["promote", "beta", "prod"], "plan_promote"),
    ],
)
def test_a_dry_run_only_plans(padstone: CommandLine, line: list[str], verb: str) -> None:
    """No verb that changes anything is even called."""
    result = padstone(*line, "--dry-run")
    assert (result.code, padstone.work.verbs) == (0, [verb])
    assert "template differs" in result.out


def test_from_source_deploys_the_app_of_this_folder(padstone: CommandLine) -> None:
    """The very first deployment."""
    padstone("deploy", "tools", "--from-source")
    assert padstone.work.asked["from_source"] == padstone.folder
    padstone("plan", "tools")
    assert padstone.work.asked["from_source"] is None


def test_print_cdk_prints_a_line_for_the_shell(padstone: CommandLine) -> None:
    """Quoted, and nothing is deployed."""
    result = padstone("deploy", "beta", "--snapshot", ID, "--print-cdk")
    assert result.out == f"cdk deploy -c snapshot_id={ID} 'a b'\n"
    assert padstone.work.verbs == ["print_cdk"]


def test_print_cdk_says_which_stacks_have_to_wait(padstone: CommandLine) -> None:
    """On standard error, so that the line itself can be run as it is."""
    padstone.work = Recorder(later=("padstone-tools-access",))
    result = padstone("deploy", "tools", "--from-source", "--print-cdk")
    assert result.out.startswith("cdk deploy ")
    assert "not in it yet: padstone-tools-access" in result.err


def test_rollback_goes_where_it_is_told(padstone: CommandLine) -> None:
    """Or to the one before, which the orchestrator knows."""
    padstone("rollback", "prod", "--to", ID, "--reason", "red")
    assert padstone.work.asked["to"] == ID
    padstone("rollback", "prod")
    assert padstone.work.asked["to"] is None


def test_promote_names_source_and_target(padstone: CommandLine) -> None:
    """In that order."""
    assert padstone("promote", "beta", "prod").code == 0
    assert (padstone.work.asked["source"], padstone.work.asked["target"]) == ("beta", "prod")


def test_status_reads_all_accounts_if_none_is_named(padstone: CommandLine) -> None:
    """Those of padstone.toml, the tools account first."""
    padstone("status")
    assert padstone.work.asked["names"] == ("tools", "beta", "prod")


def test_status_shows_what_runs_beside_what_is_recorded(padstone: CommandLine) -> None:
    """Claims are shown as claims; differences in words."""
    one = a_status(
        claim=a_deployment(release_id=LATER), verified=False, differences=("the record says later",)
    )
    padstone.work = Recorder(statuses=[one])
    result = padstone("status", "beta")
    head, row, words = result.out.splitlines()
    assert head.split()[:5] == ["account", "id", "snapshot", "verified", "recorded"]
    assert row.split()[:5] == ["beta", ACCOUNT, ID, "NO", LATER]
    assert words == "beta: the record says later"
    assert padstone("status", "beta", "--exit-code").code == 5


def test_status_tells_of_an_unreachable_account_beside_the_others(padstone: CommandLine) -> None:
    """One stale login does not hide the rest, and is not passed off as fine."""
    padstone.work = Recorder(
        statuses=[
            a_status(),
            a_status("prod", account_id=None, snapshot=None, verified=None, unreachable="expired"),
        ]
    )
    result = padstone("status", "--json")
    assert result.code == 1
    assert [one["unreachable"] for one in result.json["accounts"]] == [None, "expired"]
    assert "prod: cannot be read: expired" in padstone("status").out


def test_history_says_when_what_who_and_why(padstone: CommandLine) -> None:
    """Newest first, as it comes."""
    padstone.work = Recorder(deployments=[a_deployment(action="rollback")])
    row = padstone("history", "beta").out.splitlines()[1]
    assert row.split("  ") == ["2020-02-03 12:00:00", "rollback", ID, "user/alice", "new CBMC"]
    document = padstone("history", "beta", "--json").json
    assert document["deployments"][0]["requested_at"] == "2020-02-03T12:00:00Z"


def test_package_list_marks_the_newest_build(padstone: CommandLine) -> None:
    """With a star, or `latest` in JSON."""
    padstone.work = Recorder(listings=[a_listing(), a_listing(latest=False)])
    lines = padstone("package", "list", "cbmc").out.splitlines()
    assert [line.startswith("*") for line in lines] == [False, True, False]
    flags = [one["latest"] for one in padstone("package", "list", "--json").json["packages"]]
    assert flags == [True, False]


def test_package_build_waits_unless_told_not_to(padstone: CommandLine) -> None:
    """And shows what came of it."""
    built = PackageRecord(pin=a_package(), commit="c0ffee", built_at="2020-01-28T14:28:13Z")
    padstone.work = Recorder(records=[built])
    assert a_package().file in padstone("package", "build", "cbmc", "--deadline", "1h").out
    assert padstone.work.asked == {"tools": ("cbmc",), "deadline": 3600.0, "wait": True}
    assert padstone("package", "build", "--no-wait").out == "started\n"
    assert padstone.work.asked == {"tools": (), "deadline": None, "wait": False}


def test_package_add_says_the_file_name_it_got(padstone: CommandLine) -> None:
    """It is what an overrides file names."""
    file = padstone.file("cbmc.tar.gz", "bytes")
    assert padstone("package", "add", "cbmc", file).out == f"{a_package().file}\n"


def test_accounts_are_added_listed_and_removed(padstone: CommandLine) -> None:
    """Each verb by its name."""
    added = padstone("account", "add", "beta", "--account-id", ACCOUNT)
    assert added.out == f"beta ({ACCOUNT}) may read the snapshots\n"
    assert padstone("account", "remove", "beta").code == 0
    padstone.work.keeping = [
        RegisteredAccount(name="ring", account_id=ACCOUNT, added_at=NOON, added_by=ALICE)
    ]
    assert "as ring, the account still" in padstone("account", "remove", "beta").out
    assert padstone("account", "list").out == "no accounts are registered yet\n"
    padstone.work.registered = [
        RegisteredAccount(name="beta", account_id=ACCOUNT, added_at=NOON, added_by=ALICE)
    ]
    assert padstone("account", "list", "--json").json == {
        "accounts": [
            {
                "name": "beta",
                "id": ACCOUNT,
                "added_at": "2020-02-03T12:00:00Z",
                "added_by": ALICE,
            }
        ]
    }


def test_text_from_elsewhere_cannot_steer_the_terminal(padstone: CommandLine) -> None:
    """A reason with escape sequences or markup is shown, not obeyed."""
    evil = a_deployment(reason="\x1b[2Jgone [red]x[/red] \u202e")
    padstone.work = Recorder(deployments=[evil])
    out = padstone("history", "beta").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[red]x[/red]" in out
