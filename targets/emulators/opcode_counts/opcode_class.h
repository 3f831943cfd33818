/* To which class an instruction of an ARMv7E-M program belongs: the classes whose timings the Cortex-M4 Technical Reference Manual
 * tells apart (Arm DDI 0439B, tables 3-1 and 7-1). Encodings: ARMv7-M Architecture Reference Manual (DDI 0403E), chapter A5.
 */
#ifndef REDS_OPCODE_CLASS_H
#define REDS_OPCODE_CLASS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    ALU,
    MULTIPLY,
    DIVIDE,
    LOAD,
    LOAD_AFTER_LOAD, /* pipelined with the one before */
    STORE,
    STORE_INDEXED, /* by a register */
    MULTIPLE,      /* LDM, STM, PUSH, POP, LDRD, STRD and their floating-point kin */
    BRANCH,
    FLOAT_ADD_MULTIPLY,
    FLOAT_FUSED,
    FLOAT_DIVIDE,
    FLOAT_MOVE,
    CLASSES
} opcode_class;

static const char *const opcode_class_names[CLASSES] = {
    "alu",      "multiply",      "divide",   "load",   "load_after_load",    "store",
    "store_indexed", "multiple", "branch", "float_add_multiply", "float_fused", "float_divide",
    "float_move",
};

static inline unsigned ones(unsigned bits) { return (unsigned)__builtin_popcount(bits); }

static inline opcode_class classify_short(unsigned h, unsigned *registers)
{
    switch (h >> 12) {
    case 0x4:
        if ((h & 0xff00u) == 0x4700u)
            return BRANCH;
        if ((h & 0xf800u) == 0x4800u)
            return LOAD;
        return (h & 0xffc0u) == 0x4340u ? MULTIPLY : ALU;
    case 0x5: return (h >> 9 & 7u) < 3u ? STORE_INDEXED : LOAD;
    case 0x6:
    case 0x7:
    case 0x8:
    case 0x9: return (h & 0x0800u) != 0 ? LOAD : STORE;
    case 0xb:
        if ((h & 0x0600u) == 0x0400u) { /* PUSH, POP */
            *registers = ones(h & 0x1ffu);
            return MULTIPLE;
        }
        return (h & 0x0500u) == 0x0100u ? BRANCH : ALU; /* CBZ, CBNZ */
    case 0xc: *registers = ones(h & 0xffu); return MULTIPLE;
    case 0xd:
    case 0xe: return BRANCH;
    default: return ALU;
    }
}

static inline opcode_class classify_float(unsigned h, unsigned h2, unsigned *registers)
{
    if ((h & 0xfe00u) == 0xec00u) { /* loads and stores, moves of two registers */
        const unsigned indexed = h >> 8 & 1u, up = h >> 7 & 1u, write_back = h >> 5 & 1u;
        if (indexed && !write_back)
            return (h & 0x10u) != 0 ? LOAD : STORE;
        if (!indexed && !up && !write_back)
            return FLOAT_MOVE;
        *registers = h2 & 0xffu;
        return MULTIPLE;
    }
    if ((h2 & 0x10u) != 0)
        return FLOAT_MOVE; /* between core and floating-point registers */
    switch (h >> 4 & 0xbu) {
    case 0x0:
    case 0x1:
    case 0x9:
    case 0xa: return FLOAT_FUSED; /* VMLA, VNMLA, VFNMA, VFMA */
    case 0x2:
    case 0x3: return FLOAT_ADD_MULTIPLY;
    case 0x8: return FLOAT_DIVIDE;
    default:
        if ((h2 & 0x40u) == 0 || ((h & 0xfu) == 0 && (h2 & 0xc0u) == 0x40u))
            return FLOAT_MOVE; /* VMOV of a constant or a register */
        return (h & 0xfu) == 1u && (h2 & 0xc0u) == 0xc0u ? FLOAT_DIVIDE : FLOAT_ADD_MULTIPLY; /* VSQRT; VABS, VNEG, VCMP, VCVT */
    }
}

static inline opcode_class classify_long(unsigned h, unsigned h2, unsigned *registers)
{
    if ((h & 0xfe40u) == 0xe800u) {
        *registers = ones(h2);
        return MULTIPLE;
    }
    if ((h & 0xfe40u) == 0xe840u) {
        if ((h & 0xfff0u) == 0xe8d0u && (h2 & 0xffe0u) == 0xf000u)
            return BRANCH; /* TBB, TBH */
        *registers = 2;
        return MULTIPLE;
    }
    if ((h & 0xec00u) == 0xec00u && (h & 0x1000u) == 0)
        return classify_float(h, h2, registers);
    if ((h & 0xf800u) == 0xf000u && (h2 & 0x8000u) != 0)
        return (h2 & 0x5000u) == 0 && (h >> 6 & 0xeu) == 0xeu ? ALU : BRANCH; /* barriers and the like; B, BL */
    if ((h & 0xfe00u) == 0xf800u) {
        if ((h & 0x10u) != 0)
            return h2 >> 12 == 15u && (h & 0x60u) == 0x40u ? BRANCH : LOAD;
        return (h & 0x80u) == 0 && (h2 & 0x0800u) == 0 ? STORE_INDEXED : STORE;
    }
    if ((h & 0xff00u) == 0xfb00u)
        return (h & 0xffd0u) == 0xfb90u ? DIVIDE : MULTIPLY;
    return ALU;
}

/* Class of the instruction of 2 or 4 bytes. *registers: how many a multiple transfer moves; other instructions leave it as it is. */
static inline opcode_class classify(const uint8_t *bytes, size_t size, unsigned *registers)
{
    const unsigned h = (unsigned)(bytes[0] | bytes[1] << 8);
    return size == 2 ? classify_short(h, registers) : classify_long(h, (unsigned)(bytes[2] | bytes[3] << 8), registers);
}

#endif
