/* Functions that run once for an image or a layer: the compiler makes them small rather than fast. */
#ifndef REDS_COLD_H
#define REDS_COLD_H

#define REDS_COLD __attribute__((cold, noinline))

#endif
