/* Random layers through the kernels of a build, against their definition.
 *
 *   kernel_check SEED COUNT [int8|float32] [dense|convolution|depthwise|average_pool|max_pool] [rows|transposed|panels|shells]
 * [case=N]
 *
 * Every layer runs at each of its levels, with input and output apart and with the output as close behind the input as the format
 * allows. Buffers have exactly the size that the contract of reds_kernels.h gives them, between guards. Prints what went wrong and
 * ends with status 1 at the first difference; case=N runs that one alone.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_case.h"
#include "reds_kernels.h"

enum { GARBAGE = 0xA5, WORD = 4, MAX_INDEX = 3 };

/* Where a step's maps lie: in one buffer or in two. */
typedef struct {
    guarded memory, output_memory; /* output_memory.memory is NULL where both lie in one */
    uint8_t *input, *output;
} maps;

typedef struct {
    kernel_case drawn;
    guarded image;
    struct reds_layer_record layer;
    uint32_t index;
} checked_layer;

static size_t element_bytes(const kernel_case *drawn)
{
    return drawn->precision == REDS_INT8 ? 1 : sizeof(float);
}

static size_t buffer_bytes(const kernel_case *drawn, size_t elements)
{
    return (elements * element_bytes(drawn) + WORD - 1) / WORD * WORD;
}

static maps maps_apart(const kernel_case *drawn, uint32_t level)
{
    maps apart;
    apart.memory = allocate_guarded(buffer_bytes(drawn, input_elements(drawn, level)), WORD * random_below(2));
    apart.output_memory = allocate_guarded(buffer_bytes(drawn, output_elements(drawn, level)), WORD * random_below(2));
    apart.input = apart.memory.start;
    apart.output = apart.output_memory.start;
    return apart;
}

/* The output begins the buffer; the input lies as close to its beginning as the rule about buffers allows. */
static maps maps_overlapping(const kernel_case *drawn, uint32_t level)
{
    const struct reds_layer_record *const layer = &drawn->layer;
    const int64_t input_row = (int64_t)(layer->input_width * drawn->widths[level].inputs * element_bytes(drawn));
    const int64_t output_row = (int64_t)(layer->output_width * drawn->widths[level].outputs * element_bytes(drawn));
    const int64_t input_size = (int64_t)buffer_bytes(drawn, input_elements(drawn, level));
    const int64_t output_size = (int64_t)buffer_bytes(drawn, output_elements(drawn, level));
    int64_t offset = output_size > input_size ? output_size - input_size : 0;
    for (int64_t y = 0; y < layer->output_height; y++) {
        const int64_t first_row = y * layer->stride_height - layer->pad_top;
        const int64_t needed = (y + 1) * output_row - (first_row > 0 ? first_row : 0) * input_row;
        offset = needed > offset ? needed : offset;
    }
    offset = (offset + WORD - 1) / WORD * WORD;
    maps overlapping = {.output_memory = {.memory = NULL}};
    overlapping.memory = allocate_guarded((size_t)(offset + input_size), WORD * random_below(2));
    overlapping.output = overlapping.memory.start;
    overlapping.input = overlapping.memory.start + offset;
    return overlapping;
}

/* Checks the guards; `input` is what the kernel was given. */
static const char *check_memory(maps *used, const void *input, size_t input_bytes)
{
    const char *broken = is_guard_whole(&used->memory) ? NULL : "bytes beside the maps were written";
    if (used->output_memory.memory != NULL) {
        if (!is_guard_whole(&used->output_memory))
            broken = "bytes beside the output were written";
        if (memcmp(used->input, input, input_bytes) != 0)
            broken = "the input was written";
    }
    return broken;
}

static void free_maps(maps *used)
{
    free_guarded(&used->memory);
    if (used->output_memory.memory != NULL)
        free_guarded(&used->output_memory);
}

