mkdir "$work/tree"
cp -R proof_ci "$work/tree/"
rm -rf "$work"/tree/proof_ci/{bin,job,runner} # functions start no processes
python3 "$work/pack.py" "$work/tree" "$package"
