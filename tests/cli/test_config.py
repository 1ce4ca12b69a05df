"""padstone.toml: where it is looked for, and all complaints about it at once."""

from __future__ import annotations

import pytest

from snapshot_tool.errors import BadInputError, NotFoundError
from snapshot_tool.model.config import Config
from tests.cli.conftest import CONFIG, CommandLine

TOOLS = '[tools]\nprofile = "t"\n'
OTHER = '[tools]\nprofile = "other"\n'


def profile(padstone: CommandLine, *flags: str) -> str:
    """Return the tools profile of the configuration that a command used."""
    assert padstone("snapshot", "list", *flags).code == 0
    assert padstone.work.config
    return padstone.work.config.tools.profile


def test_the_file_that_is_named_wins(padstone: CommandLine) -> None:
    """--config before PADSTONE_CONFIG before this folder before the home folder."""
    named = padstone.file("a/named.toml", '[tools]\nprofile = "named"\n')
    padstone.file("b/env.toml", '[tools]\nprofile = "env"\n')
    padstone.file("home/.config/padstone/padstone.toml", '[tools]\nprofile = "home"\n')
    padstone.environ["PADSTONE_CONFIG"] = "b/env.toml"
    assert profile(padstone, "--config", named) == "named"
    assert profile(padstone) == "env"
    del padstone.environ["PADSTONE_CONFIG"]
    assert profile(padstone) == "tools"
    (padstone.folder / "padstone.toml").unlink()
    assert profile(padstone) == "home"


def test_parameter_files_are_found_beside_the_configuration(padstone: CommandLine) -> None:
    """Wherever the command is started."""
    named = padstone.file("a/padstone.toml", CONFIG)
    padstone("snapshot", "list", "--config", named)
    assert padstone.work.config
    assert padstone.work.config.tools.parameters == str(padstone.folder / "a" / "tools.json")
    assert padstone.work.config.accounts["prod"].parameters == ""


def test_no_configuration_says_where_it_was_looked_for(padstone: CommandLine) -> None:
    """And what to write into one."""
    (padstone.folder / "padstone.toml").unlink()
    result = padstone("status")
    assert result.code == 2
    assert str(padstone.folder / "padstone.toml") in result.err
    assert "[tools] profile" in result.err


def test_a_named_configuration_that_is_missing_is_not_passed_over(padstone: CommandLine) -> None:
    """Else a typing error would deploy with another one."""
    padstone.environ["PADSTONE_CONFIG"] = "gone.toml"
    result = padstone("status")
    assert result.code == 2
    assert "gone.toml: No such file" in result.err


WRONG = {
    "no TOML": ("[tools]\nprofile = x", ["not valid TOML", "line 2"]),
    "no tools": ('[accounts.a]\nprofile = "a"', ["[tools]: missing"]),
    "no profile": ("[tools]", ["tools.profile: missing"]),
    "an unknown key": (TOOLS + 'profil = "x"', ["tools.profil: unknown key", "'profile'?"]),
    "an unknown table": (TOOLS + "[acounts.a]", ["acounts: unknown key", "'accounts'?"]),
    "a number": ("[tools]\nprofile = 1", ["tools.profile: a string is expected"]),
    "no table": ("tools = 1", ["tools: a table is expected"]),
    "accounts that are no table": ("accounts = 1\n" + TOOLS, ["accounts: a table is expected"]),
    "an account that is no table": (TOOLS + "[accounts]\na = 1", ["accounts.a: a table"]),
    "no region": ('region = "Oregon"\n' + TOOLS, ["region: 'Oregon' is not a region"]),
    "no environment": (TOOLS + 'environment = "a b"', ["tools.environment: 'a b' is not"]),
    "an account called tools": (
        TOOLS + '[accounts.tools]\nprofile = "x"',
        ["accounts.tools: the name is taken"],
    ),
    "an account that is no name": (TOOLS + '[accounts."-x"]\nprofile = "x"', ["accounts.'-x'"]),
    "an account elsewhere": (
        TOOLS + 'region = "us-west-2"\n[accounts.a]\nprofile = "a"\nregion = "eu-west-1"',
        ["accounts.a.region: the account would be in eu-west-1 and the tools account in us-west-2"],
    ),
    "a tools account elsewhere": (
        'region = "us-west-2"\n' + TOOLS + 'region = "eu-west-1"\n[accounts.a]\nprofile = "a"',
        ["tools.region: the account would be in us-west-2 and the tools account in eu-west-1"],
    ),
    "all of it": (
        'region = 1\n[tools]\nx = 1\n[accounts.a]\ny = 2\n[accounts.b]\nprofile = ""',
        ["region: a string", "tools.x", "tools.profile", "accounts.a.y", "accounts.b.profile"],
    ),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_configuration_is_told_as_a_whole(
    padstone: CommandLine, text: str, says: list[str]
) -> None:
    """One message names everything that has to be mended, and the file."""
    path = padstone.file("padstone.toml", text)
    result = padstone("status")
    assert (result.code, padstone.work.calls) == (2, [])
    assert result.err.startswith(f"padstone: {path}: ")
    for part in says:
        assert part in result.err


def test_a_region_of_an_account_comes_before_that_of_the_file() -> None:
    """And none at all leaves it to the profile."""
    own = 'region = "eu-west-1"\n'
    text = 'region = "us-west-2"\n' + TOOLS + own + '[accounts.a]\nprofile = "a"\n' + own
    config = Config.parse(text, name="x")
    assert (config.tools.region, config.accounts["a"].region) == ("eu-west-1", "eu-west-1")
    assert Config.parse(TOOLS, name="x").tools.region == ""


def test_an_unknown_account_is_told_with_those_there_are() -> None:
    """The tools account is one of them."""
    config = Config.parse(CONFIG, name="padstone.toml")
    assert config.account("tools") is config.tools
    with pytest.raises(NotFoundError) as caught:
        config.account("bete")
    assert "did you mean 'beta'" in caught.value.what
    assert "tools, beta, prod" in caught.value.fix


def test_a_configuration_holds_names_only() -> None:
    """An access key in it is refused like any unknown key."""
    with pytest.raises(BadInputError, match="aws_secret_access_key: unknown key"):
        Config.parse(TOOLS + 'aws_secret_access_key = "x"', name="x")
