/* CRC-32 of IEEE 802.3, the one zlib computes. */
#ifndef REDS_FIRMWARE_CRC32_H
#define REDS_FIRMWARE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of what `crc` stands for followed by `bytes`; 0 stands for nothing. */
uint32_t crc32_update(uint32_t crc, const uint8_t *bytes, size_t count);

#endif
