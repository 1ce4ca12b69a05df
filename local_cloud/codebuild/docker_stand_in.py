"""docker login, build, tag, push and inspect without a container engine.

    docker_stand_in.py STATE_DIRECTORY COMMAND ...

An image is the digest of its Dockerfile and build arguments; a push registers an OCI manifest of
that digest with the registry, so that tags and digests behave and nothing can be run.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def main(arguments: list[str]) -> int:
    """Performs one docker command and returns its exit code."""
    state, command, rest = Path(arguments[0]), arguments[1] if arguments[1:] else "", arguments[2:]
    commands = {
        "login": _login, "build": _build, "tag": _tag, "push": _push, "inspect": _inspect,
        "images": _images, "version": _version, "info": _version, "--version": _version,
    }  # fmt: skip
    if command == "buildx" and rest[:1] == ["build"]:
        command, rest = "build", rest[1:]
    if command == "image" and rest[:1] == ["inspect"]:
        command, rest = "inspect", rest[1:]
    if command not in commands:
        print(f"docker: this stand-in has no engine and cannot {command!r}", file=sys.stderr)
        return 1
    return commands[command](state, rest)


def _login(state: Path, rest: list[str]) -> int:
    if "--password-stdin" in rest and not sys.stdin.read().strip():
        print("Error: Password Required", file=sys.stderr)
        return 1
    print("Login Succeeded")
    return 0


def _version(state: Path, rest: list[str]) -> int:
    print("docker stand-in of the local cloud: no engine")
    return 0


def _build(state: Path, rest: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="docker build")
    parser.add_argument("-t", "--tag", action="append", default=[])
    parser.add_argument("-f", "--file")
    parser.add_argument("--build-arg", action="append", default=[])
    parser.add_argument("--push", action="store_true")
    known, other = parser.parse_known_args(rest)
    context = Path(other[-1] if other and not other[-1].startswith("-") else ".")
    dockerfile = Path(known.file) if known.file else context / "Dockerfile"
    if not dockerfile.is_file():
        print(f"ERROR: failed to read dockerfile: open {dockerfile}: no such file", file=sys.stderr)
        return 1
    image = _image(dockerfile.read_bytes(), known.build_arg)
    _remember(state, dict.fromkeys(known.tag, image))
    print(
        "docker stand-in of the local cloud: no engine here, nothing was built; the image is a "
        f"manifest made from the digest of {dockerfile}",
        file=sys.stderr,
    )
    print(f"Successfully built {_digest(image)}")
    return _push(state, known.tag) if known.push else 0


def _image(dockerfile: bytes, build_arguments: list[str]) -> str:
    source = hashlib.sha256(dockerfile)
    for argument in sorted(build_arguments):
        source.update(b"\0" + argument.encode())
    config = json.dumps({"architecture": "amd64", "os": "linux", "source": source.hexdigest()})
    descriptor = {
        "mediaType": CONFIG,
        "digest": "sha256:" + hashlib.sha256(config.encode()).hexdigest(),
        "size": len(config),
    }
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor, "layers": []}
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"))


def _tag(state: Path, rest: list[str]) -> int:
    image = _known(state).get(rest[0])
    if image is None:
        print(f"Error response from daemon: No such image: {rest[0]}", file=sys.stderr)
        return 1
    _remember(state, {rest[1]: image})
    return 0


def _push(state: Path, rest: list[str]) -> int:
    import boto3

    for reference in (word for word in rest if not word.startswith("-")):
        image = _known(state).get(reference)
        if image is None:
            print(f"An image does not exist locally with the tag: {reference}", file=sys.stderr)
            return 1
        host, _, path = reference.partition("/")
        repository, _, tag = path.rpartition(":")
        client = boto3.client(
            "ecr", region_name=host.split(".")[3] if "amazonaws" in host else None
        )
        try:
            client.put_image(
                registryId=host.split(".")[0],
                repositoryName=repository, imageManifest=image, imageTag=tag,
                imageManifestMediaType=MANIFEST,
            )  # fmt: skip
        except client.exceptions.ImageAlreadyExistsException:
            print("Layer already exists", file=sys.stderr)
        except client.exceptions.ClientError as error:
            print(f"denied: {error}", file=sys.stderr)
            return 1
        print(f"{tag}: digest: {_digest(image)} size: {len(image)}")
    return 0


def _inspect(state: Path, rest: list[str]) -> int:
    names = [word for word in rest if not word.startswith(("-", "{"))]
    known = _known(state)
    if missing := [name for name in names if name not in known]:
        print(f"Error: No such object: {missing[0]}", file=sys.stderr)
        return 1
    found = [_description(name, known[name]) for name in names]
    if any("RepoDigests" in word for word in rest):
        print("\n".join(str(image["RepoDigests"][0]) for image in found))
    elif any(".Id" in word for word in rest):
        print("\n".join(str(image["Id"]) for image in found))
    else:
        print(json.dumps(found, indent=2))
    return 0


def _images(state: Path, rest: list[str]) -> int:
    for name, image in _known(state).items():
        print(f"{name} {_digest(image)}")
    return 0


def _description(name: str, image: str) -> dict[str, Any]:
    repository = name.rsplit(":", 1)[0]
    config = json.loads(image)["config"]["digest"]
    return {"Id": config, "RepoTags": [name], "RepoDigests": [f"{repository}@{_digest(image)}"]}


def _digest(image: str) -> str:
    return "sha256:" + hashlib.sha256(image.encode()).hexdigest()


def _known(state: Path) -> dict[str, str]:
    path = state / "images.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _remember(state: Path, images: dict[str, str]) -> None:
    state.mkdir(parents=True, exist_ok=True)
    (state / "images.json").write_text(json.dumps(_known(state) | images))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
