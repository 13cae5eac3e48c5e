/* The interface alone, as a program sees it that links with an implementation elsewhere. */
#include "../../llmc.h"

typedef int translation_unit_is_not_empty;
