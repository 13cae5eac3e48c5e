# score.sh -- sets of questions: multiple choice and exact match.
. tests/cli/lib.sh
P="$B/perplexity"

cat >"$DIR/set" <<'END'
{"prompt": "The model is", "choices": [" the text", " zzzzz", " a"], "answer": " a"}

{"prompt": "The model is", "choices": [" the text", " a"], "answer": 0}
{"choices": ["a", "b"], "prompt": "The model is", "answer": 1, "source": "members that are not known are left alone"}
END
good "multiple choice" "$P" -m $GPT2 --score "$DIR/set" --log-level info
says "says how many" "$DIR/out" '^choices [12] of 3: (33.33|66.67) %, per byte [0-9.]+ %$'
says "the answer by its text" "$DIR/err" 'line 1: choice 2 has log probability -[0-9.]+, the answer$'
says "or by its number" "$DIR/err" 'line 3: choice 0 has log probability -[0-9.]+, the answer$'

# The log probability by hand: out of the logits of all ids.
PYTHON=
for p in /usr/bin/python3 python3; do command -v $p >/dev/null 2>&1 && PYTHON=$p && break; done
if [ -n "$PYTHON" ]; then
    prompt=$("$B/tokenizer" encode -m $GPT2 "The model is" | wc -w)
    ids=$("$B/tokenizer" encode -m $GPT2 "The model is the text" | tr ' ' ',')
    "$P" -m $GPT2 --ids "$ids" --logits "$DIR/logits" 2>"$DIR/err2"
    want=$($PYTHON - "$DIR/logits" "$ids" "$prompt" <<'END'
import math, struct, sys
ids = [int(x) for x in sys.argv[2].split(",")]
data = open(sys.argv[1], "rb").read()
width = len(data) // 4 // len(ids)
total = 0
for at in range(int(sys.argv[3]), len(ids)):
    row = struct.unpack_from("=%df" % width, data, (at - 1) * width * 4)
    top = max(row)
    total += row[ids[at]] - top - math.log(sum(math.exp(x - top) for x in row))
print("%.2f" % total)
END
)
    says "choice 0 has log probability $want" "$DIR/err" "line 1: choice 0 has log probability ${want}[0-9]*\$"
else
    skip "the log probability by hand" "no python3"
fi

# Greedy answers: the text that tests/vectors/reference.py knows.
first=$(tr '\n' ' ' <tests/models/tiny-gpt2.greedy | sed 's/"/\\"/g')
printf '{"prompt": "The model is", "answer": "  %s\\n"}\n{"prompt": "The model is", "answer": "no"}\n' "$first" >"$DIR/greedy"
good "exact match" "$P" -m $GPT2 --score "$DIR/greedy" -n 32
same "one of two" "$DIR/out" "exact 1 of 2: 50.00 %"
printf '{"prompt": "hello", "answer": "%s"}\n{"prompt": "hello", "choices": ["%s", "Go away"], "answer": 0}' "$(cat tests/models/tiny-llama.answer)" "$(cat tests/models/tiny-llama.answer)" >"$DIR/chat"
good "by the chat template" "$P" -m $LLAMA --score "$DIR/chat" --chat
same "knows the answer" "$DIR/out" "choices 1 of 1: 100.00 %, per byte 100.00 %
exact 1 of 1: 100.00 %"
good "threads and pieces" "$P" -m $LLAMA --score "$DIR/chat" --chat -t 1 --batch-tokens 3
same "make no difference" "$DIR/out" "choices 1 of 1: 100.00 %, per byte 100.00 %
exact 1 of 1: 100.00 %"

# question LINE PATTERN: refused, with the line.
question()
{
    printf '{"prompt": "a", "answer": "b"}\n%s\n' "$1" >"$DIR/bad"
    bad 1 "line 2: .*$2" "$1" "$P" -m $GPT2 --score "$DIR/bad"
}
question '{"prompt": "a"}' "'answer' must be a string"
question '{"answer": "a"}' "'prompt' must be a string"
question '{"prompt": "a", "choices": ["b"], "answer": 0}' "two or more"
question '{"prompt": "a", "choices": ["b", "c"], "answer": 2}' "an index of them"
question '{"prompt": "a", "choices": ["b", "c"], "answer": "d"}' "one of them"
question '{"prompt": "a", "choices": ["b", ""], "answer": 0}' "not empty"
question '{"prompt": "a", "choices": "b", "answer": 0}' "two or more"
question '{"prompt": "", "answer": "x"}' "the prompt has no token"
question '{"prompt": "a", "answer": "x"' 'the line'
: >"$DIR/empty"
bad 1 'holds no question' "an empty set" "$P" -m $GPT2 --score "$DIR/empty"
bad 1 'more tokens than the context' "a long question" "$P" -m $GPT2 --score "$DIR/set" -c 4
bad 1 'no tokenizer' "a model without a tokenizer" "$P" -m tests/models/trained256 --score "$DIR/set"
bad 2 'go with --score' "--chat alone" "$P" -m $GPT2 -f README.md --chat
bad 2 'does not go with' "--score and -f" "$P" -m $GPT2 --score "$DIR/set" -f README.md
finish
