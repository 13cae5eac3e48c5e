# longrun.sh -- far beyond the trained length, in short: memory, speed and perplexity with windows and sinks.
# `build/longrun life` without --tokens is the whole million; here the same claims are held over less. Times
# are not compared, since tests share the machine.
. tests/cli/lib.sh

D=$SHARED/data
M=$D/stories260K.bin
T="--tokenizer $D/tok512.bin"

good "a model that needs its first token" "$B/longrun" sinks
says "every token costs what paper says" "$DIR/out" '^holds  every token'

good "a model for speed" "$B/synth" llama-tiny "$DIR/tiny.gguf" q8_0
good "8192 tokens in the memory of a window" "$B/longrun" speed -m "$DIR/tiny.gguf" --window 256 --sinks 4 \
    --kv-capacity 512 --at 1024 --tokens 8192 --batch-tokens 64 --tolerance 100000 -t 1
says "memory is said" "$DIR/out" '^holds  resident memory'

good "a model as million_context.toml has it, scaled to fit" \
    "$B/synth" --config configs/million_context.toml d=128,l=2,h=2,v=512,ff=256 "$DIR/million.gguf" q4_0
good "NTK scaling, window, sinks and eviction together" "$B/longrun" speed -m "$DIR/million.gguf" \
    --config configs/million_context.toml --tokens 16384 --tolerance 100000

if [ -f "$M" ]; then
    good "16384 tokens of stories" "$B/longrun" life -m "$M" $T --tokens 16384 --tolerance 100000
    cp "$DIR/out" "$DIR/life"
    good "NTK scaling" "$B/longrun" ntk -m "$M" $T
else
    skip "stories and NTK scaling" "no $M"
fi

bad 2 'life, sinks, ntk or speed' "no experiment named" "$B/longrun"
bad 2 'life, sinks, ntk or speed' "an unknown one" "$B/longrun" life sinks
bad 2 'm MODEL' "no model" "$B/longrun" life
bad 2 'tokens' "too few tokens" "$B/longrun" speed -m "$DIR/tiny.gguf" --tokens 100
bad 1 'window_size 4' "a window not larger than its sinks" "$B/longrun" speed -m "$DIR/tiny.gguf" --window 4 --sinks 4
bad 1 'sink_tokens 4' "sinks without a window" "$B/longrun" speed -m "$DIR/tiny.gguf" --sinks 4
finish
