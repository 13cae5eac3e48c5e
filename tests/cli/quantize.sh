# quantize.sh -- every TYPE of quantize, calibration, and the containers that OUT's ending names.
. tests/cli/lib.sh
M=tests/models/trained256
IDS=$M/calibrate.ids

# the types, each opened again
for type in f32 f16 bf16 q8_0 q6_k q5_k q5_k_m q5_k_s q5_1 q5_0 q4_k q4_k_m Q4_K_S q4_1 q4_0 iq4_nl iq4_xs mxfp4 \
    q3_k q3_k_m q3_k_s q2_k int8 q4 keep; do
    good "type $type" "$B/quantize" $M "$DIR/$type.gguf" $type || continue
    good "type $type opens" "$B/inspect" "$DIR/$type.gguf"
done

# mixes say where they differ, rows that do not fit are said too
good "mix is said" "$B/quantize" $M "$DIR/mix.gguf" q4_k_m --log-level info
if grep -q 'output.weight: written as Q6_K' "$DIR/err"; then pass "the head is Q6_K"; else fail "the head is Q6_K"; fi
good "narrow rows" "$B/quantize" $LLAMA "$DIR/narrow.gguf" q4_k
if grep -q 'rows do not divide' "$DIR/err"; then pass "narrow rows are said"; else fail "narrow rows are said"; fi

# calibration: another file of the same size, and the same one each time
good "calibrate" "$B/quantize" $M "$DIR/cal.gguf" q4_k --calibrate-ids $IDS -c 128
good "calibrate again" "$B/quantize" $M "$DIR/cal2.gguf" q4_k --calibrate-ids $IDS -c 128 -t 1
if cmp -s "$DIR/cal.gguf" "$DIR/cal2.gguf"; then pass "threads do not matter"; else fail "threads do not matter"; fi
if cmp -s "$DIR/cal.gguf" "$DIR/q4_k.gguf"; then fail "calibration matters"; else pass "calibration matters"; fi
good "calibrate with text" "$B/quantize" $LLAMA "$DIR/text.gguf" q4_0 --calibrate README.md -c 64
bad 1 'holds no tokenizer' "text without a tokenizer" "$B/quantize" $M "$DIR/never.gguf" q4_0 --calibrate README.md
bad 1 'too short' "nothing to read" "$B/quantize" $M "$DIR/never.gguf" q4_0 --calibrate-ids /dev/null
bad 2 'exclude' "two texts" "$B/quantize" $M "$DIR/never.gguf" q4_0 --calibrate README.md --calibrate-ids $IDS

# other containers
mkdir -p "$DIR/folder"
cp $M/config.json "$DIR/folder/"
good "safetensors" "$B/quantize" $M "$DIR/folder/model.safetensors" f32
good "safetensors opens" "$B/inspect" "$DIR/folder"
good "safetensors and back" "$B/quantize" "$DIR/folder" "$DIR/back.gguf" f32
if cmp -s "$DIR/back.gguf" "$DIR/f32.gguf"; then pass "safetensors lose nothing"; else fail "safetensors lose nothing"; fi
for type in f32 int8; do
    good "torchless $type" "$B/quantize" $M "$DIR/$type.bin" $type
    good "torchless $type opens" "$B/inspect" "$DIR/$type.bin"
done
bad 1 'safetensors are of' "safetensors of q4_0" "$B/quantize" $M "$DIR/never.safetensors" q4_0
bad 1 'torchless file cannot hold' "gpt2 as torchless" "$B/quantize" $GPT2 "$DIR/never.bin" f32
if ls "$DIR"/never* >/dev/null 2>&1; then fail "nothing is left of failures"; else pass "nothing is left of failures"; fi
finish
