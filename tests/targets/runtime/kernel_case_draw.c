/* Random layers: small ones, around the blocks and edges of every kernel. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_case.h"

enum { MAX_PRODUCTS = 150000, INT8_WEIGHT = 127 };

static uint64_t random_state;

void seed_random(uint64_t seed)
{
    random_state = (seed + 1u) * UINT64_C(0x9E3779B97F4A7C15) | 1u;
    for (int i = 0; i < 8; i++)
        random_word();
}

/* xorshift64* */
uint32_t random_word(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * UINT64_C(2685821657736338717)) >> 32);
}

uint32_t random_below(uint32_t bound)
{
    return random_word() % bound;
}

int32_t random_between(int32_t lowest, int32_t highest)
{
    return (int32_t)((int64_t)lowest + (int64_t)(random_word() % ((uint64_t)((int64_t)highest - lowest) + 1u)));
}

float random_real(float magnitude)
{
    return magnitude * ((float)(random_word() >> 8) / (float)(1 << 23) - 1.0f);
}

void *allocate(size_t size)
{
    void *const memory = malloc(size > 0 ? size : 1);
    if (memory == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(2);
    }
    return memory;
}

static int one_in(uint32_t count)
{
    return random_below(count) == 0;
}

/* Mostly a few, sometimes one, a multiple of four, or many. */
static uint32_t random_channels(void)
{
    switch (random_below(6)) {
    case 0: return 1;
    case 1: return 4u * (1u + random_below(10));
    case 2: return 1u + random_below(70);
    default: return 1u + random_below(20);
    }
}

static uint32_t narrower(uint32_t width)
{
    return one_in(4) ? width : one_in(6) ? 1u : 1u + random_below(width);
}

/* One axis: input, kernel, stride, padding and output such that every window touches the input. */
static void draw_axis(int wide, uint16_t *input, uint16_t *kernel, uint8_t *stride, uint8_t *pad, uint16_t *output)
{
    *input = (uint16_t)(one_in(5) ? 1u : 1u + random_below(wide ? 30 : 12));
    *kernel = (uint16_t)(one_in(12) ? 1u + random_below(12) : 1u + random_below(5));
    *stride = (uint8_t)(1u + random_below(3));
    *pad = (uint8_t)(one_in(2) ? 0u : random_below(*kernel));
    const uint32_t most = ((uint32_t)*input + *pad - 1u) / *stride + 1u; /* (most - 1) stride - pad < input */
    const int32_t inside = *input + *pad - *kernel;
    const uint32_t valid = inside < 0 ? 1u : (uint32_t)inside / *stride + 1u;
    *output = (uint16_t)(one_in(6) ? 1u + random_below(most) : one_in(2) ? valid : most);
}

static void draw_map(struct reds_layer_record *layer)
{
    if (layer->kind == REDS_DENSE) {
        layer->input_height = layer->output_height = layer->output_width = layer->kernel_height = 1;
        layer->input_width = layer->kernel_width = (uint16_t)(one_in(2) ? 1u : 1u + random_below(30));
        layer->stride_height = layer->stride_width = 1;
        return;
    }
    draw_axis(0, &layer->input_height, &layer->kernel_height, &layer->stride_height, &layer->pad_top, &layer->output_height);
    draw_axis(1, &layer->input_width, &layer->kernel_width, &layer->stride_width, &layer->pad_left, &layer->output_width);
    if (layer->kind == REDS_CONVOLUTION && one_in(3)) { /* pointwise */
        layer->kernel_height = layer->kernel_width = 1;
        layer->pad_top = layer->pad_left = 0;
        if (!one_in(4))
            layer->stride_height = layer->stride_width = 1;
        layer->output_height = (uint16_t)((layer->input_height - 1) / layer->stride_height + 1);
        layer->output_width = (uint16_t)((layer->input_width - 1) / layer->stride_width + 1);
        if (one_in(6)) /* not all positions */
            layer->output_width = (uint16_t)(1u + random_below(layer->output_width));
    }
}

