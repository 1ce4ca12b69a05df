bucket=${SHARED_BUCKET:?the build needs SHARED_BUCKET}
key=packages/$TOOL/$TOOL-$stamp-${commit:0:8}.${package#*/package.}
size=$(stat -c %s "$package")
sha256=$(sha256sum "$package" | cut -d ' ' -f 1)
checksum=$(python3 -c 'import base64, sys; print(base64.b64encode(bytes.fromhex(sys.argv[1])).decode())' "$sha256")
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1])).get(sys.argv[2], ""))' "$work/stored.json" "$1"; }

# A put that failed may be our own success whose answer was lost: the stored bytes decide.
if ! aws s3api put-object --bucket "$bucket" --key "$key" --body "$package" --if-none-match '*' \
        --checksum-sha256 "$checksum" --output json > "$work/stored.json" 2> "$work/refusal"; then
    if ! aws s3api head-object --bucket "$bucket" --key "$key" --checksum-mode ENABLED \
            --output json > "$work/stored.json" || [ "$(field ChecksumSHA256)" != "$checksum" ]; then
        cat "$work/refusal" >&2
        echo "build: $key was not written, and what is there is not this package" >&2
        exit 1
    fi
fi
version_id=$(field VersionId)
if [ -z "$version_id" ]; then
    echo "build: bucket $bucket gave $key no version ID; a package is pinned by one: switch versioning on" >&2
    exit 1
fi

record=$(python3 -c '
import json, sys
key, version_id, sha256, size, commit, built_at = sys.argv[1:]
print(json.dumps({"key": key, "version_id": version_id, "sha256": sha256, "size": int(size),
                  "commit": commit, "built_at": built_at}, sort_keys=True))
' "$key" "$version_id" "$sha256" "$size" "$commit" "$built_at")
aws ssm put-parameter --name "$prefix/packages/$TOOL/latest" --type String --overwrite --value "$record" --output json
{
    printf 'export PACKAGE_KEY=%q\n' "$key"
    printf 'export PACKAGE_VERSION_ID=%q\n' "$version_id"
    printf 'export PACKAGE_SHA256=%q\n' "$sha256"
} > "$PADSTONE_EXPORTS"
echo "build: $key ($size bytes, sha256 $sha256, version $version_id)"
