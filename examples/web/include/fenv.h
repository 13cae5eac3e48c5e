/* What SIMDe asks of a C library when it is compiled for WebAssembly without one: WebAssembly always rounds to
   nearest and has no exceptions. string.h, math.h and stdlib.h beside it are as short. */
#pragma once
typedef int fenv_t;
#define FE_TONEAREST  0
#define FE_UPWARD     1
#define FE_DOWNWARD   2
#define FE_TOWARDZERO 3
static inline int fegetround(void)
{
    return FE_TONEAREST;
}
static inline int fesetround(int mode)
{
    return mode;
}
static inline int feholdexcept(fenv_t *env)
{
    return *env = 0;
}
static inline int fesetenv(const fenv_t *env)
{
    return *env;
}