static size_t products_of(const struct reds_layer_record *layer)
{
    const size_t rows = layer->kind <= REDS_CONVOLUTION ? layer->output_channels : 1u;
    return (size_t)layer->output_height * layer->output_width * layer->kernel_height * layer->kernel_width * layer->input_channels *
           rows;
}

static size_t weight_count(const struct reds_layer_record *layer)
{
    const size_t columns = (size_t)layer->kernel_height * layer->kernel_width * layer->input_channels;
    return layer->kind == REDS_DEPTHWISE ? columns : columns * layer->output_channels;
}

/* Widths of every level, each at most those of the level before it. */
static void draw_widths(kernel_case *drawn)
{
    const int matrix = is_matrix(drawn);
    drawn->level_count = 1u + random_below(CASE_MAX_LEVELS);
    drawn->widths[0].inputs = drawn->layer.input_channels;
    drawn->widths[0].outputs = drawn->layer.output_channels;
    for (uint32_t i = 1; i < drawn->level_count; i++) {
        drawn->widths[i].inputs = narrower(drawn->widths[i - 1].inputs);
        drawn->widths[i].outputs = matrix ? narrower(drawn->widths[i - 1].outputs) : drawn->widths[i].inputs;
    }
}

/* Mostly so that outputs spread over the range of int8, sometimes anything that the format allows. */
static struct reds_int8_channel_record draw_int8_channel(uint32_t columns)
{
    static const int32_t multipliers[] = {0, REDS_MIN_MULTIPLIER, INT32_MAX, -REDS_MIN_MULTIPLIER, -INT32_MAX};
    struct reds_int8_channel_record channel;
    const int32_t spread = -(int32_t)(6.5 + 0.5 * log2((double)columns));
    const int32_t sign = one_in(4) ? -1 : 1;
    channel.bias = one_in(8)    ? random_between(-REDS_MAX_BIAS, REDS_MAX_BIAS)
                   : one_in(20) ? (one_in(2) ? REDS_MAX_BIAS : -REDS_MAX_BIAS)
                                : random_between(-4000, 4000);
    channel.multiplier = one_in(12) ? multipliers[random_below(5)] : sign * random_between(REDS_MIN_MULTIPLIER, INT32_MAX);
    channel.shift = one_in(8) ? random_between(REDS_MIN_SHIFT, REDS_MAX_SHIFT) : spread + random_between(-2, 2);
    return channel;
}

static void draw_int8_step(struct reds_step_record *step)
{
    step->input_zero_point = one_in(4) ? -128 : one_in(8) ? 127 : random_between(-128, 127);
    step->output_zero_point = one_in(4) ? -128 : random_between(-128, 127);
    switch (random_below(4)) {
    case 0: step->clamp_min = step->output_zero_point, step->clamp_max = 127; break;
    case 1: step->clamp_min = random_between(-128, 127), step->clamp_max = random_between(step->clamp_min, 127); break;
    default: step->clamp_min = -128, step->clamp_max = 127; break;
    }
}

/* Signs are drawn apart, so that the sums of long rows stay as small as those of trained ones. */
static void draw_weights(kernel_case *drawn)
{
    const size_t count = weight_count(&drawn->layer);
    const int extreme = one_in(6);
    drawn->weights = allocate(count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        if (drawn->precision == REDS_FLOAT32)
            drawn->weights[i] = random_real(1.0f);
        else
            drawn->weights[i] =
                (float)(extreme ? (one_in(2) ? INT8_WEIGHT : -INT8_WEIGHT) : random_between(-INT8_WEIGHT, INT8_WEIGHT));
    }
}

static void draw_level(kernel_case *drawn, uint32_t level)
{
    struct reds_step_record *const step = &drawn->steps[level];
    const uint32_t outputs = drawn->widths[level].outputs;
    const uint32_t positions = (uint32_t)drawn->layer.kernel_height * drawn->layer.kernel_width;
    step->input_channels = drawn->widths[level].inputs;
    step->output_channels = outputs;
    if (drawn->precision == REDS_INT8)
        draw_int8_step(step);
    if (!has_weights(drawn)) {
        step->output_zero_point = step->input_zero_point;
        return;
    }
    drawn->int8_channels[level] = allocate(outputs * sizeof(struct reds_int8_channel_record));
    drawn->float32_channels[level] = allocate(outputs * sizeof(struct reds_float32_channel_record));
    for (uint32_t i = 0; i < outputs; i++) {
        drawn->int8_channels[level][i] = draw_int8_channel(positions * (is_matrix(drawn) ? step->input_channels : 1u));
        drawn->float32_channels[level][i].scale = random_real(2.0f);
        drawn->float32_channels[level][i].bias = random_real(3.0f);
    }
}

