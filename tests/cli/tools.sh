# tools.sh -- inspect, synth, quantize, perplexity and bench do what DESIGN section 11 says.
. tests/cli/lib.sh

good "inspect llama" "$B/inspect" $LLAMA --tensors -c 128
for p in 'llama' '367' 'blk.1.ffn_down.weight' 'Q8_0' '128'; do says "inspect shows $p" "$DIR/out" "$p"; done
good "inspect gpt2" "$B/inspect" $GPT2
says "inspect shows F16" "$DIR/out" 'F16'
# Exact memory: twice the context, more memory; every number is a whole number of bytes.
a=$("$B/inspect" $LLAMA -c 64 2>/dev/null | awk '/^ *kv cache/ { print $3 }')
b=$("$B/inspect" $LLAMA -c 128 2>/dev/null | awk '/^ *kv cache/ { print $3 }')
# 2 layers, 2 heads of 16 for keys and values, F16: 256 bytes a token
if [ "$((b - a))" -ge 16384 ] && [ "$((b - a))" -lt 17000 ]; then pass "kv cache of 64 tokens more: $((b - a)) bytes"; else fail "kv cache: $a for 64, $b for 128 tokens"; fi

# synth writes models that everything reads, the same for the same seed.
shape=family=llama,d=64,l=2,h=4,kv=2,ff=96,v=400,ctx=64
good "synth" "$B/synth" $shape "$DIR/s1.gguf" q8_0
good "synth again" "$B/synth" $shape "$DIR/s2.gguf" q8_0
good "synth with another seed" "$B/synth" $shape "$DIR/s3.gguf" q8_0 --seed 2
if cmp -s "$DIR/s1.gguf" "$DIR/s2.gguf"; then pass "the same bytes"; else fail "the same bytes"; fi
if cmp -s "$DIR/s1.gguf" "$DIR/s3.gguf"; then fail "other bytes"; else pass "other bytes"; fi
good "inspect what synth wrote" "$B/inspect" "$DIR/s1.gguf" --tensors
for p in 'vocabulary +400' 'width +64' 'layers +2' 'feed-forward +96' 'Q8_0'; do says "inspect shows $p" "$DIR/out" "$p"; done
for s in llama-tiny gpt2-tiny; do
    for type in f32 f16 bf16 q8_0 q4_0; do
        good "synth $s $type" "$B/synth" $s "$DIR/tiny.gguf" $type
        good "its logits" "$B/perplexity" -m "$DIR/tiny.gguf" --ids 1,2,3 --logits "$DIR/a"
    done
done

# quantize: sizes, and twice the same bytes.
good "quantize f16" "$B/quantize" $LLAMA "$DIR/f16.gguf" f16
good "quantize f16 again" "$B/quantize" $LLAMA "$DIR/f16b.gguf" f16
if cmp -s "$DIR/f16.gguf" "$DIR/f16b.gguf"; then pass "the same bytes"; else fail "the same bytes"; fi
good "quantize q4_0" "$B/quantize" "$DIR/f16.gguf" "$DIR/q4.gguf" q4_0
big=$(wc -c <"$DIR/f16.gguf") small=$(wc -c <"$DIR/q4.gguf")
if [ "$small" -lt $((big / 2)) ]; then pass "Q4_0 is smaller: $small of $big bytes"; else fail "Q4_0 has $small of $big bytes"; fi
if ls "$DIR"/*.tmp >/dev/null 2>&1; then fail "no .tmp left"; else pass "no .tmp left"; fi

# perplexity: one line, one number; windows; nothing else on stdout.
good "perplexity" "$B/perplexity" -m $GPT2 -f tests/models/tiny-gpt2.txt -c 32
says "is one number" "$DIR/out" '^[0-9]+\.[0-9]+$'
if [ "$(wc -l <"$DIR/out")" -eq 1 ]; then pass "and one line"; else fail "and one line"; fi
p=$(cat "$DIR/out")
for o in "-t 1" "-t 3"; do
    good "perplexity $o" "$B/perplexity" -m $GPT2 -f tests/models/tiny-gpt2.txt -c 32 $o
    same "is the same" "$DIR/out" "$p"
done
good "perplexity, scalar" "$B/perplexity" -m $GPT2 -f tests/models/tiny-gpt2.txt -c 32 --isa scalar
within "is nearly the same" "$(cat "$DIR/out")" "$p" 0.01
good "perplexity --kl" "$B/perplexity" -m $GPT2 --kl $GPT2 -f tests/models/tiny-gpt2.txt -c 32
says "a model is not apart from itself" "$DIR/out" 'kl -?0\.000000'

# Logits: the reference's ids (16 of case_ids) would need C to make; here: prefill against decode.
ids=1,13,259,30,100,200,300,7
good "logits" "$B/perplexity" -m $LLAMA --ids $ids --logits "$DIR/a" --isa scalar
good "logits, the last 5 one at a time" "$B/perplexity" -m $LLAMA --ids $ids --decode 5 --logits "$DIR/b" --isa scalar
if [ "$(wc -c <"$DIR/a")" -eq $((8 * 367 * 4)) ]; then pass "8 rows of 367 float32"; else fail "8 rows of 367 float32" "$(wc -c <"$DIR/a") bytes"; fi
if cmp -s "$DIR/a" "$DIR/b"; then pass "prefill and decode: the same bits"; else fail "prefill and decode: the same bits"; fi

# bench: JSON with the keys that DESIGN promises.
good "bench -o json" "$B/bench" -m $LLAMA -p 16 -n 8 -b 4 -t 2 -o json
for key in prefill_tps decode_tps batch_tps read_gbps; do says "bench has $key" "$DIR/out" "\"$key\": *[0-9]"; done
case $(tr -d '\n' <"$DIR/out") in
'{'*'}') pass "bench prints one object" ;;
*) fail "bench prints one object" ;;
esac
good "bench -o md" "$B/bench" -m $LLAMA -p 16 -n 8 -o md
says "a table" "$DIR/out" '^\|'
finish
