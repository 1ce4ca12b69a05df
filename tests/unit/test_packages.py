"""Which package is newest, which is chosen, and how one gets in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from snapshot_tool.errors import BadInputError, ConflictError, NotFoundError, VerificationError
from snapshot_tool.model.manifest import PackagePin
from snapshot_tool.model.names import ToolName
from snapshot_tool.packages import Packages
from tests.fakes.clock import FakeClock
from tests.fakes.objects import FakeObjects
from tests.fakes.parameters import FakeParameters
from tests.fakes.snapshots import package

CBMC = ToolName("cbmc")
DIGEST = "sha256:" + "7" * 64


class World:
    """A bucket, a parameter store, and the packages in them."""

    def __init__(self) -> None:
        self.objects = FakeObjects()
        self.parameters = FakeParameters()
        self.packages = Packages(self.objects, self.parameters, "/padstone", FakeClock())

    def built(self, tool: str, body: bytes) -> PackagePin:
        """Do what the last steps of a build do."""
        pin = package(self.objects, tool, body)
        record = {key: value for key, value in pin.to_json().items() if key != "tool"}
        text = json.dumps({**record, "commit": "c" * 40, "built_at": "2020-01-28T14:28:13Z"})
        self.parameters.put(f"/padstone/packages/{tool}/latest", text)
        return pin

    def built_image(self) -> None:
        text = json.dumps({"digest": DIGEST, "commit": "c" * 40, "built_at": "t"})
        self.parameters.put("/padstone/images/proof/latest", text)


@pytest.fixture
def world() -> World:
    return World()


def test_newest_is_what_a_build_said_last(world: World) -> None:
    """Not the youngest object: that may come from a build that failed after its upload."""
    world.built("cbmc", b"old")
    last = world.built("cbmc", b"new")
    package(world.objects, "cbmc", b"uploaded by a build that then failed")
    assert world.packages.newest().packages == {CBMC: last}


def test_packages_and_images_of_other_environments_are_not_ours(world: World) -> None:
    """Each environment has its own prefix."""
    world.built("cbmc", b"x")
    other = Packages(world.objects, world.parameters, "/padstone-beta", FakeClock())
    assert not other.newest().packages


def test_without_overrides_the_newest_are_chosen(world: World) -> None:
    """Packages and images alike."""
    pins = [world.built("cbmc", b"1"), world.built("lambda", b"2")]
    world.built_image()
    chosen = world.packages.choose({})
    assert list(chosen.packages.values()) == pins
    assert [pin.digest for pin in chosen.images.values()] == [DIGEST]


def test_an_override_names_a_file(world: World) -> None:
    """As the first README has it: {"cbmc": "cbmc-20200128-142813-dbac9633.tar.gz"}."""
    old, other = world.built("cbmc", b"old"), world.built("viewer", b"viewer")
    world.built("cbmc", b"new")
    chosen = world.packages.choose({"cbmc": old.file})
    assert list(chosen.packages.values()) == [old, other]


def test_an_override_may_name_a_label_or_an_image_digest(world: World) -> None:
    """`padstone package label` gives a package a name that stays."""
    old = world.built("cbmc", b"old")
    world.packages.label(CBMC, old.file, "stable")
    new = world.built("cbmc", b"new")
    assert world.packages.newest().packages[CBMC] == new
    world.built_image()
    chosen = world.packages.choose({"cbmc": "stable", "proof": "sha256:" + "8" * 64})
    assert chosen.packages[CBMC] == old
    assert chosen.images[ToolName("proof")].digest == "sha256:" + "8" * 64


def test_a_tool_without_a_build_record_can_be_overridden(world: World) -> None:
    """A package that somebody added is enough."""
    pin = package(world.objects, "cbmc")
    assert world.packages.choose({"cbmc": pin.file}).packages == {CBMC: pin}


@pytest.mark.parametrize("key", ["cbcm", "CBMC", "template", ""])
def test_an_unknown_key_is_refused_by_name(world: World, key: str) -> None:
    """The predecessor ignored `cbcm` and took the newest cbmc."""
    world.built("cbmc", b"x")
    with pytest.raises(NotFoundError, match=f"no package or image {key!r}"):
        world.packages.choose({key: "cbmc-20200128-142813-dbac9633.tar.gz"})


def test_an_unknown_file_is_refused_with_the_nearest(world: World) -> None:
    """File names are typed by people."""
    pin = world.built("cbmc", b"x")
    with pytest.raises(NotFoundError, match=f"did you mean '{pin.file}'"):
        world.packages.choose({"cbmc": pin.file.replace("2020", "2021")})


def test_all_that_is_wrong_with_overrides_is_told_at_once(world: World) -> None:
    """Keys, files and digests; whoever mends one need not come back for the next."""
    for tool in ("cbmc", "viewer"):
        world.built(tool, tool.encode())
    world.built_image()
    wrong = {"cbcm": "x", "viwer": "y", "viewer": "gone", "proof": "latest"}
    with pytest.raises(BadInputError) as caught:
        world.packages.choose(wrong)
    for told in ("'cbcm' (did", "'viwer' (did", "no package 'gone' of viewer", "proof: 'latest'"):
        assert told in caught.value.what
    assert "package list viewer" in caught.value.fix


def test_a_file_of_another_tool_is_refused(world: World) -> None:
    """A viewer is no cbmc, whatever its name says."""
    world.built("cbmc", b"x")
    viewer = world.built("viewer", b"y")
    with pytest.raises(NotFoundError, match="of cbmc"):
        world.packages.choose({"cbmc": viewer.file})


def test_a_package_that_is_not_what_its_build_recorded_is_refused(world: World) -> None:
    """Before anything is frozen with it."""
    pin = world.built("cbmc", b"x")
    world.objects.destroy(pin.key)
    world.objects.overwrite(pin.key, b"y")
    with pytest.raises(VerificationError, match="not what its build recorded: overwritten"):
        world.packages.choose({})


@pytest.mark.parametrize("text", ["", "{}", '{"key": 1}', "[]", '{"key": "a", "key": "b"}'])
def test_a_damaged_build_record_is_told_by_name(world: World, text: str) -> None:
    """It is a parameter that somebody may have edited."""
    world.parameters.history["/padstone/packages/cbmc/latest"] = [text]
    with pytest.raises(BadInputError, match="/padstone/packages/cbmc/latest"):
        world.packages.newest()


def test_a_listing_marks_the_latest_and_begins_with_the_newest(world: World) -> None:
    """With sizes; other files under packages/ are no packages."""
    old, new = world.built("cbmc", b"a"), world.built("cbmc", b"bbb")
    world.objects.overwrite("packages/cbmc/notes.txt", b"")
    listed = world.packages.listing()
    assert {(one.file, one.size, one.latest) for one in listed} == {
        (old.file, 1, False),
        (new.file, 3, True),
    }
    assert [one.file for one in listed] == sorted((old.file, new.file), reverse=True)
    assert world.packages.listing(ToolName("viewer")) == []


def test_a_listing_is_as_long_as_it_is_asked_to_be(world: World) -> None:
    """Each line costs a call."""
    for number in range(30):
        package(world.objects, "cbmc", str(number).encode())
    world.objects.calls.clear()
    assert len(world.packages.listing(CBMC, limit=5)) == 5
    assert world.objects.calls.total() == 6


def test_an_added_package_is_named_by_time_and_digest(world: World, tmp_path: Path) -> None:
    """It can be chosen by name, and is no tool's newest."""
    path = tmp_path / "mine.tar.gz"
    path.write_bytes(b"mine")
    added = world.packages.add(CBMC, path)
    assert added.file == f"cbmc-20200203-201525-{added.sha256[:8] if added.sha256 else ''}.tar.gz"
    assert world.objects.bodies()[added.key] == b"mine"
    assert not world.packages.newest().packages
    assert world.packages.choose({"cbmc": added.file}).packages[CBMC].sha256 == added.sha256
    assert world.packages.add(CBMC, path) == added  # the same again


