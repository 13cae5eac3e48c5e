// cc -O2 tools/quantize.c -o quantize
/* Any readable model to GGUF in another type. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

#define TYPES                                                                                          \
    "f32, f16, bf16, q8_0, q6_k, q5_k, q5_k_m, q5_k_s, q5_1, q5_0, q4_k, q4_k_m, q4_k_s, q4_1, q4_0, " \
    "iq4_nl, iq4_xs, mxfp4, q3_k, q3_k_m, q3_k_s, q2_k, q8_k, keep"

/* Names that are mixes, or that people use for a type. */
static const struct {
    const char *name;
    llmc_dtype type;
    llmc_mix mix;
} mixes[] = {{"q3_k_s", LLMC_Q3_K, LLMC_MIX_SMALL},   {"q3_k_m", LLMC_Q3_K, LLMC_MIX_MEDIUM},
             {"q4_k_s", LLMC_Q4_K, LLMC_MIX_SMALL},   {"q4_k_m", LLMC_Q4_K, LLMC_MIX_MEDIUM},
             {"q5_k_s", LLMC_Q5_K, LLMC_MIX_SMALL},   {"q5_k_m", LLMC_Q5_K, LLMC_MIX_MEDIUM},
             {"int8", LLMC_Q8_0, LLMC_MIX_NONE},      {"q4", LLMC_Q4_0, LLMC_MIX_NONE},
             {"keep", LLMC_DTYPE_NONE, LLMC_MIX_NONE}};

