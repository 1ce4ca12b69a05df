"""AwsSolutions of cdk-nag over both stages; exits with 1 and says why if a finding is left."""

from __future__ import annotations

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from padstone_cdk.app import build
from tests.templates.synthesis import context


def main() -> None:
    app = cdk.App(context=context(), analytics_reporting=False)
    build(app)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    main()
