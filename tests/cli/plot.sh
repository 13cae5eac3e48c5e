# plot.sh -- metrics.jsonl as an SVG and as lines in the terminal.
. tests/cli/lib.sh
P="$B/plot"

cat >"$DIR/a.jsonl" <<'END'
{"step": 0, "loss": 3, "learning_rate": 0.001, "note": "text is passed over", "grad_norm/wte": 1, "grad_norm/h.0": 10}
{"step": 1, "loss": 2, "learning_rate": 0.002, "val_loss": null, "grad_norm/wte": 2, "grad_norm/h.0": 100}

{"step": 2, "loss": 1, "learning_rate": 0.001, "val_loss": 1.5, "grad_norm/wte": 4, "grad_norm/h.0": 1000}
END
mkdir -p "$DIR/b<&>"
printf '{"loss": 4}\n{"loss": 2}\n{"lo' >"$DIR/b<&>/metrics.jsonl"

good "lines" "$P" "$DIR/a.jsonl"
says "the loss falls" "$DIR/out" '^loss +3 █▅▁ 1$'
says "the rate rises and falls" "$DIR/out" '^learning_rate +0.001 ▁█▁ 0.001$'
if grep -Eq 'tokens_per_sec|grad|note' "$DIR/out"; then fail "no more than that" "$(cat "$DIR/out")"; else pass "no more than that"; fi
good "a folder, its last line cut off" "$P" "$DIR/b<&>"
says "without steps" "$DIR/out" '^loss +4 █▁ 2$'

# A frame of 748 x 172 at (76, 34), values with 4 % around them: 3, 2, 1 lie at 40.4, 120, 199.6.
good "a sheet" "$P" "$DIR/a.jsonl" -o "$DIR/a.svg" --keys loss
says "by hand" "$DIR/a.svg" 'd="M76.0 40.4L450.0 120.0L824.0 199.6"'
# of logarithms 1, 10, 100 would be as far apart
good "logarithms" "$P" "$DIR/a.jsonl" -o "$DIR/log.svg" --log --keys 'grad_norm/h.0'
says "by hand, too" "$DIR/log.svg" 'd="M76.0 199.6L450.0 120.0L824.0 40.4"'
good "two runs, all panels" "$P" "$DIR/a.jsonl" "$DIR/b<&>" -o - --keys 'loss+val_loss,grad_norm/*,learning_rate'
cp "$DIR/out" "$DIR/two.svg"
if [ "$(grep -c 'class="t"' "$DIR/two.svg")" -eq 3 ] && [ "$(grep -c 'fill="none" stroke=' "$DIR/two.svg")" -eq 6 ]; then
    pass "three panels, six curves"
else
    fail "three panels, six curves" "$(grep -c 'fill="none" stroke=' "$DIR/two.svg")"
fi
says "names are escaped" "$DIR/two.svg" 'b&lt;&amp;&gt;'
says "for dark pages, too" "$DIR/two.svg" 'prefers-color-scheme:dark'
PYTHON=
for p in /usr/bin/python3 python3; do command -v $p >/dev/null 2>&1 && PYTHON=$p && break; done
for f in a log two; do
    if [ -z "$PYTHON" ]; then
        skip "$f.svg is XML" "no python3"
    elif $PYTHON -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' "$DIR/$f.svg" 2>"$DIR/err"; then
        pass "$f.svg is XML"
    else
        fail "$f.svg is XML" "$(tail -n 1 "$DIR/err")"
    fi
done
# many points: less than two a pixel are drawn, and none is lost where it stands out
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "{\"step\": %d, \"loss\": %g}\n", i, i == 77777 ? 1000 : 1 + i % 7 }' >"$DIR/long"
good "many points" "$P" "$DIR/long" -o "$DIR/long.svg" --keys loss
if [ "$(wc -c <"$DIR/long.svg")" -lt 60000 ]; then pass "a small sheet"; else fail "a small sheet" "$(wc -c <"$DIR/long.svg") bytes"; fi
says "with its peak" "$DIR/long.svg" ' 40\.4L'
printf '{"loss": 5, "step": 7}\n' >"$DIR/one"
good "one value" "$P" "$DIR/one" -o "$DIR/one.svg"
printf '{"loss": 1e308}\n{"loss": -1e308}\n{"loss": 2}\n{"loss": 2}' >"$DIR/flat"
good "the same value again and again" "$P" "$DIR/flat" -o "$DIR/flat.svg"
if grep -q 'nan\|inf' "$DIR/one.svg" "$DIR/flat.svg"; then fail "no NaN"; else pass "no NaN"; fi

