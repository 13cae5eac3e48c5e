// cc -O2 tools/quantize.c -o quantize
/* Any readable model to GGUF in another type. */
#define LLMC_IMPLEMENTATION
#include "tool.h"

/* The types that GGUF files of ours may have; "keep" leaves every tensor as it is. */
static llmc_dtype output_type(const char *text)
{
    static const llmc_dtype can[] = {LLMC_F32, LLMC_F16, LLMC_BF16, LLMC_Q8_0, LLMC_Q4_0};
    llmc_dtype type = llmc_dtype_named(text);
    size_t i;
    for (i = 0; i < TOOL_COUNT_OF(can); i++)
        if (type == can[i])
            return type;
    if (strcmp(text, "keep") == 0)
        return LLMC_DTYPE_NONE;
    tool_misused("type '%s' is none of f32, f16, bf16, q8_0, q4_0, keep", text);
}

static void convert(const llmc_model *model, tool_out *out, llmc_dtype type)
{
    llmc_save_options opt;
    llmc_writer writer;
    llmc_diag diag;
    llmc_status status;
    size_t need = llmc_model_save_need(model);
    void *work = tool_alloc(need, 1);
    memset(&opt, 0, sizeof opt);
    diag.message[0] = 0;
    opt.type = type;
    opt.progress = tool_progress();
    opt.log = tool_log();
    writer.write = tool_out_write;
    writer.user = out;
    status = llmc_model_save(model, &opt, &writer, work, need, &diag);
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
    llmc_dtype type;
    tool_out out;
    FILE *remarks;
    char before[32], after[32];
    char **args;
    double start = tool_seconds();
    int n;
    tool_name = "quantize";
    args = tool_parse(
        argc, argv,
        "quantize IN OUT TYPE\n\nTYPE: f32, f16, bf16, q8_0, q4_0, or keep (only the container changes).\n"
        "Norms and biases stay F32. OUT appears when it is complete.",
        options, TOOL_COUNT_OF(options), &n);
    if (n != 3)
        tool_misused("needs IN, OUT and TYPE");
    type = output_type(args[2]);
    if (tool_same_file(args[0], args[1]))
        tool_die("%s: input and output are the same file", args[1]);
    tool_open_model(&host, args[0], false);
    tool_catch_signals();
    tool_out_open(&out, args[1]);
    convert(host.model, &out, type);
    remarks = tool_out_close(&out);
    fprintf(remarks, "%s: %s -> %s: %s (%.1f %%) in %.1f s\n", args[0], tool_bytes(host.file.size, before),
            args[1], tool_bytes(out.bytes, after), 100.0 * (double)out.bytes / (double)host.file.size,
            tool_seconds() - start);
    llmc_close(&host);
    return tool_end();
}
