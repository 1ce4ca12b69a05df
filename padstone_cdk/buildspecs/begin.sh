commit=${CODEBUILD_RESOLVED_SOURCE_VERSION:-}
if ! [[ $commit =~ ^[0-9a-f]{40}$ ]]; then
    echo "build: CODEBUILD_RESOLVED_SOURCE_VERSION is '$commit', not a commit; start the build through its pipeline" >&2
    exit 1
fi
prefix=${PARAMETER_PREFIX:?the build needs PARAMETER_PREFIX}
now=$(date -u +%s)
stamp=$(date -u -d "@$now" +%Y%m%d-%H%M%S)
built_at=$(date -u -d "@$now" +%Y-%m-%dT%H:%M:%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export AWS_PAGER= AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=6
export SOURCE_DATE_EPOCH=315532800 PYTHONDONTWRITEBYTECODE=1 # the same source gives the same bytes
