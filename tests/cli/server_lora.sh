# server_lora.sh -- adapters behind the server: two are trained here; then see tests/server/lora.py.
. tests/cli/lib.sh
if ! [ -x "$B/server" ] || ! command -v python3 >/dev/null 2>&1; then
    skip "the server" "no python3, or no $B/server"
    finish
fi
for p in train chat; do [ -x "$B/$p" ] || ${MAKE:-make} -s "$B/$p" || exit 1; done
TUNE="init_from=$LLAMA val_split=0 context_length=32 batch_size=2 learning_rate=1e-2 warmup_steps=0 max_iters=40
    lora_alpha=8 eval_interval=0 log_interval=100"
A="$TUNE train_data=LICENSE lora_r=4 seed=5"
Z="$TUNE train_data=README.md lora_r=2 seed=6"
good "an adapter" "$B/train" $A out="$DIR/a.gguf"
good "the same merged" "$B/train" $A out="$DIR/a_merged.gguf" lora_merge=true
good "another" "$B/train" $Z out="$DIR/z.gguf"
good "merged, too" "$B/train" $Z out="$DIR/z_merged.gguf" lora_merge=true

# what cannot be served
S="$B/server $LLAMA --port 0 --access-log none"
bad 2 'NAME=FILE' "no name" $S --lora "$DIR/a.gguf"
bad 2 'NAME=FILE' "an empty name" $S --lora "=$DIR/a.gguf"
bad 2 'NAME=FILE' "no file" $S --lora "a="
bad 2 'without blanks' "a name with a blank" $S --lora "a b=$DIR/a.gguf"
bad 2 '1 to 63' "a long name" $S --lora "$(printf '%064d' 1)=$DIR/a.gguf"
bad 2 "'a' is taken" "a name twice" $S --lora "a=$DIR/a.gguf" --lora "a=$DIR/z.gguf"
bad 2 "'tiny-llama.gguf' is taken" "the model's name" $S --lora "tiny-llama.gguf=$DIR/a.gguf"
bad 2 'scale' "a scale of nothing" $S --lora "a=$DIR/a.gguf:0"
bad 2 'scale' "a huge scale" $S --lora "a=$DIR/a.gguf:1e9"
bad 1 '[Nn]o such file' "no adapter there" $S --lora "a=$DIR/nothing.gguf"
bad 1 'general.type' "a model for an adapter" $S --lora "a=$LLAMA"
bad 1 'general.architecture' "another model's adapter" "$B/server" $GPT2 --port 0 --lora "a=$DIR/a.gguf"
[ $n_failed -eq 0 ] || finish

export BUILD="$B" OUT="$DIR" NAME="$name" N_PASSED=$n_passed
exec python3 tests/server/lora.py
