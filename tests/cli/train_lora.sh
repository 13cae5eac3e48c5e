# train_lora.sh -- adapters from end to end: trained over a quantised model, resumed, written as GGUF and for PEFT,
# merged, chatted with; refusals.
. tests/cli/lib.sh
for p in train chat inspect; do [ -x "$B/$p" ] || ${MAKE:-make} -s "$B/$p" || exit 1; done
T=$B/train
rm -rf "$DIR/a" "$DIR/b" "$DIR/peft"
mkdir -p "$DIR/peft"
quiet() { "$@" 2>"$DIR/err2" || { grep '^train: ' "$DIR/err2" | tail -n 1 >&2; return 1; }; }
# what is said before the error goes to stderr, too: only the last line counts here
refused()
{
    pattern=$1
    label=$2
    shift 2
    if "$@" >"$DIR/out" 2>"$DIR/err" </dev/null; then
        fail "$label" "was accepted"
    elif tail -n 1 "$DIR/err" | grep -Eq -e "$pattern"; then
        pass "$label"
    else
        fail "$label" "$(tail -n 1 "$DIR/err")"
    fi
}
say_as() # MODEL [OPTION...]: a greedy continuation
{
    text "$1" 'Permission is' 12 $2 $3
}

# the base: its weights are Q8_0; the text is one that it has not seen
TUNE="init_from=$LLAMA train_data=LICENSE val_split=0.1 context_length=32 batch_size=2 learning_rate=1e-2
    warmup_steps=0 seed=5 lora_r=4 lora_alpha=8 eval_interval=0 log_interval=10"
loss() { sed -n 's/.*"val_loss":\([0-9.]*\).*/\1/p' "$1/metrics.jsonl" | tail -n 1; }

good "no step" "$T" $TUNE max_iters=1 learning_rate=1e-12 checkpoint_dir="$DIR/b"
before=$(loss "$DIR/b")
rm -rf "$DIR/b"
good "trains an adapter" "$T" $TUNE max_iters=40 save_every=20 checkpoint_dir="$DIR/a" out="$DIR/lora.gguf" log_norms=true
after=$(loss "$DIR/a")
if [ -n "$before" ] && awk "BEGIN { exit !($after < $before - 0.2) }"; then
    pass "the held-out loss falls ($before, $after)"
else
    fail "the held-out loss falls" "$before, $after"
fi
says "norms of both halves" "$DIR/a/metrics.jsonl" '"grad_norm/blk.0.attn_q.weight.lora_b":[0-9.e-]+,"weight_norm/'

# killed and taken up again: the same bytes
good "half of it" "$T" $TUNE max_iters=40 save_every=20 checkpoint_dir="$DIR/b" out="$DIR/again.gguf"
rm -f "$DIR/b/checkpoint_step_40.safetensors" "$DIR/again.gguf"
good "the other half" "$T" $TUNE max_iters=40 save_every=20 checkpoint_dir="$DIR/b" out="$DIR/again.gguf" \
    resume_from="$DIR/b/checkpoint_step_20.safetensors" threads=1
if cmp -s "$DIR/lora.gguf" "$DIR/again.gguf"; then pass "resumed bit by bit"; else fail "resumed bit by bit"; fi
refused 'another model' "a checkpoint of another rank" "$T" $TUNE max_iters=40 lora_r=5 resume_from="$DIR/b/checkpoint_step_20.safetensors"

# forms: GGUF, PEFT, merged; chat says the same with each
good "writes PEFT's form" "$T" $TUNE max_iters=40 out="$DIR/peft/adapter_model.safetensors" \
    resume_from="$DIR/a/checkpoint_step_40.safetensors"
says "PEFT's configuration" "$DIR/peft/adapter_config.json" '"lora_alpha":8,"r":4,"target_modules":\["q_proj"'
good "merges" "$T" $TUNE max_iters=40 out="$DIR/merged.gguf" lora_merge=true resume_from="$DIR/a/checkpoint_step_40.safetensors"
good "merges and quantises" "$T" $TUNE max_iters=40 out="$DIR/merged8.gguf" out_type=q8_0 lora_merge=true \
    resume_from="$DIR/a/checkpoint_step_40.safetensors"
