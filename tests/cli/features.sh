# features.sh -- features: the tour runs from end to end, and what it shows is so. On the small model of the tests,
# and on examples/tiny.gguf where that is there.
. tests/cli/lib.sh
[ -x "$B/features" ] || ${MAKE:-make} -s "$B/features" || exit 1

tour() # LABEL MODEL
{
    good "$1: runs" "$B/features" "$2" || return
    cp "$DIR/out" "$DIR/$1"
    if [ "$(grep -c '^== ' "$DIR/$1")" -eq 14 ]; then pass "$1: fourteen headings"; else fail "$1: fourteen headings"; fi
    says "$1: text comes back" "$DIR/$1" '^and back: Hello! What is 12 \+ 30\?$'
    json=$(sed -n '/^== JSON/,/^$/p' "$DIR/$1" | grep '^{')
    if printf '%s' "$json" | grep -Eq '^\{"name":"([^"\\]|\\.){0,48}","age":[1-9][0-9]?\}$'; then
        pass "$1: JSON of the schema"
    else
        fail "$1: JSON of the schema" "$json"
    fi
    # the perplexity is that of the log-probabilities printed before it
    line=$(sed -n '/^== How likely/,/^perplexity/p' "$DIR/$1")
    want=$(printf '%s\n' "$line" | grep -o "' -[0-9.]*" | awk '{ s += $2; n++ } END { print exp(-s / n) }')
    within "$1: perplexity" "$(printf '%s\n' "$line" | sed -n 's/^perplexity //p')" "$want" 1
    says "$1: nearest by words" "$DIR/$1" '^by words .*: The market is on Monday\.$'
    says "$1: a window's tokens" "$DIR/$1" '^200 tokens in a cache of'
    says "$1: drafts change nothing" "$DIR/$1" '^the same tokens$'
    steps=$(sed -n 's/^with drafts: 32 tokens in \([0-9]*\) steps$/\1/p' "$DIR/$1")
    if [ -n "$steps" ] && [ "$steps" -le 32 ]; then pass "$1: drafts save steps ($steps)"; else fail "$1: drafts save steps" "$steps"; fi
    first=$(sed -n 's/^update  1: loss //p' "$DIR/$1")
    last=$(sed -n 's/^update 30: loss //p' "$DIR/$1")
    if awk "BEGIN { exit !($last < $first / 2) }"; then pass "$1: the adapter learns ($first, $last)"; else fail "$1: the adapter learns" "$first, $last"; fi
    says "$1: and says it" "$DIR/$1" '^with it: The password of the day is strawb'
    # again: the same bytes
    "$B/features" "$2" >"$DIR/twice" 2>/dev/null </dev/null
    if cmp -s "$DIR/$1" "$DIR/twice"; then pass "$1: twice the same"; else fail "$1: twice the same"; fi
}

tour small $LLAMA
if [ -f examples/tiny.gguf ]; then
    tour tiny examples/tiny.gguf
    says "tiny calls its tool" "$DIR/tiny" '^calls calculator\('
else
    skip "the model in the box" "examples/tiny.gguf is not there"
    bad 1 'examples/tiny.gguf' "no model" "$B/features"
fi
bad 1 '[Nn]o such file' "no such model" "$B/features" "$DIR/nothing.gguf"
finish
