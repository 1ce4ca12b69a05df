"""The commands of the original's Usage section, as they stand there, against the local cloud.

Only what is written in capitals there is filled in: profiles, paths and IDs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from demo.story import PROJECTS
from tests.integration.conftest import Shop

FIRST_TIME = """
    tools_deploy --build-profile PROFILE --tools-parameters PATH_TO_PARAMETERS_FILE --bootstrap-from-local-templates
"""

TOOLS_GENERATE = """
    tools_deploy.py --build-profile PROFILE --tools-parameters PATH_TO_PARAMETERS_FILE --generate-snapshot
"""

TOOLS_DEPLOY = r"""
    tools_deploy.py --build-profile PROFILE --tools-parameters PATH_TO_PARAMETERS_FILE \
        --deploy-snapshot --snapshot-id SNAPSHOT_ID
"""

TOOLS_BOTH = r"""
    tools_deploy.py --build-profile PROFILE --tools-parameters PATH_TO_PARAMETERS_FILE \
        --generate-snapshot --deploy-snapshot
"""

PROOF_GENERATE = r"""
    padstone_deploy.py --proof-profile PROOF_PROFILE --build-profile BUILD_PROFILE \
        --project-parameters PATH_TO_PARAMETERS_FILE --generate-snapshot
"""

PROOF_OVERRIDE = r"""
    padstone_deploy.py --proof-profile PROOF_PROFILE --build-profile BUILD_PROFILE \
        --project-parameters PATH_TO_PARAMETERS_FILE --generate-snapshot --package-overrides PATH_TO_OVERRIDES_FILE
"""

PROOF_DEPLOY = r"""
    padstone_deploy.py --proof-profile PROOF_PROFILE --build-profile BUILD_PROFILE \
        --project-parameters PATH_TO_PARAMETERS_FILE --deploy-snapshot --snapshot-id ID
"""

PROOF_PROMOTE = r"""
    padstone_deploy.py --proof-profile PROOF_PROFILE --build-profile BUILD_PROFILE \
        --source-proof-profile SOURCE_PROFILE --project-parameters PATH_TO_PARAMETERS_FILE \
        --deploy-snapshot
"""


def filled(command: str, **values: object) -> str:
    """Return the command with each capital word replaced by its value."""
    for word, value in values.items():
        command = re.sub(rf"\b{word}\b", str(value), command)
    return command.strip()


def snapshot_in(text: str) -> str:
    """Return the ID that a command told, in the form that the original promises."""
    found = re.search(r"\b\d{8}-\d{6}(-\d{2})?\b", text)
    assert found, text
    return found.group()


def newest(shop: Shop, tool: str, bucket_profile: str) -> str:
    """Return the newest package's file name, from the records of the builds."""
    said = shop.run(
        f"aws ssm get-parameters-by-path --recursive --path / --profile {bucket_profile}"
        " --query 'Parameters[].[Name,Value]' --output json"
    ).stdout
    records: dict[str, str] = dict(json.loads(said))
    record = next(v for k, v in records.items() if k.endswith(f"/packages/{tool}/latest"))
    return str(json.loads(record)["key"]).rpartition("/")[2]


def test_the_usage_section_runs_as_it_is_written(shop: Shop) -> None:
    """From nothing to a promoted account, with the original's commands and nothing else."""
    for profile in ("build", "mqtt-beta", "mqtt-prod"):
        shop.cloud.add_account(profile)
    tools = {"PROFILE": "build", "PATH_TO_PARAMETERS_FILE": PROJECTS / "tools.json"}
    shop.run(filled(FIRST_TIME, **tools))
    generated = snapshot_in(shop.run(filled(TOOLS_GENERATE, **tools)).stdout)
    shop.run(filled(TOOLS_DEPLOY, **tools, SNAPSHOT_ID=generated))
    shop.run(filled(TOOLS_BOTH, **tools))

    proof = {
        "PROOF_PROFILE": "mqtt-beta",
        "BUILD_PROFILE": "build",
        "PATH_TO_PARAMETERS_FILE": PROJECTS / "beta.json",
    }
    first = snapshot_in(shop.run(filled(PROOF_GENERATE, **proof)).stdout)
    overrides = Path(shop.folder) / "overrides.json"
    overrides.write_text(json.dumps({"cbmc": newest(shop, "cbmc", "build")}))
    second = snapshot_in(
        shop.run(filled(PROOF_OVERRIDE, **proof, PATH_TO_OVERRIDES_FILE=overrides)).stdout
    )
    assert first != second
    shop.run(filled(PROOF_DEPLOY, **proof, ID=first))

    promoted = {
        "PROOF_PROFILE": "mqtt-prod",
        "SOURCE_PROFILE": "mqtt-beta",
        "BUILD_PROFILE": "build",
        "PATH_TO_PARAMETERS_FILE": PROJECTS / "prod.json",
    }
    assert first in shop.run(filled(PROOF_PROMOTE, **promoted)).stdout
