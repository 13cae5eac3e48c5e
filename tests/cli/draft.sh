# draft.sh -- chat --draft and --beams: speculation changes no answer, beams find better ones.
. tests/cli/lib.sh

TALE=$(cat tests/models/tiny-llama.greedy)
for how in on auto off; do
    good "drafts $how" "$B/chat" -m $LLAMA --raw --temp 0 -p "Once upon" -n 40 --draft $how
    same "tell the same tale ($how)" "$DIR/out" "$TALE"
done

# drawn, not only greedy, and where text repeats: what the loop says again is drafted
"$B/chat" -m $GPT2 --raw --temp 0.7 --seed 5 -p "the the the the" -n 60 --ignore-eos >"$DIR/plain" 2>"$DIR/err"
good "drafts on, at temperature 0.7" \
    "$B/chat" -m $GPT2 --raw --temp 0.7 --seed 5 -p "the the the the" -n 60 --ignore-eos --draft on
same "draw the same" "$DIR/out" "$(cat "$DIR/plain")"

good "one beam" "$B/chat" -m $LLAMA --raw -p "Once upon" -n 40 --beams 1
same "is greedy" "$DIR/out" "$TALE"
good "four beams" "$B/chat" -m $LLAMA --raw -p "Once upon" -n 40 --beams 4
[ -s "$DIR/out" ] && pass "say something" || fail "say something"

bad 2 'draft' "a way to draft that is none" "$B/chat" -m $LLAMA --raw -p x --draft maybe
bad 2 'beams' "no beams" "$B/chat" -m $LLAMA --raw -p x --beams 0
finish
