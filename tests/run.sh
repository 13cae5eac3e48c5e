#!/bin/sh
# run.sh -- what `make test` runs. From the repository's root; environment:
#   CC       compiler of the plain runs            (cc)
#   SHARED   folder with optional test data        (../shared)
#   T        only parts whose name contains this   (all)
#   V        1: show all output
#   JOBS     parts at the same time                (processors)
#   FULL     1: every test of every kind, also riscv64, ppc64le, windows (Wine) and valgrind, and in build/analysis
#            gcc -fanalyzer: hours, so with T
#   NO_DEPS  1: install nothing
#
# A part is KIND/NAME: unit/token is tests/test_token.c by $CC -O2, asan/token the
# same under the sanitizers, s390x/token cross-compiled under qemu, cli/* and
# build/* are scripts. Most of the time would go into compiling llmc.h, so the tests of a kind
# share one object of it, KIND/object. Every program ends with "name: N passed, N failed[, N skipped]";
# one that does not, or dies, counts as failed. The last line sums everything up.
CC=${CC:-cc}
SHARED=${SHARED:-../shared}
MAKE=${MAKE:-make}
OUT=build/test
JOBS=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)}
LIMIT=${TEST_TIMEOUT:-$([ -n "$FULL" ] && echo 1200 || echo 300)}
export CC SHARED MAKE OUT FULL

. tests/share.sh

have() { command -v "$1" >/dev/null 2>&1; }

limited()
{
    if have timeout; then
        timeout -k 5 "$LIMIT" "$@"
    else
        "$@"
    fi
}

# skip_part REASON: the whole part cannot run here.
skip_part()
{
    echo "skipped: $1"
    echo "$part: 0 passed, 0 failed, 1 skipped"
    exit 0
}

# compile_run OUTPUT RUNNER COMPILER...: builds one program and runs it. libm is for tests' own sums; that the
# header needs none, build/symbols shows, and every program that make builds.
compile_run()
{
    exe=$1
    runner=$2
    shift 2
    mkdir -p "$(dirname "$exe")"
    "$@" -o "$exe" -lm || exit 1
    if [ -n "$runner" ]; then # what takes seconds here takes minutes there: some tests do less
        TEST_EMULATED=1
        export TEST_EMULATED
        LIMIT=$((LIMIT * 2))
    fi
    limited $runner "$exe"
}

# await_object: fails if the kind's object, which another part makes, could not be made.
await_object()
{
    tries=0
    until [ -s "$object/code" ] || [ $((tries += 1)) -gt 2400 ]; do sleep 0.5; done
    [ "$(cat "$object/code" 2>/dev/null)" = 0 ] || { echo "there is no object: see $kind/object"; exit 1; }
}

# test_run KIND RUNNER COMPILER...: builds $src and runs it, with the object of KIND if there is to be one.
test_run()
{
    kind=$1
    runner=$2
    shift 2
    if [ "$name" = object ]; then
        LIMIT=1200 limited "$@" -w -DLLMC_IMPLEMENTATION -x c -c "$OUT/share/defined/llmc.h" -o "$object/llmc.o"
        code=$?
        echo $code >"$object/code"
        [ $code = 0 ] && echo "object: 1 passed, 0 failed"
        return
    fi
    if ! [ -d "$object" ] || stands_alone "$src"; then
        compile_run "$exe" "$runner" "$@" -DLLMC_STATIC "$src"
        return
    fi
    await_object
    compile_run "$exe" "$runner" "$@" -w -DLLMC_IMPLEMENTATION= -include "$OUT/share/declared/llmc.h" "$src" "$object/llmc.o"
}

# share_objects PARTS: PARTS, with those ahead that make the objects of their kinds (see share.awk). Few tests are faster
# each with a header of its own, of which the compiler drops what is not used before it optimises it; clang, cxx and tcc
# compile it as those do who include it.
share_objects()
{
    share_header "$OUT/share"
    for k in $(awk -F / '!/chat-text$/ && ++n[$1] == 4 { print $1 }' "$1"); do
        case $k in
        build | cli | lint | clang | cxx | tcc) ;;
        *) mkdir -p "$OUT/$k/object" && echo "$k/object" ;;
        esac
    done
    cat "$1"
}

