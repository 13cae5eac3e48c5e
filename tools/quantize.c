// cc -O2 tools/quantize.c -o quantize
/* Any readable model to GGUF in another type. */
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

/* What TYPE asks for: a mix, any type that GGUF holds, or "keep". */
static void output_type(const char *text, llmc_save_options *opt)
{
    char lower[16];
    size_t i;
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
    if (ferror(out->file))
        tool_out_failed(out);
    tool_check(status, &diag);
    free(work);
}

int main(int argc, char **argv)
{
    static const tool_option options[] = {
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
    int n;
    tool_name = "quantize";
    args = tool_parse(
        argc, argv,
        "quantize IN OUT TYPE\n\nTYPE: " TYPES " (only the container changes).\n"
        "_m and _s are mixes: more bits where they matter most. Norms and biases stay F32, rows that do not\n"
        "divide into a type's blocks get the nearest type that fits. OUT appears when it is complete.",
        options, TOOL_COUNT_OF(options), &n);
    if (n != 3)
        tool_misused("needs IN, OUT and TYPE");
    memset(&opt, 0, sizeof opt);
    output_type(args[2], &opt);
    if (tool_same_file(args[0], args[1]))
        tool_die("%s: input and output are the same file", args[1]);
    tool_open_model(&host, args[0], false);
    tool_catch_signals();
    tool_out_open(&out, args[1]);
    convert(host.model, &out, &opt);
    remarks = tool_out_close(&out);
    fprintf(remarks, "%s: %s -> %s: %s (%.1f %%) in %.1f s\n", args[0], tool_bytes(host.file.size, before),
            args[1], tool_bytes(out.bytes, after), 100.0 * (double)out.bytes / (double)host.file.size,
            tool_seconds() - start);
    llmc_close(&host);
    return tool_end();
}
