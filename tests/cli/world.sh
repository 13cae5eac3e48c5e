# world.sh -- the generator of the little world: the same seed, the same bytes; splits that never meet; sums and
# exercises that are right (world.py looks at them); score counts what a model gets right.
. tests/cli/lib.sh
W=$B/world

good "world" "$W" --count 200 --seed 7 -o "$DIR/a"
good "world again" "$W" --count 200 --seed 7
if cmp -s "$DIR/a" "$DIR/out"; then pass "the same seed, the same bytes"; else fail "the same seed, the same bytes"; fi
"$W" --kind chat --count 2000 --seed 1 >"$DIR/chat"
"$W" --kind chat --count 2000 --seed 2 >"$DIR/out"
if cmp -s "$DIR/chat" "$DIR/out"; then fail "another seed, other bytes"; else pass "another seed, other bytes"; fi
for split in train valid test; do
    good "chat, $split" "$W" --kind chat --split $split --count 50
    if [ "$(wc -l <"$DIR/out")" -eq 50 ]; then pass "50 lines"; else fail "50 lines"; fi
done
for kind in $("$W" --list kinds) study drill eval articles questions; do
    good "kind $kind" "$W" --kind "$kind" --split test --count 20
    [ -s "$DIR/out" ] && pass "says something" || fail "says something"
done
good "the lexicon" "$W" --list lexicon
says "778 facts" "$DIR/out" '^facts.778$'
good "-h" "$W" -h
says "says how it is used" "$DIR/out" 'usage'
bad 2 'dreams' "an unknown kind" "$W" --kind dreams
bad 2 'half' "an unknown split" "$W" --split half
bad 2 '12x' "no number" "$W" --count 12x
bad 2 'nosuch' "an unknown option" "$W" --nosuch
bad 2 'needs a value' "an option without its value" "$W" --seed
bad 2 'birds' "an unknown list" "$W" --list birds
bad 1 'nosuch' "a folder that is not there" "$W" -o "$DIR/nosuch/x"
if [ -w /dev/full ] && ! "$W" --count 5000 >/dev/full 2>"$DIR/err"; then pass "a full disk"; else fail "a full disk"; fi

if have_python=$(/usr/bin/python3 -c 'print("yes")' 2>/dev/null) && [ "$have_python" = yes ]; then
    seed=$(date +%j) # another one each day
    echo "seed $seed"
    /usr/bin/python3 tests/cli/world.py "$W" "$seed" >"$DIR/checks" 2>&1 || echo "FAIL world.py: $(tail -n 1 "$DIR/checks")" >>"$DIR/checks"
    while read -r verdict label; do
        if [ "$verdict" = ok ]; then pass "$label"; else fail "$verdict $label"; fi
    done <"$DIR/checks"
else
    skip "what it writes" "no /usr/bin/python3"
fi

# score: replies from a file, and from a model whose answer is known.
S=$B/score
ANSWER=$(cat tests/models/tiny-llama.answer)
cat >"$DIR/set" <<END
{"kind": "say", "messages": [{"role": "user", "content": "hello"}], "answer": "$ANSWER"}
{"kind": "call", "messages": [{"role": "user", "content": "read x"}], "call": {"name": "read_file", "arguments": {"path": "x", "lines": 3}}}
{"kind": "call", "messages": [{"role": "user", "content": "read y"}], "call": {"name": "read_file", "arguments": {"path": "y"}}}
{"kind": "call", "messages": [{"role": "user", "content": "read z"}], "call": {"name": "read_file", "arguments": {"path": "z"}}}
{"kind": "call", "messages": [{"role": "user", "content": "read z"}], "call": {"name": "read_file", "arguments": {"path": "z"}}}
{"kind": "say", "messages": [{"role": "user", "content": "hello"}], "answer": "two words"}
END
cat >"$DIR/replies" <<'END'
{"reply": "no"}
{"reply": "<tool_call>\n{\"arguments\": {\"lines\": 3, \"path\": \"\u0078\"}, \"name\": \"read_file\"}\n</tool_call>"}
{"reply": "<tool_call>{\"name\": \"read_file\", \"arguments\": {\"path\": \"y\", \"more\": 1}}</tool_call>"}
{"reply": "<tool_call>{\"name\": \"read_file\", \"arguments\": {\"path\": \"z\"}</tool_call>"}
{"reply": "I read z."}
{"reply": " two words\n"}
END
good "score --replies" "$S" --replies "$DIR/replies" "$DIR/set"
says "texts" "$DIR/out" '^say +2 +1 +50\.00$'
says "calls" "$DIR/out" '^call +4 +1 +25\.00 +well-formed 50\.00$'
good "score -m" "$S" -m $LLAMA "$DIR/set" --save "$DIR/saved"
says "texts" "$DIR/out" '^say +2 +1 +50\.00$'
says "calls" "$DIR/out" '^call +4 +0 +0\.00 +well-formed 0\.00$'
good "score what was saved" "$S" --replies "$DIR/saved" "$DIR/set"
says "gives the same" "$DIR/out" '^say +2 +1 +50\.00$'
good "--min that is reached" "$S" --replies "$DIR/replies" "$DIR/set" --min say=50,call=20
"$S" --replies "$DIR/replies" "$DIR/set" --min say=51 >"$DIR/out" 2>"$DIR/err"
if [ $? -eq 1 ]; then pass "--min that is not"; else fail "--min that is not"; fi
says "is said" "$DIR/out" 'below 51'
bad 2 'SET' "score without a set" "$S" -m $LLAMA
bad 2 'either' "score without model and replies" "$S" "$DIR/set"
bad 2 'percentage' "--min without a number" "$S" -m $LLAMA "$DIR/set" --min say=much
head -n 2 "$DIR/replies" >"$DIR/few"
bad 1 'fewer' "too few replies" "$S" --replies "$DIR/few" "$DIR/set"
echo '{"messages": []' >"$DIR/broken"
bad 1 'item 1' "a set that is no JSON" "$S" --replies "$DIR/replies" "$DIR/broken"
echo '{"messages": [{"role": "user", "content": "x"}]}' >"$DIR/broken"
bad 1 'item 1 needs' "a set without answers" "$S" --replies "$DIR/replies" "$DIR/broken"
: >"$DIR/empty"
bad 1 'nothing' "an empty set" "$S" --replies "$DIR/replies" "$DIR/empty"
finish
