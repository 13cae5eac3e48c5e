// The header in C++17: implementation, namespaced caller, RAII, exceptions elsewhere.
#define LLMC_IMPLEMENTATION
#include "../../llmc.h"

#include <cstdio>
#include <memory>
#include <vector>

extern "C" uint32_t other_version(void); // a C file that includes the same header

namespace app
{
// One file held open for as long as this lives.
struct Blob {
    llmc_blob file{};
    explicit Blob(const char *path)
    {
        ok = llmc_map_open(&file, path, nullptr) == LLMC_OK;
    }
    ~Blob()
    {
        if (ok)
            llmc_map_close(&file);
    }
    bool ok = false;
};

static int run(const char *path)
{
    std::vector<float> x(64);
    std::vector<unsigned char> stored(llmc_dtype_bytes(LLMC_Q8_0, x.size()));
    std::vector<float> y(x.size());
    llmc_rng rng = llmc_rng_seed(7);
    for (float &v : x)
        v = llmc_rng_normal(&rng);
    if (llmc_quantize(LLMC_Q8_0, x.data(), x.size(), stored.data()) != LLMC_OK)
        return 1;
    if (llmc_dequantize(LLMC_Q8_0, stored.data(), y.size(), y.data()) != LLMC_OK)
        return 1;
    for (size_t i = 0; i < x.size(); i++) // half a step of the largest block scale, 4 sigma / 127 / 2
        if (x[i] - y[i] > 0.02f || y[i] - x[i] > 0.02f)
            return 1;
    auto self = std::make_unique<Blob>(path);
    return self->ok && self->file.size > 0 ? 0 : 1;
}
} // namespace app

int main(int argc, char **argv)
{
    (void)argc;
    return other_version() == LLMC_VERSION_NUMBER ? app::run(argv[0]) : 1;
}
