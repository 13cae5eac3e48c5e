# lib.sh -- shared by the scripts in tests/cli: . tests/cli/lib.sh, then checks, then finish.
# They run from the repository's root, try the programs in $BUILD (build), read
# tests/models always and $SHARED (../shared) where it is there, and write below build/test.
name=$(basename "$0" .sh)
B=${BUILD:-build}
SHARED=${SHARED:-../shared}
DIR=${OUT:-build/test}/cli/$name
LLAMA=tests/models/tiny-llama.gguf
GPT2=tests/models/tiny-gpt2.gguf
n_passed=0 n_failed=0 n_skipped=0
mkdir -p "$DIR" || exit 1
unset NO_COLOR

pass()
{
    n_passed=$((n_passed + 1))
    echo "ok      $1"
}

# fail LABEL [DETAIL]
fail()
{
    n_failed=$((n_failed + 1))
    echo "FAIL    $1"
    [ -z "$2" ] || echo "        $2"
}

skip()
{
    n_skipped=$((n_skipped + 1))
    echo "skipped $1: $2"
}

# good LABEL COMMAND...: exit code 0. Leaves stdout in $DIR/out and stderr in $DIR/err.
good()
{
    label=$1
    shift
    if "$@" >"$DIR/out" 2>"$DIR/err" </dev/null; then
        pass "$label"
    else
        fail "$label" "exit code $?: $*"
        head -n 5 "$DIR/err" | sed 's/^/        /'
        return 1
    fi
}

# bad CODE PATTERN LABEL COMMAND...: this exit code, nothing on stdout, and one line on
# stderr that holds PATTERN (an extended regular expression).
bad()
{
    code=$1
    pattern=$2
    label=$3
    shift 3
    "$@" >"$DIR/out" 2>"$DIR/err" </dev/null
    got=$?
    lines=$(wc -l <"$DIR/err")
    if [ $got -ne "$code" ]; then
        fail "$label" "exit code $got, expected $code: $*"
    elif [ -s "$DIR/out" ]; then
        fail "$label" "writes to stdout: $(head -n 1 "$DIR/out")"
    elif [ "$lines" -ne 1 ]; then
        fail "$label" "$lines lines on stderr, expected one: $(head -n 2 "$DIR/err")"
    elif ! grep -Eq -e "$pattern" "$DIR/err"; then
        fail "$label" "stderr does not say '$pattern': $(cat "$DIR/err")"
    else
        pass "$label"
        return 0
    fi
    return 1
}

# same LABEL FILE TEXT: the file holds TEXT; a newline at its end is allowed.
same()
{
    printf '%s\n' "$3" >"$DIR/want"
    printf '%s\n' "$(cat "$2")" >"$DIR/got"
    if cmp -s "$DIR/got" "$DIR/want"; then
        pass "$1"
    else
        fail "$1" "got:      $(cat "$DIR/got")"
        echo "        expected: $3"
    fi
}

# says LABEL FILE PATTERN: some line matches.
says()
{
    if grep -Eq -e "$3" "$2"; then pass "$1"; else fail "$1" "no '$3' in: $(head -n 3 "$2")"; fi
}

# within LABEL VALUE BASE PERCENT: VALUE is less than PERCENT % away from BASE.
within()
{
    if awk -v v="$2" -v b="$3" -v p="$4" 'BEGIN { d = v - b; if (d < 0) d = -d; exit !(b > 0 && v > 0 && 100 * d < p * b) }'; then
        pass "$1 ($2, $3)"
    else
        fail "$1" "$2 is not within $4 % of $3"
    fi
}

# text MODEL PROMPT N [OPTION...]: the greedy continuation, on stdout.
text()
{
    model=$1
    prompt=$2
    n=$3
    shift 3
    "$B/chat" -m "$model" -p "$prompt" -n "$n" --temp 0 --raw "$@" 2>"$DIR/text.err" </dev/null
}

finish()
{
    printf 'cli/%s: %d passed, %d failed' "$name" $n_passed $n_failed
    [ $n_skipped -eq 0 ] || printf ', %d skipped' $n_skipped
    echo
    [ $n_failed -eq 0 ]
    exit
}
