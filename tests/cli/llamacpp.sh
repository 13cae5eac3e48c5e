# llamacpp.sh -- llama.cpp makes the same of our files: see tests/compat/compare.mjs.
# Runs where node is and LLAMA_CPP_NODE or NODE_PATH names a node_modules folder with node-llama-cpp.
. tests/cli/lib.sh
if ! command -v node >/dev/null 2>&1; then
    skip "llama.cpp" "no node"
    finish
fi
export BUILD="$B" SHARED
node tests/compat/compare.mjs
