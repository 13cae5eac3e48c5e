# server_load.sh -- the load generator (tests/compat/load.mjs) with a small load: ours, and ours in the place of theirs.
. tests/cli/lib.sh
if ! [ -x "$B/server" ] || ! command -v node >/dev/null 2>&1; then
    skip "the load generator" "no node, or no $B/server"
    finish
fi
load="node tests/compat/load.mjs"
cat >"$DIR/theirs" <<END
#!/bin/sh
# called as a llama-server is: -m MODEL --host HOST --port PORT ...
exec "$(cd "$B" && pwd)/server" "\$2" --port "\$6" --parallel 4 -c 1024 --chat-format chatml --access-log none
END
chmod +x "$DIR/theirs"
good "eight clients, one round of each" $load $LLAMA --ours "$B/server" --theirs "$DIR/theirs" --clients 8 --slots 4 --tokens 12 \
    --words 3,20 --rounds 1 --warm 1 --json "$DIR/samples.json"
says "a row for ours, nothing failed" "$DIR/out" '^\| ours \|.* 16 \| 0 \|$'
says "a row for theirs" "$DIR/out" '^\| theirs \|.* 16 \| 0 \|$'
says "and what one is by the other" "$DIR/out" '^\| ratio \| [0-9]+\.[0-9]+ \|'
says "the samples" "$DIR/samples.json" '"tokens": 192'
good "bare prompts" $load $LLAMA --ours "$B/server" --clients 4 --slots 4 --tokens 12 --words 3 --rounds 1 --warm 0 --api text
bad 2 "not a whole number" "no clients" $load $LLAMA --clients 0
bad 2 "neither chat nor text" "another API" $load $LLAMA --api other
bad 2 "unknown option" "an unknown option" $load $LLAMA --speed 1
bad 2 "words" "prompts of no words" $load $LLAMA --words 3,0
bad 2 "no model" "no model" $load
bad 1 "does not start: .*no such file" "a model that is not there" $load nowhere.gguf --ours "$B/server"
if $load $LLAMA --ours "$B/server" --clients 2 --slots 4 --tokens 12 --words 900 --rounds 1 --warm 0 >"$DIR/out" 2>"$DIR/err"; then
    fail "prompts that are refused are failures"
else
    says "prompts that are refused are failures" "$DIR/out" ' 0 \| 4 \|$'
fi
finish
