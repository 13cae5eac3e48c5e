# shared.sh -- the shared library: what it exports, callers of other versions, C++, Python by ctypes, Node by koffi.
. tests/platforms/lib.sh

lib=build/libllmc.so.0
[ -f $lib ] || try "make shared" ${MAKE:-make} -s shared || finish
model=tests/models/tiny-llama.gguf
greedy=$(cat tests/models/tiny-llama.greedy)
answer=$(cat tests/models/tiny-llama.answer)

# count LOG NAME: its checks are ours
count()
{
    n_passed=$((n_passed + $(grep -c '^ok ' "$1")))
    n_failed=$((n_failed + $(grep -c '^FAIL ' "$1")))
    cat "$1"
    grep -Eq "^$2: [0-9]+ passed, [0-9]+ failed$" "$1" || fail "$2 runs to its end"
}

part=symbols
if want binutils nm readelf; then
    $CC -E -P -DLLMC_API=PUBLIC -x c llmc.h | grep -o 'PUBLIC[^(]*' | sed 's/.*[ *]//' | sort >"$DIR/declared"
    nm -D --defined-only $lib | awk '$2 != "A" { print $3 }' >"$DIR/exported"
    sed 's/@.*//' "$DIR/exported" | sort | comm -3 - "$DIR/declared" >"$DIR/differ"
    empty "exports what the INTERFACE declares ($(wc -l <"$DIR/declared") functions), nothing else" "$DIR/differ"
    grep -v '@@LLMC_0$' "$DIR/exported" >"$DIR/bare"
    empty "each with its version" "$DIR/bare"
    readelf -d $lib >"$DIR/dynamic"
    says "its name is libllmc.so.0" "$DIR/dynamic" 'SONAME.*libllmc.so.0'
    grep NEEDED "$DIR/dynamic" | grep -v -e 'libc\.so' -e ld-linux >"$DIR/needed"
    empty "it needs the C library and no other" "$DIR/needed"
fi

for pair in "C $CC -std=c11" "C++ g++ -std=c++17 -x c++" "clang clang -std=c11"; do
    label=${pair%% *}
    compiler=${pair#* }
    have "${compiler%% *}" || { skip "$label" "no ${compiler%% *}"; continue; }
    try "$label caller builds" $compiler $STRICT tests/platforms/abi.c -x none $lib -o "$DIR/abi" || continue
    LD_LIBRARY_PATH=build limited "$DIR/abi" $model 'Once upon' "$greedy" >"$DIR/abi.txt" 2>&1
    count "$DIR/abi.txt" abi
done

part='Python by ctypes'
if want python3 python3; then
    limited python3 tests/platforms/ffi.py $model 'Once upon' "$greedy" hello "$answer" >"$DIR/ffi.txt" 2>&1
    count "$DIR/ffi.txt" ffi
    limited python3 examples/python/llmc.py $model hello >"$DIR/out" 2>&1
    same "examples/python/llmc.py answers" "$DIR/out" "$answer"
    limited python3 examples/python/llmc.py no-such-file hello >"$DIR/out" 2>"$DIR/err"
    [ $? -eq 1 ] && ! [ -s "$DIR/out" ] && [ "$(wc -l <"$DIR/err")" -eq 1 ] && pass "or says in a line why not" || fail "or says in a line why not"
fi

part='Node by koffi'
if want nodejs node; then
    modules=${NODE_PATH:-$PWD/$DIR/node_modules}
    if ! [ -d "$modules/koffi" ] && have npm; then
        modules=$PWD/$DIR/node_modules
        (cd "$DIR" && echo '{"private": true}' >package.json && limited npm install --silent koffi) >/dev/null 2>&1
    fi
    if [ -d "$modules/koffi" ]; then
        NODE_PATH=$modules limited node tests/platforms/ffi.js $lib $model 'Once upon' "$greedy" >"$DIR/node.txt" 2>&1
        count "$DIR/node.txt" ffi
    else
        skip "$part" "no koffi in $modules, and npm has not brought it"
    fi
fi
finish
