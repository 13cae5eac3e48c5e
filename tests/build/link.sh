# One implementation and several users, or a static one in each; C and C++ mixed. That they link is not a
# matter of optimisation, which takes most of the time.
. tests/build/lib.sh

use=tests/build/use.c
other=tests/build/other.c
impl=tests/build/impl.c

# build LABEL LINKER COMMAND...: each command compiles one object (only the first time that it comes); links and runs.
build()
{
    label=$1
    linker=$2
    shift 2
    objects=
    for unit in "$@"; do
        object="$DIR/$(echo "$unit" | tr -c 'A-Za-z0-9+\n' _).o"
        [ -f "$object" ] || $unit -c -o "$object" >"$DIR/out" 2>&1 || {
            fail "$label: $unit"
            head -n 20 "$DIR/out"
            return
        }
        objects="$objects $object"
    done
    try "$label" sh -c "$linker $objects -o '$DIR/program' && '$DIR/program'"
}

rm -f "$DIR"/*.o
static='-DLLMC_STATIC -DLLMC_IMPLEMENTATION'
for tools in 'gcc g++' 'clang clang++'; do
    c=${tools% *}
    cxx=${tools#* }
    if ! have "$c"; then
        skip "$c" "not here"
        continue
    fi
    build "$c: one implementation, two users" "$c" "$c -O0 $impl" "$c -O0 $use" "$c -O0 $other"
    build "$c: LLMC_STATIC in two units" "$c" "$c -O0 $static $use" "$c -O0 $static $other"
    build "$c: LLMC_LINKED, whatever else is defined" "$c" "$c -O0 $impl" "$c -O0 -DLLMC_LINKED $static $use" \
        "$c -O0 -DLLMC_LINKED $static $other"
    if ! have "$cxx" || ! echo '#include <vector>' | $cxx -x c++ -fsyntax-only - 2>/dev/null; then
        skip "$cxx" "not here"
        continue
    fi
    xx="$cxx -x c++ -std=c++17 -O0"
    build "$cxx: one implementation, two users" "$cxx" "$xx $impl" "$xx $use" "$xx $other"
    build "$cxx: LLMC_STATIC in two units" "$cxx" "$xx $static $use" "$xx $static $other"
    build "$c implementation, $cxx users" "$cxx" "$c -O0 $impl" "$xx $use" "$xx $other"
    build "$cxx implementation, $c users" "$cxx" "$xx $impl" "$c -O0 $use" "$c -O0 $other"
    build "$cxx: cxx.cpp with a C unit" "$cxx" "$cxx -std=c++17 -Wall -Wextra -O0 tests/build/cxx.cpp" "$c -O0 $other"
done
if have gcc && have clang; then
    build "gcc implementation, clang users" gcc "gcc -O0 $impl" "clang -O0 $use" "clang -O0 $other"
fi
finish
