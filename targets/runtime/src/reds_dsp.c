/* What the kernels with DSP instructions share that takes no instruction of its own: reds_dsp.h. */
#include "reds_dsp.h"

#if REDS_HAS_DSP

uint32_t reds_load_bytes(const uint8_t *bytes, uint32_t count)
{
    uint32_t word = 0;
    while (count > 0)
        word = word << 8 | bytes[--count];
    return word;
}

#endif
