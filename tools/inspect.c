// cc -O2 tools/inspect.c -o inspect
/* What a model file holds, and the exact memory that running it takes. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

static const char *const norm_name[] = {"RMS", "layer"};
static const char *const pos_name[] = {"none", "RoPE", "learned", "sinusoidal"};
static const char *const rope_name[] = {"adjacent pairs", "half split"};
static const char *const scaling_name[] = {"",     "linear",  "NTK",     "dynamic NTK",
                                           "YaRN", "Llama 3", "factors", "LongRoPE"};
static const char *const act_name[] = {"SiLU", "GELU (tanh)",  "GELU (erf)",
                                       "ReLU", "ReLU squared", "SwiGLU with limits"};
static const char *const qk_norm_name[] = {"", "each head", "each head by its own weight",
                                           "all heads together"};
static const char *const parallel_name[] = {"", ", branches in parallel",
                                            ", branches in parallel on norms of their own"};
static const char *const pooling_name[] = {"not said", "mean", "first token", "last token"};

/* "0-4, 6" for the layers of a set. */
static void print_layers(const char *what, const llmc_layers *set, uint32_t n)
{
    uint32_t l, end, printed = 0;
    for (l = 0; l < n; l = end) {
        for (end = l + 1; end < n && llmc_layers_has(set, end) == llmc_layers_has(set, l);)
            end++;
        if (!llmc_layers_has(set, l))
            continue;
        printf(printed++ == 0 ? "  %-15s " : ", ", what);
        printf(end - l == 1 ? "%u" : "%u-%u", l, end - 1);
    }
    if (printed != 0)
        printf("\n");
}

static void print_positions(const llmc_config *c)
{
    if (c->pos != LLMC_POS_ROPE) {
        printf("  positions       %s\n", pos_name[c->pos]);
        return;
    }
    printf("  positions       RoPE, base %g, %u dimensions, %s%s", (double)c->rope_base, c->rope_dims,
           rope_name[c->rope], c->rope_reverse ? ", reversed" : "");
    if (c->rope_scaling != LLMC_ROPE_PLAIN)
        printf(", %s scaling by %g from %u", scaling_name[c->rope_scaling], (double)c->rope_factor,
               c->rope_original);
    if (c->rope_local)
        printf("; windowed layers base %g", (double)c->rope_local_base);
    printf("\n");
    print_layers("without RoPE", &c->unturned, c->n_layer);
}

static void print_attention(const llmc_config *c)
{
    printf("  heads           %u of %u, %u for keys and values%s\n", c->n_head, c->head_dim, c->n_kv_head,
           c->bidirectional ? ", both directions" : "");
    if (c->qk_norm != LLMC_QK_NORM_NONE)
        printf("  q and k normed  %s%s\n", qk_norm_name[c->qk_norm],
               c->qk_norm_late ? ", after the rotation" : "");
    if (c->window_size != 0)
        printf("  window          %u tokens%s\n", c->window_size, c->sink_tokens != 0 ? " and sinks" : "");
    if (c->window_size != 0 && c->sink_tokens != 0)
        printf("  sinks           %u tokens\n", c->sink_tokens);
    if (c->window_size != 0)
        print_layers("in layers", &c->windowed, c->n_layer);
    if (c->sink_logits)
        printf("  sinks           a logit for each head\n");
    if (c->attn_softcap > 0)
        printf("  scores          capped at %g\n", (double)c->attn_softcap);
    if (c->attn_clamp > 0)
        printf("  q, k and v      clamped to %g\n", (double)c->attn_clamp);
}

static void print_feed_forward(const llmc_config *c)
{
    printf("  feed-forward    %u, %s%s%s\n", c->n_ff, act_name[c->act], c->gated ? ", gated" : "",
           parallel_name[c->parallel]);
    if (c->n_expert == 0)
        return;
    printf("  experts         %u of %u, %u used%s\n", c->n_expert, c->n_ff_expert, c->n_expert_used,
           c->expert_renorm ? ", weights sum to 1" : "");
    if (c->n_ff_shared != 0)
        printf("  shared experts  %u\n", c->n_ff_shared);
    print_layers("dense layers", &c->dense, c->n_layer);
}

