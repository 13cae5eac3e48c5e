# chat_plain.sh -- chat without a screen: Markdown by --render, a server's answers on stdout, refusals.
. tests/cli/lib.sh

C=$B/chat
# ---- Markdown: any cut gives the same lines; these are known ----
M=tests/cli/chat_markdown.md
for w in 16 24 40 80; do
    good "width $w" "$C" --render $M --width $w
    cp "$DIR/out" "$DIR/whole"
    for k in 1 2 7 100; do
        "$C" --render $M --width $w --pieces $k >"$DIR/out" 2>"$DIR/err"
        if cmp -s "$DIR/out" "$DIR/whole"; then pass "in pieces of $k"; else fail "in pieces of $k"; fi
    done
done
"$C" --render README.md --width 72 >"$DIR/whole"
"$C" --render README.md --width 72 --pieces 1 >"$DIR/out"
if cmp -s "$DIR/out" "$DIR/whole"; then pass "the README, byte by byte"; else fail "the README, byte by byte"; fi

# render TEXT WIDTH: without its styles
render() { printf "$1" >"$DIR/in.md" && "$C" --render "$DIR/in.md" --width "$2" | sed "s/$(printf '\033')\\[[0-9;]*m//g" >"$DIR/out"; }
render 'a *b* _c_ **d** __e__ ***f*** `g*h*` ~~i~~\n' 80
same "marks go" "$DIR/out" 'a b c d e f g*h* i'
render '2 * 3 * 4, a_b_c, **open, *, ``, \\*x\\*\n' 80
same "what is no mark stays" "$DIR/out" '2 * 3 * 4, a_b_c, **open, *, ``, *x*'
render '## A # B ##\n####### no\n#no\n# C#\n' 80
same "headings" "$DIR/out" 'A # B
####### no
#no
C#'
render 'one two three four five six\n' 16
same "lines are wrapped" "$DIR/out" 'one two three
four five six'
render '* one two three four five\n  1) one two three four five\n' 20
same "items hang" "$DIR/out" '• one two three four
  five
  1) one two three
     four five'
render '漢字かな漢字かな漢字かな\n' 17
same "wide characters take two columns" "$DIR/out" '漢字かな漢字かな
漢字かな'
render '|a|b|c|\n|-|:-:|-:|\n|1|22|3|\n|long|x|yy|\n' 80
same "a table" "$DIR/out" 'a    │ b  │  c
─────┼────┼───
1    │ 22 │  3
long │ x  │ yy'
render 'a | b\nno table\n' 80
same "a bar alone is none" "$DIR/out" 'a | b
no table'
render '```c\nint x; // *y*\n  ```\nz\n' 30
same "code as it stands" "$DIR/out" '── c ─────────────────────────
int x; // *y*
──────────────────────────────
z'
render 'a\n\n\n\nb\n\n' 80
same "empty lines are one" "$DIR/out" 'a

b'
printf 'a\033[2Jb\001\302\233c\377d\342\200\256e\n' >"$DIR/in.md"
"$C" --render "$DIR/in.md" --width 80 >"$DIR/out"
if LC_ALL=C grep -q "$(printf '[\001\033\377]')" "$DIR/out"; then fail "control characters stay out"; else pass "control characters stay out"; fi

# ---- options that contradict each other ----
bad 2 'no TLS' "https" "$C" --server https://localhost -p x
bad 2 'not of the form' "no address" "$C" --server ftp://localhost -p x
bad 2 'not of the form' "no port" "$C" --server http://localhost:x -p x
bad 1 'cannot be reached' "nobody there" "$C" --server http://127.0.0.1:1 -p x
bad 2 'no meaning with --server' "--raw" "$C" --server http://127.0.0.1:1 --raw -p x
bad 2 'no meaning with --server' "--threads" "$C" --server http://127.0.0.1:1 -t 2 -p x
bad 2 'jsonl' "a session with a cache" "$C" --server http://127.0.0.1:1 --session x -p x
bad 2 'api-key' "a key without a server" "$C" -m $LLAMA --api-key x -p x
bad 2 'both' "--continue and --session" "$C" -m $LLAMA --continue --session x -p x
bad 2 'tools' "--tools without a screen" "$C" -m $LLAMA --tools -p x
bad 1 'no conversation' "nothing to continue" env XDG_STATE_HOME="$PWD/$DIR/empty" "$C" -m $LLAMA --continue -p x
bad 2 'width' "--width 0" "$C" --render $M --width 0
bad 1 'nosuch' "no such text" "$C" --render "$DIR/nosuch"

