# train.sh -- train: settings, refusals, a run that learns, one that is killed and goes on to the same weights,
# shards, tuning and export.
. tests/cli/lib.sh
[ -x "$B/train" ] || ${MAKE:-make} -s "$B/train" || exit 1
T=$B/train
rm -rf "$DIR/a" "$DIR/b" "$DIR/c" "$DIR/shards"

bad 2 'no settings' "nothing said" "$T"
bad 2 'no KEY=VALUE' "a word alone" "$T" hello
bad 2 'needs a file' "--config without a file" "$T" --config
bad 2 'no train_data' "no data" "$T" n_embd=16
bad 2 'whole number' "a number that is none" "$T" train_data=README.md batch_size=x
bad 2 'from 0 to' "a number out of bounds" "$T" train_data=README.md dropout=2
bad 2 'true or false' "a flag that is none" "$T" train_data=README.md chat=maybe
bad 1 'no such file' "no such file" "$T" train_data="$DIR/nothing.txt" tokenizer=chars
SHAPE='model_type=gpt2 n_embd=16 n_layer=2 n_head=2 n_positions=32 tokenizer=chars context_length=32 batch_size=4'
SMALL="$SHAPE train_data=LICENSE val_split=0.1 learning_rate=3e-3 warmup_steps=5 max_iters=60 dropout=0.1 seed=3"
quiet() { "$@" 2>"$DIR/err2" || { grep '^train: ' "$DIR/err2" | tail -n 1 >&2; return 1; }; }
code() { quiet "$@" >"$DIR/out"; }
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
refused "key 'n_embdd'" "an unknown key" "$T" $SMALL n_embdd=3
refused "optimizer: 'adam' is not known" "an unknown optimiser" "$T" $SMALL optimizer=adam
refused "init: 'zero' is not known" "an unknown initialiser" "$T" $SMALL init=zero
refused "divide" "heads that do not divide" "$T" $SMALL n_head=3
refused "context" "rows longer than the model" "$T" $SMALL context_length=64

# learns; the metrics say so
good "learns" "$T" $SMALL checkpoint_dir="$DIR/a" out="$DIR/a.gguf" save_every=10 eval_interval=20 log_interval=10
first=$(sed -n 's/.*"loss":\([0-9.]*\),"learning.*/\1/p' "$DIR/a/metrics.jsonl" | head -n 1)
last=$(sed -n 's/.*"loss":\([0-9.]*\),"learning.*/\1/p' "$DIR/a/metrics.jsonl" | tail -n 1)
if [ -n "$first" ] && awk "BEGIN { exit !($last < $first - 0.3) }"; then pass "the loss falls"; else fail "the loss falls" "$first, $last"; fi
if grep -q '"val_loss":.*"val_bits_per_byte":' "$DIR/a/metrics.jsonl"; then pass "validation is measured"; else fail "validation is measured"; fi
if grep -Eq '"step":60,"epoch":[0-9.]*,"loss":[0-9.]*,"learning_rate":[0-9.e-]*,"perplexity":[0-9.]*,"tokens_per_sec":' "$DIR/a/metrics.jsonl"; then
    pass "metrics have their keys"
else
    fail "metrics have their keys" "$(tail -n 1 "$DIR/a/metrics.jsonl")"
fi

# norms: every tensor has both; the squares of all gradients' sum up to that of the update's own line
good "logs norms" "$T" $SHAPE train_data=LICENSE max_iters=12 warmup_steps=0 log_norms=true log_interval=3 eval_interval=0 \
    metrics="$DIR/norms.jsonl"
