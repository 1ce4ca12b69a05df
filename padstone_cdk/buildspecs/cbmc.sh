missing=
for command in cmake flex bison g++ make patch; do
    command -v "$command" > /dev/null || missing="$missing $command"
done
if [ -n "$missing" ]; then
    apt-get update -qq
    # shellcheck disable=SC2086 # one package a word: each command's package has its name
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $missing
fi
cmake -G 'Unix Makefiles' -S . -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DWITH_JBMC=OFF \
    -DCMAKE_EXE_LINKER_FLAGS='-static-libgcc -static-libstdc++'
make --directory="$work/build/src" --jobs="$(nproc)" # the tools in src, not the unit tests beside it
mkdir "$work/tree"
cp -R "$work/build/bin" "$work/tree/bin"
python3 "$work/pack.py" "$work/tree" "$package"
