# tiny.sh -- the two generated models in tests/models, end to end.
# What they say was computed by tests/vectors/reference.py (numpy, float64).
. tests/cli/lib.sh

TALE=$(cat tests/models/tiny-llama.greedy)
ANSWER=$(cat tests/models/tiny-llama.answer)
GREEDY=$(cat tests/models/tiny-gpt2.greedy)

# Continuations, through every type and back.
text $LLAMA "Once upon" 40 >"$DIR/out"
same "llama says what the reference says" "$DIR/out" "$TALE"
text $GPT2 "The model is" 32 >"$DIR/out"
same "gpt2 says what the reference says" "$DIR/out" "$GREEDY"
for type in f32 f16 bf16 q8_0 q4_0; do
    good "quantize llama $type" "$B/quantize" $LLAMA "$DIR/llama-$type.gguf" $type
    text "$DIR/llama-$type.gguf" "Once upon" 40 >"$DIR/out"
    same "llama says it in $type" "$DIR/out" "$TALE"
done
good "quantize gpt2 f32" "$B/quantize" $GPT2 "$DIR/gpt2.gguf" f32
text "$DIR/gpt2.gguf" "The model is" 32 >"$DIR/out"
same "gpt2 says it in f32" "$DIR/out" "$GREEDY"

# Instruction sets, threads, cache types.
for o in "--isa scalar" "--isa auto" "-t 1" "-t 2" "-t 3" "-t 5" "--kv-type f32" "--kv-type f16"; do
    text $GPT2 "The model is" 32 $o >"$DIR/out"
    same "gpt2 with $o" "$DIR/out" "$GREEDY"
done

# A chat in the model's own format (ChatML, from its template).
good "chat answers" "$B/chat" -m $LLAMA -p "hello" --temp 0
same "and ends by itself" "$DIR/out" "$ANSWER"
good "chat MODEL PROMPT needs no option" "$B/chat" $LLAMA "hello"
[ -s "$DIR/out" ] && pass "and says something" || fail "and says something"
echo hello | "$B/chat" -m $LLAMA --temp 0 >"$DIR/out" 2>"$DIR/err"
same "stdin as prompt" "$DIR/out" "$ANSWER"
printf 'hello\n' >"$DIR/prompt"
good "-f FILE as prompt" "$B/chat" -m $LLAMA --temp 0 -f "$DIR/prompt"
same "says the same" "$DIR/out" "$ANSWER"
good "a system prompt" "$B/chat" -m $LLAMA --system "be kind" -p hello --temp 0
same "changes nothing here" "$DIR/out" "$ANSWER"

# Templates from a file; answers bound to a grammar or a schema, from the terminal to the last token.
cat >"$DIR/own.jinja" <<'END'
{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}{{ '<|im_start|>assistant\n' }}
END
good "--template FILE" "$B/chat" -m $LLAMA --template "$DIR/own.jinja" -p hello --temp 0
same "renders as the model's own" "$DIR/out" "$ANSWER"
cat >"$DIR/bad.jinja" <<'END'
{% if true %}
{% include "x" %}
END
bad 1 'line 2.*include' "a template that cannot be run" "$B/chat" -m $LLAMA --template "$DIR/bad.jinja" -p hello
echo 'root ::= "ab" ("c" | "d"){3} "."' >"$DIR/own.gbnf"
good "--grammar FILE" "$B/chat" -m $LLAMA --grammar "$DIR/own.gbnf" -p hello --seed 1
if grep -Eq '^ab[cd]{3}[.]$' "$DIR/out"; then pass "binds the answer"; else fail "binds the answer" "$(cat "$DIR/out")"; fi
echo 'root ::= "ab" x' >"$DIR/bad.gbnf"
bad 1 'bad.gbnf.*line 1.*x' "a grammar with a hole" "$B/chat" -m $LLAMA --grammar "$DIR/bad.gbnf" -p hello
echo '{"type": "object", "properties": {"n": {"type": "integer", "minimum": 7, "maximum": 9}}, "required": ["n"]}' >"$DIR/own.json"
good "--json-schema FILE" "$B/chat" -m $LLAMA --json-schema "$DIR/own.json" -p hello --seed 1
if grep -Eq '^[{]"n":[789][}]$' "$DIR/out"; then pass "binds the answer to it"; else fail "binds the answer to it" "$(cat "$DIR/out")"; fi
echo '{"not": {}}' >"$DIR/bad.json"
bad 1 'bad.json.*not' "a schema with a keyword that is not known" "$B/chat" -m $LLAMA --json-schema "$DIR/bad.json" -p hello
bad 2 'grammar.*json-schema' "both" "$B/chat" -m $LLAMA --grammar a --json-schema b -p hello

# -n cuts after that many tokens; results to stdout, the rest to stderr; no colour.
text $LLAMA "Once upon" 2 >"$DIR/out"
same "-n 2" "$DIR/out" " a time"
if LC_ALL=C grep -q "$(printf '\033')" "$DIR/out"; then fail "no colour into a file"; else pass "no colour into a file"; fi
text $LLAMA "Once upon" 40 --debug >"$DIR/out"
same "--debug leaves stdout alone" "$DIR/out" "$TALE"
says "--debug reports the layers on stderr" "$DIR/text.err" 'layer 2'
text $LLAMA "Once upon" 40 --log-level none >"$DIR/out"
if [ -s "$DIR/text.err" ]; then fail "--log-level none is silent" "$(head -n 2 "$DIR/text.err")"; else pass "--log-level none is silent"; fi

# The same seed says the same, another one something else.
for s in 1 1 2; do
    "$B/chat" -m $GPT2 -p "The model is" -n 24 --temp 1.5 --seed $s --raw 2>/dev/null </dev/null >>"$DIR/seed$s.out"
    cp "$DIR/seed$s.out" "$DIR/out"
    rm "$DIR/seed$s.out"
    mv "$DIR/out" "$DIR/seed$s.$((${k:=0} + 1))"
    k=$((k + 1))
done
if cmp -s "$DIR/seed1.1" "$DIR/seed1.2"; then pass "a seed repeats"; else fail "a seed repeats"; fi
if cmp -s "$DIR/seed1.1" "$DIR/seed2.3"; then fail "another seed differs"; else pass "another seed differs"; fi
finish
