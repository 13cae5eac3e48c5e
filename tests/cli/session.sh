# session.sh -- chat --session: what one process began another goes on with.
. tests/cli/lib.sh

TALE=$(cat tests/models/tiny-llama.greedy)
ANSWER=$(cat tests/models/tiny-llama.answer)
S=$DIR/session
rm -f "$S" "$S.tmp"

# raw: the tale in pieces is the tale
chat_raw() { "$B/chat" -m $LLAMA --raw --temp 0 --session "$S" "$@" 2>"$DIR/err" </dev/null; }
{ chat_raw -p "Once upon" -n 3 && chat_raw -p "" -n 4 && chat_raw -p "" -n 1 && chat_raw -p "" -n 40; } >"$DIR/out"
same "a tale told by four processes" "$DIR/out" "$TALE"
[ -s "$S" ] && [ ! -e "$S.tmp" ] && pass "leaves one file" || fail "leaves one file"
cp "$S" "$DIR/kept"

# what does not fit it is refused, and the file stays
bad 1 "another model" "a session of another model is named" "$B/chat" -m $GPT2 --raw -p "x" --session "$S"
bad 1 "kv_type" "another type of cache is named" "$B/chat" -m $LLAMA --raw --kv-type f32 -p "x" --session "$S"
bad 1 "without a chat template" "a session without a template in a conversation" "$B/chat" -m $LLAMA -p "x" --session "$S"
bad 1 "not a saved session" "a model is no session and is called none" "$B/chat" -m $LLAMA -p "x" --session $LLAMA
bad 1 "directory" "nor is a folder" "$B/chat" -m $LLAMA -p "x" --session "$DIR"
head -c 1000 "$DIR/kept" >"$DIR/cut"
bad 1 "cut" "half a session was cut" "$B/chat" -m $LLAMA --raw -p "x" --session "$DIR/cut"
cmp -s "$S" "$DIR/kept" && pass "nothing has been written over it" || fail "nothing has been written over it"
bad 1 "no such" "a session where no folder is" "$B/chat" -m $LLAMA --raw -n 2 -p "x" --session "$DIR/none/s"

# a conversation: the second turn reads the new message only
rm -f "$S"
good "a first question" "$B/chat" -m $LLAMA --temp 0 --session "$S" -p hello --log-level info
same "is answered" "$DIR/out" "$ANSWER"
good "a second one" "$B/chat" -m $LLAMA --temp 0 --session "$S" -p "hello again" --log-level info
same "too" "$DIR/out" "$ANSWER"
says "from the session" "$DIR/err" "2 messages"
first=$(sed -n 's/^chat: .*session: \([0-9]*\) tokens.*/\1/p' "$DIR/err")
read=$(sed -n 's/^chat: \([0-9]*\) tokens read.*/\1/p' "$DIR/err")
[ "${read:-999}" -lt "${first:-0}" ] && pass "$read tokens read after $first" || fail "tokens read: $read, $first known"
good "a system message for it" "$B/chat" -m $LLAMA --temp 0 --session "$S" --system "be kind" -p "hello" --log-level info
same "changes nothing here" "$DIR/out" "$ANSWER"
good "and stays" "$B/chat" -m $LLAMA --temp 0 --session "$S" -p "hello" --log-level info
says "with the others" "$DIR/err" "7 messages"
bad 1 "with a chat template" "a conversation as a text is refused" "$B/chat" -m $LLAMA --raw -p "x" --session "$S"
finish
