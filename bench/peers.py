"""The command lines of the tools that a user would pick instead, on the six stacks."""

from __future__ import annotations

from collections.abc import Callable

from bench.lab import Account, Lab, interleaved, seconds
from bench.results import Row, series
from bench.run import Ran
from bench.stacks import six


def cdk_deploy(lab: Lab, account: Account) -> Ran:
    """`cdk deploy --all` of the ready-made assembly; it has to be told every wired value."""
    told = [
        part
        for stack in six(account.id)
        for key, value in stack.wired.items()
        for part in ("--parameters", f"{stack.name}:{key}={value}")
    ]
    return lab.cdk(
        account,
        *("deploy", "--all", "--concurrency", "6", "--app", str(lab.assembly)),
        *("--require-approval", "never", *told),
    )


def padstone_deploy(lab: Lab, account: Account) -> Ran:
    """`padstone deploy` of the frozen snapshot; it finds the wired values itself."""
    return lab.padstone("deploy", account.name, "--snapshot", lab.snapshot, "--reason", "bench")


def aws_deploy(lab: Lab, account: Account) -> list[Ran]:
    """`aws cloudformation deploy`, stack after stack, as a script would."""
    folder = lab.assembly
    return [
        lab.tool(
            [
                *("aws", "cloudformation", "deploy", "--no-fail-on-empty-changeset"),
                *("--stack-name", stack.name, "--capabilities", "CAPABILITY_NAMED_IAM"),
                *("--template-file", str(folder / f"{stack.name}.template.json")),
                *(["--parameter-overrides"] if stack.wired else []),
                *(f"{key}={value}" for key, value in stack.wired.items()),
            ],
            profile=account.name,
        )
        for stack in six(account.id)
    ]


def beside_cdk(
    lab: Lab, case: str, what: str, *, at_most: float, on: Callable[[str], Account]
) -> Row:
    """Deploy with Padstone and with `cdk`, in turn, each on the account that `on` has for it."""
    found = interleaved(
        lab,
        {
            "padstone": lambda: padstone_deploy(lab, on("padstone")),
            "cdk": lambda: cdk_deploy(lab, on("cdk")),
        },
    )
    account = on("padstone")
    calls = lab.calls(lambda: padstone_deploy(lab, account))
    return Row(
        case=case,
        what=what,
        unit="s",
        ours=series("padstone", seconds(found["padstone"])),
        theirs=series("cdk deploy", seconds(found["cdk"])),
        at_most=at_most,
        note=f"{len(calls)} calls",
    )
