/* The rest of ReLU6 and leaky ReLU over an output map, float32, on a Cortex-M4F: float32_activation_fpv4.h. */
#include "float32_activation_fpv4.h"
#include "reds_core.h"

#if REDS_HAS_FPV4

#include "float32_output.h"

enum { FOUR = 4 };

#if defined(__arm__)

/* Five instructions for an output; the number against which outputs are compared, or by which they are multiplied, is in s4. */
#define AT_MOST(value) "vcmp.f32 s" #value ", s4\n\tvmrs APSR_nzcv, fpscr\n\tit gt\n\tvmovgt.f32 s" #value ", s4\n\t"
#define SLOPE(value) "vcmp.f32 s" #value ", #0\n\tvmrs APSR_nzcv, fpscr\n\tit mi\n\tvmulmi.f32 s" #value ", s" #value ", s4\n\t"

#define ACTIVATE(outputs, fours, number, one)                                                                        \
    __asm__ volatile("vmov s4, %[bits]\n"                                                                            \
                     "1:\n\t"                                                                                        \
                     "vldmia %[output], {s0-s3}\n\t" one(0) one(1) one(2) one(3)                                     \
                     "vstmia %[output]!, {s0-s3}\n\t"                                                                \
                     "subs %[left], #1\n\t"                                                                          \
                     "bne 1b"                                                                                        \
                     : [output] "+r"(outputs), [left] "+r"(fours)                                                    \
                     : [bits] "r"(number)                                                                            \
                     : "cc", "memory", "s0", "s1", "s2", "s3", "s4")

static reds_float32 *activate_fours(const struct reds_layer_record *layer, reds_float32 *outputs, uint32_t fours)
{
    if (layer->activation == REDS_RELU6)
        ACTIVATE(outputs, fours, 6.0f, AT_MOST);
    else
        ACTIVATE(outputs, fours, layer->negative_slope, SLOPE);
    return outputs;
}

#else

/* What the instructions do, for tests of what surrounds them on other cores. */
static reds_float32 *activate_fours(const struct reds_layer_record *layer, reds_float32 *outputs, uint32_t fours)
{
    for (uint32_t left = fours * FOUR; left > 0; left--, outputs++)
        *outputs = reds_activate(*outputs, layer->activation, layer->negative_slope);
    return outputs;
}

#endif

void reds_finish_activation(const struct reds_layer_record *layer, reds_float32 *outputs, uint32_t count)
{
    if (layer->activation != REDS_RELU6 && layer->activation != REDS_LEAKY_RELU)
        return;
    if (count >= FOUR)
        outputs = activate_fours(layer, outputs, count / FOUR);
    for (uint32_t left = count % FOUR; left > 0; left--, outputs++)
        *outputs = reds_activate(*outputs, layer->activation, layer->negative_slope);
}

#endif
