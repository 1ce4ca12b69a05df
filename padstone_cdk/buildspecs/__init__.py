"""The builds of the tools account, as CodeBuild buildspecs put together from one set of scripts.

A build is one bash script: `begin.sh`, the tool's own recipe, and how its result is published. The
recipe is used only where the source has no `padstone/package` of its own.

The build's environment: TOOL and SHARED_BUCKET (packages) or IMAGE_REPOSITORY_URI (image),
PARAMETER_PREFIX, and CodeBuild's CODEBUILD_RESOLVED_SOURCE_VERSION. Exported to the pipeline:
PACKAGE_KEY, PACKAGE_VERSION_ID and PACKAGE_SHA256, or IMAGE_DIGEST. Needed in the build's image:
bash, python3, the AWS command line; docker for the image.
"""

from pathlib import Path

PACKAGES = ("lambda", "batch", "viewer", "cbmc")
IMAGE = "image"

_HERE = Path(__file__).parent


def buildspec(tool: str) -> dict[str, object]:
    """The buildspec of a tool (one of PACKAGES, or IMAGE), ready to be put into a template."""
    return {
        "version": "0.2",
        "env": {"shell": "bash", "exported-variables": _exported(tool)},
        "phases": {"build": {"commands": [_command(script(tool))]}},
    }


def script(tool: str) -> str:
    """What the build of a tool runs, as the text of one bash script."""
    if tool == IMAGE:
        return _text("begin.sh") + _text("image.sh")
    if tool not in PACKAGES:
        raise ValueError(
            f"no build is known for {tool!r}; known are {', '.join(PACKAGES)}, {IMAGE}"
        )
    suffix = "zip" if tool == "lambda" else "tar.gz"
    return "".join(
        (
            _text("begin.sh"),
            f"package=$work/package.{suffix}\n",
            _embedded("pack.py"),
            _embedded("wrappers.py") if tool == "viewer" else "",
            # A pipeline's zip may have lost the executable bit, so that the file is there counts.
            "if [ -f padstone/package ]; then\n    chmod +x padstone/package\n",
            '    padstone/package "$package"\nelse\n',
            _text(f"{tool}.sh"),
            "fi\n",
            _text("publish.sh"),
        )
    )


def _exported(tool: str) -> list[str]:
    return (
        ["IMAGE_DIGEST"]
        if tool == IMAGE
        else ["PACKAGE_KEY", "PACKAGE_VERSION_ID", "PACKAGE_SHA256"]
    )


def _command(script: str) -> str:
    # A process of its own, for `set -e` means nothing in a shell that CodeBuild wraps; read from
    # descriptor 3, so that what it runs may use standard input; only the exports go on.
    return (
        "PADSTONE_EXPORTS=$(mktemp) && export PADSTONE_EXPORTS"
        " && bash -euo pipefail /dev/fd/3 3<<'PADSTONE_SCRIPT' && . \"$PADSTONE_EXPORTS\"\n"
        f"{script}PADSTONE_SCRIPT\n"
    )


def _embedded(name: str) -> str:
    return f"cat > \"$work/{name}\" <<'PADSTONE_FILE'\n{_text(name)}PADSTONE_FILE\n"


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
