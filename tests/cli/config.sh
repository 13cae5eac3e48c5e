# config.sh -- --config of every program, the options that go before it, and inspect's memory.
. tests/cli/lib.sh

# The programs that run an engine; all but inspect do some work.
tools="chat bench perplexity inspect"
run()
{
    tool=$1
    shift
    case $tool in
    chat) set -- "$B/chat" -m $LLAMA -p x -n 1 "$@" ;;
    bench) set -- "$B/bench" -m $LLAMA -p 4 -n 2 -r 1 --no-verify "$@" ;;
    perplexity) set -- "$B/perplexity" -m $LLAMA --ids 1,2,3 --logits "$DIR/logits" "$@" ;;
    inspect) set -- "$B/inspect" $LLAMA "$@" ;;
    esac
    "$@"
}

# The shipped files, as they are.
cat >"$DIR/million.want" <<'END'
model n_embd=4096
model n_head=32
model n_layer=32
model max_seq_len=1_000_000
model original_max_seq_len=4096
rope rope_base=1e4
attention window_size=4096
attention sink_tokens=4
kv_cache kv_cache_capacity=32768
END
awk '/^\[/ { gsub(/[][]/, ""); s = $1 } /=/ { sub(/#.*/, ""); gsub(/ /, ""); if ($0 ~ /=/) print s, $0 }' \
    configs/million_context.toml >"$DIR/million.got"
same "million_context.toml has FORMATS.md's keys and values" "$DIR/million.got" "$(cat "$DIR/million.want")"
got=$(sed 's/#.*//; s/ *$//; /^$/d' configs/model_config.yaml | tr '\n' ',')
want='n_embd: 768,n_head: 12,n_layer: 12,vocab_size: 50257,max_seq_len: 1024,original_max_seq_len: 4096,dropout: 0,layer_norm_epsilon: 1e-5,use_bias: false,rope_base: 1e4,window_size: 4096,sink_tokens: 4,kv_cache_capacity: 32768,n_kv_heads: 12,'
if [ "$got" = "$want" ]; then pass "and so has model_config.yaml"; else fail "and so has model_config.yaml" "$got"; fi

