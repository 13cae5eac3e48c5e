// cc -O2 tools/synth.c -o synth
/* A GGUF model of a given shape with random weights, for tests and benchmarks. */
#define LLMC_STATIC // the only file: what it does not use is not compiled
#define LLMC_IMPLEMENTATION
#include "tool.h"

#include "synth.h"

int main(int argc, char **argv)
{
    static uint64_t seed = 1;
    static const tool_option options[] = {
        {0, "seed", TOOL_U64, &seed, "N", "of the random numbers; default 1"},
        TOOL_OPTION_CONFIG,
        TOOL_OPTIONS_ALL,
    };
    char usage[800], text[32], **args;
    synth_shape shape;
    llmc_dtype type;
    llmc_writer writer;
    tool_out out;
    FILE *remarks;
    double start = tool_seconds();
    int n;
    tool_name = "synth";
    snprintf(usage, sizeof usage, "synth SHAPE OUT TYPE\n       synth --config FILE [SHAPE] OUT TYPE\n\n%s",
             synth_shapes);
    args = tool_parse(argc, argv, usage, options, TOOL_COUNT_OF(options), &n);
    if (n != 3 && (n != 2 || tool_opt.config == NULL))
        tool_misused("needs SHAPE, OUT and TYPE");
    shape = synth_parse(n == 3 ? *args++ : "");
    type = synth_type(&shape, args[1]);
    tool_catch_signals();
    tool_out_open(&out, args[0]);
    writer.write = tool_out_write;
    writer.user = &out;
    synth_write(&shape, type, seed, &writer, tool_progress());
    remarks = tool_out_close(&out);
    fprintf(remarks, "%s: %s, %s, %s in %.1f s\n", args[0], shape.name, args[1], tool_bytes(out.bytes, text),
            tool_seconds() - start);
    return tool_end();
}