/* Whether text ends so. */
static bool ends(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

/* What TYPE asks for, and OUT's ending: a mix, any type that the container holds, or "keep". */
static void output_type(const char *text, const char *path, llmc_save_options *opt)
{
    char lower[16];
    size_t i;
    if (ends(path, ".safetensors"))
        opt->format = LLMC_SAVE_SAFETENSORS;
    else if (ends(path, ".bin"))
        opt->format = LLMC_SAVE_TORCHLESS;
    for (i = 0; text[i] != 0 && i + 1 < sizeof lower; i++)
        lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    lower[i] = 0;
    for (i = 0; i < TOOL_COUNT_OF(mixes); i++)
        if (strcmp(lower, mixes[i].name) == 0) {
            opt->type = mixes[i].type;
            opt->mix = mixes[i].mix;
            return;
        }
    opt->type = llmc_dtype_named(text);
    if (llmc__dtype_to_gguf(opt->type) < 0)
        tool_misused("type '%s' is none of " TYPES, text);
}

/* ---- calibration: the model reads a text, and every product's inputs are summed up ------- */

/* What is to be read, as ids; [*n], to be freed. */
static llmc_token *text_ids(const llmc_model *model, const char *in, const char *text_path,
                            const char *ids_path, size_t *n)
{
    const llmc_tokenizer *tok = llmc_model_tokenizer(model);
    llmc_encode_options opt;
    size_t len;
    char *text = tool_read(text_path != NULL ? text_path : ids_path, 0, &len);
    llmc_token *ids;
    memset(&opt, 0, sizeof opt);
    if (text_path != NULL && tok == NULL)
        tool_die("%s: holds no tokenizer; --tokenizer FILE gives one, --calibrate-ids takes numbers", in);
    ids = text_path != NULL ? tool_encode(tok, text, len, &opt, n)
                            : tool_ids(text, len, llmc_model_config(model)->vocab_size, n);
    free(text);
    if (*n < 2)
        tool_die("%s: too short to calibrate with", text_path != NULL ? text_path : ids_path);
    return ids;
}

/* One window [n] in pieces of step: the head's inputs are wanted too, so that every token asks for logits. */
static void read_window(llmc_seq *seq, const llmc_config *c, const llmc_token *ids, size_t n, size_t step,
                        float *out)
{
    llmc_diag diag;
    size_t at, m;
    diag.message[0] = 0;
    tool_check(llmc_seq_truncate(seq, 0, &diag), &diag);
    if (c->no_head) {
        tool_check(llmc_seq_embed(seq, ids, n, LLMC_POOL_DEFAULT, out, &diag), &diag);
        return;
    }
    for (at = 0; at < n; at += m) {
        m = n - at < step ? n - at : step;
        tool_check(llmc_seq_forward(seq, ids + at, m, out, m, &diag), &diag);
    }
}

/* Reads the text in windows and returns what it showed; it lives until the program ends. */
static llmc_importance calibrate(const llmc_model *model, const llmc_token *ids, size_t n, uint32_t window)
{
    const llmc_config *c = llmc_model_config(model);
    llmc_calibration *k;
    llmc_engine_options opt;
    llmc_engine *engine;
    llmc_pool *pool;
    llmc_seq *seq;
    llmc_diag diag;
    llmc_progress progress = tool_progress();
    size_t need = llmc_calibration_need(model), at, m, step = 64;
    float *out = (float *)tool_alloc(c->no_head ? c->n_embd : step * c->vocab_size, sizeof *out);
    diag.message[0] = 0;
    tool_check(llmc_calibration_init(&k, model, tool_alloc(need, 1), need, &diag), &diag);
    memset(&opt, 0, sizeof opt);
    tool_check(llmc_pool_open(&pool, tool_opt.threads, &diag), &diag);
    opt.tasks = llmc_pool_tasks(pool);
    opt.context_length = window < c->context_length ? window : c->context_length;
    opt.cpu = tool_opt.cpu;
    opt.calibration = k;
    opt.check_finite = true;
    tool_check(llmc_engine_need(model, &opt, &need, &diag), &diag);
    tool_check(llmc_engine_init(&engine, model, &opt, tool_alloc(need, 1), need, &diag), &diag);
    tool_check(llmc_seq_open(&seq, engine, NULL, &diag), &diag);
    for (at = 0; at < n; at += m) {
        m = n - at < opt.context_length ? n - at : opt.context_length;
        read_window(seq, c, ids + at, m, step, out);
        if (!progress.fn(progress.user, "calibration", at + m, n))
            tool_die("interrupted");
    }
    free(out);
    llmc_pool_close(pool);
    return llmc_calibration_importance(k);
}

static void convert(const llmc_model *model, tool_out *out, llmc_save_options *opt)
{
    llmc_writer writer;
    llmc_diag diag;
    llmc_status status;
    size_t need = llmc_model_save_need(model);
    void *work = tool_alloc(need, 1);
    diag.message[0] = 0;
    opt->progress = tool_progress();
    opt->log = tool_log();
    writer.write = tool_out_write;
    writer.user = out;
    status = llmc_model_save(model, opt, &writer, work, need, &diag);
    if (status == LLMC_IO) /* the file knows the reason */
        tool_out_close(out);
    tool_check(status, &diag);
    free(work);
}

int main(int argc, char **argv)
{
    static const char *text, *ids_file;
    static uint32_t window = 512;
    static const tool_option options[] = {
        {0, "calibrate", TOOL_TEXT, &text, "FILE",
         "a text that shows which weights matter (4 bits gain most)"},
        {0, "calibrate-ids", TOOL_TEXT, &ids_file, "FILE",
         "the same as token ids, for models without a tokenizer"},
        {'c', "context", TOOL_U32, &window, "N", "tokens in a window of that text; default 512"},
        {'t', "threads", TOOL_U32, &tool_opt.threads, "N",
         "threads for it; default: all this process may use"},
        {0, "tokenizer", TOOL_TEXT, &tool_opt.tokenizer, "FILE", "tokenizer.bin of llama2.c, to put inside"},
        TOOL_OPTIONS_ALL,
    };
    llmc_host host;
    llmc_save_options opt;
    tool_out out;
    FILE *remarks;
    char before[32], after[32];
    char **args;
    double start = tool_seconds();
    llmc_token *ids;
    size_t n_ids;
    int n;
    tool_name = "quantize";
    args = tool_parse(
        argc, argv,
        "quantize IN OUT TYPE [--calibrate TEXT]\n\nTYPE: " TYPES " (only the container changes).\n"
        "_m and _s are mixes: more bits where they matter most. Norms and biases stay F32, rows that do not\n"
        "divide into a type's blocks get the nearest type that fits. OUT is a GGUF; with the ending "
        ".safetensors the\n"
        "weights alone in f32, f16 or bf16, under their makers' names, to lie beside their config.json; with "
        "the\n"
        "ending .bin a torchless file of f32 or int8, without a tokenizer. OUT appears when it is complete.",
        options, TOOL_COUNT_OF(options), &n);
    if (n != 3)
        tool_misused("needs IN, OUT and TYPE");
    memset(&opt, 0, sizeof opt);
    output_type(args[2], args[1], &opt);
    if (tool_same_file(args[0], args[1]))
        tool_die("%s: input and output are the same file", args[1]);
    tool_open_model(&host, args[0], false);
    tool_catch_signals();
    if (text != NULL || ids_file != NULL) {
        if (text != NULL && ids_file != NULL)
            tool_misused("--calibrate and --calibrate-ids exclude each other");
        if (window < 2)
            tool_misused("-c: a window has at least two tokens");
        ids = text_ids(host.model, args[0], text, ids_file, &n_ids);
        opt.importance = calibrate(host.model, ids, n_ids, window);
        free(ids);
    }
    tool_out_open(&out, args[1]);
    convert(host.model, &out, &opt);
    remarks = tool_out_close(&out);
    fprintf(remarks, "%s: %s -> %s: %s (%.1f %%) in %.1f s\n", args[0], tool_bytes(host.file.size, before),
            args[1], tool_bytes(out.bytes, after), 100.0 * (double)out.bytes / (double)host.file.size,
            tool_seconds() - start);
    llmc_close(&host);
    return tool_end();
}