# Inside a model. The last layer predicts what the model predicts: the softmax of its logits.
W="The model is here"
good "a lens" "$P" --lens -m $GPT2 -p "$W"
cp "$DIR/out" "$DIR/lens"
if [ "$(wc -l <"$DIR/lens")" -eq 2 ]; then pass "a line a layer"; else fail "a line a layer" "$(cat "$DIR/lens")"; fi
good "attention" "$P" --attention -m $GPT2 -p "$W" --layer 1
says "head by head" "$DIR/out" "^head 3 +0\.[0-9]{3} [0-5] '"
if [ "$(grep -c '^head' "$DIR/out")" -eq 4 ]; then pass "all four"; else fail "all four" "$(cat "$DIR/out")"; fi
good "the lens as a sheet" "$P" --lens -m $LLAMA -p "Once <upon> a time" -o "$DIR/lens.svg"
good "attention as a sheet" "$P" --attention -m $LLAMA -p "Once <upon> a time" -o "$DIR/heads.svg"
if [ -n "$PYTHON" ]; then
    ids=$("$B/tokenizer" encode -m $GPT2 "$W" | tr ' ' ',')
    "$B/perplexity" -m $GPT2 --ids "$ids" --logits "$DIR/logits" --kv-type f32 2>"$DIR/err2"
    want=$($PYTHON - "$DIR/logits" "$ids" <<'END'
import math, struct, sys
data = open(sys.argv[1], "rb").read()
width = len(data) // 4 // len(sys.argv[2].split(","))
row = struct.unpack_from("=%df" % width, data, len(data) - 4 * width)
top = max(row)
print("%.3f" % (1 / sum(math.exp(x - top) for x in row)))
END
)
    says "as the model itself: $want" "$DIR/lens" "^layer 2 +$want '"
    if $PYTHON - "$DIR/lens.svg" "$DIR/heads.svg" >"$DIR/out" 2>"$DIR/err" <<'END'; then pass "sheets are XML, and each row of attention adds up to one"; else fail "sheets are XML, and each row of attention adds up to one" "$(tail -n 1 "$DIR/err")"; fi
import re, sys, xml.dom.minidom
for path in sys.argv[1:]:
    xml.dom.minidom.parse(path)
total = {}
text = open(sys.argv[2]).read()
head = -1
for m in re.finditer(r"head (\d+)<|(\d+) looks at (\d+): ([0-9.]+)", text):
    if m.group(1):
        head = int(m.group(1))
    else:
        assert int(m.group(3)) <= int(m.group(2))
        key = head, int(m.group(2))
        total[key] = total.get(key, 0) + float(m.group(4))
assert len(total) > 4 * 4 and len({h for h, q in total}) == 4, total
assert all(abs(t - 1) < 0.03 for t in total.values()), total
END
else
    skip "the model's own prediction" "no python3"
fi
bad 2 'alone' "both" "$P" --lens --attention -m $GPT2 -p x
bad 2 'alone' "with metrics" "$P" --lens -m $GPT2 -p x "$DIR/a.jsonl"
bad 2 'missing' "no prompt" "$P" --attention -m $GPT2
bad 2 'go with' "a model alone" "$P" -m $GPT2 "$DIR/a.jsonl"
bad 1 'layer 3: the model has 2' "a layer" "$P" --attention -m $GPT2 -p x --layer 3
bad 1 'has 0 tokens' "an empty prompt" "$P" --attention -m $GPT2 -p ''
bad 1 'holds no tokenizer' "a model without a tokenizer" "$P" --lens -m tests/models/trained256 -p x

bad 2 'METRICS is missing' "no file" "$P"
bad 1 'no-such-file' "a file that is not there" "$P" "$DIR/no-such-file"
bad 1 "no file has a number 'lost'" "a key" "$P" "$DIR/a.jsonl" --keys loss,lost
bad 1 'no file has a loss' "none of the usual ones" "$P" --keys '' "$DIR/a.jsonl"
printf '{"loss": 1}\nloss 2\n{"loss": 3}\n' >"$DIR/bad"
bad 1 'bad: line 2: ' "a line that is no JSON" "$P" "$DIR/bad"
printf '{"loss": 1}\n[2]\n' >"$DIR/bad"
bad 1 'line 2: is no object' "nor an object" "$P" "$DIR/bad"
: >"$DIR/empty"
bad 1 'holds no numbers' "an empty file" "$P" "$DIR/empty"
bad 2 '--log goes with -o' "--log alone" "$P" --log "$DIR/a.jsonl"
finish
