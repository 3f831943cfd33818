/* Runs a file of cases and writes the outputs: the same program for an emulated core (through semihosting) and for a host.
 *
 *   run_cases CASES OUTPUTS
 *
 * A case: u32 image bytes, u32 level, u32 input bytes, u32 output bytes, the image, the input. Ends with status 1 at the first
 * case that the runtime refuses.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reds.h"

enum { IMAGE_BYTES, LEVEL, INPUT_BYTES, OUTPUT_BYTES, FIELDS };

static int run_case(FILE *cases, const uint32_t fields[FIELDS], FILE *outputs)
{
    void *const image = malloc(fields[IMAGE_BYTES]);
    reds_network network;
    reds_description whole;
    if (image == NULL || fread(image, 1, fields[IMAGE_BYTES], cases) != fields[IMAGE_BYTES])
        return 0;
    reds_status status = reds_open(&network, image, fields[IMAGE_BYTES]);
    if (status == REDS_OK) {
        reds_describe(&network, &whole);
        void *const arena = malloc(whole.arena_bytes);
        memset(arena, 0xa5, whole.arena_bytes);
        status = reds_bind(&network, arena, whole.arena_bytes);
        if (status == REDS_OK)
            status = reds_select(&network, fields[LEVEL]);
        if (status == REDS_OK && fread(reds_input(&network), 1, fields[INPUT_BYTES], cases) == fields[INPUT_BYTES]) {
            reds_invoke(&network);
            fwrite(reds_output(&network), 1, fields[OUTPUT_BYTES], outputs);
        }
        free(arena);
    }
    free(image);
    if (status != REDS_OK)
        fprintf(stderr, "%s\n", reds_status_text(status));
    return status == REDS_OK;
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
        ok = run_case(cases, fields, outputs);
    return fclose(outputs) == 0 && ok ? 0 : 1;
}
