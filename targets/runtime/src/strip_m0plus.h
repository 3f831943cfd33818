/* A strip: successive windows of the input, packed from where they lie (packed_windows_m0plus.h).
 *
 * Windows that touch the padding are read from a patch: the part of the input that the strip's windows cover, copied with
 * what lies outside. Where that would be larger than the windows themselves, they are gathered one by one. */
#ifndef REDS_STRIP_M0PLUS_H
#define REDS_STRIP_M0PLUS_H

#include "packed_windows_m0plus.h"
#include "reds_matrix.h"

/* Columns of the selected level, filled up to the block. */
uint32_t reds_strip_columns(const reds_operands *operands);

/* Bytes for a patch or gathered windows; 0 when no window touches the padding. */
uint32_t reds_patch_bytes(const reds_operands *operands);

/* Pack `count` windows, 1 .. REDS_PACKED_WINDOWS, from number `window` on. What stands for the missing ones does not matter.
 * `patch_bytes` is what reds_patch_bytes has said. */
void reds_pack_strip(const reds_operands *operands, uint32_t window, uint32_t count, uint8_t *patch, uint32_t patch_bytes,
                     uint32_t *packed);

#endif
