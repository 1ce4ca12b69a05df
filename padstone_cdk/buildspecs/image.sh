repository=${IMAGE_REPOSITORY_URI:?the build needs IMAGE_REPOSITORY_URI}
tag=proof-$stamp-${commit:0:8}
aws ecr get-login-password | docker login --username AWS --password-stdin "${repository%%/*}"
docker build --tag "$repository:$tag" .
docker push "$repository:$tag"
# The registry's word, not the builder's: a tag is written once and names the bytes that were pushed.
digest=$(aws ecr describe-images --repository-name "${repository#*/}" --image-ids "imageTag=$tag" \
    --query 'imageDetails[0].imageDigest' --output text)
if ! [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]]; then
    echo "build: the registry names no digest for $repository:$tag but '$digest'" >&2
    exit 1
fi
record=$(printf '{"built_at": "%s", "commit": "%s", "digest": "%s"}' "$built_at" "$commit" "$digest")
aws ssm put-parameter --name "$prefix/images/proof/latest" --type String --overwrite --value "$record" --output json
printf 'export IMAGE_DIGEST=%q\n' "$digest" > "$PADSTONE_EXPORTS"
echo "build: $repository@$digest"