for tool in $tools; do
    for c in configs/*.yaml configs/*.toml; do
        good "$tool takes $c" run $tool --config "$c"
        if [ "$(wc -l <"$DIR/err")" -le 2 ]; then pass "and says little"; else fail "and says little" "$(cat "$DIR/err")"; fi
        case $c in
        *engine*) if grep -q note "$DIR/err"; then fail "without a note"; else pass "without a note"; fi ;;
        *) says "with one note" "$DIR/err" "note: $c describes another model: n_embd [0-9]+ \(here 64\), n_head" ;;
        esac
    done
done

# Values that are not there, keys that are not known, keys in another's section.
for tool in $tools; do
    printf 'n_embd: 64\nwindow: 5\n' >"$DIR/key.yaml"
    bad 1 "key.yaml:2: unknown setting 'window'; known are threads.*window_size" "$tool: an unknown key" run $tool --config "$DIR/key.yaml"
    printf '[model]\nn_embd = 64\nwindow_size = 5\n' >"$DIR/place.toml"
    bad 1 "place.toml:3: unknown setting 'model.window_size'" "$tool: a key in another's section" run $tool --config "$DIR/place.toml"
    printf '{"window_size": 20,\n"sink": 3}' >"$DIR/key.json"
    bad 1 "key.json:2: .*'sink'" "$tool: an unknown key in JSON" run $tool --config "$DIR/key.json"
    printf 'window_size: wide\n' >"$DIR/word.yaml"
    bad 2 "'wide'" "$tool: a window that is no number" run $tool --config "$DIR/word.yaml"
    printf 'kv_type: f16/q9\n' >"$DIR/type.yaml"
    bad 2 "q9" "$tool: a type that is none" run $tool --config "$DIR/type.yaml"
    printf 'rope_scaling: ntk:x\n' >"$DIR/rope.yaml"
    bad 2 "x'" "$tool: a factor that is no number" run $tool --config "$DIR/rope.yaml"
    printf 'layer_norm_epsilon: -1\n' >"$DIR/eps.yaml"
    bad 2 "-1" "$tool: an epsilon below 0" run $tool --config "$DIR/eps.yaml"
    bad 2 "'mrope'" "$tool: a scaling that is none" run $tool --rope-scaling mrope
    bad 2 "--rope-scaling takes" "$tool: a factor that is missing" run $tool --rope-scaling ntk:
    bad 2 "--rope-scaling" "$tool: an original that is no number" run $tool --rope-scaling ntk:4:many
    bad 2 "--window" "$tool: a window that is no number" run $tool --window 1__0
    bad 2 "--window" "$tool: a unit that is none" run $tool --window 1g
    bad 2 "--kv-type" "$tool: half a pair of types" run $tool --kv-type f16/
    bad 1 "window_size 4: more than the sinks" "$tool: no more window than sinks" run $tool --window 4 --sinks 4
done

# Numbers as people write them.
cache()
{
    "$B/inspect" $LLAMA "$@" 2>/dev/null | awk '/^ *kv cache/ { print $3 }'
}
want=$(cache -c 32768)
for c in 32k 32K 32_768 3_2_7_6_8; do
    if [ -n "$want" ] && [ "$(cache -c $c)" = "$want" ]; then pass "$c is 32768"; else fail "$c is 32768" "$(cache -c $c)"; fi
done
if [ "$(cache -c 1m)" = "$(cache -c 1048576)" ]; then pass "1m is 1048576"; else fail "1m is 1048576"; fi

# The file sets the engine; the command line goes before it.
printf '[model]\nmax_seq_len = 2_048\n[attention]\nwindow_size = 128\nsink_tokens = 4\n[kv_cache]\nkv_type = "f32"\n' >"$DIR/set.toml"
a=$(cache -c 2048 --window 128 --sinks 4 --kv-type f32)
b=$(cache --config "$DIR/set.toml")
if [ -n "$a" ] && [ "$a" = "$b" ]; then pass "file and options: the same cache of $a bytes"; else fail "file and options: the same cache" "$a $b"; fi
a=$(cache -c 2048 --window 256 --sinks 4 --kv-type f32)
b=$(cache --config "$DIR/set.toml" --window 256)
if [ "$a" = "$b" ]; then pass "an option goes before the file"; else fail "an option goes before the file" "$a $b"; fi
a=$(cache -c 2048 --kv-type f32)
b=$(cache --config "$DIR/set.toml" --window 0 --sinks 0)
if [ "$a" = "$b" ]; then pass "a zero, too"; else fail "a zero, too" "$a $b"; fi
a=$(cache -c 512 --window 128 --sinks 4 --kv-type f16)
b=$(cache --config "$DIR/set.toml" -c 512 --kv-type f16)
if [ "$a" = "$b" ]; then pass "context and type as well"; else fail "context and type as well" "$a $b"; fi
# half of the bytes are values, which take half of f32's
if [ -n "$(cache --kv-type q8_0)" ]; then
    a=$(cache -c 4096 --kv-type f32/f16)
    b=$(cache -c 4096 --kv-type f32)
    within "keys of one type, values of another" "$a" $((b * 3 / 4)) 2
else
    skip "keys of one type, values of another" "this engine has one type for both"
fi

# The scaling that a file asks for by its lengths is --rope-scaling's; every program turns alike.
ids=1,13,259,30,100,200,300,7,9,11,21,8
printf 'max_seq_len: 1000\noriginal_max_seq_len: 250\n' >"$DIR/ntk.yaml"
good "logits, plain" "$B/perplexity" -m $LLAMA --ids $ids --logits "$DIR/plain"
good "logits, NTK of the file" "$B/perplexity" -m $LLAMA --ids $ids --logits "$DIR/file" --config "$DIR/ntk.yaml"
good "logits, NTK of the option" "$B/perplexity" -m $LLAMA --ids $ids --logits "$DIR/option" --rope-scaling ntk:4:250
good "logits, the option goes first" "$B/perplexity" -m $LLAMA --ids $ids --logits "$DIR/none" --rope-scaling none --config "$DIR/ntk.yaml"
good "logits, linear" "$B/perplexity" -m $LLAMA --ids $ids --logits "$DIR/linear" --rope-scaling linear:4
good "logits, yarn" "$B/perplexity" -m $LLAMA --ids $ids --logits "$DIR/yarn" --rope-scaling yarn:4:64
if cmp -s "$DIR/file" "$DIR/option"; then pass "file and option: the same logits"; else fail "file and option: the same logits"; fi
if cmp -s "$DIR/none" "$DIR/plain"; then pass "none: as without"; else fail "none: as without"; fi
for k in option linear yarn; do
    if cmp -s "$DIR/$k" "$DIR/plain"; then fail "$k: other logits"; else pass "$k: other logits"; fi
done
bad 1 'no rotary' "a model without rotary positions" "$B/chat" -m $GPT2 -p x -n 1 --rope-scaling ntk:2
bad 1 'no rotary' "as the tools say" "$B/perplexity" -m $GPT2 --ids 1,2 --logits "$DIR/never" --rope-scaling ntk:2
want=$(text $LLAMA "Once upon" 20)
got=$(text $LLAMA "Once upon" 20 --kv-capacity 1k --sinks 4 --window 512)
if [ -n "$want" ] && [ "$got" = "$want" ]; then pass "chat: a capacity that holds all changes nothing"; else fail "chat: a capacity that holds all changes nothing" "$got"; fi

# synth takes a shape from the file, changed by what stands before.
printf 'n_embd: 128\nn_head: 4\nn_kv_heads: 2\nn_layer: 3\nvocab_size: 400\nmax_seq_len: 4000\noriginal_max_seq_len: 1000\nrope_base: 5e5\n' >"$DIR/shape.yaml"
good "synth from a file" "$B/synth" --config "$DIR/shape.yaml" "$DIR/shape.gguf" q8_0
good "inspect it" "$B/inspect" "$DIR/shape.gguf" --config "$DIR/shape.yaml"
if [ -s "$DIR/err" ]; then fail "the same model, no note" "$(cat "$DIR/err")"; else pass "the same model, no note"; fi
for p in 'vocabulary +400' 'width +128' 'layers +3' 'heads +4 of 32, 2 for' 'context +1000' 'base 500000'; do says "it has $p" "$DIR/out" "$p"; done
good "synth from million_context.toml, scaled" "$B/synth" --config configs/million_context.toml d=128,h=4,l=2,v=400 "$DIR/million.gguf" q8_0
good "inspect it" "$B/inspect" "$DIR/million.gguf"
for p in 'width +128' 'layers +2' 'context +4096' 'feed-forward +512'; do says "it has $p" "$DIR/out" "$p"; done
good "chat runs it as the file says" "$B/chat" -m "$DIR/million.gguf" -p x -n 3 --raw --config configs/million_context.toml --log-level info
says "with a context of a million" "$DIR/err" 'context 1000000'
bad 2 'n_embd' "a file without a shape" "$B/synth" --config configs/engine.yaml "$DIR/never.gguf" q8_0

# inspect: a line for each context, sums, the quote, what fits.
good "inspect with everything" "$B/inspect" $LLAMA -c 100k --kv-type f16 --window 4k --sinks 4 --kv-capacity 8k
cp "$DIR/out" "$DIR/table"
got=$(awk '/^ *context +weights/ { t = 1; next } t && $1 ~ /^[0-9]+$/ && NF >= 5 { printf "%s ", $1 }' "$DIR/table")
if [ "$got" = "32768 102400 131072 524288 1048576 " ]; then pass "contexts in order"; else fail "contexts in order" "$got"; fi
if awk '/^ *context +weights/ { t = 1; next } t && $1 ~ /^[0-9]+$/ && NF >= 5 { n++; if ($2 + $3 + $4 != $5) exit 1 } END { exit n != 5 }' "$DIR/table"; then
    pass "columns sum up"
else
    fail "columns sum up"
fi
if awk '/^ *kv cache/ { c = $3 } /^ *context +weights/ { t = 1; next } t && $1 == 102400 { exit $3 != c }' "$DIR/table"; then
    pass "the table and the quote agree"
else
    fail "the table and the quote agree"
fi
if awk '/^ *context +weights/ { t = 1; next } t && $1 ~ /^[0-9]+$/ && NF >= 5 { if (c != 0 && $3 != c) exit 1; c = $3 }' "$DIR/table"; then
    pass "a window: the same cache at every context"
else
    fail "a window: the same cache at every context"
fi
# The longest context that fits does, and one more does not.
good "inspect" "$B/inspect" $LLAMA
fits=$(sed -n 's/.*the longest context that fits is \([0-9]*\).*/\1/p' "$DIR/out")
if [ -n "$fits" ]; then
    pass "it suggests $fits"
    had=$(sed -n 's/^ *\([0-9.]*\) GB of .*/\1/p' "$DIR/out")
    a=$("$B/inspect" $LLAMA -c "$fits" | awk -v c="$fits" '$1 == c { print $5 }')
    if [ -n "$had" ]; then within "which takes what is available" "$a" "$(awk -v g="$had" 'BEGIN { printf "%.0f", g * 1e9 }')" 10; fi
else
    skip "what fits" "the system does not tell"
fi
good "inspect a model with learned positions" "$B/inspect" $GPT2
says "says how far they go" "$DIR/out" '32768 .*learned positions for [0-9]+'
bad 1 'learned positions' "and refuses more" "$B/inspect" $GPT2 -c 32768
finish
