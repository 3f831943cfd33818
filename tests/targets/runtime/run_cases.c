/* Runs a file of cases and writes the outputs: the same program for an emulated core (through semihosting) and for a host.
 *
 *   run_cases CASES OUTPUTS
 *
 * A case: u32 image bytes, u32 level, u32 input bytes, u32 output bytes, u32 real, the image, the input. Where `real` is 1, input
 * and output are floats: real numbers and probabilities. Every case runs in an arena of exactly what the level needs. Ends with
 * status 1 at the first case that the runtime refuses.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reds.h"

enum { IMAGE_BYTES, LEVEL, INPUT_BYTES, OUTPUT_BYTES, REAL, FIELDS };

static void run_network(const reds_network *network, const uint32_t fields[FIELDS], const void *input, void *output)
{
    if (fields[REAL]) {
        reds_write_real_input(network, input);
        reds_invoke(network);
        reds_read_probabilities(network, output);
    } else {
        memcpy(reds_input(network), input, fields[INPUT_BYTES]);
        reds_invoke(network);
        memcpy(output, reds_output(network), fields[OUTPUT_BYTES]);
    }
}

static reds_status run_case(const uint32_t fields[FIELDS], const void *image, const void *input, void *output)
{
    reds_network network;
    reds_level level;
    reds_status status = reds_open(&network, image, fields[IMAGE_BYTES]);
    if (status == REDS_OK)
        status = reds_describe_level(&network, fields[LEVEL], &level);
    if (status != REDS_OK)
        return status;
    void *const arena = malloc(level.arena_bytes);
    memset(arena, 0xa5, level.arena_bytes);
    status = reds_bind(&network, arena, level.arena_bytes);
    if (status == REDS_OK)
        status = reds_select(&network, fields[LEVEL]);
    if (status == REDS_OK)
        run_network(&network, fields, input, output);
    free(arena);
    return status;
}

/* Reads, runs and writes one case. */
static int copy_case(FILE *cases, const uint32_t fields[FIELDS], FILE *outputs)
{
    void *const image = malloc(fields[IMAGE_BYTES]), *const input = malloc(fields[INPUT_BYTES]),
                *const output = malloc(fields[OUTPUT_BYTES]);
    int ok = fread(image, 1, fields[IMAGE_BYTES], cases) == fields[IMAGE_BYTES] &&
             fread(input, 1, fields[INPUT_BYTES], cases) == fields[INPUT_BYTES];
    if (ok) {
        const reds_status status = run_case(fields, image, input, output);
        ok = status == REDS_OK && fwrite(output, 1, fields[OUTPUT_BYTES], outputs) == fields[OUTPUT_BYTES];
        if (status != REDS_OK)
            fprintf(stderr, "%s\n", reds_status_text(status));
    }
    free(image);
    free(input);
    free(output);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    FILE *const cases = fopen(argv[1], "rb"), *const outputs = fopen(argv[2], "wb");
    if (cases == NULL || outputs == NULL)
        return 2;
    uint32_t fields[FIELDS];
    int ok = 1;
    while (ok && fread(fields, sizeof fields, 1, cases) == 1)
        ok = copy_case(cases, fields, outputs);
    return fclose(outputs) == 0 && ok ? 0 : 1;
}
