/* board.c -- what examples/no_os.c needs of a machine without an operating system: start-up, the four memory
   functions, and a way to say something. For Cortex-M, AArch64 and RISC-V as QEMU has them, with board.ld. Text
   and the exit code go through semihosting, the debugger's door, which is the same on all three. */
#include <stddef.h>
#include <stdint.h>

extern unsigned char board_data[], board_data_end[], board_bss[], board_bss_end[], board_stack[],
    board_stack_end[];
extern const unsigned char board_data_flash[];
int main(void);
void put_text(const char *text);

/* The compiler must not make these loops into calls of what they define. */
#if defined(__clang__)
#define LOOP __attribute__((no_builtin))
#else
#define LOOP __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

LOOP void *memcpy(void *dst, const void *src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;
    while (n--)
        *d++ = *s++;
    return dst;
}

LOOP void *memmove(void *dst, const void *src, size_t n)
{
    unsigned char *d = dst;
    const unsigned char *s = src;
    if ((uintptr_t)d - (uintptr_t)s >= n) // not within what is read
        return memcpy(dst, src, n);
    while (n--)
        d[n] = s[n];
    return dst;
}

LOOP void *memset(void *dst, int value, size_t n)
{
    unsigned char *d = dst;
    while (n--)
        *d++ = (unsigned char)value;
    return dst;
}

LOOP int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

/* ---- semihosting: an operation's number and its argument in the first two registers ---- */

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

static uintptr_t semihost(uintptr_t operation, const void *argument)
{
#if defined(__arm__)
    register uintptr_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#elif defined(__aarch64__)
    register uintptr_t x0 __asm__("x0") = operation;
    register const void *x1 __asm__("x1") = argument;
    __asm__ volatile("hlt 0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
#elif defined(__riscv)
    register uintptr_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(".option push\n.option norvc\n.balign 16\n" // the three lie in one page
                     "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
#endif
}

void put_text(const char *text)
{
    semihost(SYS_WRITE0, text);
}

static void leave(uintptr_t code)
{
    uintptr_t reason[2] = {APPLICATION_EXIT, code};
    semihost(SYS_EXIT_EXTENDED, reason);
    for (;;) {}
}

/* ---- from reset to main and back ---- */

static const uint32_t PAINT = 0x57ac4u;

/* How much of the stack was ever written: what is not PAINT any more. */
static void report_stack(void)
{
    const uint32_t *at = (const uint32_t *)board_stack, *end = (const uint32_t *)board_stack_end;
    char text[] = "[stack 0000000 bytes]\n";
    size_t used;
    char *digit = text + 13;
    while (at < end && *at == PAINT)
        at++;
    used = (size_t)((const unsigned char *)end - (const unsigned char *)at);
    for (; used; used /= 10)
        *digit-- = (char)('0' + used % 10);
    put_text(text);
}

/* Runs on the stack it paints; what lies closest is its own. */
__attribute__((used)) void board_start(void)
{
    uintptr_t code;
    uint32_t *at = (uint32_t *)board_stack, *here = (uint32_t *)__builtin_frame_address(0) - 64;
    while (at < here)
        *(volatile uint32_t *)at++ = PAINT;
    memcpy(board_data, board_data_flash, (size_t)(board_data_end - board_data));
    memset(board_bss, 0, (size_t)(board_bss_end - board_bss));
    code = (uintptr_t)main();
    report_stack();
    leave(code);
}

/* Whatever goes wrong in hardware. */
__attribute__((used)) void board_fault(void)
{
    put_text("board: the processor reports a fault\n");
    leave(3);
}

#if defined(__arm__)
static void reset(void)
{
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20; // CPACR: full access to the floating-point unit
    __asm__ volatile("dsb\nisb");
#endif
    board_start();
}

/* The first stack pointer, then reset, NMI, hard fault and the three that end in one. */
__attribute__((used, section(".first"))) static void *const vectors[] = {
    board_stack_end,     (void *)reset,       (void *)board_fault, (void *)board_fault,
    (void *)board_fault, (void *)board_fault, (void *)board_fault};
#elif defined(__aarch64__)
/* EL1, memory unmapped, so that all of it is "device" memory: no unaligned access (-mstrict-align). */
__asm__(".section .first, \"ax\"\n"
        "adrp x0, board_stack_end\nadd x0, x0, :lo12:board_stack_end\nmov sp, x0\n"
        "mov x0, #(3 << 20)\nmsr cpacr_el1, x0\n" // floating point and NEON do not trap
        "adr x0, board_vectors\nmsr vbar_el1, x0\nisb\n"
        "b board_start\n"
        ".balign 2048\nboard_vectors:\n"
        ".rept 16\nb board_fault\n.balign 128\n.endr\n.text\n");
#elif defined(__riscv)
__asm__(".section .first, \"ax\"\n"
        "la sp, board_stack_end\n"
        "la t0, board_trap\ncsrw mtvec, t0\n"
        "li t0, 0x6000\ncsrs mstatus, t0\n" // FS: the floating-point unit is on
        "j board_start\n"
        ".balign 4\nboard_trap:\nj board_fault\n.text\n");
#endif
