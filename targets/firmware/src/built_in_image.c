#include "built_in_image.h"

#ifdef REDS_BUILT_IN_IMAGE /* a path, set by targets/firmware/bake_identity.py */

/* Assembled rather than compiled from an array: an image of megabytes takes no time. */
__asm__(".pushsection .rodata.built_in_image, \"a\"\n"
        ".balign 8\n"
        "built_in_image_start:\n"
        ".incbin \"" REDS_BUILT_IN_IMAGE "\"\n"
        "built_in_image_end:\n"
        ".popsection");

extern const uint8_t built_in_image_start[], built_in_image_end[];

const uint8_t *built_in_image(void) { return built_in_image_start; }

size_t built_in_image_bytes(void) { return (size_t)(built_in_image_end - built_in_image_start); }

#else

const uint8_t *built_in_image(void) { return NULL; }

size_t built_in_image_bytes(void) { return 0; }

#endif
