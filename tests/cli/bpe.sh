# bpe.sh -- tokenizer train: vocabularies from text, and what reads them.
. tests/cli/lib.sh

# The example by which BPE is usually explained (Sennrich 2016): counts by hand.
printf 'low low low low low lower lower newest newest newest newest newest newest widest widest widest' >"$DIR/low"
good "train as claude-rust is called" "$B/tokenizer" train "$DIR/low" -o "$DIR/low.d" -v 264 --min-frequency 2
same "counts" "$DIR/out" "$DIR/low.d: 264 tokens (5 merges) from 94 bytes, 5 distinct words"
# es 9, then est 9 (e 2 is the lower left), then ' l' 6, lo 7 ...: the most frequent, of those the lowest ids
head -n 3 "$DIR/low.d/merges.txt" >"$DIR/head"
same "merges.txt" "$DIR/head" "#version: 0.2
e s
es t"
same "special tokens first" "$DIR/low.d/tokenizer_config.json" '{
 "tokenizer_class": "PreTrainedTokenizerFast",
 "clean_up_tokenization_spaces": false,
 "eos_token": "<EOS>",
 "unk_token": "<UNK>",
 "pad_token": "<PAD>"
}'
good "the folder is a tokenizer" "$B/tokenizer" encode -m "$DIR/low.d" --special "<PAD>est<EOS>"
same "with its ids" "$DIR/out" "1 260 2"
for f in tokenizer.json vocab.json; do
    good "$f alone" "$B/tokenizer" encode -m "$DIR/low.d/$f" "est"
    same "gives the same id" "$DIR/out" "260"
done

# A text of the repository, several files, round trips by every way in.
good "several files" "$B/tokenizer" train README.md tests/models/tiny-gpt2.txt -o "$DIR/two" -v 2000
cat README.md tests/models/tiny-gpt2.txt >"$DIR/all"
good "standard input" sh -c "'$B/tokenizer' train - -o '$DIR/one' -v 2000 --memory 64 <'$DIR/all'"
says "is a text" "$DIR/out" "[0-9]{4} tokens .* from $(($(wc -c <"$DIR/all"))) bytes"
cp README.md "$DIR/other"
for m in two two/vocab.json two/tokenizer.json; do
    "$B/tokenizer" encode -m "$DIR/$m" -f "$DIR/other" >"$DIR/ids" 2>"$DIR/err" &&
        "$B/tokenizer" decode -m "$DIR/$m" -f "$DIR/ids" >"$DIR/back" 2>>"$DIR/err"
    if [ $? -eq 0 ] && cmp -s "$DIR/other" "$DIR/back"; then pass "$m round trip"; else fail "$m round trip" "$(head -n 1 "$DIR/err")"; fi
    [ -f "$DIR/first" ] || cp "$DIR/ids" "$DIR/first"
    if cmp -s "$DIR/ids" "$DIR/first"; then pass "$m same ids"; else fail "$m same ids"; fi
done
rm -f "$DIR/first"
bytes=$(wc -c <"$DIR/other") ids=$(wc -w <"$DIR/ids")
if [ $((ids * 2)) -lt "$bytes" ]; then pass "$bytes bytes are $ids tokens"; else fail "$bytes bytes are $ids tokens"; fi

# nanochat's: pattern, ids, special tokens and ranks.
good "nanochat" "$B/tokenizer" train README.md -o "$DIR/nano" -v 1000 --nanochat
good "its special tokens are last" "$B/tokenizer" encode -m "$DIR/nano/tokenizer.json" --special "A<|bos|><|output_end|>"
same "after 991 others" "$DIR/out" "65 991 999"
good "ranks" "$B/tokenizer" encode -m "$DIR/nano/tokenizer.tiktoken" --pattern nanochat -f "$DIR/other"
cp "$DIR/out" "$DIR/ids"
good "and tokenizer.json" "$B/tokenizer" encode -m "$DIR/nano/tokenizer.json" -f "$DIR/other"
if cmp -s "$DIR/ids" "$DIR/out"; then pass "agree"; else fail "agree"; fi

good "special tokens as asked" "$B/tokenizer" train "$DIR/low" -o "$DIR/own" -v 300 --special-tokens '<a>,<b>' --pattern qwen2
good "are there" "$B/tokenizer" encode -m "$DIR/own" --special "<b>"
same "in order" "$DIR/out" "1"
good "none" "$B/tokenizer" train "$DIR/low" -o "$DIR/own" -v 300 --special-tokens none --pattern none
good "then 0 is a byte" "$B/tokenizer" decode -m "$DIR/own" 0
same "the first letter of the alphabet" "$DIR/out" "!"
good "an empty text" "$B/tokenizer" train /dev/null -o "$DIR/own" -v 300
same "has the bytes" "$DIR/out" "$DIR/own: 259 tokens (0 merges) from 0 bytes, 0 distinct words"

bad 2 'FILE' "no file" "$B/tokenizer" train -o "$DIR/x"
bad 2 '-o DIR' "no folder" "$B/tokenizer" train "$DIR/low"
bad 2 'no option of encode' "-m" "$B/tokenizer" train "$DIR/low" -o "$DIR/x" -m "$GPT2"
bad 2 'go with train' "-v without train" "$B/tokenizer" encode -m "$GPT2" -v 300 "x"
bad 1 'vocab_size 100; with 3' "too few tokens" "$B/tokenizer" train "$DIR/low" -o "$DIR/x" -v 100
bad 1 "pattern 'gtp-2' is not known" "a pattern" "$B/tokenizer" train "$DIR/low" -o "$DIR/x" --pattern gtp-2
bad 1 'no-such-file: ' "a file" "$B/tokenizer" train "$DIR/no-such-file" -o "$DIR/x"
bad 1 'directory' "a folder as text" "$B/tokenizer" train "$DIR" -o "$DIR/x"
bad 1 'low/tokenizer.json: ' "a file as folder" "$B/tokenizer" train "$DIR/low" -o "$DIR/low"
bad 1 "'<a>' is there twice" "special tokens" "$B/tokenizer" train "$DIR/low" -o "$DIR/x" --special-tokens '<a>,<a>'
bad 1 'bytes' "too little memory" "$B/tokenizer" train llmc.h -o "$DIR/x" -v 60000 --memory 2
if [ -e "$DIR/x" ]; then fail "a failed training writes nothing"; else pass "a failed training writes nothing"; fi
finish
