if [ -f padstone/requirements.txt ]; then
    # It names all: setuptools, say, is demanded by cbmc-viewer and used by nothing in it.
    wanted=(--no-deps --require-hashes --only-binary :all: --requirement padstone/requirements.txt)
else
    wanted=(.)
fi
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-compile \
    --target "$work/tree/lib" "${wanted[@]}"
rm -rf "$work/tree/lib/bin" "$work"/tree/lib/*.dist-info/{RECORD,REQUESTED,direct_url.json} # they hold paths
python3 "$work/wrappers.py" "$work/tree"
python3 "$work/pack.py" "$work/tree" "$package"
