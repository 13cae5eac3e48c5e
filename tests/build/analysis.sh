# Static analysis of the whole header: cppcheck, clang-tidy (with Clang's analyzer) and, with FULL=1, as it takes ten
# minutes, gcc -fanalyzer. What they say wrongly stands in tests/build/analysis.txt, a line each: the tool's name for it,
# the line of code, and why that is right. A line that none says any more has to go.
. tests/build/lib.sh
rm -f "$DIR"/seen.*
run=

# explained TOOL: "$DIR/found" has lines "NAME, tab, number of a line of llmc.h"; those that are not on the list fail.
explained()
{
    awk -F '\t' '
        FILENAME == "llmc.h" { code[FNR] = $0; gsub(/^ +/, "", code[FNR]); next }
        FILENAME ~ /analysis\.txt$/ { if ($0 !~ /^#/) { known[$1 "\t" $2] = 1; if ($3 == "") print "no reason: " $0 } next }
        { key = $1 "\t" code[$2]; if (key in known) print key >seen; else print $2 ": " $1 ": " code[$2] }' \
        seen="$DIR/seen.$1" llmc.h tests/build/analysis.txt "$DIR/found" | sort -n >"$DIR/left"
    empty "$1 finds nothing but what is explained" "$DIR/left"
    run="$run $1"
}

# cppcheck knows no compiler's own names, and does not follow intrinsics.
if have cppcheck; then
    cppcheck -q --std=c11 --enable=warning,portability --max-configs=1 --template='{id}\t{line}' \
        -D__linux__ -D__x86_64__ -D__GNUC__=12 -D__STDC_HOSTED__=1 -D__SIZEOF_POINTER__=8 -D__BYTE_ORDER__=1234 \
        -D__ORDER_LITTLE_ENDIAN__=1234 -DMAP_ANONYMOUS=32 -DCLOCK_MONOTONIC=1 -DLLMC_NO_SIMD -U_WIN32 -U__APPLE__ \
        -I. tests/build/impl.c >"$DIR/found" 2>&1
    explained cppcheck
else
    skip cppcheck "it is not installed"
fi

# Off: what is a matter of taste (order of parameters and members, macros without parentheses, equal branches beside
# each other, assignments in conditions, names with two underscores), what -Wconversion asks in a better way, and
# advice to use Annex K's functions, which hardly a library has.
if have clang-tidy; then
    off='easily-swappable-parameters narrowing-conversions reserved-identifier implicit-widening-of-multiplication-result
        macro-parentheses branch-clone assignment-in-if-condition'
    checks='-*,clang-analyzer-*,-clang-analyzer-optin.performance.Padding,-clang-analyzer-security.insecureAPI*,bugprone-*'
    for o in $off; do checks="$checks,-bugprone-$o"; done
    clang-tidy -quiet --checks="$checks" --header-filter='.*' tests/build/impl.c -- -std=c11 -I. 2>"$DIR/out" |
        sed -n 's/^[^ ]*llmc\.h:\([0-9]*\):[0-9]*: \(warning\|error\): .*\[\([^]]*\)\]$/\3\t\1/p' | sort -u >"$DIR/found"
    if grep -q 'error' "$DIR/out"; then
        fail "clang-tidy compiles the header"
        head -n 5 "$DIR/out"
    fi
    explained clang-tidy
else
    skip clang-tidy "it is not installed"
fi

# The whole would take it more than 7 GB: it gets one section after the other, with the others' functions only declared,
# but for those that fail: else it thinks that they may not.
if [ -z "$FULL" ]; then
    skip "gcc -fanalyzer" "it takes ten minutes: make test FULL=1 T=build/analysis"
elif echo 'int x;' | gcc -fanalyzer -x c -c - -o "$DIR/x.o" 2>/dev/null; then
    : >"$DIR/all"
    for section in $(sed -n 's,^//==\[ \([0-9]*\) .*,\1,p' llmc.h); do
        awk -v only=1 -v but="03|$section" -f tests/share.awk llmc.h >"$DIR/part.h"
        if ! gcc -O0 -fanalyzer -ftrack-macro-expansion=0 -DLLMC_NO_SIMD -DLLMC_IMPLEMENTATION -x c -c "$DIR/part.h" \
            -o "$DIR/x.o" 2>"$DIR/out"; then
            fail "gcc -fanalyzer: section $section"
            head -n 5 "$DIR/out"
        fi
        cat "$DIR/out" >>"$DIR/all"
    done
    sed -n 's/^[^ ]*part\.h:\([0-9]*\):[0-9]*: warning: .*\[-\(Wanalyzer[^]]*\)\]$/\2\t\1/p' "$DIR/all" | sort -u >"$DIR/found"
    explained gcc
else
    skip "gcc -fanalyzer" "this gcc has none"
fi

case $run in
*cppcheck*clang-tidy*)
    cat "$DIR"/seen.* 2>/dev/null | sort -u >"$DIR/seen"
    case $run in
    *gcc*) other='^#' ;;
    *) other='^#|^Wanalyzer' ;;
    esac
    grep -Ev "$other" tests/build/analysis.txt | cut -f 1,2 | sort -u | comm -23 - "$DIR/seen" >"$DIR/left"
    empty "every line of tests/build/analysis.txt is still needed" "$DIR/left"
    ;;
esac
finish
