/* Reads instructions as their halfwords, "f7ff fffe" a line, and says of each its class and how many registers it transfers. */
#include <stdio.h>

#include "opcode_class.h"

int main(void)
{
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        unsigned halves[2] = {0, 0}, registers = 0;
        const int count = sscanf(line, "%x %x", &halves[0], &halves[1]);
        if (count < 1)
            return 1;
        const uint8_t bytes[4] = {(uint8_t)halves[0], (uint8_t)(halves[0] >> 8), (uint8_t)halves[1], (uint8_t)(halves[1] >> 8)};
        const opcode_class kind = classify(bytes, (size_t)count * 2, &registers);
        printf("%s %u\n", opcode_class_names[kind], registers);
    }
    return 0;
}