/* One run of the layer's kernel; the output is copied out. */
static const char *run_kernel(const checked_layer *checked, uint32_t level, const struct reds_step_record *step, const void *input,
                              size_t input_bytes, maps *used, void *output, size_t output_bytes)
{
    const struct reds_level_record *const levels = (const void *)checked->image.start;
    const reds_kernel *const kernel = reds_kernel_for(checked->drawn.precision, &checked->layer);
    reds_operands operands = {.image = checked->image.start, .layer = &checked->layer, .step = step, .level = levels + level};
    operands.smallest = levels + checked->drawn.level_count - 1;
    operands.index = checked->index;
    operands.input = used->input;
    operands.output = used->output;
    guarded scratch = allocate_guarded(kernel->scratch_bytes == NULL ? 0 : kernel->scratch_bytes(&operands), 0);
    operands.scratch = scratch.start;
    memset(scratch.start, GARBAGE, scratch.size);
    memset(used->memory.start, GARBAGE, used->memory.size);
    if (used->output_memory.memory != NULL)
        memset(used->output_memory.start, GARBAGE, used->output_memory.size);
    memcpy(used->input, input, input_bytes);
    kernel->run(&operands);
    const char *const broken =
        is_guard_whole(&scratch) ? check_memory(used, input, input_bytes) : "bytes beside the scratch were written";
    memcpy(output, used->output, output_bytes);
    free_guarded(&scratch);
    return broken;
}

static const char *compare_int8(const int8_t *found, const int8_t *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (found[i] != expected[i]) {
            printf("output %lu: %d, not %d\n", (unsigned long)i, found[i], expected[i]);
            return "an output differs";
        }
    return NULL;
}

static const char *compare_float32(const float *found, const float *expected, const float *tolerance, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(found[i] - expected[i]) <= tolerance[i])) {
            printf("output %lu: %.9g, not %.9g within %g\n", (unsigned long)i, (double)found[i], (double)expected[i],
                   (double)tolerance[i]);
            return "an output differs";
        }
    return NULL;
}

/* What a level is given and what it must answer. */
typedef struct {
    size_t input_bytes, output_count, output_bytes;
    void *input, *expected;
    float *tolerance;
} level_truth;

static level_truth draw_truth(const kernel_case *drawn, uint32_t level)
{
    level_truth truth;
    const size_t count = input_elements(drawn, level);
    truth.input_bytes = buffer_bytes(drawn, count);
    truth.output_count = output_elements(drawn, level);
    truth.output_bytes = truth.output_count * element_bytes(drawn);
    truth.input = allocate(truth.input_bytes);
    truth.expected = allocate(truth.output_bytes);
    truth.tolerance = allocate(truth.output_count * sizeof(float));
    const int extreme = random_below(8) == 0;
    if (drawn->precision == REDS_INT8) {
        memset(truth.input, 0, truth.input_bytes);
        for (size_t i = 0; i < count; i++)
            ((int8_t *)truth.input)[i] = (int8_t)(extreme ? (random_below(2) ? 127 : -128) : random_between(-128, 127));
        expect_int8(drawn, level, truth.input, truth.expected);
    } else {
        for (size_t i = 0; i < count; i++)
            ((float *)truth.input)[i] = random_real(2.0f);
        expect_float32(drawn, level, truth.input, truth.expected, truth.tolerance);
    }
    return truth;
}

static void free_truth(level_truth *truth)
{
    free(truth->input);
    free(truth->expected);
    free(truth->tolerance);
}

static const char *check_run(const checked_layer *checked, uint32_t level, const level_truth *truth, maps used, void *output)
{
    const struct reds_step_record *const step = &checked->drawn.steps[level];
    const char *broken = run_kernel(checked, level, step, truth->input, truth->input_bytes, &used, output, truth->output_bytes);
    if (broken == NULL)
        broken = checked->drawn.precision == REDS_INT8
                     ? compare_int8(output, truth->expected, truth->output_count)
                     : compare_float32(output, truth->expected, truth->tolerance, truth->output_count);
    free_maps(&used);
    return broken;
}

/* Fewer outputs give the same ones, bit by bit: the order of additions does not depend on how many rows are active. */
static const char *check_fewer_outputs(const checked_layer *checked, uint32_t level, const level_truth *truth, const void *whole)
{
    const kernel_case *const drawn = &checked->drawn;
    const uint32_t outputs = drawn->widths[level].outputs, windows = (uint32_t)(truth->output_count / outputs);
    struct reds_step_record step = drawn->steps[level];
    step.output_channels = 1u + random_below(outputs);
    const size_t size = element_bytes(drawn), bytes = windows * step.output_channels * size;
    uint8_t *const output = allocate(bytes);
    maps used = maps_apart(drawn, level);
    const char *broken = run_kernel(checked, level, &step, truth->input, truth->input_bytes, &used, output, bytes);
    for (uint32_t window = 0; broken == NULL && window < windows; window++)
        if (memcmp(output + window * step.output_channels * size, (const uint8_t *)whole + window * outputs * size,
                   step.output_channels * size) != 0)
            broken = "an output depends on how many outputs are active";
    free_maps(&used);
    free(output);
    return broken;
}