# compare_text PROGRAM...: greedy text of a chat program, against what is known of
# the shared model, or against build/chat with the generated one.
compare_text()
{
    model="-m $SHARED/data/stories260K.bin --tokenizer $SHARED/data/tok512.bin"
    prompt='Once upon a time'
    if [ ! -f "$SHARED/data/stories260K.bin" ]; then
        model='-m tests/models/tiny-llama.gguf' # sure of its words: rounding changes none
        prompt='Once upon'
    fi
    limited "$@" $model -p "$prompt" -n 200 --temp 0 --raw >"$OUT/$part.txt" || return 1
    build/chat $model -p "$prompt" -n 200 --temp 0 --raw >"$OUT/$part.want" || return 1
    if ! cmp "$OUT/$part.txt" "$OUT/$part.want"; then
        echo "expected (build/chat):"
        cat "$OUT/$part.want"
        echo "got:"
        cat "$OUT/$part.txt"
        return 1
    fi
    case $model in
    *stories260K*)
        grep -q 'there was a little girl named Lily. She loved to play outside in the park.' "$OUT/$part.txt"
        ;;
    esac
}

# compile_chat RUNNER COMPILER...: builds chat.c another way, with the kind's object if there is one, and compares its
# text.
compile_chat()
{
    runner=$1
    shift
    mkdir -p "$OUT/$part"
    linked=
    if [ -d "$object" ]; then
        await_object
        linked="-DLLMC_LINKED $object/llmc.o"
    fi
    if "$@" $linked examples/chat.c -o "$OUT/$part/chat" && compare_text $runner "$OUT/$part/chat"; then
        echo "$part: 1 passed, 0 failed"
    else
        echo "$part: 0 passed, 1 failed"
    fi
}

cross_compiler()
{
    case $1 in
    aarch64) echo aarch64-linux-gnu-gcc ;;
    s390x) echo s390x-linux-gnu-gcc ;;
    arm) echo arm-linux-gnueabihf-gcc ;;
    i386) echo i686-linux-gnu-gcc ;;
    riscv64) echo riscv64-linux-gnu-gcc ;;
    ppc64le) echo powerpc64le-linux-gnu-gcc ;;
    windows) echo x86_64-w64-mingw32-gcc ;;
    esac
}

# The order of bytes and the width of words show at any level; vector code at the one that people use.
cross_level()
{
    case $1 in
    s390x | i386 | riscv64 | ppc64le | windows) echo -O1 ;;
    *) echo -O2 ;;
    esac
}

# An x86-64 kernel mostly runs i386 programs itself; the others need qemu.
cross_runner()
{
    [ -f "$OUT/native-$1" ] || echo "qemu-$1"
}

# Of "undefined", null and object-size find nothing that "address" does not, and with pointer-overflow they take half of
# all the time that clang needs; the fuzzers (build/fuzz) are compiled with all of it.
SANITIZE='-O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
SANITIZE="$SANITIZE -fno-sanitize=null,object-size,pointer-overflow"