static void print_config(const llmc_model *model)
{
    const llmc_config *c = llmc_model_config(model);
    printf("\nconfiguration\n");
    printf("  family          %s%s%s%s\n", c->family, c->name[0] != 0 ? " (" : "", c->name,
           c->name[0] != 0 ? ")" : "");
    printf("  vocabulary      %u\n", c->vocab_size);
    printf("  context         %u\n", c->context_length);
    printf("  layers          %u\n", c->n_layer);
    printf("  width           %u\n", c->n_embd);
    print_attention(c);
    print_feed_forward(c);
    printf("  norm            %s, eps %g%s%s%s%s\n", norm_name[c->norm], (double)c->norm_eps,
           c->pre_norm ? ", before" : "", c->branch_norm ? ", on the branch" : "",
           c->post_norm ? ", after" : "", c->norm_plain ? ", without weights" : "");
    print_positions(c);
    if (c->embed_scale != 1 || c->residual_scale != 1 || c->logit_scale != 1)
        printf("  scales          embedding %g, residual %g, logits %g\n", (double)c->embed_scale,
               (double)c->residual_scale, (double)c->logit_scale);
    if (c->logit_softcap > 0)
        printf("  logits          capped at %g\n", (double)c->logit_softcap);
    printf("  head            %s\n", c->no_head     ? "none: an encoder"
                                     : c->tied_head ? "the token embedding"
                                                    : "its own");
    if (c->no_head || c->pooling != LLMC_POOL_DEFAULT)
        printf("  pooling         %s\n", pooling_name[c->pooling]);
}

static void print_dims(const llmc_tensor *t)
{
    char dims[100];
    size_t at = 0;
    uint32_t i;
    dims[0] = 0;
    for (i = 0; i < t->n_dims && at < sizeof dims; i++)
        at += (size_t)snprintf(dims + at, sizeof dims - at, "%s%llu", i != 0 ? " x " : "",
                               (unsigned long long)t->dim[i]);
    printf("  %-32s %-5s %-16s %12llu\n", t->name, llmc_dtype_name(t->type), dims,
           (unsigned long long)t->bytes);
}

/* One line for each type, then one for each tensor if asked. */
static void print_tensors(const llmc_model *model, bool each)
{
    uint64_t bytes[LLMC_DTYPE_COUNT] = {0}, elements[LLMC_DTYPE_COUNT] = {0}, all = 0;
    uint32_t count[LLMC_DTYPE_COUNT] = {0}, n = llmc_model_tensor_count(model), i;
    char text[32];
    for (i = 0; i < n; i++) {
        const llmc_tensor *t = llmc_model_tensor(model, i);
        uint64_t size = t->dim[0] * t->dim[1] * t->dim[2] * t->dim[3];
        count[t->type]++;
        bytes[t->type] += t->bytes;
        elements[t->type] += size;
        all += size;
    }
    printf("\ntensors (%u, %.2f M parameters)\n", n, (double)all * 1e-6);
    for (i = 0; i < LLMC_DTYPE_COUNT; i++)
        if (count[i] != 0)
            printf("  %-5s %5u  %10.2f M  %s\n", llmc_dtype_name((llmc_dtype)i), count[i],
                   (double)elements[i] * 1e-6, tool_bytes(bytes[i], text));
    if (!each)
        return;
    printf("\n  %-32s %-5s %-16s %12s\n", "name", "type", "dimensions", "bytes");
    for (i = 0; i < n; i++)
        print_dims(llmc_model_tensor(model, i));
}

/* A token's stored text with the bytes that would disturb a terminal replaced. */
static void print_token(const llmc_tokenizer *tok, const char *what, llmc_token id)
{
    llmc_token_info info;
    size_t i;
    if (id == LLMC_TOKEN_NONE || llmc_token_get(tok, id, &info) != LLMC_OK)
        return;
    printf("  %-15s %d '", what, id);
    for (i = 0; i < info.text_len && i < 60; i++)
        putchar((unsigned char)info.text[i] < 0x20 || info.text[i] == 0x7f ? '?' : info.text[i]);
    printf("'\n");
}

static void print_tokenizer(const llmc_model *model)
{
    static const char *const special[] = {"begin (BOS)", "end (EOS)", "end of turn", "unknown", "padding"};
    const llmc_tokenizer *tok = llmc_model_tokenizer(model);
    size_t template_len = 0;
    uint32_t kind[LLMC_TOKEN_BYTE + 1] = {0}, i;
    llmc_token_info info;
    printf("\ntokenizer\n");
    if (tok == NULL) {
        printf("  none; --tokenizer FILE gives one\n");
        return;
    }
    for (i = 0; i < llmc_tokenizer_count(tok); i++)
        if (llmc_token_get(tok, (llmc_token)i, &info) == LLMC_OK && (unsigned)info.kind <= LLMC_TOKEN_BYTE)
            kind[info.kind]++;
    printf("  kind            %s\n", llmc_tokenizer_name(tok));
    printf("  tokens          %u: %u normal, %u control, %u added, %u bytes, %u unused\n",
           llmc_tokenizer_count(tok), kind[LLMC_TOKEN_NORMAL], kind[LLMC_TOKEN_CONTROL],
           kind[LLMC_TOKEN_USER], kind[LLMC_TOKEN_BYTE], kind[LLMC_TOKEN_UNUSED]);
    for (i = 0; i < LLMC_SPECIAL_COUNT; i++)
        print_token(tok, special[i], llmc_tokenizer_special(tok, (llmc_special)i));
    printf("  BOS             %s\n", llmc_tokenizer_adds_bos(tok) ? "wanted by the model" : "not added");
    if (llmc_model_chat_template(model, &template_len) != NULL)
        printf("  chat format     its own template, %zu bytes\n", template_len);
    else
        printf("  chat format     %s\n", llmc_chat_format_name(llmc_chat_format_of(model)));
}

