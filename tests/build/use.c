/* A program that sees only the interface, then the interface again. Linked with
   impl.c, or made whole by -DLLMC_STATIC -DLLMC_IMPLEMENTATION. */
#include "../../llmc.h"
#include "../../llmc.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C"
#endif
    uint32_t
    other_version(void);

int main(void)
{
    llmc_rng rng = llmc_rng_seed(1);
    float a = llmc_rng_uniform(&rng);
    printf("%s %s %g\n", LLMC_VERSION, llmc_cpu_name(llmc_cpu_detect()), (double)a);
    return llmc_version() == LLMC_VERSION_NUMBER && other_version() == LLMC_VERSION_NUMBER ? 0 : 1;
}