# Runs one part; its output is the log.
run_part()
{
    part=$1
    kind=${part%%/*}
    name=${part#*/}
    src=tests/test_$name.c
    exe=$OUT/$kind/$name.bin
    object=$OUT/$kind/object
    case $part in
    make/all) $MAKE --no-print-directory -k -j"$JOBS" all && echo "make: 1 passed, 0 failed"; return ;;
    lint/structure) $MAKE -s build/lint && build/lint llmc.h && echo "lint: 1 passed, 0 failed"; return ;;
    lint/format)
        out=$(sh tests/format.sh 2>&1) || { echo "$out"; return 1; }
        case $out in
        skipped*) skip_part "no clang-format 14" ;;
        esac
        echo "format: 1 passed, 0 failed"
        return
        ;;
    */chat-text)
        [ -x build/chat ] || { echo "build/chat is missing"; return 1; }
        case $kind in
        asan) compile_chat '' clang $SANITIZE ;;
        tsan) compile_chat '' clang -O1 -g1 -fsanitize=thread ;;
        nosimd) compile_chat '' $CC -O2 -DLLMC_NO_SIMD ;;
        simde) compile_chat '' $CC -O1 -DLLMC_SIMDE ;;
        clang) compile_chat '' clang -O2 ;;
        tcc) compile_chat '' tcc ;;
        *) compile_chat "$(cross_runner "$kind")" "$(cross_compiler "$kind")" "$(cross_level "$kind")" -static ;;
        esac
        return
        ;;
    esac
    case $kind in
    unit) test_run $kind '' $CC -O2 ;;
    clang) test_run $kind '' clang -O2 ;;
    asan) test_run $kind '' clang $SANITIZE ;;
    tsan) test_run $kind '' clang -O1 -g1 -fsanitize=thread ;;
    nosimd) test_run $kind '' $CC -O2 -DLLMC_NO_SIMD ;;
    simde) test_run $kind '' $CC -O1 -DLLMC_SIMDE ;;
    tcc) compile_run "$exe" '' tcc -DLLMC_STATIC "$src" ;;
    valgrind) test_run $kind 'valgrind -q --error-exitcode=9' $CC -O1 -g1 ;;
    windows)
        WINEDEBUG=-all WINEPREFIX=$PWD/$OUT/wine
        export WINEDEBUG WINEPREFIX
        exe=$exe.exe
        case $name in # a program there starts no /usr/bin/python3
        family | formats | save)
            FAMILIES=build/test/families FORMATS=build/test/formats
            export FAMILIES FORMATS
            /usr/bin/python3 tests/vectors/families.py --update $FAMILIES && /usr/bin/python3 tests/vectors/formats.py $FORMATS
            ;;
        esac
        test_run $kind wine "$(cross_compiler $kind)" "$(cross_level $kind)" | tr -d '\r'
        ;;
    cxx)
        # The tests themselves are C; those that C++ does not take are left out.
        if ! g++ -std=c++17 -x c++ -fsyntax-only "$src" 2>/dev/null; then
            skip_part "$src is not C++"
        fi
        compile_run "$exe" '' g++ -O1 -std=c++17 -DLLMC_STATIC -x c++ "$src"
        ;;
    aarch64 | s390x | arm | i386 | riscv64 | ppc64le)
        test_run "$kind" "$(cross_runner "$kind")" "$(cross_compiler "$kind")" "$(cross_level "$kind")" -static
        ;;
    build)
        case $name in
        coverage | analysis) LIMIT=2400 ;;
        *) LIMIT=1200 ;;
        esac
        limited sh "tests/build/$name.sh"
        ;;
    cli) LIMIT=600 limited sh "tests/cli/$name.sh" ;;
    esac
}

# Runs one part with its log, and reports it in one piece.
report_part()
{
    part=$1
    log=$OUT/log/$part.log
    mkdir -p "$(dirname "$log")" "$OUT/${part%%/*}"
    start=$(date +%s)
    (run_part "$part") >"$log" 2>&1 </dev/null
    code=$?
    seconds=$(($(date +%s) - start))
    # Sum the summary lines; a bad end without a counted failure is one more.
    awk -v code=$code '
        /^[^ ].*: [0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ {
            n = split($0, w, /[ ,]+/); seen = 1
            for (i = 2; i <= n; i++) {
                if (w[i] == "passed") p += w[i - 1]
                if (w[i] == "failed") f += w[i - 1]
                if (w[i] == "skipped") s += w[i - 1]
            }
        }
        END {
            if (!seen || (code != 0 && f == 0)) f++
            print p + 0, f + 0, s + 0
        }' "$log" >"$log.sum"
    read -r passed failed skipped <"$log.sum"
    echo "$passed $failed $skipped $seconds $part" >"$log.sum"
    verdict=ok
    [ "$skipped" -gt 0 ] && [ "$passed" -eq 0 ] && verdict=skip
    [ "$failed" -gt 0 ] && verdict=FAIL
    tries=0 # one report at a time; a lock left by something killed holds for 20 s
    until mkdir "$OUT/lock" 2>/dev/null || [ $((tries += 1)) -gt 200 ]; do sleep 0.1; done
    printf '%-4s %-22s %4d passed, %d failed, %d skipped %5d s\n' $verdict "$part" "$passed" "$failed" \
        "$skipped" "$seconds"
    if [ $verdict = FAIL ] || [ "$V" = 1 ]; then
        if [ "$V" = 1 ]; then
            sed 's/^/     | /' "$log"
        else # a broken header says the same thing a thousand times
            awk -v log_name="$log" 'NR <= 150 { print "     | " $0 } END { if (NR > 150) print "     | ... " NR - 150 " more lines in " log_name }' "$log"
        fi
        [ $code -eq 0 ] || echo "     | exit code $code"
    fi
    rmdir "$OUT/lock" 2>/dev/null
}

if [ "$1" = --part ]; then
    report_part "$2"
    exit 0
fi

# The list of parts, and why some are not on it.
wanted()
{
    case $1 in
    *"$T"*) echo "$1" ;;
    esac
}

