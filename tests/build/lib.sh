# lib.sh -- shared by the scripts in tests/build: . tests/build/lib.sh, then checks, then finish.
# They run from the repository's root and write under build/test only.
name=$(basename "$0" .sh)
CC=${CC:-cc}
DIR=${OUT:-build/test}/build/$name
n_passed=0 n_failed=0 n_skipped=0
# What the header promises to be clean under, in C11 and C++17.
STRICT='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'
mkdir -p "$DIR" || exit 1

have() { command -v "$1" >/dev/null 2>&1; }

pass()
{
    n_passed=$((n_passed + 1))
    echo "ok      $1"
}

fail()
{
    n_failed=$((n_failed + 1))
    echo "FAIL    $1"
}

skip()
{
    n_skipped=$((n_skipped + 1))
    echo "skipped $1: $2"
}

# try LABEL COMMAND...: passes if the command succeeds; its output shows only if it does not.
try()
{
    label=$1
    shift
    if "$@" >"$DIR/out" 2>&1; then
        pass "$label"
    else
        fail "$label"
        echo "        $*"
        head -n 30 "$DIR/out" | sed 's/^/        /'
        return 1
    fi
}

# empty LABEL FILE: passes if the file has no line.
empty()
{
    if [ -s "$2" ]; then
        fail "$1"
        sed 's/^/        /' "$2" | head -n 30
    else
        pass "$1"
    fi
}

# compiled LABEL COMPILER...: impl.c to $DIR/impl.o without a warning, among them those that only the flow of data
# shows, and without a function that takes over 16 KB of stack or an amount that depends on its input.
compiled()
{
    what=$1 # label is try's
    shift
    rm -f "$DIR/impl.o" "$DIR/impl.su"
    try "$what compiles" "$@" $STRICT -fstack-usage -c tests/build/impl.c -o "$DIR/impl.o" || return
    [ "$what" = 'clang -O0' ] && return # which gives each passing vector a place of its own
    awk -F '\t' '$2 > 16384 || ($3 ~ /dynamic/ && $3 !~ /bounded/)' "$DIR/impl.su" >"$DIR/large"
    empty "$what: no function over 16 KB of stack, or dynamic" "$DIR/large"
    echo "        most stack: $(sort -t "$(printf '\t')" -k2,2n "$DIR/impl.su" | tail -n 1 | sed 's/.*://')"
}

finish()
{
    printf 'build/%s: %d passed, %d failed' "$name" $n_passed $n_failed
    [ $n_skipped -eq 0 ] || printf ', %d skipped' $n_skipped
    echo
    [ $n_failed -eq 0 ]
    exit
}
