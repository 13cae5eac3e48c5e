# stories.sh -- the trained 260K model in $SHARED: its text, and what quantizing costs.
. tests/cli/lib.sh

D=$SHARED/data
M=$D/stories260K.bin
T="--tokenizer $D/tok512.bin"
if [ ! -f "$M" ]; then
    skip "$name" "no $M"
    finish
fi
# The beginning is known to all who have run this model; of the whole (60 tokens, greedy)
# only the hash is kept, computed by tests/vectors/reference.py --story.
HASH=e4e11d5cec0882af04efd561c5e2dd575cf78d012b50c65d59a038376f954832
BEGIN=', there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball.'

good "chat runs" "$B/chat" -m "$M" $T -p "Once upon a time" -n 60 --temp 0 --raw
case $(cat "$DIR/out") in
"$BEGIN"*) pass "the story begins as expected" ;;
*) fail "the story begins as expected" "$(cat "$DIR/out")" ;;
esac
cp "$DIR/out" "$DIR/story"
if ! command -v sha256sum >/dev/null 2>&1; then
    skip "the whole story" "no sha256sum"
elif [ "$(printf %s "$(cat "$DIR/story")" | sha256sum | cut -d ' ' -f 1)" = $HASH ]; then
    pass "the whole story is the reference's"
else
    fail "the whole story is the reference's" "$(cat "$DIR/story")"
fi

# Every set that this machine has, over 200 tokens; those of other machines are run.sh's chat-text parts.
text "$M" "Once upon a time" 200 $T --isa scalar >"$DIR/long"
for isa in avx2 avx-vnni avx512 neon neon-dot neon-i8mm auto; do
    text "$M" "Once upon a time" 200 $T --isa $isa >"$DIR/out" 2>"$DIR/err" || continue # not here
    same "--isa $isa tells scalar's story" "$DIR/out" "$(cat "$DIR/long")"
done
for t in 1 2 3; do
    text "$M" "Once upon a time" 60 $T -t $t >"$DIR/out"
    same "$t threads tell the same" "$DIR/out" "$(cat "$DIR/story")"
done

for type in f32 f16 bf16 q8_0; do
    good "quantize $type" "$B/quantize" "$M" "$DIR/$type.gguf" $type $T
done
text "$DIR/f32.gguf" "Once upon a time" 60 >"$DIR/out"
same "as GGUF with its tokenizer inside it tells the same" "$DIR/out" "$(cat "$DIR/story")"
good "tokenizer of the GGUF" "$B/tokenizer" encode -m "$DIR/f32.gguf" "Once upon a time"
cp "$DIR/out" "$DIR/ids"
good "tokenizer of tokenizer.bin" "$B/tokenizer" encode -m "$M" $T "Once upon a time"
same "the same ids" "$DIR/out" "$(cat "$DIR/ids")"

if [ -f "$D/tinyshakespeare.txt" ]; then
    head -c 20000 "$D/tinyshakespeare.txt" >"$DIR/text"
    base=$("$B/perplexity" -m "$M" $T -f "$DIR/text" 2>"$DIR/err")
    within "perplexity as F32 GGUF" "$("$B/perplexity" -m "$DIR/f32.gguf" -f "$DIR/text" 2>>"$DIR/err")" "$base" 0.001
    within "perplexity as F16" "$("$B/perplexity" -m "$DIR/f16.gguf" -f "$DIR/text" 2>>"$DIR/err")" "$base" 0.1
    within "perplexity as BF16" "$("$B/perplexity" -m "$DIR/bf16.gguf" -f "$DIR/text" 2>>"$DIR/err")" "$base" 1
    within "perplexity as Q8_0" "$("$B/perplexity" -m "$DIR/q8_0.gguf" -f "$DIR/text" 2>>"$DIR/err")" "$base" 1
else
    skip "perplexity" "no $D/tinyshakespeare.txt"
fi

bad 1 'tok32000' "a tokenizer of another vocabulary is refused" \
    "$B/chat" -m "$M" --tokenizer "$D/tok32000.bin" -p x -n 1
bad 1 '[Tt]okenizer' "without a tokenizer: one line" "$B/chat" -m "$M" -p x -n 1
finish