why()
{
    echo "skipped: $1" >>"$OUT/why"
}

list_parts()
{
    tags=$(ls tests/test_*.c 2>/dev/null | sed 's,^tests/test_,,; s,\.c$,,')
    kinds='unit nosimd'
    if have clang; then
        if echo 'int main(void){return 0;}' | clang -x c $SANITIZE - -o "$OUT/probe" 2>/dev/null; then
            kinds="asan $kinds"
        else
            why "asan/*, tsan/*: clang without its sanitizers (libclang-rt-14-dev)"
        fi
        kinds="$kinds clang"
    else
        why "asan/*, tsan/*, clang/*: no clang"
    fi
    if echo '#include <simde/x86/avx2.h>' | $CC -x c -fsyntax-only - 2>/dev/null; then
        kinds="$kinds simde"
    else
        why "simde/*: no simde/x86/avx2.h (libsimde-dev)"
    fi
    for k in s390x aarch64 arm i386 ${FULL:+riscv64 ppc64le}; do
        cross=$(cross_compiler $k)
        if ! have "$cross"; then
            why "$k/*: no $cross"
        elif ! echo 'int main(void){return 0;}' | $cross -x c -static - -o "$OUT/probe" 2>/dev/null; then
            why "$k/*: no C library for $cross"
        elif [ $k = i386 ] && "$OUT/probe" 2>/dev/null && : >"$OUT/native-$k"; then
            kinds="$k $kinds"
        elif ! have qemu-$k; then
            why "$k/*: no qemu-$k"
        else
            kinds="$k $kinds"
        fi
    done
    if have g++; then kinds="$kinds cxx"; else why "cxx/*: no g++"; fi
    if have tcc; then kinds="$kinds tcc"; else why "tcc/*: no tcc"; fi
    if [ -n "$FULL" ]; then
        if have valgrind; then kinds="$kinds valgrind"; else why "valgrind/*: no valgrind"; fi
        if have "$(cross_compiler windows)" && have wine; then
            kinds="$kinds windows"
        else
            why "windows/*: no $(cross_compiler windows), or no wine"
        fi
    fi
    # Long ones first, so that the last to end is a short one.
    for b in coverage symbols warnings fuzz plain embedded gates; do
        [ -f tests/build/$b.sh ] && wanted build/$b
    done
    for k in $kinds; do
        for t in $tags; do
            # Kinds that differ by their kernels need only what computes; whole models run once for each way to
            # compute. (32-bit ARM takes its kernels through SIMDe, too, which compiles slowly.)
            case $FULL$k/$t in
            s390x/*) # the other order of bytes: whatever reads or writes some
                case $t in
                attn | beam | build | chat | compare | draft | encode | grad | grammar | jinja | kv | large) ;;
                memory | optim | os_fail | reply | sample | schedule | schema | split | status | tap | tools | unicode) ;;
                *) wanted "$k/$t" ;;
                esac
                ;;
            i386/*) # 32 bits and the x87's registers: sizes, and what computes
                case $t in
                bpe | data | engine | file | forward | hostile | index | kernel | kv | layer | math) wanted "$k/$t" ;;
                memory | model | os | quant | session | status | token | train) wanted "$k/$t" ;;
                esac
                ;;
            tcc/*) # a compiler without attributes or vectors
                case $t in
                data | engine | file | grammar | jinja | kernel | layer | math | model | optim | quant) wanted "$k/$t" ;;
                session | status | token) wanted "$k/$t" ;;
                esac
                ;;
            cxx/* | clang/*) # other compilers: what depends on them most; all of it compiles in build/symbols
                case $t in
                math | quant | kernel | layer | engine | file | model | token | data) wanted "$k/$t" ;;
                esac
                ;;
            nosimd/* | simde/* | arm/* | aarch64/*)
                case $k/$t in
                */quant | */kernel | */layer | */forward | */engine) wanted "$k/$t" ;;
                nosimd/family | simde/family | aarch64/family | nosimd/save) wanted "$k/$t" ;;
                arm/file | arm/os | arm/math | aarch64/math | aarch64/os | aarch64/token) wanted "$k/$t" ;;
                esac
                ;;
            *) wanted "$k/$t" ;;
            esac
        done
        case $k in
        unit | cxx | valgrind | windows) ;;
        *) wanted "$k/chat-text" ;;
        esac
    done
    case $kinds in
    *asan*)
        for t in $tags; do
            case $t in
            os | task | engine | forward) wanted "tsan/$t" ;;
            esac
        done
        wanted tsan/chat-text
        ;;
    esac
    for s in tests/cli/*.sh tests/build/*.sh; do
        base=$(basename "$s" .sh)
        case $base in
        lib | coverage | symbols | warnings | fuzz | plain | embedded | gates) ;; # stand first already
        *) [ -f "$s" ] && wanted "$(basename "$(dirname "$s")")/$base" ;;
        esac
    done
    wanted lint/structure
    wanted lint/format
}

trap '' PIPE # a reader that has gone does not stop the tests
rm -rf "$OUT"
mkdir -p "$OUT/log" || exit 1
: >"$OUT/why"
if [ -z "$T" ] && [ "$NO_DEPS" != 1 ]; then
    sh tests/deps.sh install
fi
list_parts >"$OUT/listed"
share_objects "$OUT/listed" >"$OUT/parts"
if [ -z "$T" ] && [ ! -s "$OUT/parts" ]; then
    echo "no tests found"
fi
# The programs first: scripts and comparisons run them.
if [ -z "$T" ] || grep -q -e '^cli/' -e '^build/' -e '/chat-text$' "$OUT/parts"; then
    report_part make/all
fi
xargs -P "$JOBS" -I '{}' env V="$V" sh tests/run.sh --part '{}' <"$OUT/parts"

echo
{
    cat "$OUT/why"
    find "$OUT/log" -name '*.log' -exec sed -n 's/^ *\(skipped.*\)$/\1/p; s/^ *skip  *\(.*\)$/skipped \1/p' {} +
} | sort | uniq -c | sed 's/^ *1 /         /; s/^ *\([0-9][0-9]*\) /  (\1 x) /'
find "$OUT/log" -name '*.sum' -exec cat {} + | sort -k4,4nr | awk '
    { split($5, part, "/"); kind[part[1]] += $4 }
    NR <= 12 { longest = longest " " $5 " " $4 }
    END {
        printf "seconds, of all parts of a kind:"
        for (k in kind) printf " %s %d", k, kind[k]
        print "\nlongest parts:" longest
    }'
[ ! -f "$OUT/log/build/coverage.log" ] || sed -n '/^|/p; /^coverage: [0-9]/p' "$OUT/log/build/coverage.log"
expected=$(find "$OUT/log" -name '*.sum' | wc -l)
listed=$(wc -l <"$OUT/parts")
lost=$((expected < listed ? listed - expected : 0))
find "$OUT/log" -name '*.sum' -exec cat {} + | awk -v lost=$lost '
    { p += $1; f += $2 }
    END {
        if (p + f + lost == 0) f = 1
        printf "%d passed, %d failed\n", p, f + lost
        exit f + lost > 0
    }'
