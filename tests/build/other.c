/* A second translation unit; with LLMC_STATIC it has an implementation of its own. */
#include "../../llmc.h"

#ifdef __cplusplus
extern "C"
#endif
    uint32_t
    other_version(void);

uint32_t other_version(void)
{
    return llmc_version();
}
