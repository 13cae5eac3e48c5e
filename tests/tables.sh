#!/bin/sh
# tables.sh -- the README's tables of what storing weights in fewer bits costs.
#   sh tests/tables.sh [trained256] [stories]
# From the repository's root; environment as in tests/cli/lib.sh. Needs build/quantize, perplexity,
# inspect and chat, and for stories SHARED/data/stories260K.bin.
#
# trained256 is measured on eval.ids and calibrated with calibrate.ids; training saw neither. stories260K is
# measured on text that it writes itself (temperature 0.8, seeds 1, 2, ...) and calibrated with more
# of it from other seeds. Change: of the perplexity against F32. KL: mean KL(F32 || type) in millinats.
B=${BUILD:-build}
SHARED=${SHARED:-../shared}
DIR=${OUT:-build/test}/tables
TRAINED=tests/models/trained256
STORIES="$SHARED/data/stories260K.bin --tokenizer $SHARED/data/tok512.bin"
mkdir -p "$DIR" || exit 1

# bits FILE: bits per weight over the matrices of a GGUF file.
bits()
{
    "$B/inspect" "$1" --tensors | awk '
        / x [0-9]/ && $NF ~ /^[0-9]+$/ {
            n = 1
            for (i = 3; i < NF; i++) if ($i ~ /^[0-9]+$/) n *= $i
            weights += n; bytes += $NF
        }
        END { printf "%.2f", 8 * bytes / weights }'
}

# figures FILE BASE TEXT-OPTIONS...: "perplexity | change | KL |" of a model.
figures()
{
    file=$1
    base=$2
    shift 2
    "$B/perplexity" -m "$file" --kl "$base" "$@" 2>"$DIR/err" | awk '{
        printf "%.4f | %+.2f %% | %.2f |", $4, 100 * ($8 - 1), 1000 * $2 }'
    [ -s "$DIR/err" ] || return 1
}

# rows NAME IN TYPES TEXT-OPTIONS CALIBRATE-OPTIONS: a row for each type that build/quantize writes.
rows()
{
    echo '| type | bits per weight | perplexity | change | KL | calibrated: perplexity | change | KL |'
    echo '|---|---|---|---|---|---|---|---|'
    for type in $3; do
        out=$DIR/$1.$type
        "$B/quantize" $2 "$out.gguf" "$type" >"$DIR/log" 2>&1 || { cat "$DIR/log" >&2; continue; }
        printf '| %s | %s | %s' "$(echo "$type" | tr a-z A-Z)" "$(bits "$out.gguf")" "$(figures "$out.gguf" "$DIR/$1.f32.gguf" $4)"
        case $type in
        *f16 | f32 | q8_*) echo ' | | |' ;;
        *)
            "$B/quantize" $2 "$out.cal.gguf" "$type" $5 >"$DIR/log" 2>&1 || cat "$DIR/log" >&2
            echo " $(figures "$out.cal.gguf" "$DIR/$1.f32.gguf" $4)"
            ;;
        esac
    done
}

# stories FILE FIRST LAST: what the model writes from these seeds.
stories()
{
    seed=$2
    while [ "$seed" -le "$3" ]; do
        printf 'Once upon a time'
        "$B/chat" -m $STORIES -p 'Once upon a time' -n 400 --temp 0.8 --top-p 1 --seed "$seed" --raw 2>/dev/null || return 1
        echo
        seed=$((seed + 1))
    done >"$1"
}

ALL='f32 f16 bf16 q8_0 q8_k q6_k q5_k q5_k_s q5_k_m q5_1 q5_0 q4_k q4_k_s q4_k_m q4_1 q4_0 iq4_nl iq4_xs mxfp4
q3_k q3_k_s q3_k_m q2_k'
[ $# -gt 0 ] || set -- trained256 stories
for table in "$@"; do
    case $table in
    trained256)
        rows trained256 $TRAINED "$ALL" "--ids-file $TRAINED/eval.ids" "--calibrate-ids $TRAINED/calibrate.ids"
        ;;
    stories)
        [ -f "$SHARED/data/stories260K.bin" ] || { echo "skipped: no $SHARED/data/stories260K.bin" >&2; continue; }
        stories "$DIR/stories.txt" 1 30 || exit 1
        stories "$DIR/calibrate.txt" 101 130 || exit 1
        rows stories "$STORIES" 'f32 q8_0 q5_0 q4_0 iq4_nl' "-f $DIR/stories.txt" "--calibrate $DIR/calibrate.txt"
        ;;
    *) echo "tables.sh: no table '$table'" >&2; exit 2 ;;
    esac
    echo
done
