# boards.sh -- how examples/no_os.c is built for a machine without an operating system, and run there by QEMU.
# Read by bare.sh and sizes.sh after lib.sh. A board is a row: what QEMU calls it, the processor's flags, where
# flash and RAM lie. Cortex-M: gcc-arm-none-eabi, qemu-system-arm; AArch64: gcc-aarch64-linux-gnu, qemu-system-arm;
# RISC-V: clang, lld, llvm, qemu-system-misc.
THIN='-DLLMC_NO_STRINGS -DLLMC_NO_FORMATS -DLLMC_NO_UNICODE' # besides what no_os.c itself leaves out
semihosting='-nographic -monitor none -serial none -semihosting-config enable=on,target=native'

# board NAME: sets part, kind, machine, flags, flash, flash_size, ram, ram_size. Returns 1 where its tools are not.
board()
{
    part=$1 flash_size=4M ram_size=4M
    case $1 in
    cortex-m3) kind=arm machine=mps2-an385 flash=0 ram=0x20000000 flags='-mcpu=cortex-m3' ;; # no FPU
    cortex-m4) kind=arm machine=mps2-an386 flash=0 ram=0x20000000 flags='-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16' ;;
    cortex-m7) kind=arm machine=mps2-an500 flash=0 ram=0x20000000 flags='-mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-d16' ;;
    cortex-m33) kind=arm machine=mps2-an505 flash=0x10000000 ram=0x38000000 flags='-mcpu=cortex-m33 -mfloat-abi=hard -mfpu=fpv5-sp-d16' ;;
    aarch64) kind=aarch64 machine=virt flash=0 flash_size=64M ram=0x40100000 ram_size=64M flags=-mstrict-align ;;
    riscv64) kind=riscv64 machine=virt flash=0x20000000 flash_size=32M ram=0x80000000 ram_size=64M flags='-march=rv64gc -mabi=lp64d -mcmodel=medany -mno-relax' ;;
    esac
    case $kind in
    arm) want 'gcc-arm-none-eabi, qemu-system-arm' arm-none-eabi-gcc qemu-system-arm ;;
    aarch64) want 'gcc-aarch64-linux-gnu, qemu-system-arm' aarch64-linux-gnu-gcc qemu-system-aarch64 ;;
    riscv64) want 'clang, lld, llvm, qemu-system-misc' clang ld.lld llvm-objcopy qemu-system-riscv64 ;;
    esac
}

# image FLAG...: no_os.c for the board last named, to $DIR/$part.elf and .bin.
image()
{
    all="-Os -ffreestanding -ffunction-sections -fdata-sections -nostdlib -Wl,--gc-sections -Wall -Wextra -Werror"
    $CC -E -P -x c -DFLASH=$flash -DFLASH_SIZE=$flash_size -DRAM=$ram -DRAM_SIZE=$ram_size tests/platforms/board.ld >"$DIR/board.ld" || return
    case $kind in
    arm)
        arm-none-eabi-gcc $flags -mthumb -DLLMC_NO_SIMD $all "$@" examples/no_os.c tests/platforms/board.c \
            -T "$DIR/board.ld" -lgcc -o "$DIR/$part.elf"
        ;;
    aarch64)
        aarch64-linux-gnu-gcc $flags -static -fno-pic -no-pie $all "$@" examples/no_os.c tests/platforms/board.c \
            -Wl,--build-id=none -T "$DIR/board.ld" -lgcc -o "$DIR/$part.elf" &&
            aarch64-linux-gnu-objcopy -O binary "$DIR/$part.elf" "$DIR/$part.bin"
        ;;
    riscv64)
        clang --target=riscv64-none-elf $flags -fuse-ld=lld $all "$@" examples/no_os.c tests/platforms/board.c \
            -T "$DIR/board.ld" -o "$DIR/$part.elf" && llvm-objcopy -O binary "$DIR/$part.elf" "$DIR/$part.bin" &&
            truncate -s 32M "$DIR/$part.bin"
        ;;
    esac
}

# emulate: runs the image; what it says goes to stdout, its exit code is ours. On the last two the image is a real
# read-only flash; on the first it is RAM that only the linker knows as such.
emulate()
{
    case $kind in
    arm) limited qemu-system-arm -M $machine $semihosting -kernel "$DIR/$part.elf" ;;
    aarch64) limited qemu-system-aarch64 -M $machine -cpu cortex-a72 -nic none $semihosting -bios "$DIR/$part.bin" ;;
    riscv64) limited qemu-system-riscv64 -M $machine -bios none $semihosting \
        -drive if=pflash,format=raw,unit=0,readonly=on,file="$DIR/$part.bin" ;;
    esac
}

# program_bytes: code and constants of the image without the model.
program_bytes()
{
    tool=${1:-arm-none-eabi}-size
    $tool -A "$DIR/$part.elf" | awk -v model="$2" '$1 == ".text" || $1 == ".rodata" || $1 == ".data" { n += $2 } END { print n - model }'
}
