"""What creating a snapshot refuses before it claims an ID."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from snapshot_tool.errors import BadInputError, NotFoundError
from snapshot_tool.model.manifest import Manifest
from snapshot_tool.model.names import StageName
from tests.fakes.snapshots import template
from tests.fakes.world import PROOF, TOOLS, World
from tests.unit.test_assembly import App

ROOT = Path(__file__).resolve().parents[2]
STAGES = {"tools": [], "proof": ["cbmc", "proof"]}


@pytest.fixture
def world() -> World:
    return World().bootstrap()


def create(world: World, stage: StageName, **where: Path) -> Manifest:
    places = {"assembly": None, "app_dir": Path("nowhere"), **where}
    return world.orchestrator().create(stage, overrides={}, reason="", **places)  # type: ignore[arg-type]


def written(world: World) -> Mapping[str, object]:
    """What refusing must leave as it is."""
    return {"objects": world.objects.bodies(), "writes": world.tables.writes}


def assembly(folder: Path, says: str) -> Path:
    """Write an assembly of one stack, whose template says which snapshot it is of."""
    app = App(folder)
    app.stack("Shop", "Shop")
    body = template(Outputs={"SnapshotId": {"Value": says}})
    (folder / "Shop.template.json").write_bytes(body)
    app.done()
    return folder


@pytest.mark.parametrize("says", ["00000000-000000", "20200203-201525", "20200203-201525-02"])
def test_templates_of_another_snapshot_are_not_frozen(
    world: World, tmp_path: Path, says: str
) -> None:
    """They would say so for ever, and nothing that reads accounts would find this snapshot."""
    before = written(world)
    with pytest.raises(BadInputError, match=rf"another snapshot: Shop \({says}\)"):
        create(world, PROOF, assembly=assembly(tmp_path, says))
    assert written(world) == before


@pytest.mark.parametrize("says", ["", "release 7", "main"])
def test_any_other_assembly_is_frozen_as_it_is(world: World, tmp_path: Path, says: str) -> None:
    """An output of that name may mean something else to somebody else's app."""
    made = create(world, PROOF, assembly=assembly(tmp_path, says))
    assert world.objects.bodies()[made.templates[0].key] == (
        (tmp_path / "Shop.template.json").read_bytes()
    )


def app_folder(folder: Path) -> Path:
    """Write an app that says which stages it has; running it would fail."""
    settings = {"app": "exit 9", "context": {"padstone:stages": STAGES}}
    (folder / "cdk.json").write_text(json.dumps(settings))
    return folder


def test_a_mistyped_stage_costs_no_id(world: World, tmp_path: Path) -> None:
    """The app says which stages it has, so it need not be run to find out."""
    before = written(world)
    with pytest.raises(BadInputError, match=r"(?s)no stage 'prof' .*'proof'.*: proof, tools"):
        create(world, StageName("prof"), app_dir=app_folder(tmp_path))
    assert written(world) == before


def test_a_stage_is_not_frozen_before_its_packages_were_built(world: World, tmp_path: Path) -> None:
    """All that is missing is named at once, and what builds it."""
    before = written(world)
    with pytest.raises(
        NotFoundError, match=r"(?s)never built: cbmc, proof.*padstone package build"
    ):
        create(world, PROOF, app_dir=app_folder(tmp_path))
    assert written(world) == before


def test_the_app_says_of_its_own_stages_what_they_pin() -> None:
    """Its cdk.json names the stages there are, and for each just what the example pins pin."""
    from padstone_cdk.app import STAGES as BUILT

    stages = json.loads((ROOT / "cdk.json").read_text())["context"]["padstone:stages"]
    assert set(stages) == set(BUILT)
    assert stages[TOOLS] == []
    example = json.loads((ROOT / "cdk.context.json").read_text())["padstone:pins"]
    assert set(stages[PROOF]) == {*example["packages"], *example["images"]}
