/* Which variant of a kernel this core runs: decided here once, from what the compiler says of the core.
 *
 * A test sets REDS_HAS_DSP on a host, to run under the sanitizers what surrounds the instructions (reds_dsp.h).
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

#if defined(__ARM_ARCH_7EM__) && defined(__ARM_FP) && defined(__ARM_FEATURE_FMA)
#define REDS_HAS_FPV4 1 /* Cortex-M4F and M7: a scalar unit with 32 registers and fused multiply-add */
#else
#define REDS_HAS_FPV4 0
#endif

#endif
