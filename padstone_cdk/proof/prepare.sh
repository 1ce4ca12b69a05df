# Prepares one run. Environment: RUN_ID, REPOSITORY, SHA, REF (of the run), RESULTS_BUCKET, JOB_QUEUE,
# JOB_DEFINITION (of the account). Nothing of the source is run here.
export AWS_PAGER= AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=6
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 GIT_LFS_SKIP_SMUDGE=1
refuse() { echo "prepare: $*" >&2; exit 1; }
[[ ${RUN_ID:-} =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]] || refuse "RUN_ID is not a run"
[[ ${REPOSITORY:-} =~ ^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$ ]] || refuse "REPOSITORY is not owner/name"
[[ ${REPOSITORY#*/} != . && ${REPOSITORY#*/} != .. ]] || refuse "REPOSITORY is not owner/name"
[[ ${SHA:-} =~ ^[0-9a-f]{40}$ ]] || refuse "SHA is not a commit"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Hooks and submodules are code or addresses of others: neither is followed.
git init --quiet --template= "$work/source"
cd "$work/source"
git -c core.hooksPath=/dev/null fetch --quiet --depth 1 --no-tags \
    --no-recurse-submodules -- "https://github.com/$REPOSITORY" "$SHA"
[[ $(git rev-parse --verify 'FETCH_HEAD^{commit}') == "$SHA" ]] || refuse "another commit than $SHA was fetched"
git archive --format=tar FETCH_HEAD | gzip --no-name > "$work/source.tar.gz"
aws s3api put-object --bucket "$RESULTS_BUCKET" --key "runs/$RUN_ID/source.tar.gz" \
    --body "$work/source.tar.gz" --checksum-algorithm SHA256 > /dev/null
echo "prepare: $REPOSITORY at $SHA is kept"
# A proof is a directory with a cbmc-batch.yaml; a path that is not plain is no proof's, and is told.
git ls-tree -r -z --name-only FETCH_HEAD > "$work/files"
proofs=()
while IFS= read -r -d '' file; do
    [[ $file == */cbmc-batch.yaml ]] || continue
    proof=${file%/cbmc-batch.yaml}
    [[ $proof =~ ^[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}$ && /$proof/ != */../* && /$proof/ != */./* ]] \
        || refuse "the path of a proof has characters that no proof may have"
    proofs+=("$proof")
done < "$work/files"
((${#proofs[@]} > 0)) || refuse "the commit has no proofs"
variable() { printf '{"name": "%s", "value": "%s"}' "$1" "$2"; } # what is checked above needs no escape
for proof in "${proofs[@]}"; do
    name=proof-$(printf %s "$proof" | tr -c 'A-Za-z0-9_-' - | cut -c 1-100)
    overrides="{\"environment\": [$(variable RUN_ID "$RUN_ID"), $(variable REPOSITORY "$REPOSITORY"),\
 $(variable SHA "$SHA"), $(variable PROOF "$proof")]}"
    aws batch submit-job --job-name "$name" --job-queue "$JOB_QUEUE" \
        --job-definition "$JOB_DEFINITION" --container-overrides "$overrides" > /dev/null
done
echo "prepare: ${#proofs[@]} proofs are submitted"
