"""The same six stacks with Sceptre and with the AWS CLI, for information."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench import sceptre
from bench.lab import Account, Lab
from bench.peers import aws_deploy, padstone_deploy
from bench.results import Row, series

Deploy = Callable[[Account], float]


@dataclass
class _Times:
    first: list[float]
    again: list[float]


def measure(lab: Lab) -> list[Row]:
    """Deploy and deploy again, all tools in turn; they are slow, so in fewer rounds."""
    program, project = sceptre.install(), sceptre.write_project(lab)
    tools: dict[str, Deploy] = {
        "padstone": lambda account: padstone_deploy(lab, account).seconds,
        "aws deploy": lambda account: sum(one.seconds for one in aws_deploy(lab, account)),
        "sceptre": lambda account: sceptre.launch(lab, account, program, project).seconds,
    }
    padstone_deploy(lab, lab.fresh("others-warm"))
    times = {tool: _Times([], []) for tool in tools}
    for _ in range(max(1, lab.rounds // 2)):
        for tool, deploy in tools.items():
            account = lab.fresh(f"others-{tool.partition(' ')[0]}")
            times[tool].first.append(deploy(account))
            times[tool].again.append(deploy(account))
            lab.say(f"  {tool}: {times[tool].first[-1]:.2f} s, again {times[tool].again[-1]:.2f} s")
    return [row for tool in list(tools)[1:] for row in _rows(times["padstone"], tool, times[tool])]


def _rows(ours: _Times, tool: str, theirs: _Times) -> list[Row]:
    return [
        Row(
            case="others",
            what=what,
            unit="s",
            ours=series("padstone", mine),
            theirs=series(tool, other),
        )
        for what, mine, other in (
            ("first deployment", ours.first, theirs.first),
            ("nothing to do", ours.again, theirs.again),
        )
    ]
