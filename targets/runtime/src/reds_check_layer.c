/* The validator's rules about layer records: docs/image-format.md, "Layer record" and "Weights". */
#include "reds_check.h"

/* One axis of a layer's windows: every one of them touches the input. */
static int is_axis(uint32_t input, uint32_t output, uint32_t kernel, uint32_t stride, uint32_t pad)
{
    return input >= 1 && output >= 1 && kernel >= 1 && stride >= 1 && pad < kernel &&
           (int64_t)(output - 1) * stride - pad < (int64_t)input;
}

static int is_dense_map(const struct reds_layer_record *layer)
{
    return layer->input_height == 1 && layer->output_height == 1 && layer->output_width == 1 && layer->kernel_height == 1 &&
           layer->kernel_width == layer->input_width && layer->stride_height == 1 && layer->stride_width == 1 &&
           layer->pad_top == 0 && layer->pad_left == 0;
}

static int is_map(const struct reds_layer_record *layer)
{
    const uint64_t inputs = (uint64_t)layer->input_height * layer->input_width * layer->input_channels;
    const uint64_t outputs = (uint64_t)layer->output_height * layer->output_width * layer->output_channels;
    return is_axis(layer->input_height, layer->output_height, layer->kernel_height, layer->stride_height, layer->pad_top) &&
           is_axis(layer->input_width, layer->output_width, layer->kernel_width, layer->stride_width, layer->pad_left) &&
           (layer->kind != REDS_DENSE || is_dense_map(layer)) && reds_in_range(layer->input_channels, 1, REDS_MAX_SIDE) &&
           reds_in_range(layer->output_channels, 1, REDS_MAX_SIDE) &&
           (reds_is_matrix(layer) || layer->output_channels == layer->input_channels) && inputs <= REDS_MAX_ELEMENTS &&
           outputs <= REDS_MAX_ELEMENTS;
}

static int is_activation(const struct reds_layer_record *layer)
{
    if (layer->activation == REDS_LEAKY_RELU)
        return !reds_is_pool(layer) && layer->negative_slope >= 0.0f && reds_is_finite(layer->negative_slope);
    return layer->activation < (reds_is_pool(layer) ? REDS_NO_ACTIVATION + 1 : REDS_ACTIVATIONS) && layer->negative_slope == 0.0f;
}

static int is_layout(const struct reds_layer_record *layer)
{
    if (!reds_is_matrix(layer) && layer->layout != REDS_ROWS)
        return 0;
    return layer->layout == REDS_PANELS ? reds_in_range(layer->panel_rows, 1, REDS_MAX_PANEL_ROWS) : layer->panel_rows == 0;
}

/* Products that one output sums over; what a pooling window adds up is not limited beyond its map. */
static uint64_t columns_of(const struct reds_layer_record *layer)
{
    if (reds_is_pool(layer))
        return 0;
    return (uint64_t)reds_kernel_positions(layer) * (reds_is_matrix(layer) ? layer->input_channels : 1);
}

/* Elements of the weights that lie together, fewer than 2^41. */
static uint64_t weights_of(const reds_image_view *image, const struct reds_layer_record *layer, uint32_t columns)
{
    const uint32_t block = reds_block(image), rows = layer->output_channels;
    if (reds_is_pool(layer) || layer->layout == REDS_SHELLS)
        return 0;
    if (layer->kind == REDS_DEPTHWISE || layer->layout == REDS_TRANSPOSED)
        return (uint64_t)columns * reds_filled_up(rows, block);
    const uint32_t filled_rows = layer->layout == REDS_PANELS ? reds_filled_up(rows, layer->panel_rows) : rows;
    return (uint64_t)filled_rows * reds_filled_up(columns, block);
}

static int is_weights(const reds_image_view *image, const struct reds_layer_record *layer)
{
    const uint64_t columns = columns_of(layer);
    if (columns > (reds_is_int8(image) ? REDS_MAX_INT8_COLUMNS : REDS_MAX_ELEMENTS))
        return 0;
    const uint64_t bytes = weights_of(image, layer, (uint32_t)columns) * reds_element_bytes(image);
    if (layer->weights_bytes != bytes)
        return 0;
    return bytes == 0 ? layer->weights_offset == 0 : reds_is_in_sections(image, image->smallest, layer->weights_offset, bytes);
}

reds_status reds_check_layer(const reds_image_view *image, const struct reds_layer_record *layer)
{
    if (!reds_in_range(layer->kind, REDS_DENSE, REDS_KINDS - 1) || layer->layout >= REDS_LAYOUTS)
        return REDS_UNSUPPORTED;
    const int valid = is_layout(layer) && is_activation(layer) && is_map(layer) && is_weights(image, layer) &&
                      reds_is_zero(layer->reserved, sizeof layer->reserved);
    return valid ? REDS_OK : REDS_BAD_LAYER;
}
