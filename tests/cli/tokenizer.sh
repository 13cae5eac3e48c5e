# tokenizer.sh -- text to ids and back through the program; published vectors where present.
. tests/cli/lib.sh

# Own vectors: ids by reference.py's own BPE over its own corpus.
good "gpt2: encode a file" "$B/tokenizer" encode -m $GPT2 -f tests/models/tiny-gpt2.txt
same "gives the reference's ids" "$DIR/out" "$(cat tests/models/tiny-gpt2.ids)"

# There and back, byte for byte: ASCII, other scripts, spaces at the ends, bytes that are no UTF-8.
printf 'plain words' >"$DIR/1"
printf '  two before, two after  ' >"$DIR/2"
printf 'line\n\n  line\twith tab\n' >"$DIR/3"
printf 'caf\303\251 \342\202\254 \360\237\230\200 \346\227\245\346\234\254' >"$DIR/4"
printf 'bad \377\376\200 bytes \303' >"$DIR/5"
: >"$DIR/6"
cat README.md >"$DIR/7"
head -c 3000 $LLAMA >"$DIR/8"
for m in $LLAMA $GPT2; do
    for i in 1 2 3 4 5 6 7 8; do
        "$B/tokenizer" encode -m $m -f "$DIR/$i" >"$DIR/ids" 2>"$DIR/err" &&
            "$B/tokenizer" decode -m $m -f "$DIR/ids" >"$DIR/back" 2>>"$DIR/err"
        if [ $? -eq 0 ] && cmp -s "$DIR/$i" "$DIR/back"; then
            pass "$(basename $m) round trip $i"
        else
            fail "$(basename $m) round trip $i" "$(head -n 1 "$DIR/err")"
        fi
    done
done

good "text as an argument" "$B/tokenizer" encode -m $GPT2 "The model is"
cp "$DIR/out" "$DIR/ids"
printf 'The model is' | "$B/tokenizer" encode -m $GPT2 >"$DIR/out" 2>"$DIR/err"
same "text from stdin" "$DIR/out" "$(cat "$DIR/ids")"
good "ids as arguments" "$B/tokenizer" decode -m $GPT2 $(cat "$DIR/ids")
same "decode" "$DIR/out" "The model is"

# Control tokens in a text stay text unless asked.
good "special tokens are text" "$B/tokenizer" encode -m $LLAMA "<|im_end|>"
plain=$(wc -w <"$DIR/out")
good "unless asked" "$B/tokenizer" encode -m $LLAMA --special "<|im_end|>"
asked=$(wc -w <"$DIR/out")
if [ "$plain" -gt 2 ] && [ "$asked" -lt "$plain" ]; then pass "plain $plain ids, asked $asked"; else fail "plain $plain ids, asked $asked"; fi
good "no BOS" "$B/tokenizer" encode -m $LLAMA "Once"
without=$(wc -w <"$DIR/out")
good "BOS if asked" "$B/tokenizer" encode -m $LLAMA --bos "Once"
if [ "$(wc -w <"$DIR/out")" -eq $((without + 1)) ]; then pass "one id more"; else fail "one id more"; fi

# Published vectors: pieces of text in .inp apart by a marker line, ids of each in .out.
for v in gpt-2 llama-spm phi-3; do
    f=$SHARED/data/vocabs/ggml-vocab-$v.gguf
    if [ ! -f "$f" ]; then
        skip "$v" "no $f"
        continue
    fi
    rm -rf "$DIR/$v"
    mkdir "$DIR/$v"
    # A piece is what stands between markers, without the newline before the next marker.
    awk -v dir="$DIR/$v" '
        function flush() { printf "%s", text > (dir "/" sprintf("%03d", n)); close(dir "/" sprintf("%03d", n)); n++; text = ""; first = 1 }
        BEGIN { first = 1 }
        $0 == "__ggml_vocab_test__" { flush(); next }
        { text = text (first ? "" : "\n") $0; first = 0 }' "$f.inp"
    wrong=0 total=0
    while IFS= read -r want; do
        piece=$DIR/$v/$(printf '%03d' $total)
        total=$((total + 1))
        got=$("$B/tokenizer" encode -m "$f" -f "$piece" 2>"$DIR/err")
        [ "$(echo $got)" = "$(echo $want)" ] && continue
        wrong=$((wrong + 1))
        [ $wrong -gt 3 ] || echo "        $v, piece $total: got $got, expected $want"
    done <"$f.out"
    if [ $wrong -eq 0 ] && [ $total -gt 20 ]; then pass "$v: $total pieces"; else fail "$v: $wrong of $total pieces are wrong"; fi