static uint8_t choose(int wanted, uint32_t lowest, uint32_t end)
{
    return (uint8_t)(wanted == CASE_ANY ? lowest + random_below(end - lowest) : (uint32_t)wanted);
}

kernel_case draw_case(const case_filter *filter)
{
    kernel_case drawn;
    memset(&drawn, 0, sizeof drawn);
    struct reds_layer_record *const layer = &drawn.layer;
    drawn.precision = choose(filter->precision, REDS_FLOAT32, REDS_INT8 + 1);
    layer->kind = choose(filter->kind, REDS_DENSE, REDS_KINDS);
    if (is_matrix(&drawn))
        layer->layout = choose(filter->layout, REDS_ROWS, REDS_LAYOUTS);
    if (layer->layout == REDS_PANELS) {
        static const uint8_t usual[] = {1, 2, 3, 4, 6, 8, 16};
        layer->panel_rows = one_in(8) ? (uint8_t)(1u + random_below(REDS_MAX_PANEL_ROWS)) : usual[random_below(sizeof usual)];
    }
    if (has_weights(&drawn))
        layer->activation = (uint8_t)random_below(REDS_ACTIVATIONS);
    if (layer->activation == REDS_LEAKY_RELU)
        layer->negative_slope = 0.01f * (float)random_below(50);
    do {
        draw_map(layer);
        layer->input_channels = random_channels();
        layer->output_channels = is_matrix(&drawn) ? random_channels() : layer->input_channels;
    } while (products_of(layer) > MAX_PRODUCTS);
    draw_widths(&drawn);
    if (has_weights(&drawn))
        draw_weights(&drawn);
    for (uint32_t level = 0; level < drawn.level_count; level++)
        draw_level(&drawn, level);
    return drawn;
}

void free_case(kernel_case *drawn)
{
    free(drawn->weights);
    for (uint32_t level = 0; level < drawn->level_count; level++) {
        free(drawn->int8_channels[level]);
        free(drawn->float32_channels[level]);
    }
}

void print_case(const kernel_case *drawn, uint32_t level)
{
    static const char *const kinds[] = {"", "dense", "convolution", "depthwise", "average_pool", "max_pool"};
    static const char *const layouts[] = {"rows", "transposed", "panels", "shells"};
    const struct reds_layer_record *const layer = &drawn->layer;
    const struct reds_step_record *const step = &drawn->steps[level];
    printf("%s %s %s, panel rows %d, activation %d\n", drawn->precision == REDS_INT8 ? "int8" : "float32", kinds[layer->kind],
           layouts[layer->layout], layer->panel_rows, layer->activation);
    printf("input %dx%dx%lu, kernel %dx%d, stride %dx%d, pad %d,%d, output %dx%dx%lu\n", layer->input_height, layer->input_width,
           (unsigned long)layer->input_channels, layer->kernel_height, layer->kernel_width, layer->stride_height,
           layer->stride_width, layer->pad_top, layer->pad_left, layer->output_height, layer->output_width,
           (unsigned long)layer->output_channels);
    for (uint32_t i = 0; i < drawn->level_count; i++)
        printf("%s level %lu: %lu -> %lu\n", i == level ? ">" : " ", (unsigned long)i, (unsigned long)drawn->widths[i].inputs,
               (unsigned long)drawn->widths[i].outputs);
    printf("input zero point %ld, output zero point %ld, clamp %ld..%ld\n", (long)step->input_zero_point,
           (long)step->output_zero_point, (long)step->clamp_min, (long)step->clamp_max);
}
