# Windows compilers: clang's MSVC target without an SDK, and MinGW for whole programs.
. tests/build/lib.sh

if have clang; then
    for arch in x86_64 aarch64 "i686 -msse2"; do
        try "clang $arch msvc target, core" clang --target=${arch%% *}-pc-windows-msvc $(echo "$arch" | sed -n "s,.* ,,p") -ffreestanding -fms-extensions \
            -Wall -Wextra -Werror -fsyntax-only tests/build/impl.c
    done
    try "clang msvc target, core as C++" clang --target=x86_64-pc-windows-msvc -x c++ -std=c++17 -ffreestanding \
        -Wall -Wextra -Werror -fsyntax-only tests/build/impl.c
else
    skip "msvc target" "no clang"
fi
mingw=x86_64-w64-mingw32-gcc
if have $mingw; then
    try "mingw header, strict" $mingw -std=c11 $STRICT -O1 -c tests/build/impl.c -o "$DIR/impl.o"
    for f in examples/*.c tools/*.c; do
        try "mingw $f" $mingw -O0 -Wformat -Werror "$f" -o "$DIR/program.exe"
    done
else
    skip "mingw" "no $mingw (gcc-mingw-w64-x86-64)"
fi
finish