done
S=$SHARED/data/tinyshakespeare.txt
for v in gpt-2 llama-spm phi-3; do
    f=$SHARED/data/vocabs/ggml-vocab-$v.gguf
    if [ ! -f "$f" ] || [ ! -f "$S" ]; then
        skip "$v round trip" "no shared data"
        continue
    fi
    "$B/tokenizer" encode -m "$f" -f "$S" >"$DIR/ids" 2>"$DIR/err" && "$B/tokenizer" decode -m "$f" -f "$DIR/ids" >"$DIR/back" 2>>"$DIR/err"
    if cmp -s "$S" "$DIR/back"; then pass "$v: Shakespeare there and back"; else fail "$v: Shakespeare there and back" "$(head -n 1 "$DIR/err")"; fi
done

# Tokenizers by themselves: files by name or content, folders with what stands beside them.
mkdir -p "$DIR/hf" "$DIR/bert" "$DIR/pair"
cat >"$DIR/hf/tokenizer.json" <<'END'
{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [{"id": 4, "content": "<end>", "special": true}],
 "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
 "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "to": 1, "be": 2, ",": 3}, "unk_token": "<unk>"}}
END
printf '{"eos_token": "<end>", "chat_template": "x"}' >"$DIR/hf/tokenizer_config.json"
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\nto\n##day\nbe\n' >"$DIR/bert/vocab.txt"
printf '{"t": 0, "o": 1, "to": 2, "\\u0120": 3, "\\u0120to": 4}' >"$DIR/pair/x-vocab.json"
printf '#version: 0.2\nt o\n\304\240 to\n' >"$DIR/pair/x-merges.txt"
printf 'dA== 0\nbw== 1\ndG8= 2\nIA== 3\n' >"$DIR/some.tiktoken"
good "a folder's tokenizer" "$B/tokenizer" encode -m "$DIR/hf" "To be, or"
same "its ids" "$DIR/out" "1 2 3 0"
good "its file" "$B/tokenizer" encode -m "$DIR/hf/tokenizer.json" --offsets "To be"
same "and places" "$DIR/out" "1:0-2 2:3-5"
good "what stands beside it" "$B/tokenizer" info -m "$DIR/hf"
if grep -q '^eos *4 <end>' "$DIR/out"; then pass "names its end"; else fail "names its end" "$(cat "$DIR/out")"; fi
good "a list of words" "$B/tokenizer" encode -m "$DIR/bert/vocab.txt" --bos --eos "Today be"
same "as BERT has it" "$DIR/out" "2 4 5 6 3"
good "vocab.json and merges.txt" "$B/tokenizer" encode -m "$DIR/pair" "to to"
same "with their ids" "$DIR/out" "2 4"
good "either of them" "$B/tokenizer" encode -m "$DIR/pair/x-vocab.json" "to to"
same "brings the other" "$DIR/out" "2 4"
good "ranks with a pattern" "$B/tokenizer" encode -m "$DIR/some.tiktoken" --pattern gpt-2 "to to"
same "for their words" "$DIR/out" "2 3 2"
bad 1 'pattern' "ranks without one" "$B/tokenizer" encode -m "$DIR/some.tiktoken" "to"
sed 's/Lowercase/Uppercase/' "$DIR/hf/tokenizer.json" >"$DIR/odd.json"
bad 1 "'Uppercase'" "a normalizer that is not known" "$B/tokenizer" encode -m "$DIR/odd.json" "to"
finish