def test_another_package_of_the_same_name_is_a_conflict(world: World, tmp_path: Path) -> None:
    """Eight digits of a digest and a second may meet; nothing is overwritten."""
    path = tmp_path / "mine.tar.gz"
    path.write_bytes(b"mine")
    key = world.packages.add(CBMC, path).key
    world.objects.destroy(key)
    world.objects.overwrite(key, b"another")
    with pytest.raises(ConflictError, match="another package has this name"):
        world.packages.add(CBMC, path)


def test_a_package_has_the_ending_its_user_needs(world: World, tmp_path: Path) -> None:
    """Lambda takes zip files only."""
    for tool, name in (("lambda", "x.tar.gz"), ("cbmc", "x.zip"), ("cbmc", "x")):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(BadInputError, match=f"a package of {tool} is a"):
            world.packages.add(ToolName(tool), tmp_path / name)
    with pytest.raises(BadInputError, match="No such file"):
        world.packages.add(CBMC, tmp_path / "none.tar.gz")


def test_a_label_is_a_record_with_a_history(world: World) -> None:
    """SSM keeps the versions of what was newest."""
    old, new = world.built("cbmc", b"a"), world.built("cbmc", b"b")
    assert world.packages.label(CBMC, old.file) == old
    assert world.packages.newest().packages == {CBMC: old}
    assert len(world.parameters.history["/padstone/packages/cbmc/latest"]) == 3
    with pytest.raises(NotFoundError):
        world.packages.label(ToolName("viewer"), new.file)
