# bench.sh -- bench measures without a file, says where the time goes, tunes; kernels are chosen by name
# and settings by file in every program. Speeds themselves are not tested: only that they are numbers.
. tests/cli/lib.sh
shape=llama-tiny,l=1

# number KEY FILE: the number behind a key of JSON on one line
number() { sed -n "s/.*\"$1\": *\(-\{0,1\}[0-9][0-9.]*\).*/\1/p" "$2" | head -n 1; }

# positive LABEL KEY: more than nothing
positive()
{
    if awk -v v="$(number "$2" "$DIR/out")" 'BEGIN { exit !(v > 0) }'; then pass "$1"; else fail "$1" "$2: $(number "$2" "$DIR/out")"; fi
}

good "synth, JSON" "$B/bench" --synth $shape q8_0 -p 24 -n 8 -b 3 -d 4 -r 1 -t 2 -o json --profile
for key in prefill_tps decode_tps batch_tps prefill_limit_tps decode_limit_tps batch_limit_tps read_gbps int8_tops \
    f32_tflops decode_percent bytes_per_token threads; do
    positive "has $key" $key
done
says "names its kernels" "$DIR/out" '"isa": "[a-z0-9 ()]+"'
says "kernels were held against plain C" "$DIR/out" '"kernel_error": [0-9.]+'
if [ -r /proc/self/status ]; then positive "says what is in memory" resident_bytes; else skip "resident_bytes" "no /proc"; fi
for phase in prefill decode; do
    sum=$(sed -n "s/.*\"profile\":.*\"$phase\": {\([^}]*\)}.*/\1/p" "$DIR/out" | tr ',' '\n' |
        sed 's/.*": *//' | awk '/^[0-9.]+$/ { s += $1 } END { print s }')
    within "the profile of $phase sums to 100 %" "${sum:-0}" 100 1
done
for part in 'LAYER.product: down' 'LAYER.product: q, k, v' 'LAYER.product: head' LAYER.attn LAYER.norm SAMPLE; do
    says "the profile has $part" "$DIR/out" "\"$part\": [0-9.]+"
done

good "several numbers of threads" "$B/bench" --synth $shape q4_0 -p 8 -n 4 -r 1 -t 1,2 -o json
says "a list of both" "$DIR/out" '"scaling": \[\{"threads": 1,.*\}, \{"threads": 2,.*\}\]'
good "the same as a table" "$B/bench" --synth $shape q4_0 -p 8 -n 4 -r 1 -t 1,2
says "with a column of threads" "$DIR/out" '^\| 2 \| decode 4 \|'
more=$(($(getconf _NPROCESSORS_ONLN) + 1))
good "more threads than processors" "$B/bench" --synth $shape q4_0 -p 8 -n 4 -r 1 -t $more
says "are warned of" "$DIR/err" "warning: $more threads"
good "prefill alone" "$B/bench" --synth $shape f16 -p 8 -n 0 -r 1
good "decode alone, in a mix" "$B/bench" --synth $shape,d=256,ff=512,h=4,l=2 q4_k_m -p 0 -n 4 -r 1
good "from a file" "$B/bench" -m $LLAMA -p 8 -n 4 -r 1 -o json
says "that is named" "$DIR/out" 'tiny-llama.gguf'

# Kernels by name.
for tool in "bench -m $LLAMA -p 4 -n 2 -r 1" "perplexity -m $LLAMA --ids 1,2,3 --logits $DIR/a" "inspect $LLAMA" \
    "chat -m $LLAMA -p x -n 1" "tokenizer encode -m $LLAMA hello" "quantize $LLAMA $DIR/q.gguf q8_0" \
    "synth llama-tiny $DIR/s.gguf q8_0"; do
    name_of=${tool%% *}
    bad 2 "'mmx'.* auto, scalar" "$name_of: kernels that are not here" "$B"/$tool --isa mmx
    good "$name_of: scalar" "$B"/$tool --isa scalar --log-level info
    says "$name_of tells the choice" "$DIR/err" 'scalar kernels'
    bad 2 "LLMC_ISA.*'mmx'.* auto, scalar" "$name_of: the same from the environment" env LLMC_ISA=mmx "$B"/$tool
    good "$name_of: scalar from the environment" env LLMC_ISA=scalar "$B"/$tool --log-level info
    says "$name_of tells that, too" "$DIR/err" 'scalar kernels'
