/* synth.h -- writes a GGUF model of a given shape with random weights

   For tests and benchmarks: the file is complete (metadata, a vocabulary that any
   text can be written in, every tensor), so other engines read it too, and the same
   seed gives the same bytes on every machine. Included after tool.h. */
#ifndef SYNTH_H
#define SYNTH_H

typedef struct synth_shape {
    const char *name;
    bool gpt2; /* else llama */
    bool tied; /* the head is the token embedding */
    uint32_t d, l, h, kv, ff, v, ctx;
    bool mixed; /* TYPE was a mix, "q4_k_m": set by synth_type */
    float base; /* of RoPE; 0: 10000 */
} synth_shape;

static const synth_shape synth_named[] = {
    /* name            gpt2   tied   d     l   h   kv  ff     v      ctx   */
    {"tinyllama-1.1b", false, false, 2048, 22, 32, 4, 5632, 32000, 2048, false, 0},
    {"mistral-7b", false, false, 4096, 32, 32, 8, 14336, 32000, 32768, false, 0},
    {"gpt2-124m", true, true, 768, 12, 12, 12, 3072, 50257, 1024, false, 0},
    {"llama-tiny", false, false, 64, 3, 4, 2, 160, 512, 256, false, 0},
    {"gpt2-tiny", true, true, 64, 3, 4, 4, 256, 512, 256, false, 0},
};

static const char synth_shapes[] =
    "SHAPE: tinyllama-1.1b, mistral-7b, gpt2-124m, llama-tiny, gpt2-tiny; or KEY=VALUE,...\n"
    "(also after a name, to change it): family=llama|gpt2, d width, l layers, h heads,\n"
    "kv heads for keys and values, ff feed-forward width, v vocabulary, ctx context,\n"
    "tied=0|1. TYPE: f32, f16, bf16, q8_0, q4_0 ... q6_k, iq4_nl; q4_k_m, q5_k_m.";

/* One setting KEY=VALUE of a shape; len bytes of item. */
static inline void synth_set(synth_shape *s, const char *item, size_t len)
{
    static const char *const key[] = {"d", "l", "h", "kv", "ff", "v", "ctx"};
    uint32_t *const field[] = {&s->d, &s->l, &s->h, &s->kv, &s->ff, &s->v, &s->ctx};
    char text[64];
    char *value;
    size_t i;
    snprintf(text, sizeof text, "%.*s", (int)(len < 63 ? len : 63), item);
    value = strchr(text, '=');
    if (value == NULL)
        tool_misused("shape '%s' is not known", text);
    *value++ = 0;
    if (strcmp(text, "family") == 0 && (strcmp(value, "llama") == 0 || strcmp(value, "gpt2") == 0)) {
        s->gpt2 = value[0] == 'g';
        return;
    }
    if (strcmp(text, "tied") == 0 && (strcmp(value, "0") == 0 || strcmp(value, "1") == 0)) {
        s->tied = value[0] == '1';
        return;
    }
    for (i = 0; i < TOOL_COUNT_OF(key); i++)
        if (strcmp(text, key[i]) == 0) {
            *field[i] = (uint32_t)tool_number(text, value, 1u << 24);
            return;
        }
    tool_misused("shape: '%s=%s' is not known", text, value);
}

/* What --config says of a model, as a llama: as many weights as the two matrices of four times the width that
   such files mean, in three; the context is the original one, since scaling is for the engine. Without text
   (see synth_parse) n_embd, n_head and n_layer must be there. */
static inline synth_shape synth_configured(void)
{
    const tool_shape *c = &tool_opt.shape;
    synth_shape s = synth_named[3];
    if (c->n_embd == 0 || c->n_head == 0 || c->n_layer == 0)
        tool_misused("%s: no shape without n_embd, n_head and n_layer", tool_opt.config);
    s.d = c->n_embd;
    s.h = c->n_head;
    s.kv = c->n_kv_heads; /* 0, as of ff: settled when the shape is complete */
    s.l = c->n_layer;
    s.ff = 0;
    s.v = c->vocab_size != 0 ? c->vocab_size : 50257;
    s.ctx = c->max_seq_len != 0 ? c->max_seq_len : 1024;
    if (c->original_max_seq_len != 0 && c->original_max_seq_len < s.ctx)
        s.ctx = c->original_max_seq_len;
    s.base = c->rope_base;
    return s;
}

/* NAME, NAME,KEY=VALUE,... or KEY=VALUE,...; with --config KEY=VALUE,... to change its shape, and "" as it
   is. Ends the program if it is none. */
