#!/bin/sh
# deps.sh check: names the Debian packages that the tests want and this machine
# lacks; deps.sh install: installs them if it may (root, or sudo without a password).
# Exit 0 if nothing is missing in the end.
#
# Not gcc-multilib: it conflicts with the cross compilers; i686-linux-gnu serves.
packages='gcc g++ make clang clang-format libclang-rt-14-dev tcc libsimde-dev libstb-dev unicode-data
    universal-ctags python3-numpy python3-jsonschema python3-regex python3-sentencepiece qemu-user
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    gcc-s390x-linux-gnu libc6-dev-s390x-cross
    gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
    gcc-i686-linux-gnu libc6-dev-i386-cross
    gcc-arm-none-eabi gcc-mingw-w64-x86-64
    cppcheck clang-tidy
    curl openssl nginx haproxy tmux mpich libmpich-dev'

missing()
{
    for p in $packages; do
        case $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) in
        *'ok installed') ;;
        *) printf '%s ' "$p" ;;
        esac
    done
}

if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    echo "deps: this is no Debian; the tests would like what these packages hold:" $packages
    exit 1
fi
lack=$(missing)
[ -n "$lack" ] || exit 0
if [ "$1" != install ]; then
    echo "deps: missing: $lack"
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root='env'
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root='sudo -n env'
else
    echo "deps: may not install here; as root: apt-get install $lack"
    exit 1
fi

apt()
{
    $as_root DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Dpkg::Use-Pty=0 "$@" >/dev/null 2>&1
}

echo "deps: installing $lack"
apt install $lack || { apt update; apt install $lack; } ||
    for p in $lack; do # one that is not to be had must not keep the others out
        apt install "$p"
    done
lack=$(missing)
[ -n "$lack" ] || exit 0
echo "deps: could not install: $lack"
exit 1