static const char *check_level(const checked_layer *checked, uint32_t level)
{
    const kernel_case *const drawn = &checked->drawn;
    level_truth truth = draw_truth(drawn, level);
    void *const output = allocate(truth.output_bytes);
    const char *broken = check_run(checked, level, &truth, maps_apart(drawn, level), output);
    if (broken == NULL && is_matrix(drawn) && drawn->layer.layout != REDS_SHELLS)
        broken = check_fewer_outputs(checked, level, &truth, output);
    if (broken == NULL && drawn->layer.kind != REDS_DENSE) {
        broken = check_run(checked, level, &truth, maps_overlapping(drawn, level), output);
        if (broken != NULL)
            printf("with the output close behind the input:\n");
    }
    free(output);
    free_truth(&truth);
    return broken;
}

static int check_case(uint64_t seed, const case_filter *filter)
{
    checked_layer checked;
    seed_random(seed);
    checked.drawn = draw_case(filter);
    checked.index = random_below(MAX_INDEX);
    checked.image = pack_case(&checked.drawn, checked.index);
    checked.layer = checked.drawn.layer;
    int ok = 1;
    for (uint32_t level = 0; ok && level < checked.drawn.level_count; level++) {
        const char *const broken = check_level(&checked, level);
        if (broken != NULL) {
            printf("%s\n", broken);
            print_case(&checked.drawn, level);
            ok = 0;
        }
    }
    free_guarded(&checked.image);
    free_case(&checked.drawn);
    return ok;
}

typedef struct {
    const char *name;
    size_t field; /* of case_filter */
    int value;
} filter_word;

static int set_filter(case_filter *filter, const char *word)
{
    static const filter_word words[] = {
        {"float32", offsetof(case_filter, precision), REDS_FLOAT32},
        {"int8", offsetof(case_filter, precision), REDS_INT8},
        {"dense", offsetof(case_filter, kind), REDS_DENSE},
        {"convolution", offsetof(case_filter, kind), REDS_CONVOLUTION},
        {"depthwise", offsetof(case_filter, kind), REDS_DEPTHWISE},
        {"average_pool", offsetof(case_filter, kind), REDS_AVERAGE_POOL},
        {"max_pool", offsetof(case_filter, kind), REDS_MAX_POOL},
        {"rows", offsetof(case_filter, layout), REDS_ROWS},
        {"transposed", offsetof(case_filter, layout), REDS_TRANSPOSED},
        {"panels", offsetof(case_filter, layout), REDS_PANELS},
        {"shells", offsetof(case_filter, layout), REDS_SHELLS},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i].name) == 0) {
            memcpy((uint8_t *)filter + words[i].field, &words[i].value, sizeof words[i].value);
            return 1;
        }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        printf("usage: kernel_check SEED COUNT [PRECISION] [KIND] [LAYOUT] [case=N]\n");
        return 2;
    }
    const uint64_t seed = strtoul(argv[1], NULL, 10) * UINT64_C(1000003);
    unsigned long first = 0, end = strtoul(argv[2], NULL, 10);
    case_filter filter = {CASE_ANY, CASE_ANY, CASE_ANY};
    for (int i = 3; i < argc; i++) {
        if (strncmp(argv[i], "case=", 5) == 0) {
            first = strtoul(argv[i] + 5, NULL, 10);
            end = first + 1;
        } else if (!set_filter(&filter, argv[i])) {
            printf("not a precision, kind or layout: %s\n", argv[i]);
            return 2;
        }
    }
    for (unsigned long i = first; i < end; i++)
        if (!check_case(seed + i, &filter)) {
            printf("FAILED: case=%lu\n", i);
            return 1;
        }
    printf("%lu layers agree\n", end - first);
    return 0;
}
