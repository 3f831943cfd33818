/* QEMU plugin: how many instructions of each class an ARMv7E-M program has executed, written as "class count" lines when it ends.
 *
 *   qemu-system-arm ... -plugin opcode_counts.so,out=FILE
 *
 * Only the entry points of QEMU's plugin interface, version 1 (QEMU 4.2 to 8.2), that are used here are declared: Debian ships no
 * header.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opcode_class.h"

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef struct qemu_info_t qemu_info_t;
enum { CB_NO_REGS = 0, INLINE_ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);

EXPORT int qemu_plugin_version = 1;

static uint64_t counts[CLASSES], multiple_registers, taken_branches, last_end;
static char path[4096];

/* A block that does not begin where the one before ended was branched to. */
static void on_block(unsigned cpu, void *block)
{
    const uint64_t *const bounds = block;
    (void)cpu;
    taken_branches += bounds[0] != last_end;
    last_end = bounds[1];
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    const size_t count = qemu_plugin_tb_n_insns(block);
    opcode_class before = ALU;
    uint64_t end = 0;
    (void)id;
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *const instruction = qemu_plugin_tb_get_insn(block, i);
        const size_t size = qemu_plugin_insn_size(instruction);
        unsigned registers = 0;
        opcode_class kind = classify(qemu_plugin_insn_data(instruction), size, &registers);
        if (kind == LOAD && (before == LOAD || before == LOAD_AFTER_LOAD))
            kind = LOAD_AFTER_LOAD;
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, INLINE_ADD_U64, &counts[kind], 1);
        if (registers != 0)
            qemu_plugin_register_vcpu_insn_exec_inline(instruction, INLINE_ADD_U64, &multiple_registers, registers);
        before = kind;
        end = qemu_plugin_insn_vaddr(instruction) + size;
    }
    /* QEMU keeps the pointer for as long as the block may run, which is to the end. */
    uint64_t *const bounds = malloc(2 * sizeof *bounds);
    if (bounds == NULL)
        abort();
    bounds[0] = qemu_plugin_tb_vaddr(block);
    bounds[1] = end;
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, CB_NO_REGS, bounds);
}

static void write_counts(qemu_plugin_id_t id, void *unused)
{
    FILE *const out = fopen(path, "w");
    (void)id;
    (void)unused;
    if (out == NULL) {
        perror(path);
        return;
    }
    for (int kind = 0; kind < CLASSES; kind++)
        fprintf(out, "%s %llu\n", opcode_class_names[kind], (unsigned long long)counts[kind]);
    fprintf(out, "multiple_registers %llu\ntaken_branches %llu\n", (unsigned long long)multiple_registers,
            (unsigned long long)taken_branches);
    fclose(out);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0 && strlen(argv[i] + 4) < sizeof path)
            strcpy(path, argv[i] + 4);
    if (path[0] == '\0')
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, write_counts, NULL);
    return 0;
}
