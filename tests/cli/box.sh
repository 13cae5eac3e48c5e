# box.sh -- the model in the box on what it was never trained on: N (500) items of each kind, scored as when it was
# made (examples/tiny.score). Its answers are those of llama.cpp, if npm's node-llama-cpp is there.
. tests/cli/lib.sh

M=examples/tiny.gguf
[ -f $M ] || {
    skip all "no $M (make tiny)"
    finish
}
N=${N:-500}
size=$(wc -c <$M)
if [ "$size" -lt 3500000 ]; then pass "$size bytes"; else fail "$size bytes"; fi
$B/world --kind eval --split test --count "$N" --seed 6 -o "$DIR/eval.jsonl"
good "facts, phrasings, reading, sums, calls" $B/score -m $M "$DIR/eval.jsonl" --save "$DIR/ours.jsonl" \
    --min facts=97,phrasings=97,reading=95,addition=98,call=98
sed 's/^/        /' "$DIR/out"
if node --version >/dev/null 2>&1; then
    node tests/compat/answers.mjs $M "$DIR/eval.jsonl" 20 >"$DIR/theirs.jsonl" 2>"$DIR/err"
    case $? in
    77) skip "llama.cpp" "$(cat "$DIR/err")" ;;
    0)
        same=$(head -n 20 "$DIR/ours.jsonl" | sed 's/": "/":"/' | paste -d '\n' - "$DIR/theirs.jsonl" | awk 'NR % 2 { x = $0; next } x == $0 { n++ } END { print n + 0 }')
        if [ "$same" -ge 19 ]; then pass "llama.cpp answers $same of 20 alike"; else fail "llama.cpp answers $same of 20 alike"; fi
        ;;
    *) fail "llama.cpp" "$(head -n 3 "$DIR/err")" ;;
    esac
else
    skip "llama.cpp" "no node"
fi
finish