static inline synth_shape synth_parse(const char *text)
{
    synth_shape s = synth_named[3];
    bool configured = tool_opt.config != NULL && tool_opt.shape.n_embd != 0;
    const char *at = text;
    size_t i, len = strcspn(at, ",");
    if (configured || *text == 0)
        s = synth_configured();
    s.name = "synth";
    for (i = 0; i < TOOL_COUNT_OF(synth_named); i++)
        if (strlen(synth_named[i].name) == len && memcmp(synth_named[i].name, at, len) == 0) {
            s = synth_named[i];
            at += len;
        }
    if (at == text && !configured)
        s.kv = 0; /* as many as heads, unless given */
    while (*at != 0) {
        at += *at == ',';
        len = strcspn(at, ",");
        synth_set(&s, at, len);
        at += len;
    }
    if (s.kv == 0 || s.gpt2)
        s.kv = s.h;
    if (configured && s.ff == 0 && s.d <= 1u << 24)
        s.ff = (s.d * 8 / 3 + 255) / 256 * 256;
    if (s.d == 0 || s.l == 0 || s.h == 0 || s.ff == 0 || s.ctx == 0 || s.d % s.h != 0 || s.h % s.kv != 0 ||
        s.d / s.h % 2 != 0)
        tool_misused("shape: d must be an even multiple of h, h a multiple of kv, nothing 0");
    if (s.v < (s.gpt2 ? 257 : 356))
        tool_misused("shape: v must be at least %d", s.gpt2 ? 257 : 356);
    return s;
}

/* TYPE by name; of a mix its main type, and the shape remembers that it is one. */
static inline llmc_dtype synth_type(synth_shape *s, const char *text)
{
    static const char *const mix[] = {"q4_k_m", "q5_k_m", "Q4_K_M", "Q5_K_M"};
    llmc_dtype type;
    size_t i;
    for (i = 0; i < TOOL_COUNT_OF(mix); i++)
        if (strcmp(text, mix[i]) == 0) {
            s->mixed = true;
            return i % 2 == 0 ? LLMC_Q4_K : LLMC_Q5_K;
        }
    type = tool_dtype("TYPE", text);
    if (type == LLMC_I8 || type == LLMC_I8R || type == LLMC_MXFP4S)
        tool_misused("TYPE: GGUF has no scales apart");
    return type;
}

/* ---- output in pieces ------------------------------------------------------------- */

typedef struct synth_sink {
    uint8_t *data; /* what is not written yet */
    size_t n, cap;
    uint64_t written, total; /* bytes */
    uint64_t keys;           /* metadata values so far */
    const llmc_writer *writer;
    llmc_progress progress;
    llmc_rng rng;
} synth_sink;

static inline void synth_flush(synth_sink *o)
{
    errno = 0;
    if (o->n != 0 && !o->writer->write(o->writer->user, o->data, o->n))
        tool_die("cannot write the model: %s", errno != 0 ? strerror(errno) : "the output ended");
    o->written += o->n;
    o->n = 0;
    if (!o->progress.fn(o->progress.user, "writing", o->written, o->total))
        tool_die("interrupted");
}

/* Room for n <= cap bytes, to be filled by the caller. */
static inline uint8_t *synth_room(synth_sink *o, size_t n)
{
    uint8_t *p;
    if (o->n + n > o->cap)
        synth_flush(o);
    p = o->data + o->n;
    o->n += n;
    return p;
}

