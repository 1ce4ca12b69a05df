mkdir "$work/tree"
cp -R proof_ci "$work/tree/"
mv "$work/tree/proof_ci/bin" "$work/tree/bin"
python3 "$work/pack.py" "$work/tree" "$package"