static void print_bytes(const char *what, uint64_t bytes, const char *remark)
{
    char text[32];
    printf("  %-15s %12llu  %s%s%s\n", what, (unsigned long long)bytes, tool_bytes(bytes, text),
           remark[0] != 0 ? ", " : "", remark);
}

/* The engine that the options describe, for one sequence of `context` tokens. */
static llmc_engine_options engine_options(uint32_t context)
{
    llmc_engine_options opt;
    memset(&opt, 0, sizeof opt);
    tool_engine(&opt);
    opt.context_length = context;
    opt.cpu = tool_opt.cpu;
    opt.batch_tokens = tool_opt.batch_tokens;
    opt.tasks.workers = tool_opt.threads != 0 ? tool_opt.threads : llmc_os_threads();
    return opt;
}

/* What all of it takes at one context; false: no such engine, for the reason in diag. */
typedef struct taken {
    uint64_t weights, cache, scratch, all; /* scratch with the model's tables and the sequence's ids */
} taken;

static bool take(const llmc_host *host, uint32_t context, taken *out, llmc_diag *diag)
{
    llmc_engine_options opt = engine_options(context);
    llmc_engine_memory m;
    if (llmc_engine_quote(host->model, &opt, &m, diag) != LLMC_OK)
        return false;
    out->weights = llmc_model_weight_bytes(host->model);
    out->cache = m.kv_cache;
    out->scratch = m.scratch + m.sequences + host->model_bytes;
    out->all = out->weights + out->cache + out->scratch;
    return true;
}

/* The longest context whose quote is at most `bytes`; 0: none. Quotes grow with the context. */
static uint32_t longest_within(const llmc_host *host, uint64_t bytes)
{
    uint32_t fits = 0, over = (1u << 30) + 1;
    taken t;
    while (over - fits > 1) {
        uint32_t middle = fits + (over - fits) / 2;
        if (take(host, middle, &t, NULL) && t.all <= bytes)
            fits = middle;
        else
            over = middle;
    }
    return fits;
}

static uint32_t context_of(const llmc_host *host)
{
    return tool_opt.context != 0 ? tool_opt.context : llmc_model_config(host->model)->context_length;
}

/* A line of the table for each usual context and for the one asked for. */
static void print_contexts(const llmc_host *host, uint64_t available)
{
    uint32_t context[5] = {32768, 131072, 524288, 1048576}, own = context_of(host), n = 4, i;
    llmc_diag diag;
    taken t;
    char text[32];
    for (i = 0; i < n && context[i] < own; i++)
        continue;
    if (i == n || context[i] != own) { /* in order */
        memmove(context + i + 1, context + i, (n - i) * sizeof *context);
        context[i] = own;
        n++;
    }
    printf("\nmemory by context, in bytes: one sequence, %u threads\n", engine_options(own).tasks.workers);
    printf("  %10s %14s %14s %14s %14s\n", "context", "weights", "cache", "scratch", "in all");
    for (i = 0; i < n; i++) {
        diag.message[0] = 0;
        if (take(host, context[i], &t, &diag))
            printf("  %10u %14llu %14llu %14llu %14llu  %s%s\n", context[i], (unsigned long long)t.weights,
                   (unsigned long long)t.cache, (unsigned long long)t.scratch, (unsigned long long)t.all,
                   tool_bytes(t.all, text), available != 0 && t.all > available ? ", too much" : "");
        else
            printf("  %10u %s\n", context[i], diag.message);
    }
}

/* The table against the memory that can be had. */
static void print_fit(const llmc_host *host)
{
    uint64_t total, available;
    uint32_t fits;
    char has[32], can[32];
    llmc_os_available(&total, &available);
    print_contexts(host, available);
    if (available == 0)
        return;
    fits = longest_within(host, available);
    printf("  %s of %s available: ", tool_bytes(available, can), tool_bytes(total, has));
    if (fits == 0)
        printf("not enough for any context\n");
    else
        printf("the longest context that fits is %u%s\n", fits,
               fits == 1u << 30                                        ? ", the most there is"
               : fits > llmc_model_config(host->model)->context_length ? ", longer than trained"
                                                                       : "");
}

