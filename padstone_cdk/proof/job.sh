# One proof, inside its container. Environment: RUN_ID, PROOF (of the submitted job), PACKAGE_PINS,
# SHARED_BUCKET, RESULTS_BUCKET, PROOF_SECONDS (of the job definition), AWS_BATCH_JOB_ID and
# AWS_BATCH_JOB_ATTEMPT (of Batch). Needed in the image: bash, python3, tar, setpriv, the AWS command
# line, and what the proofs are built with. The exit code is the proof runner's: the verdict.
umask 022
export AWS_PAGER= AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=6
lost() { echo "job: $*" >&2; exit 75; }
[[ $RUN_ID =~ ^[0-9a-f-]{36}$ ]] || lost "RUN_ID is not a run"
[[ $PROOF =~ ^[A-Za-z0-9._/+-]{1,200}$ && /$PROOF/ != */../* ]] || lost "PROOF is not a relative path"
work=$(mktemp -d -p /tmp) # where everybody may pass, so that nobody can
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir "$work/tools" "$work/source" "$work/output"
for tool in batch cbmc; do
    read -r key version digest < <(python3 -c '
import json, os, sys
pin = json.loads(os.environ["PACKAGE_PINS"])[sys.argv[1]]
print(pin["key"], pin["version_id"], pin["sha256"])' "$tool") || lost "no package of $tool is pinned"
    aws s3api get-object --bucket "$SHARED_BUCKET" --key "$key" --version-id "$version" \
        "$work/$tool.tar.gz" > /dev/null || lost "the package $key cannot be read"
    echo "$digest  $work/$tool.tar.gz" | sha256sum --check --quiet || lost "$key is not what was pinned"
    mkdir "$work/tools/$tool"
    tar -xzf "$work/$tool.tar.gz" --no-same-owner -C "$work/tools/$tool" || lost "$key does not unpack"
done
aws s3api get-object --bucket "$RESULTS_BUCKET" --key "runs/$RUN_ID/source.tar.gz" \
    "$work/source.tar.gz" > /dev/null || lost "the source of the run cannot be read"
tar -xzf "$work/source.tar.gz" --no-same-owner -C "$work/source" || lost "the source does not unpack"
chmod -R a+rwX "$work/source" "$work/output"
# The project's own code runs as nobody, without this environment; nobody reaches no credential,
# because the instance gives none to it.
left=$((PROOF_SECONDS * 9 / 10 - SECONDS)) # the rest is for carrying out what the proof said
status=0
setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs -- \
    env -i PATH="$work/tools/batch/bin:$work/tools/cbmc/bin:$PATH" HOME="$work/output" LANG=C.UTF-8 \
    proof-runner --timeout "$((left > 0 ? left : 0))" --output "$work/output/proof" -- \
    "$work/source/$PROOF" || status=$?
tar -czf "$work/output.tar.gz" -C "$work/output" . || lost "the output cannot be packed"
# Written once: what one job has said, no other can unsay.
aws s3api put-object --bucket "$RESULTS_BUCKET" --if-none-match '*' --checksum-algorithm SHA256 \
    --key "outputs/$RUN_ID/$AWS_BATCH_JOB_ID/$AWS_BATCH_JOB_ATTEMPT.tar.gz" \
    --body "$work/output.tar.gz" > /dev/null || lost "the output cannot be written"
exit "$status"