static inline void synth_put(synth_sink *o, uint64_t v, size_t bytes)
{
    uint8_t *p = synth_room(o, bytes);
    size_t i;
    for (i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline void synth_put_f32(synth_sink *o, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    synth_put(o, bits, 4);
}

static inline void synth_put_text(synth_sink *o, const char *text, size_t n)
{
    synth_put(o, n, 8);
    memcpy(synth_room(o, n), text, n);
}

/* GGUF's numbers for value types. */
enum { SYNTH_U32 = 4, SYNTH_I32 = 5, SYNTH_F32 = 6, SYNTH_BOOL = 7, SYNTH_STRING = 8, SYNTH_ARRAY = 9 };

static inline void synth_key(synth_sink *o, const char *key, uint32_t type)
{
    o->keys++;
    synth_put_text(o, key, strlen(key));
    synth_put(o, type, 4);
}

static inline void synth_u32(synth_sink *o, const char *key, uint32_t v)
{
    synth_key(o, key, SYNTH_U32);
    synth_put(o, v, 4);
}

static inline void synth_string(synth_sink *o, const char *key, const char *v)
{
    synth_key(o, key, SYNTH_STRING);
    synth_put_text(o, v, strlen(v));
}

static inline void synth_bool(synth_sink *o, const char *key, bool v)
{
    synth_key(o, key, SYNTH_BOOL);
    synth_put(o, v, 1);
}

static inline void synth_array(synth_sink *o, const char *key, uint32_t type, uint64_t n)
{
    synth_key(o, key, SYNTH_ARRAY);
    synth_put(o, type, 4);
    synth_put(o, n, 8);
}

/* ---- a made-up vocabulary ----------------------------------------------------------- */

/* Pieces that grow by joining two earlier ones, as byte-pair training would leave them. */
typedef struct synth_piece {
    char text[32];
    uint8_t len;
    uint8_t kind;         /* llmc_token_kind       */
    uint32_t left, right; /* ids that it joins, or 0, 0 */
} synth_piece;

typedef struct synth_vocab {
    synth_piece *piece;
    uint32_t n, cap;
    uint32_t *slot; /* id + 1 by hash of the text; 0: free */
    uint32_t mask;
} synth_vocab;

/* Adds a piece unless its text is there already. */
static inline bool synth_add(synth_vocab *v, const char *text, size_t len, llmc_token_kind kind,
                             uint32_t left, uint32_t right)
{
    uint32_t hash = 2166136261u;
    synth_piece *p = &v->piece[v->n];
    size_t i;
    for (i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 16777619u;
    for (hash &= v->mask; v->slot[hash] != 0; hash = (hash + 1) & v->mask) {
        const synth_piece *q = &v->piece[v->slot[hash] - 1];
        if (q->len == len && memcmp(q->text, text, len) == 0)
            return false;
    }
    memset(p, 0, sizeof *p);
    memcpy(p->text, text, len);
    p->len = (uint8_t)len;
    p->kind = (uint8_t)kind;
    p->left = left;
    p->right = right;
    v->slot[hash] = ++v->n;
    return true;
}

static inline size_t synth_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    out[0] = (char)(0xe0 | (c >> 12));
    out[1] = (char)(0x80 | (c >> 6 & 63));
    out[2] = (char)(0x80 | (c & 63));
    return 3;
}

/* <unk> <s> </s>, 256 bytes, the word mark U+2581, printable ASCII. */
static inline void synth_spm_base(synth_vocab *v)
{
    char text[8];
    uint32_t i;
    synth_add(v, "<unk>", 5, LLMC_TOKEN_UNKNOWN, 0, 0);
    synth_add(v, "<s>", 3, LLMC_TOKEN_CONTROL, 0, 0);
    synth_add(v, "</s>", 4, LLMC_TOKEN_CONTROL, 0, 0);
    for (i = 0; i < 256; i++) {
        snprintf(text, sizeof text, "<0x%02X>", i);
        synth_add(v, text, 6, LLMC_TOKEN_BYTE, 0, 0);
    }
    synth_add(v, text, synth_utf8(0x2581, text), LLMC_TOKEN_NORMAL, 0, 0);
    for (i = 0x21; i < 0x7f; i++)
        synth_add(v, text, synth_utf8(i, text), LLMC_TOKEN_NORMAL, 0, 0);
}

/* GPT-2's alphabet: every byte as a printable character (its own code point, or the
   next one from U+0100 on). */
static inline void synth_bpe_base(synth_vocab *v)
{
    char text[8];
    uint32_t i, next = 0x100;
    for (i = 0; i < 256; i++) {
        bool printable = (i >= 0x21 && i <= 0x7e) || (i >= 0xa1 && i != 0xad);
        synth_add(v, text, synth_utf8(printable ? i : next++, text), LLMC_TOKEN_NORMAL, 0, 0);
    }
}

/* The id of a letter, drawn about as often as English has it. */
static inline uint32_t synth_letter(bool gpt2, llmc_rng *rng)
{
    static const char often[] = "eeeeeetttttaaaaoooiiinnnssshhhrrrdddlllcuumwfgypbvkxjqz";
    uint32_t c = (uint8_t)often[llmc_rng_u64(rng) % (sizeof often - 1)];
    return gpt2 ? c : 3 + 256 + 1 + (c - 0x21);
}

/* The id of the piece that marks the begin of a word. */
static inline uint32_t synth_mark(bool gpt2)
{
    return gpt2 ? 32 : 3 + 256;
}

static inline void synth_grow(synth_vocab *v, uint32_t count, bool gpt2, llmc_rng *rng)
{
    uint32_t base = v->n, tries = 0;
    while (v->n < count) {
        const synth_piece *a, *b;
        char text[32];
        uint64_t r = llmc_rng_u64(rng);
        uint32_t left, right;
        if (r % 3 == 0 || v->n < base + 40)
            left = r % 2 == 0 ? synth_mark(gpt2) : synth_letter(gpt2, rng);
        else
            left = base + (uint32_t)((r >> 8) % (v->n - base));
        right = v->n < base + 40 || r % 5 < 3 ? synth_letter(gpt2, rng)
                                              : base + (uint32_t)((r >> 36) % (v->n - base));
        a = &v->piece[left];
        b = &v->piece[right];
        /* the mark stands only at the begin of a word */
        if ((size_t)a->len + b->len > (tries > 1000 ? 30u : 14u) ||
            memcmp(b->text, v->piece[synth_mark(gpt2)].text, gpt2 ? 2 : 3) == 0) {
            tries++;
            continue;
        }
        memcpy(text, a->text, a->len);
        memcpy(text + a->len, b->text, b->len);
        tries = synth_add(v, text, (size_t)a->len + b->len, LLMC_TOKEN_NORMAL, left, right) ? 0 : tries + 1;
    }
}

static inline synth_vocab synth_make_vocab(const synth_shape *s, llmc_rng *rng)
{
    synth_vocab v;
    v.cap = s->v;
    v.n = 0;
    for (v.mask = 1024; v.mask < 2 * s->v;)
        v.mask *= 2;
    v.piece = (synth_piece *)tool_alloc(s->v, sizeof *v.piece);
    v.slot = (uint32_t *)tool_alloc(v.mask, sizeof *v.slot);
    v.mask--;
    if (s->gpt2) {
        synth_bpe_base(&v);
        synth_grow(&v, s->v - 1, true, rng);
        synth_add(&v, "<|endoftext|>", 13, LLMC_TOKEN_CONTROL, 0, 0);
    } else {
        synth_spm_base(&v);
        synth_grow(&v, s->v, false, rng);
    }
    return v;
}

static inline void synth_put_merges(synth_sink *o, const synth_vocab *v)
{
    uint32_t i, n = 0;
    for (i = 0; i < v->n; i++)
        n += v->piece[i].right != 0;
    synth_array(o, "tokenizer.ggml.merges", SYNTH_STRING, n);
    for (i = 0; i < v->n; i++) {
        const synth_piece *p = &v->piece[i];
        char text[64];
        int len;
        if (p->right == 0)
            continue;
        len = snprintf(text, sizeof text, "%s %s", v->piece[p->left].text, v->piece[p->right].text);
        synth_put_text(o, text, (size_t)len);
    }
}

static inline void synth_put_vocab(synth_sink *o, const synth_vocab *v, bool gpt2)
{
    uint32_t i;
    synth_string(o, "tokenizer.ggml.model", gpt2 ? "gpt2" : "llama");
    synth_string(o, "tokenizer.ggml.pre", gpt2 ? "gpt-2" : "default");
    synth_array(o, "tokenizer.ggml.tokens", SYNTH_STRING, v->n);
    for (i = 0; i < v->n; i++)
        synth_put_text(o, v->piece[i].text, v->piece[i].len);
    if (!gpt2) {
        synth_array(o, "tokenizer.ggml.scores", SYNTH_F32, v->n);
        for (i = 0; i < v->n; i++)
            synth_put_f32(o, i < 259 ? 0.0f : -(float)(i - 259));
    }
    synth_array(o, "tokenizer.ggml.token_type", SYNTH_I32, v->n);
    for (i = 0; i < v->n; i++)
        synth_put(o, v->piece[i].kind, 4);
    if (gpt2)
        synth_put_merges(o, v);
    synth_u32(o, "tokenizer.ggml.bos_token_id", gpt2 ? v->n - 1 : 1);
    synth_u32(o, "tokenizer.ggml.eos_token_id", gpt2 ? v->n - 1 : 2);
    if (!gpt2)
        synth_u32(o, "tokenizer.ggml.unknown_token_id", 0);
    synth_bool(o, "tokenizer.ggml.add_bos_token", !gpt2);
    if (!gpt2)
        synth_bool(o, "tokenizer.ggml.add_eos_token", false);
}

/* ---- tensors -------------------------------------------------------------------------- */

typedef enum synth_fill { SYNTH_WEIGHT, SYNTH_ONES, SYNTH_THREES, SYNTH_SMALL } synth_fill;

typedef struct synth_tensor {
    char name[LLMC_NAME_MAX];
    uint64_t dim[2]; /* dim[1] 0: a vector */
    llmc_dtype type;
    synth_fill fill;
    float deviation; /* SYNTH_WEIGHT */
} synth_tensor;

typedef struct synth_list {
    synth_tensor *at;
    uint32_t n;
    llmc_dtype type;
} synth_list;

/* gain 1 keeps the size of what the matrix multiplies. */
static inline void synth_matrix(synth_list *t, const char *name, uint64_t in, uint64_t out, double gain)
{
    synth_tensor *w = &t->at[t->n++];
    double guess = 1.0;
    int i;
    snprintf(w->name, sizeof w->name, "%.48s.weight", name);
    w->dim[0] = in;
    w->dim[1] = out;
    w->type = t->type;
    w->fill = SYNTH_WEIGHT;
    for (i = 0; i < 60; i++) /* Newton's square root: a tool links no libm */
        guess = 0.5 * (guess + (double)in / guess);
    w->deviation = (float)(gain / guess);
    if (in % llmc_dtype_block(t->type) != 0)
        tool_die("%s: rows of %llu do not divide into the blocks of %s", w->name, (unsigned long long)in,
                 llmc_dtype_name(t->type));
}

static inline void synth_vector(synth_list *t, const char *name, const char *what, uint64_t n)
{
    synth_tensor *w = &t->at[t->n++];
    snprintf(w->name, sizeof w->name, "%.48s.%.12s", name, what);
    w->dim[0] = n;
    w->type = LLMC_F32;
    w->fill = strcmp(what, "bias") == 0 ? SYNTH_SMALL : SYNTH_ONES;
}

/* A norm of width n: its weight, in GPT-2 also its bias. */
static inline void synth_norm(synth_list *t, const synth_shape *s, const char *name)
{
    synth_vector(t, name, "weight", s->d);
    if (s->gpt2)
        synth_vector(t, name, "bias", s->d);
}

/* Name of a tensor of layer l. */
static inline const char *synth_in_layer(char out[LLMC_NAME_MAX], uint32_t l, const char *name)
{
    snprintf(out, LLMC_NAME_MAX, "blk.%u.%s", l, name);
    return out;
}

/* In a mix values and the way down have 6 bits in the first and last eighth of the layers and in every third
   between, as llama.cpp's quantize gives them (and 14.12 of llmc.h). */
static inline void synth_better(synth_list *t, const synth_shape *s, uint32_t l)
{
    if (s->mixed && (l < s->l / 8 || l >= 7 * s->l / 8 || (l - s->l / 8) % 3 == 2))
        t->at[t->n - 1].type = LLMC_Q6_K;
}

static inline void synth_llama_layer(synth_list *t, const synth_shape *s, uint32_t l)
{
    char name[LLMC_NAME_MAX];
    uint64_t kv = (uint64_t)s->d / s->h * s->kv;
    synth_norm(t, s, synth_in_layer(name, l, "attn_norm"));
    synth_matrix(t, synth_in_layer(name, l, "attn_q"), s->d, s->d, 1.0);
    synth_matrix(t, synth_in_layer(name, l, "attn_k"), s->d, kv, 1.0);
    synth_matrix(t, synth_in_layer(name, l, "attn_v"), s->d, kv, 1.0);
    synth_better(t, s, l);
    synth_matrix(t, synth_in_layer(name, l, "attn_output"), s->d, s->d, 1.0);
    synth_norm(t, s, synth_in_layer(name, l, "ffn_norm"));
    synth_matrix(t, synth_in_layer(name, l, "ffn_gate"), s->d, s->ff, 1.0);
    synth_matrix(t, synth_in_layer(name, l, "ffn_up"), s->d, s->ff, 1.0);
    synth_matrix(t, synth_in_layer(name, l, "ffn_down"), s->ff, s->d, 1.0);
    synth_better(t, s, l);
}

static inline void synth_gpt2_layer(synth_list *t, const synth_shape *s, uint32_t l)
{
    char name[LLMC_NAME_MAX];
    synth_norm(t, s, synth_in_layer(name, l, "attn_norm"));
    synth_matrix(t, synth_in_layer(name, l, "attn_qkv"), s->d, 3 * (uint64_t)s->d, 1.0);
    synth_vector(t, name, "bias", 3 * (uint64_t)s->d);
    synth_matrix(t, synth_in_layer(name, l, "attn_output"), s->d, s->d, 1.0);
    synth_vector(t, name, "bias", s->d);
    synth_norm(t, s, synth_in_layer(name, l, "ffn_norm"));
    synth_matrix(t, synth_in_layer(name, l, "ffn_up"), s->d, s->ff, 1.0);
    synth_vector(t, name, "bias", s->ff);
    synth_matrix(t, synth_in_layer(name, l, "ffn_down"), s->ff, s->d, 1.0);
    synth_better(t, s, l);
    synth_vector(t, name, "bias", s->d);
}

/* Every tensor in the order of the file. The logits are spread enough that the most
   likely token stands out: by the head's gain, or, where the head is the embedding, by
   the last norm (a larger embedding would make the model repeat its input). */
static inline synth_list synth_tensors(const synth_shape *s, llmc_dtype type)
{
    synth_list t;
    uint32_t l;
    t.at = (synth_tensor *)tool_alloc(8 + 16 * (size_t)s->l, sizeof *t.at);
    t.n = 0;
    t.type = type;
    synth_matrix(&t, "token_embd", s->d, s->v, s->tied ? 1.0 : 3.0);
    if (s->mixed && s->tied)
        t.at[t.n - 1].type = LLMC_Q6_K;
    if (s->gpt2) {
        synth_matrix(&t, "position_embd", s->d, s->ctx, 1.0);
        t.at[t.n - 1].type = LLMC_F32;
    }
    for (l = 0; l < s->l; l++)
        if (s->gpt2)
            synth_gpt2_layer(&t, s, l);
        else
            synth_llama_layer(&t, s, l);
    synth_norm(&t, s, "output_norm");
    if (s->tied)
        t.at[t.n - (s->gpt2 ? 2 : 1)].fill = SYNTH_THREES;
    else {
        synth_matrix(&t, "output", s->d, s->v, 3.0);
        if (s->mixed)
            t.at[t.n - 1].type = LLMC_Q6_K;
    }
    return t;
}

/* Normal numbers to draw from: exactly mean 0 and variance 1, sorted by nothing. Drawing
   costs a look-up, so that a gigabyte takes seconds. */
#define SYNTH_NORMALS 4096

typedef struct synth_source {
    float normal[SYNTH_NORMALS];
    uint8_t q8[SYNTH_NORMALS];       /* int8, 127 at 3.5 deviations       */
    uint8_t q4[SYNTH_NORMALS];       /* 0..15 around 8, 8 at 2.8          */
    uint8_t bits[4 * SYNTH_NORMALS]; /* of the type in hand, little-endian */
} synth_source;

static inline uint8_t synth_code(float x, float unit, int low, int high, int zero)
{
    float y = x / unit;
    int q = (int)(y < 0 ? y - 0.5f : y + 0.5f);
    return (uint8_t)((q < low ? low : q > high ? high : q) + zero);
}

static inline void synth_prepare(synth_source *z, llmc_rng *rng)
{
    double sum = 0, squares = 0, scale = 1;
    uint32_t i;
    for (i = 0; i < SYNTH_NORMALS; i++) {
        z->normal[i] = llmc_rng_normal(rng);
        sum += (double)z->normal[i];
    }
    for (i = 0; i < SYNTH_NORMALS; i++) {
        double x = (double)z->normal[i] - sum / SYNTH_NORMALS;
        volatile double product = x * x; /* rounded, whether or not there is fma */
        squares += product;
    }
    for (i = 0; i < 60; i++)
        scale = 0.5 * (scale + squares / SYNTH_NORMALS / scale);
    for (i = 0; i < SYNTH_NORMALS; i++) {
        z->normal[i] = (float)(((double)z->normal[i] - sum / SYNTH_NORMALS) / scale);
        z->q8[i] = synth_code(z->normal[i], 3.5f / 127.0f, -127, 127, 0);
        z->q4[i] = synth_code(z->normal[i], 2.8f / 8.0f, -8, 7, 8);
    }
}

/* The f16 nearest to v, by the library's own conversion. */
static inline uint32_t synth_f16(float v)
{
    uint8_t bytes[2];
    llmc_quantize(LLMC_F16, &v, 1, bytes);
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

/* n elements, a multiple of 32, of 8- or 4-bit blocks. Scales vary by a quarter. */
static inline void synth_blocks(synth_sink *o, const synth_source *z, uint64_t n, bool four, float deviation)
{
    uint32_t scale[16], i;
    uint64_t block;
    for (i = 0; i < 16; i++)
        scale[i] = synth_f16(deviation * (four ? 2.8f / 8.0f : 3.5f / 127.0f) * (0.75f + (float)i / 30.0f));
    for (block = 0; block < n / 32; block++) {
        uint8_t *p = synth_room(o, four ? 18 : 34);
        uint64_t r = llmc_rng_u64(&o->rng);
        uint32_t d = scale[r >> 60];
        *p++ = (uint8_t)d;
        *p++ = (uint8_t)(d >> 8);
        for (i = 0; i < 32; i += 4) {
            r = llmc_rng_u64(&o->rng);
            if (four) {
                *p++ = (uint8_t)(z->q4[r & 4095] | z->q4[r >> 16 & 4095] << 4);
                *p++ = (uint8_t)(z->q4[r >> 32 & 4095] | z->q4[r >> 48 & 4095] << 4);
            } else {
                *p++ = z->q8[r & 4095];
                *p++ = z->q8[r >> 16 & 4095];
                *p++ = z->q8[r >> 32 & 4095];
                *p++ = z->q8[r >> 48 & 4095];
            }
        }
    }
}

/* n elements of a plain type: mean + deviation * normal. */
static inline void synth_plain(synth_sink *o, synth_source *z, uint64_t n, llmc_dtype type, float mean,
                               float deviation)
{
    size_t size = llmc_dtype_bytes(type, 1);
    float value[SYNTH_NORMALS];
    uint64_t i, r = 0;
    uint32_t j;
    for (j = 0; j < SYNTH_NORMALS; j++) {
        volatile float product = deviation * z->normal[j]; /* rounded, whether or not there is fma */
        value[j] = mean + product;
    }
    llmc_quantize(type, value, SYNTH_NORMALS, z->bits);
    for (i = 0; i < n; i++, r >>= 16) {
        if (i % 4 == 0)
            r = llmc_rng_u64(&o->rng);
        memcpy(synth_room(o, size), z->bits + size * (r & 4095), size);
    }
}

/* n elements of any other type in blocks: normal numbers quantised once, blocks drawn among those. */
static inline void synth_drawn(synth_sink *o, synth_source *z, uint64_t n, llmc_dtype type, float deviation)
{
    size_t block = llmc_dtype_block(type), bytes = llmc_dtype_bytes(type, block),
           kinds = SYNTH_NORMALS / block;
    float value[SYNTH_NORMALS];
    uint64_t i;
    uint32_t j;
    for (j = 0; j < SYNTH_NORMALS; j++)
        value[j] = deviation * z->normal[j];
    if (llmc_quantize(type, value, SYNTH_NORMALS, z->bits) != LLMC_OK)
        tool_die("nothing here quantises to %s", llmc_dtype_name(type));
    for (i = 0; i < n / block; i++)
        memcpy(synth_room(o, bytes), z->bits + bytes * ((size_t)(llmc_rng_u64(&o->rng) >> 40) % kinds),
               bytes);
}

static inline uint64_t synth_size(const synth_tensor *t)
{
    return llmc_dtype_bytes(t->type, (size_t)(t->dim[0] * (t->dim[1] != 0 ? t->dim[1] : 1)));
}

static inline void synth_pad(synth_sink *o)
{
    while ((o->written + o->n) % 32 != 0)
        synth_put(o, 0, 1);
}

static inline void synth_data(synth_sink *o, synth_source *z, const synth_tensor *t)
{
    uint64_t n = t->dim[0] * (t->dim[1] != 0 ? t->dim[1] : 1);
    if (t->fill == SYNTH_ONES)
        synth_plain(o, z, n, t->type, 1.0f, 0.05f);
    else if (t->fill == SYNTH_THREES)
        synth_plain(o, z, n, t->type, 3.0f, 0.15f);
    else if (t->fill == SYNTH_SMALL)
        synth_plain(o, z, n, t->type, 0.0f, 0.02f);
    else if (t->type == LLMC_Q8_0 || t->type == LLMC_Q4_0)
        synth_blocks(o, z, n, t->type == LLMC_Q4_0, t->deviation);
    else if (llmc_dtype_block(t->type) > 1)
        synth_drawn(o, z, n, t->type, t->deviation);
    else
        synth_plain(o, z, n, t->type, 0.0f, t->deviation);
    synth_pad(o);
}

/* Where the tensors lie, and the sum of their bytes. */
static inline uint64_t synth_put_infos(synth_sink *o, const synth_list *t)
{
    static const uint32_t number[LLMC_DTYPE_COUNT] = {
        0, 0, 1, 30, 8, 2, 24, 3, 6, 7, 10, 11, 12, 13, 14, 15, 20, 23, 39}; /* GGUF's, by llmc_dtype */
    uint64_t at = 0;
    uint32_t i;
    for (i = 0; i < t->n; i++) {
        const synth_tensor *w = &t->at[i];
        synth_put_text(o, w->name, strlen(w->name));
        synth_put(o, w->dim[1] != 0 ? 2 : 1, 4);
        synth_put(o, w->dim[0], 8);
        if (w->dim[1] != 0)
            synth_put(o, w->dim[1], 8);
        synth_put(o, number[w->type], 4);
        synth_put(o, at, 8);
        at += (synth_size(w) + 31) / 32 * 32;
    }
    return at;
}

/* ---- the file ---------------------------------------------------------------------------- */

static inline void synth_family_u32(synth_sink *o, const synth_shape *s, const char *what, uint32_t v)
{
    char key[64];
    snprintf(key, sizeof key, "%s.%s", s->gpt2 ? "gpt2" : "llama", what);
    synth_u32(o, key, v);
}

static inline void synth_put_config(synth_sink *o, const synth_shape *s, llmc_dtype type)
{
    static const uint32_t file_type[LLMC_DTYPE_COUNT] = {0,  0,  1,  32, 7,  2, 0,  3,  8, 9,
                                                         10, 12, 15, 17, 18, 0, 25, 30, 38};
    synth_string(o, "general.architecture", s->gpt2 ? "gpt2" : "llama");
    synth_string(o, "general.name", s->name);
    synth_u32(o, "general.file_type", file_type[type]);
    synth_u32(o, "general.quantization_version", 2);
    synth_u32(o, "general.alignment", 32);
    synth_family_u32(o, s, "block_count", s->l);
    synth_family_u32(o, s, "context_length", s->ctx);
    synth_family_u32(o, s, "embedding_length", s->d);
    synth_family_u32(o, s, "feed_forward_length", s->ff);
    synth_family_u32(o, s, "attention.head_count", s->h);
    synth_family_u32(o, s, "attention.head_count_kv", s->kv);
    synth_family_u32(o, s, "vocab_size", s->v);
    synth_key(o, s->gpt2 ? "gpt2.attention.layer_norm_epsilon" : "llama.attention.layer_norm_rms_epsilon",
              SYNTH_F32);
    synth_put_f32(o, 1e-5f);
    if (!s->gpt2) {
        synth_u32(o, "llama.rope.dimension_count", s->d / s->h);
        synth_key(o, "llama.rope.freq_base", SYNTH_F32);
        synth_put_f32(o, s->base > 0 ? s->base : 10000.0f);
    }
}

static inline void synth_put_metadata(synth_sink *o, const synth_shape *s, llmc_dtype type,
                                      const synth_vocab *v)
{
    synth_put_config(o, s, type);
    synth_put_vocab(o, v, s->gpt2);
}

static inline bool synth_nowhere(void *user, const void *data, size_t n)
{
    (void)user;
    (void)data;
    (void)n;
    return true;
}

/* A sink without random numbers; the caller frees data. */
static inline synth_sink synth_sink_to(const llmc_writer *writer, llmc_progress progress)
{
    synth_sink o;
    memset(&o, 0, sizeof o);
    o.cap = 1 << 20;
    o.data = (uint8_t *)tool_alloc(o.cap, 1);
    o.total = UINT64_MAX;
    o.writer = writer;
    o.progress = progress;
    return o;
}

/* How many values the metadata has: written once to nowhere. */
static inline uint64_t synth_count_keys(const synth_shape *s, llmc_dtype type, const synth_vocab *v,
                                        llmc_progress progress)
{
    llmc_writer nowhere;
    synth_sink o;
    nowhere.write = synth_nowhere;
    nowhere.user = NULL;
    o = synth_sink_to(&nowhere, progress);
    synth_put_metadata(&o, s, type, v);
    free(o.data);
    return o.keys;
}

/* Bytes that are enough for the model: its tensors to the byte, metadata and vocabulary by what they can be
   at most. */
static inline uint64_t synth_bytes(const synth_shape *s, llmc_dtype type)
{
    synth_list t = synth_tensors(s, type);
    uint64_t bytes = (1u << 16) + (uint64_t)s->v * 256;
    uint32_t i;
    for (i = 0; i < t.n; i++)
        bytes += synth_size(&t.at[i]) + LLMC_NAME_MAX + 64;
    free(t.at);
    return bytes;
}

/* Writes the whole model. Ends the program if the writer fails or the user interrupts. */
static inline void synth_write(const synth_shape *s, llmc_dtype type, uint64_t seed,
                               const llmc_writer *writer, llmc_progress progress)
{
    synth_sink o = synth_sink_to(writer, progress);
    synth_list t = synth_tensors(s, type);
    synth_source *z = (synth_source *)tool_alloc(1, sizeof *z);
    synth_vocab v;
    uint32_t i;
    o.rng = llmc_rng_seed(seed);
    v = synth_make_vocab(s, &o.rng);
    synth_prepare(z, &o.rng);
    memcpy(synth_room(&o, 4), "GGUF", 4);
    synth_put(&o, 3, 4);
    synth_put(&o, t.n, 8);
    synth_put(&o, synth_count_keys(s, type, &v, progress), 8);
    synth_put_metadata(&o, s, type, &v);
    o.total = synth_put_infos(&o, &t) + o.written + o.n;
    synth_pad(&o);
    for (i = 0; i < t.n; i++)
        synth_data(&o, z, &t.at[i]);
    synth_flush(&o);
    free(t.at);
    free(z);
    free(v.piece);
    free(v.slot);
    free(o.data);
}

#endif /* SYNTH_H */