# ---- a conversation as messages, with the model here ----
S=$DIR/talk.jsonl
rm -f "$S"
good "a first question" "$C" -m $LLAMA --temp 0 --session "$S" -p hello
same "is answered" "$DIR/out" "$(cat tests/models/tiny-llama.answer)"
good "a second" "$C" -m $LLAMA --temp 0 --session "$S" -p "hello again"
[ "$(wc -l <"$S")" = 4 ] && pass "four messages" || fail "four messages" "$(cat "$S")"
says "as JSON" "$S" '^\{"role":"user","content":"hello again"\}$'
echo '{"role":"robot","content":"x"}' >"$DIR/odd.jsonl"
bad 1 'odd.jsonl:1' "an unknown role" "$C" -m $LLAMA --session "$DIR/odd.jsonl" -p x
cp "$S" "$DIR/cut.jsonl"
printf '{"role":"us' >>"$DIR/cut.jsonl"
bad 1 'cut.jsonl:5' "half a message" "$C" -m $LLAMA --session "$DIR/cut.jsonl" -p x

# ---- a server ----
if ! command -v python3 >/dev/null 2>&1; then
    skip "a server" "no python3"
    finish
fi
rm -f "$DIR/log" "$DIR/port" "$DIR/ours.err" # ports of servers that were
python3 tests/cli/chat_server.py "$DIR/log" $M >"$DIR/port" 2>"$DIR/server.err" &
server=$!
trap 'kill $server 2>/dev/null' EXIT
for i in $(seq 100); do
    [ -s "$DIR/port" ] && break
    sleep 0.1
done
URL=http://127.0.0.1:$(cat "$DIR/port")
good "a question" "$C" --server "$URL" "hello there"
same "its answer alone" "$DIR/out" '11 bytes, 1 lines, 1 messages, ends with hello there'
good "from standard input" sh -c "echo hello | '$C' --server '$URL/v1/'"
same "too" "$DIR/out" '5 bytes, 1 lines, 1 messages, ends with hello'
good "with all that a server is told" "$C" --server "$URL/v1/chat/completions" -m other --system "be" --temp 0.5 --top-k 3 -n 9 --seed 4 --stop x -p y
tail -n 1 "$DIR/log" >"$DIR/last"
says "is sent so" "$DIR/last" '"model": "other", "messages": \[\{"role": "system", "content": "be"\}, \{"role": "user", "content": "y"\}\], "stream": true'
says "with the sampler's settings" "$DIR/last" '"temperature": 0.5, "top_k": 3, "max_tokens": 9, "seed": 4, "stop": \["x"\]'
good "what it is not told" "$C" --server "$URL" -p y
tail -n 1 "$DIR/log" >"$DIR/last"
if grep -q temperature "$DIR/last"; then fail "is its own"; else pass "is its own"; fi
good "bytes one by one" "$C" --server "$URL" split
same "make the same text" "$DIR/out" 'grüße 漢字'
good "thoughts" "$C" --server "$URL" think
same "are not the answer" "$DIR/out" 'The answer is 42.'
good "not as a stream" "$C" --server "$URL" whole
same "is taken, too" "$DIR/out" 'in one piece'
bad 1 'no room for you' "a refusal" "$C" --server "$URL" refuse
for what in "no http:no HTTP" "long head:too long"; do
    bad 1 "${what#*:}" "${what%%:*}" "$C" --server "$URL" "${what%%:*}"
done
for what in "bad json:no JSON" "bad chunk:size" "cut:in the middle"; do
    "$C" --server "$URL" "${what%%:*}" >"$DIR/out" 2>"$DIR/err"
    code=$?
    if [ $code = 1 ] && grep -q "${what#*:}" "$DIR/err" && grep -q 'some wo' "$DIR/out"; then pass "${what%%:*}"; else fail "${what%%:*}" "exit code $code: $(cat "$DIR/err")"; fi
done
if [ -x "$B/server" ]; then
    "$B/server" $LLAMA --port 0 -c 512 >"$DIR/ours.log" 2>"$DIR/ours.err" &
    ours=$!
    for i in $(seq 100); do
        port=$(sed -n 's,.*http://[^ ]*:\([0-9]*\)/ answers.*,\1,p' "$DIR/ours.err" 2>/dev/null)
        [ -n "$port" ] && break
        sleep 0.1
    done
    good "our own server" "$C" --server "http://127.0.0.1:$port" --temp 0 hello
    same "answers as the model here does" "$DIR/out" "$(cat tests/models/tiny-llama.answer)"
    kill $ours
else
    skip "our own server" "no $B/server"
fi
finish
