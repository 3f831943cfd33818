/* An image that was compiled into the firmware because it does not fit in RAM. */
#ifndef REDS_FIRMWARE_BUILT_IN_IMAGE_H
#define REDS_FIRMWARE_BUILT_IN_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* The image, aligned to REDS_ARENA_ALIGNMENT, and its length; 0 bytes where the firmware holds none. */
const uint8_t *built_in_image(void);
size_t built_in_image_bytes(void);

#endif