if awk '/"grad_norm\// { n = gsub(/"grad_norm\//, "&"); if (n < 20 || gsub(/"weight_norm\//, "&") != n) bad = 1
            split($0, part, ","); s = 0; sub(/[^0-9]*/, "", part[1]); step = part[1] + 0; lines++
            for (i in part) if (part[i] ~ /^"grad_norm\//) { sub(/.*:/, "", part[i]); s += part[i] * part[i] } }
        /"loss"/ { sub(/.*"step":/, ""); if ($0 + 0 != step) bad = 1
            sub(/.*"grad_norm":/, ""); d = sqrt(s) / ($0 + 0) - 1; if (d > 1e-4 || d < -1e-4) bad = 1 }
        END { exit bad || lines != 4 }' "$DIR/norms.jsonl"; then
    pass "norms add up"
else
    fail "norms add up" "$(head -c 300 "$DIR/norms.jsonl")"
fi
[ -x "$B/plot" ] || ${MAKE:-make} -s "$B/plot" || exit 1
n=$(head -n 1 "$DIR/norms.jsonl" | grep -o '"grad_norm/' | wc -l)
good "draws them" "$B/plot" "$DIR/norms.jsonl" -o "$DIR/norms.svg" --log --keys 'grad_norm/*,weight_norm/*'
got=$(grep -c 'fill="none" stroke=' "$DIR/norms.svg")
if [ "$(grep -c 'class="t"' "$DIR/norms.svg")" -eq 2 ] && [ "$got" -eq $((2 * n)) ]; then
    pass "two panels, $got curves"
else
    fail "two panels, $((2 * n)) curves" "$got"
fi

# killed at some moment, and taken up again, on another number of threads: the same bits
n=0
while [ $n -lt 12 ]; do
    n=$((n + 1))
    "$T" $SMALL checkpoint_dir="$DIR/b" save_every=1 eval_interval=20 resume_from=auto threads=1 >"$DIR/out" 2>"$DIR/err" </dev/null &
    pid=$!
    sleep 0.$((n % 4 + 1))
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    if [ -f "$DIR/b/checkpoint_step_60.safetensors" ]; then break; fi
done
good "resumes" "$T" $SMALL checkpoint_dir="$DIR/b" save_every=10 eval_interval=20 resume_from=auto out="$DIR/b.gguf"
if cmp -s "$DIR/a.gguf" "$DIR/b.gguf"; then pass "resumed bit by bit"; else fail "resumed bit by bit"; fi

# and from the middle of a second stage, whose trainer began with the first one's model
printf '[one]\nmax_iters: 10\n[two]\nmax_iters: 20\n' >"$DIR/stages.cfg"
good "two stages" "$T" --config "$DIR/stages.cfg" $SMALL checkpoint_dir="$DIR/s" save_every=5 save_last=9 out="$DIR/s.gguf"
good "resumes in the second" "$T" --config "$DIR/stages.cfg" $SMALL checkpoint_dir="$DIR/s2" save_every=5 \
    resume_from="$DIR/s/checkpoint_two_step_5.safetensors" out="$DIR/s2.gguf"
if cmp -s "$DIR/s.gguf" "$DIR/s2.gguf"; then pass "the second stage resumed bit by bit"; else fail "the second stage resumed bit by bit"; fi
cp "$DIR/a/checkpoint_step_60.safetensors" "$DIR/x"
kept=$(ls "$DIR/a" | grep -c '^checkpoint_step_')
if [ "$kept" -le 5 ] && [ "$kept" -ge 2 ]; then pass "newest and best are kept"; else fail "newest and best are kept" "$kept"; fi

# Ctrl-C saves first
"$T" $SMALL max_iters=100000 checkpoint_dir="$DIR/c" save_every=0 eval_interval=0 >"$DIR/out" 2>"$DIR/err" </dev/null &
pid=$!
sleep 1
kill -INT $pid
wait $pid
if [ $? -eq 1 ] && grep -q 'interrupted at step .*resume_from=' "$DIR/err" && ls "$DIR/c" | grep -q checkpoint_step; then
    pass "Ctrl-C saves"
else
    skip "Ctrl-C saves" "signals are ignored in the background of this shell"
fi

# damage
cp "$DIR/x" "$DIR/bad"
printf 'XX' | dd of="$DIR/bad" bs=1 seek=60000 conv=notrunc 2>/dev/null
refused 'checksum|no checkpoint' "a damaged checkpoint" "$T" $SMALL resume_from="$DIR/bad"
head -c 3000 "$DIR/x" >"$DIR/bad"
refused 'end of the file|checksum|header' "half a checkpoint" "$T" $SMALL resume_from="$DIR/bad"
refused 'another model' "another model's checkpoint" "$T" $SMALL n_layer=1 resume_from="$DIR/x"

# shards, and training from them
good "shards" "$T" $SMALL shards="$DIR/shards"
good "from shards" "$T" $SHAPE tokenizer="$DIR/shards/tokenizer.json" train_data="$DIR/shards/train.bin" \
    valid_data="$DIR/shards/val.bin" max_iters=5 out="$DIR/small.gguf"
good "what was made opens" "$B/inspect" "$DIR/small.gguf"
printf 'abc' >"$DIR/odd.bin"
refused 'no shard of tokens' "a shard that is none" "$T" $SHAPE tokenizer="$DIR/shards/tokenizer.json" train_data="$DIR/odd.bin"
printf '["one", 2]' >"$DIR/odd.json"
refused 'neither a string' "JSON that is no text" "$T" $SHAPE train_data="$DIR/odd.json"

# tuning: another model of the same tokenizer, which chat runs; its shape is not to be said again
good "tunes" "$T" init_from=$LLAMA train_data=LICENSE context_length=32 batch_size=2 max_iters=3 out="$DIR/tuned.gguf"
good "chat runs it" "$B/chat" -m "$DIR/tuned.gguf" -p 'Once upon' --raw -n 8 --temp 0
refused "not one for tuning" "a shape for a model that has one" "$T" init_from=$LLAMA train_data=LICENSE n_layer=2

# two processes on half a batch each: the losses of one on all of it
if command -v mpicc >/dev/null 2>&1 && command -v mpirun >/dev/null 2>&1; then
    good "builds with MPI" mpicc -O1 -w -DLLMC_MPI examples/train.c -o "$DIR/train-mpi" || finish
    TINY="$SHAPE train_data=LICENSE max_iters=20 warmup_steps=0 learning_rate=1e-2 log_interval=1 threads=1 eval_interval=0"
    good "one process" "$T" $TINY batch_size=8 metrics="$DIR/one.jsonl"
    good "two processes" mpirun -np 2 "$DIR/train-mpi" $TINY batch_size=4 metrics="$DIR/two.jsonl"
    for i in one two; do sed 's/.*"loss":\([0-9.]*\),.*/\1/' "$DIR/$i.jsonl" >"$DIR/$i"; done
    if [ "$(wc -l <"$DIR/two")" -eq 20 ] &&
        paste "$DIR/one" "$DIR/two" | awk '{ d = $1 - $2; if (d > 1e-5 || d < -1e-5) bad = 1 } END { exit bad }'; then
        pass "two processes learn as one"
    else
        fail "two processes learn as one" "$(paste "$DIR/one" "$DIR/two" | tail -n 1)"
    fi
else
    skip "two processes" "no MPI here (mpich, libmpich-dev)"
fi

# RustGPT's job, shortened
good "two stages" "$T" --config configs/train/rustgpt.cfg chat=false facts.epochs=20 answers.epochs=40 optimizer=adamw
if grep -q '^---- before training' "$DIR/out" && grep -q '^---- after training' "$DIR/out"; then
    pass "answers before and after"
else
    fail "answers before and after"
fi
finish
