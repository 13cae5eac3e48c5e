/* The implementation and nothing else; also compiled as C++. */
#define LLMC_IMPLEMENTATION
#include "../../llmc.h"
