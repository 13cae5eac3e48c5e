# errors.sh -- wrong use and bad files: one line on stderr, nothing on stdout, 1 for a bad
# file and 2 for wrong use.
. tests/cli/lib.sh

: >"$DIR/empty"
echo "Not a model at all, just a line of text." >"$DIR/text"
head -c 60000 $LLAMA >"$DIR/cut.gguf"
head -c 3000 $LLAMA >"$DIR/short.gguf"

run()
{
    case $1 in
    chat) echo "$B/chat -p x -n 1 -m" ;;
    inspect) echo "$B/inspect" ;;
    perplexity) echo "$B/perplexity -f tests/models/tiny-gpt2.txt -m" ;;
    tokenizer) echo "$B/tokenizer encode x -m" ;;
    bench) echo "$B/bench -p 4 -n 2 -m" ;;
    quantize) echo "$B/quantize" ;;
    esac
}

for tool in chat inspect perplexity tokenizer bench quantize; do
    tail=
    [ $tool = quantize ] && tail="$DIR/never.gguf q8_0"
    bad 1 'nosuch.gguf' "$tool: missing file" $(run $tool) "$DIR/nosuch.gguf" $tail
    bad 1 '/cli' "$tool: directory" $(run $tool) tests/cli $tail
    bad 1 'empty' "$tool: empty file" $(run $tool) "$DIR/empty" $tail
    bad 1 'text' "$tool: text file" $(run $tool) "$DIR/text" $tail
    bad 1 'short.gguf' "$tool: GGUF cut in its header" $(run $tool) "$DIR/short.gguf" $tail
    [ $tool = tokenizer ] || bad 1 'cut.gguf' "$tool: GGUF cut in its data" $(run $tool) "$DIR/cut.gguf" $tail
done
if ls "$DIR"/never.gguf* >/dev/null 2>&1; then fail "quantize leaves nothing behind"; else pass "quantize leaves nothing behind"; fi

for tool in chat inspect perplexity tokenizer bench quantize synth; do
    bad 2 'nosuch' "$tool: unknown option" "$B/$tool" --nosuch
    good "$tool -h" "$B/$tool" -h
    says "$tool -h says how it is used" "$DIR/out" '[Uu]sage'
    if [ -s "$DIR/err" ]; then fail "$tool -h writes to stdout only"; else pass "$tool -h writes to stdout only"; fi
    good "$tool --help" "$B/$tool" --help
done
for tool in inspect perplexity tokenizer bench quantize synth; do
    bad 2 '.' "$tool without arguments" "$B/$tool"
done

bad 2 '12x' "chat: bad number" "$B/chat" -m $LLAMA -p x -n 12x
bad 2 '.' "chat: negative number" "$B/chat" -m $LLAMA -p x -n -5
bad 2 'hot' "chat: bad temperature" "$B/chat" -m $LLAMA -p x --temp hot
bad 2 '.' "chat: negative temperature" "$B/chat" -m $LLAMA -p x -n 1 --temp -1
bad 2 '.' "chat: top-p above 1" "$B/chat" -m $LLAMA -p x -n 1 --top-p 1.5
bad 2 '.' "chat: an option without its value" "$B/chat" -m
bad 2 'loud' "chat: bad log level" "$B/chat" -m $LLAMA -p x --log-level loud
bad 2 'mmx' "chat: unknown instruction set" "$B/chat" -m $LLAMA -p x --isa mmx
bad 1 '.' "chat: a prompt longer than the context" "$B/chat" -m $LLAMA -c 8 --raw -p "one two three four five six seven eight nine ten"
bad 1 'nosuch' "chat: prompt file missing" "$B/chat" -m $LLAMA -f "$DIR/nosuch.txt"
bad 1 'text' "chat: a text file as tokenizer" "$B/chat" -m $LLAMA --tokenizer "$DIR/text" -p x -n 1
bad 2 'q9_9' "quantize: unknown type" "$B/quantize" $LLAMA "$DIR/never.gguf" q9_9
bad 1 '/nosuch/' "quantize: no such folder" "$B/quantize" $LLAMA "$DIR/nosuch/out.gguf" f16
cp $LLAMA "$DIR/self.gguf"
bad 1 'self.gguf' "quantize: onto itself" "$B/quantize" "$DIR/self.gguf" "$DIR/self.gguf" f16
if cmp -s $LLAMA "$DIR/self.gguf"; then pass "and the file is whole"; else fail "and the file is whole"; fi
bad 1 '999999' "perplexity: an id outside the vocabulary" "$B/perplexity" -m $LLAMA --ids 1,999999 --logits "$DIR/never"
bad 1 'nosuch' "perplexity: text file missing" "$B/perplexity" -m $LLAMA -f "$DIR/nosuch.txt"
bad 1 '.' "perplexity: nothing to score" "$B/perplexity" -m $LLAMA -f "$DIR/empty"
bad 1 'abc' "tokenizer: an id that is no number" "$B/tokenizer" decode -m $LLAMA abc
bad 2 '.' "tokenizer: neither encode nor decode" "$B/tokenizer" frobnicate -m $LLAMA
bad 2 'nosuch' "synth: unknown shape" "$B/synth" nosuch "$DIR/never.gguf" q8_0

if [ -w /dev/full ]; then
    "$B/inspect" $LLAMA >/dev/full 2>"$DIR/err"
    if [ $? -eq 1 ] && [ "$(wc -l <"$DIR/err")" -eq 1 ]; then pass "a full disk is an error"; else fail "a full disk is an error" "$(cat "$DIR/err")"; fi
    "$B/chat" -m $LLAMA -p hello --temp 0 >/dev/full 2>"$DIR/err" </dev/null
    if [ $? -eq 1 ]; then pass "also for chat"; else fail "also for chat" "$(cat "$DIR/err")"; fi
else
    skip "a full disk" "no /dev/full"
fi
finish