/* Exactly what the library will ask for: its own answer, not an estimate. */
static void print_memory(const llmc_host *host)
{
    llmc_engine_options opt = engine_options(tool_opt.context);
    llmc_engine_memory m;
    llmc_diag diag;
    diag.message[0] = 0;
    if (opt.context_length == 0)
        opt.context_length = context_of(host);
    if (llmc_engine_quote(host->model, &opt, &m, &diag) != LLMC_OK) {
        printf("\nmemory\n  %s\n", diag.message); /* nobody asked for what the file calls its context */
        print_fit(host);
        return;
    }
    printf("\nmemory for one sequence of %u tokens, %u threads\n", opt.context_length, opt.tasks.workers);
    print_bytes("weights", llmc_model_weight_bytes(host->model), "mapped from the file, not copied");
    print_bytes("model", host->model_bytes, "tables and tokenizer");
    print_bytes("kv cache", m.kv_cache, "");
    print_bytes("scratch", m.scratch, "");
    print_bytes("sequences", m.sequences, "");
    print_bytes("engine", m.total, "cache, scratch and sequences");
    print_bytes("total", host->model_bytes + m.total, "to allocate: model and engine");
    print_fit(host);
}

/* Options that no engine can have end the program before anything is printed. What a file says of itself does
   not: it is there to be looked at. */
static void check_options(const llmc_host *host)
{
    llmc_engine_options opt = engine_options(tool_opt.context);
    llmc_engine_memory m;
    llmc_diag diag;
    bool asked = opt.context_length != 0 || opt.batch_tokens != 0 || opt.window_size != 0 ||
                 opt.sink_tokens != 0 || opt.kv_cache_capacity != 0 || opt.kv_type != LLMC_DTYPE_NONE ||
                 opt.rope_override;
    diag.message[0] = 0;
    if (asked)
        tool_check(llmc_engine_quote(host->model, &opt, &m, &diag), &diag);
}

/* A file with a vocabulary and no weights is worth inspecting too. */
static uint64_t declared_tensors(const llmc_blob *gguf)
{
    const uint8_t *p = (const uint8_t *)gguf->data;
    uint64_t n = 0;
    int i;
    for (i = 7; i >= 0; i--) /* u64 behind the magic number and the version; opening checked the size */
        n = n << 8 | p[8 + i];
    return n;
}

static bool open_any(llmc_host *host, const char *path)
{
    llmc_model_options model;
    llmc_open_options open;
    llmc_diag diag;
    memset(&model, 0, sizeof model);
    memset(&open, 0, sizeof open);
    model.log = tool_log();
    open.tokenizer_path = tool_opt.tokenizer;
    open.no_engine = true;
    if (tool_try_open(host, path, &open, &model, &diag) == LLMC_OK)
        return true;
    /* Only a GGUF that declares no tensors is meant to hold a vocabulary alone. */
    model.vocab_only = true;
    model.no_tokenizer = false;
    if (diag.status == LLMC_IO || diag.status == LLMC_NO_MEMORY ||
        llmc_open(host, path, &open, NULL) != LLMC_OK ||
        (llmc_model_file_kind(host->model) == LLMC_FILE_GGUF && declared_tensors(&host->file) != 0))
        tool_check(diag.status, &diag);
    return false;
}

int main(int argc, char **argv)
{
    static bool tensors;
    static const tool_option options[] = {
        {'c', "context", TOOL_U32, &tool_opt.context, "N", "tokens to count memory for; default: as trained"},
        {0, "tensors", TOOL_FLAG, &tensors, NULL, "list every tensor"},
        {0, "tokenizer", TOOL_TEXT, &tool_opt.tokenizer, "FILE", "tokenizer.bin of llama2.c"},
        TOOL_OPTION_THREADS,
        TOOL_OPTIONS_ENGINE,
        TOOL_OPTIONS_ALL,
    };
    llmc_host host;
    char text[32];
    int n;
    char **args;
    bool whole;
    tool_name = "inspect";
    args =
        tool_parse(argc, argv, "inspect FILE [-c CONTEXT] [--tensors]", options, TOOL_COUNT_OF(options), &n);
    if (n != 1)
        tool_misused("one file, please");
    whole = open_any(&host, args[0]);
    if (whole)
        check_options(&host);
    printf("%s: %s, %s%s\n", args[0], llmc_file_kind_name(llmc_model_file_kind(host.model)),
           tool_bytes(host.file.size, text), whole ? "" : ", vocabulary only");
    if (whole) {
        tool_compare(host.model);
        print_config(host.model);
        print_tensors(host.model, tensors);
    }
    print_tokenizer(host.model);
    if (whole)
        print_memory(&host);
    llmc_close(&host);
    return tool_end();
}
