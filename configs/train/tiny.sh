#!/bin/sh
# tiny.sh [OUT.gguf] -- makes the model in the box: texts, tokenizer, training, quantising, examination.
# From the repository's root, after `make`. DIR keeps what lies between (build/tiny); key=value settings for
# the training may stand in TRAIN ("max_iters=100" for a trial). The scores go to OUT.score, the
# curves to OUT.metrics.jsonl (build/plot draws them).
set -e
OUT=${1:-examples/tiny.gguf}
DIR=${DIR:-build/tiny}
TYPE=${TYPE:-q6_k}
mkdir -p "$DIR/tok"
w=build/world

# Each split its own seed; the splits are apart whatever the seeds.
$w --kind words --count 60000 --seed 1 -o "$DIR/words.txt"
$w --kind pretrain --count 60000 --seed 2 -o "$DIR/world.txt"
$w --kind pretrain --split valid --count 1000 --seed 3 -o "$DIR/world-valid.txt"
$w --kind chat --count 70000 --seed 4 -o "$DIR/chat.jsonl"
$w --kind study --count 60000 --seed 7 -o "$DIR/study.jsonl"
$w --kind drill --count 44000 --seed 8 -o "$DIR/drill.jsonl"
$w --kind chat --split valid --count 1000 --seed 5 -o "$DIR/chat-valid.jsonl"
$w --kind eval --split test --count 500 --seed 6 -o "$DIR/eval.jsonl"

# Digits stand alone, punctuation is not glued to words, invented names are spelt out: easy to add and to copy.
build/tokenizer train "$DIR/words.txt" -o "$DIR/tok" -v 2048 --min-frequency 20 --pattern smollm \
    --special-tokens '<|endoftext|>,<|im_start|>,<|im_end|>'

build/train --config configs/train/tiny.cfg $TRAIN
build/quantize "$DIR/tiny-f32.gguf" "$OUT" "$TYPE"
cp "$DIR/checkpoints/metrics.jsonl" "${OUT%.gguf}.metrics.jsonl"
status=0
build/score -m "$OUT" "$DIR/eval.jsonl" ${MIN---min facts=95,phrasings=95,reading=95,addition=90,call=98} \
    >"${OUT%.gguf}.score" || status=$?
cat "${OUT%.gguf}.score"
exit $status
