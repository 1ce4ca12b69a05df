"""Reading any app's cloud assembly, running apps, and writing the assembly of a snapshot."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snapshot_tool.assembly import Destination, read, synthesize, write
from snapshot_tool.errors import BadInputError, FailedError
from snapshot_tool.model.names import StageName
from snapshot_tool.store import SnapshotStore
from tests.fakes.clock import FakeClock
from tests.fakes.objects import FakeObjects
from tests.fakes.snapshots import PROOF, create, template


def artifact(name: str, display: str, *after: str, **properties: object) -> dict[str, Any]:
    return {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": f"{name}.template.json", **properties},
        "dependencies": [*after, f"{name}.assets"],
        "displayName": display,
    }


class App:
    """A cdk.out, written as the CDK writes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.artifacts: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def stack(self, name: str, display: str, *after: str, **properties: object) -> None:
        """Add a stack with its template and the assets file that holds just that."""
        self.artifacts[name] = artifact(name, display, *after, **properties)
        self.assets(name, {"hash": {"source": {"path": f"{name}.template.json"}}})
        (self.folder / f"{name}.template.json").write_bytes(template(name))

    def assets(self, name: str, files: object, images: object = None) -> None:
        properties = {"file": f"{name}.assets.json"}
        entry = {"type": "cdk:asset-manifest", "properties": properties}
        self.artifacts[f"{name}.assets"] = entry
        body = {"version": "55.0.0", "files": files, "dockerImages": images or {}}
        (self.folder / f"{name}.assets.json").write_text(json.dumps(body))

    def stage(self, name: str) -> App:
        """Add a stage and return its assembly."""
        properties = {"directoryName": f"assembly-{name}", "displayName": name}
        entry = {"type": "cdk:cloud-assembly", "properties": properties}
        self.artifacts[f"assembly-{name}"] = entry
        return App(self.folder / f"assembly-{name}")

    def done(self) -> None:
        manifest = {"version": "55.0.0", "artifacts": self.artifacts}
        (self.folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An app with a stage of three stacks, and one stack beside it."""
    app = App(tmp_path / "cdk.out")
    proof = app.stage("proof")
    proof.stack("proofci850D", "proof/ci", "proofstorage2193", stackName="padstone-proof-ci")
    proof.stack("proofdeep", "proof/web/site", "proofci850D", tags={"team": "web"})
    proof.stack("proofstorage2193", "proof/storage", stackName="padstone-proof-storage")
    proof.done()
    app.stack("Top", "Top")
    app.done()
    return app.folder


# --- reading ---


def test_the_stacks_of_a_stage_come_after_those_they_need(out: Path) -> None:
    """With IDs that do not change when a construct's hash does, and the templates' very bytes."""
    found = read(out, PROOF).stacks
    assert [(s.id, s.stack_name, s.after) for s in found] == [
        ("storage", "padstone-proof-storage", ()),
        ("ci", "padstone-proof-ci", ("storage",)),
        ("web-site", "proofdeep", ("ci",)),
    ]
    assert found[1].body == template("proofci850D")
    assert found[2].tags == {"team": "web"}


def test_without_a_stage_the_top_level_stacks_are_read(out: Path) -> None:
    """Most CDK apps have no stages."""
    assert [stack.id for stack in read(out).stacks] == ["Top"]


def test_a_stage_may_be_a_name_for_an_app_without_stages(tmp_path: Path) -> None:
    """Snapshots of such an app need a folder of their own, too."""
    app = App(tmp_path)
    app.stack("Shop", "Shop")
    app.done()
    assert [stack.id for stack in read(tmp_path, StageName("shop")).stacks] == ["Shop"]


def test_an_unknown_stage_is_refused_with_the_nearest(out: Path) -> None:
    """And with those there are."""
    with pytest.raises(BadInputError, match="did you mean 'proof'"):
        read(out, StageName("prof"))


@pytest.mark.parametrize(
    ("files", "images"),
    [
        ({"x": {"source": {"path": "asset.zip"}}}, {}),
        ({}, {"image": {"source": {"directory": "docker"}}}),
        ({"nonsense": 1}, {}),
    ],
)
def test_assets_are_refused(tmp_path: Path, files: object, images: object) -> None:
    """A snapshot would not pin them, and could not be rolled back to without them."""
    app = App(tmp_path)
    app.stack("Top", "Top")
    app.assets("Top", files, images)
    app.done()
    with pytest.raises(BadInputError, match="has assets"):
        read(tmp_path)


def test_stacks_in_a_circle_are_refused(tmp_path: Path) -> None:
    """The CDK makes none; an edited assembly may."""
    app = App(tmp_path)
    app.stack("A", "A", "B")
    app.stack("B", "B", "A")
    app.done()
    with pytest.raises(BadInputError, match="in a circle: A, B"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"artifacts": 3}', '{"artifacts": {}}', "{"])
def test_what_is_no_assembly_is_told_by_its_path(tmp_path: Path, text: str) -> None:
    """Never a traceback."""
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BadInputError, match=str(tmp_path)):
        read(tmp_path)


def test_a_missing_assembly_is_told_with_what_to_do(tmp_path: Path) -> None:
    """`cdk synth` was forgotten."""
    with pytest.raises(BadInputError, match="cdk synth"):
        read(tmp_path)


# --- running an app ---


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A CDK app that writes down what it was given."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.sh").write_text(
        'echo "$CDK_CONTEXT_JSON" > "$CDK_OUTDIR/manifest.json"\n'
        'if [ -n "$CONTEXT_OVERFLOW_LOCATION_ENV" ]; then\n'
        '  cp "$CONTEXT_OVERFLOW_LOCATION_ENV" "$CDK_OUTDIR/manifest.json"\nfi\n'
        "pwd\n"
    )
    settings = {"app": "sh app.sh", "versionReporting": False, "context": {"a": 1, "b": 1}}
    (folder / "cdk.json").write_text(json.dumps(settings))
    (folder / "cdk.context.json").write_text('{"b": 2, "c": 2}')
    return folder


def test_an_app_gets_the_context_that_the_cdk_cli_would_give(project: Path, tmp_path: Path) -> None:
    """Ours on top of cdk.json's, on top of cdk.context.json's, and the switches of the CLI."""
    out = synthesize("", {"a": 0, "stage": "proof"}, tmp_path / "out", project)
    assert json.loads((out / "manifest.json").read_text()) == {
        "a": 0,
        "b": 1,
        "c": 2,
        "stage": "proof",
        "aws:cdk:enable-path-metadata": True,
        "aws:cdk:enable-asset-metadata": True,
    }


def test_a_large_context_spills_into_a_file(project: Path, tmp_path: Path) -> None:
    """Linux takes 128 KB for one environment variable."""
    large = {"vpc": "x" * 300_000}
    out = synthesize("", large, tmp_path / "out", project)
    assert json.loads((out / "manifest.json").read_text())["vpc"] == large["vpc"]


def test_the_app_runs_in_its_folder_with_the_environment_given(
    project: Path, tmp_path: Path
) -> None:
    """Nothing of this process's environment gets in unasked."""
    command = 'echo "{\\"home\\": \\"$HOME\\"}" > "$CDK_OUTDIR/manifest.json"; test -f cdk.json'
    env = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
    out = synthesize(command, {}, tmp_path / "out", project, env)
    assert json.loads((out / "manifest.json").read_text()) == {"home": "/nowhere"}


def test_a_failed_app_is_told_with_its_last_lines(project: Path, tmp_path: Path) -> None:
    """The first of a hundred lines help nobody."""
    command = "seq 100; echo 'no such construct' >&2; exit 3"
    with pytest.raises(FailedError) as failed:
        synthesize(command, {}, tmp_path / "out", project)
    assert "exit code 3" in str(failed.value)
    assert "no such construct" in str(failed.value)
    assert "\n    50\n" not in str(failed.value)


STUBBORN = (
    "echo here; trap '' TERM; (trap '' TERM; exec sleep 60) & echo $$ $! > pids; exec sleep 60"
)


def alive(project: Path) -> list[str]:
    """Return the processes of a stubborn app that still run."""
    text = (project / "pids").read_text() if (project / "pids").exists() else ""
    return [pid for pid in text.split() if _runs(Path("/proc") / pid / "stat")]


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that takes a moment."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _runs(stat: Path) -> bool:
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_an_app_that_does_not_end_is_ended(project: Path, tmp_path: Path) -> None:
    """With all that it has started, and with what it wrote until then."""
    with pytest.raises(FailedError, match=r"(?s)was not done after 0\.5 s.*    here"):
        synthesize(STUBBORN, {}, tmp_path / "out", project, seconds=0.5)
    until(lambda: not alive(project))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_app_does_not_outlive_who_runs_it(project: Path, tmp_path: Path, number: int) -> None:
    """Ctrl-C reaches only the command, and TERM from a CI system only its own process."""
    (project / "cdk.json").write_text(json.dumps({"app": STUBBORN}))
    script = (
        "import sys; from pathlib import Path; from snapshot_tool.assembly import synthesize;"
        "from snapshot_tool.cli.signals import Signals; Signals().listen();"
        "synthesize('', {}, Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "out"), str(project)]
    running = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    until(lambda: len(alive(project)) == 2)
    running.send_signal(number)
    running.wait(20)
    until(lambda: not alive(project))


def test_an_app_that_writes_nothing_has_failed(project: Path, tmp_path: Path) -> None:
    """Exit code 0 alone is no assembly."""
    with pytest.raises(FailedError, match="wrote no assembly"):
        synthesize("true", {}, tmp_path / "out", project)


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    """cdk.json names the app."""
    with pytest.raises(BadInputError, match=r"(?s)cdk\.json: there is no CDK app.*--app"):
        synthesize("", {}, tmp_path / "out", tmp_path)
    (tmp_path / "cdk.json").write_text("{}")
    with pytest.raises(BadInputError, match=r'cdk\.json: there is no "app"'):
        synthesize("", {}, tmp_path / "out", tmp_path)


# --- writing ---


def written(out: Path, to: Destination) -> tuple[dict[str, Any], FakeObjects]:
    objects = FakeObjects()
    store = SnapshotStore(objects, FakeClock())
    made = create(store)
    write(out, manifest=made, templates=store.templates(made), objects=objects, to=to)
    return json.loads((out / "manifest.json").read_text())["artifacts"], objects


def test_a_written_assembly_names_the_pinned_bytes(tmp_path: Path) -> None:
    """CloudFormation reads the object itself, so nothing is uploaded and no byte changes."""
    artifacts, objects = written(tmp_path, Destination())
    ci = artifacts["padstone-proof-ci"]
    url = ci["properties"]["stackTemplateAssetObjectUrl"]
    key, _, version = url.removeprefix("https://shared.s3.us-west-2.amazonaws.com/").partition("?")
    assert version
    copy = (tmp_path / ci["properties"]["templateFile"]).read_bytes()
    assert objects.get(key, version.removeprefix("versionId=")) == copy == template("-ci")
    assert not [a for a in artifacts.values() if a["type"] != "aws:cloudformation:stack"]


def test_a_written_assembly_keeps_the_order(tmp_path: Path) -> None:
    """`cdk deploy --concurrency` starts a stack after those it needs."""
    artifacts, _ = written(tmp_path, Destination())
    assert artifacts["padstone-proof-ci"]["dependencies"] == ["padstone-proof-storage"]
    assert artifacts["padstone-proof-storage"]["dependencies"] == []


def test_stacks_say_which_snapshot_they_run(tmp_path: Path) -> None:
    """The same tags as `padstone deploy` sets, so either door finds the other's work done."""
    artifacts, _ = written(tmp_path, Destination())
    assert artifacts["padstone-proof-ci"]["properties"]["tags"] == {
        "padstone:snapshot-id": "20200203-201525",
        "padstone:stage": "proof",
    }


def test_an_environment_is_a_suffix_and_a_tag(tmp_path: Path) -> None:
    """Several environments live in one account."""
    artifacts, _ = written(tmp_path, Destination(environment="blue"))
    ci = artifacts["padstone-proof-ci-blue"]
    assert ci["properties"]["stackName"] == ci["displayName"] == "padstone-proof-ci-blue"
    assert ci["dependencies"] == ["padstone-proof-storage-blue"]
    assert ci["properties"]["tags"]["padstone:environment"] == "blue"


def test_the_callers_credentials_act_unless_roles_are_asked_for(tmp_path: Path) -> None:
    """An account need not be bootstrapped for the CDK."""
    plain, _ = written(tmp_path / "plain", Destination(account="222222222222", region="eu-west-1"))
    assert plain["padstone-proof-ci"]["environment"] == "aws://222222222222/eu-west-1"
    assert "assumeRoleArn" not in plain["padstone-proof-ci"]["properties"]
    roles, _ = written(tmp_path / "roles", Destination(roles=True, qualifier="own"))
    assert roles["padstone-proof-ci"]["properties"]["assumeRoleArn"] == (
        "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"
        "cdk-own-deploy-role-${AWS::AccountId}-${AWS::Region}"
    )


def test_what_was_written_can_be_read(tmp_path: Path) -> None:
    """A frozen snapshot is an assembly like any other."""
    written(tmp_path, Destination())
    assert [stack.body for stack in read(tmp_path).stacks] == [
        template("-storage"),
        template("-ci"),
    ]
