# lib.sh -- shared by the scripts in tests/platforms: . tests/platforms/lib.sh, then checks, then finish.
# They run from the repository's root, name what they lack instead of failing, and write under build/test only.
. tests/build/lib.sh
DIR=${OUT:-build/test}/platforms/$name
SHARED=${SHARED:-../shared}
mkdir -p "$DIR" || exit 1
TALE="Once upon$(cat tests/models/tiny-llama.greedy)" # computed by tests/vectors/reference.py (numpy, float64)

# want PACKAGE TOOL...: whether all tools are here; else says what is skipped, and the package that brings them.
want()
{
    package=$1
    shift
    for t in "$@"; do
        have "$t" || {
            skip "$part" "no $t ($package)"
            return 1
        }
    done
}

# same LABEL FILE TEXT: the file's text is TEXT.
same()
{
    if [ "$(cat "$2")" = "$3" ]; then
        pass "$1"
    else
        fail "$1"
        printf 'got:\n%s\nexpected:\n%s\n' "$(head -c 2000 "$2")" "$3" | sed 's/^/        /'
    fi
}

# says LABEL FILE PATTERN: some line matches.
says()
{
    if grep -Eq -e "$3" "$2"; then
        pass "$1"
    else
        fail "$1"
        echo "        no '$3' in: $(head -n 3 "$2")"
    fi
}

limited()
{
    if have timeout; then
        timeout -k 5 "${LIMIT:-120}" "$@" </dev/null
    else
        "$@" </dev/null
    fi
}

finish()
{
    printf 'platforms/%s: %d passed, %d failed' "$name" $n_passed $n_failed
    [ $n_skipped -eq 0 ] || printf ', %d skipped' $n_skipped
    echo
    [ $n_failed -eq 0 ]
    exit
}