done
bad 1 "LLMC_ISA.*'mmx'" "hello: the environment" env LLMC_ISA=mmx "$B/hello" $LLAMA x
good "an option goes before the environment" env LLMC_ISA=mmx "$B/chat" -m $LLAMA -p x -n 1 --isa scalar
good "an empty variable is none" env LLMC_ISA= "$B/chat" -m $LLAMA -p x -n 1

# Settings that were measured, and settings by hand.
good "tune" "$B/bench" -m $LLAMA -p 16 -n 4 -r 1 --tune "$DIR/tuned.yaml"
for key in threads batch_tokens isa; do says "it has $key" "$DIR/tuned.yaml" "^$key: [a-z0-9]+\$"; done
want=$(text $LLAMA "Once upon" 20)
got=$(text $LLAMA "Once upon" 20 --config "$DIR/tuned.yaml")
if [ -n "$want" ] && [ "$got" = "$want" ]; then pass "chat takes it"; else fail "chat takes it" "$got"; fi
good "bench takes it" "$B/bench" -m $LLAMA -p 4 -n 2 -r 1 --config "$DIR/tuned.yaml"
good "perplexity takes it" "$B/perplexity" -m $LLAMA --ids 1,2,3 --logits "$DIR/a" --config "$DIR/tuned.yaml"
for c in configs/*.yaml; do
    [ -f "$c" ] && good "chat takes $c" "$B/chat" -m $LLAMA -p x -n 1 --config "$c"
done
printf 'threads: 1\nisa: scalar\nbatch_tokens: 8\nkv_type: f32\n' >"$DIR/hand.yaml"
for tool in "chat -p x -n 1" "bench -p 4 -n 2 -r 1" "perplexity --ids 1,2,3 --logits $DIR/a"; do
    name_of=${tool%% *}
    good "$name_of: settings by hand" "$B"/$tool -m $LLAMA --config "$DIR/hand.yaml" --log-level info
    says "$name_of: are used" "$DIR/err" 'scalar kernels, 1 workers'
    good "$name_of: an option goes before them" "$B"/$tool -m $LLAMA --config "$DIR/hand.yaml" --log-level info -t 2
    says "$name_of: and is used" "$DIR/err" 'scalar kernels, 2 workers'
    printf 'threads: 1\nfuse: 1\n' >"$DIR/unknown.yaml"
    bad 1 "unknown.yaml:2: .*'fuse'" "$name_of: an unknown setting" "$B"/$tool -m $LLAMA --config "$DIR/unknown.yaml"
    printf '[engine]\nthreads = 1\n' >"$DIR/section.toml"
    bad 1 "section.toml:2: " "$name_of: a section" "$B"/$tool -m $LLAMA --config "$DIR/section.toml"
    printf 'threads: many\n' >"$DIR/word.yaml"
    bad 2 "'many'" "$name_of: a setting that is no number" "$B"/$tool -m $LLAMA --config "$DIR/word.yaml"
    bad 1 'nosuch' "$name_of: no such file" "$B"/$tool -m $LLAMA --config "$DIR/nosuch.yaml"
done

bad 2 '--synth' "a shape without a type" "$B/bench" --synth llama-tiny
bad 2 'q9_9' "an unknown type" "$B/bench" --synth llama-tiny q9_9
bad 2 'xml' "an unknown output" "$B/bench" -m $LLAMA -o xml
bad 2 "'x'" "threads that are no number" "$B/bench" -m $LLAMA -t 1,x
bad 2 '--tune' "tune with a profile" "$B/bench" -m $LLAMA --tune "$DIR/never.yaml" --profile
if [ -e "$DIR/never.yaml" ]; then fail "and leaves nothing"; else pass "and leaves nothing"; fi
finish
