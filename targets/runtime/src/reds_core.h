/* Which variant of a kernel this core runs: decided here once, from what the compiler says of the core.
 *
 * A build may set the REDS_HAS_ macros itself: REDS_HAS_DSP=1 on a host, to run under the sanitizers what surrounds the
 * instructions (reds_dsp.h); any of them 0, to run the portable kernel on a core that has a better one.
 */
#ifndef REDS_CORE_H
#define REDS_CORE_H

#if defined(__arm__) && defined(__ARM_FEATURE_DSP)
#define REDS_DSP_INSTRUCTIONS 1 /* ARMv7E-M and later: SXTB16, SMLAD */
#else
#define REDS_DSP_INSTRUCTIONS 0
#endif

#if !defined(REDS_HAS_DSP)
#define REDS_HAS_DSP REDS_DSP_INSTRUCTIONS
#endif

#if !defined(REDS_HAS_FPV4)
#if defined(__ARM_ARCH_7EM__) && defined(__ARM_FP) && defined(__ARM_FEATURE_FMA)
#define REDS_HAS_FPV4 1 /* Cortex-M4F and M7: a scalar unit with 32 registers and fused multiply-add */
#else
#define REDS_HAS_FPV4 0
#endif
#endif

#if !defined(REDS_HAS_M0PLUS_ASSEMBLY)
#if defined(__ARM_ARCH_6M__)
#define REDS_HAS_M0PLUS_ASSEMBLY 1 /* Cortex-M0+: eight low registers, a multiplier of 32 bits, no unaligned access */
#else
#define REDS_HAS_M0PLUS_ASSEMBLY 0
#endif
#endif

#if !defined(REDS_HAS_AVX2)
#if defined(__AVX2__) && defined(__FMA__) && !REDS_HAS_DSP
#define REDS_HAS_AVX2 1
#else
#define REDS_HAS_AVX2 0
#endif
#endif

#if !defined(REDS_HAS_AVX512)
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__)
#define REDS_HAS_AVX512 REDS_HAS_AVX2 /* wider, with products of bytes: the same kernels */
#else
#define REDS_HAS_AVX512 0
#endif
#endif

#endif
