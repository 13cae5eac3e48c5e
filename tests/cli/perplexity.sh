# perplexity.sh -- ids from a file: the same number as their text has, and what does not go.
. tests/cli/lib.sh
P="$B/perplexity"

# GPT-2's windows begin with no BOS, so that text and ids are the same windows.
good "a text" "$P" -m $GPT2 -f tests/models/tiny-gpt2.txt -c 32
text=$(cat "$DIR/out")
good "its ids" "$P" -m $GPT2 --ids-file tests/models/tiny-gpt2.ids -c 32
same "have its perplexity" "$DIR/out" "$text"
tr ' ' ',' <tests/models/tiny-gpt2.ids >"$DIR/commas"
good "ids apart by commas" "$P" -m $GPT2 --ids-file "$DIR/commas" --kl $GPT2 -c 32
says "compare with a model" "$DIR/out" "^kl 0.000000 perplexity $text base $text ratio 1.000000 top1 100.00 %\$"

# A model without a tokenizer; the number is its makers' (tests/vectors/trained.py --eval).
T=tests/models/trained256
good "a folder that speaks ids" "$P" -m $T --ids-file $T/eval.ids
within "finds its own text as likely as its makers" "$(cat "$DIR/out")" 2.3247 0.01
bad 1 'no tokenizer' "a text for it" "$P" -m $T -f tests/models/tiny-gpt2.txt

# What a smaller cache costs: with heads of 64 here, with heads of 8 in stories260K.
# cache_costs LABEL MOST TYPE COMMAND...: perplexity with this type against F16's, in per cent.
cache_costs()
{
    label=$1 most=$2 type=$3
    shift 3
    f16=$("$P" "$@" --kv-type f16 2>/dev/null) got=$("$P" "$@" --kv-type "$type" 2>/dev/null)
    if awk -v a="$f16" -v b="$got" -v m="$most" 'BEGIN { d = 100 * (b / a - 1); exit !(a > 0 && b > 0 && d < m && -d < m) }'; then
        pass "$label: $got, with F16 $f16"
    else
        fail "$label: $got, with F16 $f16" "expected within $most %"
    fi
}
cache_costs "Q8_0 cache" 0.1 q8_0 -m $T --ids-file $T/eval.ids -c 256
cache_costs "Q4_0 cache" 1.5 q4_0 -m $T --ids-file $T/eval.ids -c 256
if [ -f "$SHARED/data/stories260K.bin" ]; then
    cache_costs "Q8_0 cache, heads of 8" 0.5 q8_0 -m "$SHARED/data/stories260K.bin" \
        --tokenizer "$SHARED/data/tok512.bin" -f "$SHARED/data/tinyshakespeare.txt" -c 512
else
    skip "Q8_0 cache, heads of 8" "no $SHARED/data/stories260K.bin"
fi

# Four bits cost it little, and less with calibration on other text than the measured one.
# divergence FILE: mean KL from the model as it came.
divergence()
{
    "$P" -m "$1" --kl $T --ids-file $T/eval.ids 2>/dev/null | sed 's/^kl \([0-9.]*\) .*/\1/'
}
for type in q4_k q4_k_m q4_0 iq4_nl; do
    good "quantize to $type" "$B/quantize" $T "$DIR/$type.gguf" $type
    good "the same, calibrated" "$B/quantize" $T "$DIR/$type.cal.gguf" $type --calibrate-ids $T/calibrate.ids
    plain=$(divergence "$DIR/$type.gguf")
    calibrated=$(divergence "$DIR/$type.cal.gguf")
    if awk -v p="$plain" -v c="$calibrated" 'BEGIN { exit !(c > 0 && c < p && p < 0.003) }'; then
        pass "$type: KL $plain, calibrated $calibrated"
    else
        fail "$type: KL $plain, calibrated $calibrated" "expected below 0.003, and less when calibrated"
    fi
done

echo '1 2 999999' >"$DIR/large"
echo '1 two 3' >"$DIR/words"
: >"$DIR/empty"
bad 1 '999999' "an id outside the vocabulary" "$P" -m $GPT2 --ids-file "$DIR/large"
bad 1 'two' "a word among ids" "$P" -m $GPT2 --ids-file "$DIR/words"
bad 1 'too few' "no ids" "$P" -m $GPT2 --ids-file "$DIR/empty"
bad 1 'nosuch' "no file" "$P" -m $GPT2 --ids-file "$DIR/nosuch"
bad 2 'ids-file' "ids and text" "$P" -m $GPT2 --ids-file "$DIR/commas" -f "$DIR/commas"
bad 2 'ids-file' "ids twice" "$P" -m $GPT2 --ids-file "$DIR/commas" --ids 1 --logits "$DIR/never"
finish