good "what was merged opens" "$B/inspect" "$DIR/merged8.gguf"
plain=$(say_as $LLAMA)
tuned=$(say_as "$DIR/merged.gguf")
if [ -n "$tuned" ] && [ "$tuned" != "$plain" ]; then pass "it says something else than before"; else fail "it says something else than before" "$plain"; fi
for form in lora.gguf peft peft/adapter_model.safetensors; do
    got=$(say_as $LLAMA --lora "$DIR/$form")
    if [ "$got" = "$tuned" ]; then pass "chat --lora $form"; else fail "chat --lora $form" "'$got', merged '$tuned'"; fi
done
got=$(say_as $LLAMA --lora "$DIR/lora.gguf:1e-9")
if [ "$got" = "$plain" ]; then pass "a scale of nearly nothing"; else fail "a scale of nearly nothing" "$got"; fi

# llama.cpp with the adapter computes what the merged model does
good "the base in F32" "$B/quantize" $LLAMA "$DIR/base.gguf" f32
ids=1,5,9,13,17,21,25,29,33,37,41,45
good "logits of the merged one" "$B/perplexity" -m "$DIR/merged.gguf" --ids $ids --logits "$DIR/merged.f32"
if node --version >/dev/null 2>&1; then
    for with in '' ",\"lora\":\"$DIR/lora.gguf\""; do
        echo "{\"model\":\"$DIR/base.gguf\",\"ids\":[$ids],\"n\":1,\"logits\":\"$DIR/theirs${with:+.lora}.f32\"$with}"
    done | node tests/compat/llamacpp.mjs - >"$DIR/out" 2>"$DIR/err"
    code=$?
    node - "$DIR/merged.f32" "$DIR/theirs.lora.f32" "$DIR/theirs.f32" >"$DIR/got" 2>&1 <<'END'
const rows = process.argv.slice(2).map((f) => { const b = require("fs").readFileSync(f); return new Float32Array(b.buffer, b.byteOffset, b.length / 4); });
const mean = rows[0].reduce((a, b) => a + b) / rows[0].length, deviation = Math.sqrt(rows[0].reduce((a, b) => a + (b - mean) ** 2, 0) / rows[0].length);
const error = (x) => rows[0].reduce((most, v, i) => Math.max(most, Math.abs(v - x[i])), 0) / deviation;
console.log(rows.every((r) => r.length === rows[0].length) && error(rows[1]) < 3e-3 && error(rows[2]) > 0.1 ? "same" : "other", error(rows[1]), error(rows[2]));
END
    case $code:$(cat "$DIR/got") in
    77:*) skip "llama.cpp" "$(cat "$DIR/err")" ;;
    0:same*) pass "llama.cpp with the adapter ($(cat "$DIR/got"))" ;;
    *) fail "llama.cpp with the adapter" "$(cat "$DIR/got" "$DIR/out" | head -n 4)" ;;
    esac
else
    skip "llama.cpp" "no node"
fi

# some maps, dropout
good "some maps, dropout" "$T" $TUNE max_iters=3 lora_targets=q,v_proj,down lora_dropout=0.2 out="$DIR/some.gguf"
if [ "$(wc -c <"$DIR/some.gguf")" -lt "$(wc -c <"$DIR/lora.gguf")" ]; then pass "fewer maps, less to keep"; else fail "fewer maps, less to keep"; fi

# refusals
refused 'init_from is needed' "an adapter of nothing" "$T" train_data=LICENSE tokenizer=chars n_embd=16 n_layer=1 n_head=1 lora_r=4
refused "lora_targets: 'z' is not known" "a map that is none" "$T" $TUNE lora_targets=q,z
bad 2 'from 0 to 1024' "a rank out of bounds" "$T" $TUNE lora_r=2000
refused 'general.type' "a model for an adapter" "$B/chat" -m $LLAMA -p x -n 1 --lora $LLAMA
refused 'general.architecture' "another model's adapter" "$B/chat" -m $GPT2 -p x -n 1 --lora "$DIR/lora.gguf"
refused '[Nn]o such file' "no adapter there" "$B/chat" -m $LLAMA -p x -n 1 --lora "$DIR/nothing.gguf"
refused 'scale' "a scale of nothing" "$B/chat" -m $LLAMA -p x -n 1 --lora "$DIR/lora.gguf:0"
head -c 3000 "$DIR/lora.gguf" >"$DIR/cut.gguf"
refused 'end of the file|more than the file' "half an adapter" "$B/chat" -m $LLAMA -p x -n 1 --lora "$DIR/cut.gguf"
mv "$DIR/peft/adapter_config.json" "$DIR/peft/gone.json"
refused 'adapter_config.json' "PEFT's form without its configuration" "$B/chat" -m $LLAMA -p x -n 1 --lora "$DIR/peft"
finish
