# make             every example and tool into build/, each by one plain cc command
# make run         chat with the model in the box, or with another: make run MODEL=file.gguf
# make test        everything this machine can test; T=token one part, V=1 all output, FULL=1 every test of every kind
# make bench       tokens per second on a random-weight TinyLlama-1.1B
# make tokenizer   a byte-level BPE from text: make tokenizer CORPUS=file.txt VOCAB=8192 OUT=folder
# make tiny        the model in the box once more: its texts, tokenizer, training, scores; about an hour
# make coverage    how much of llmc.h the unit tests run, by section; gcc
# make compare     training beside PyTorch (and llm.c: LLMC_C=folder)
# make shared      build/libllmc.so for other languages; its symbols are those of the INTERFACE, with a version
# make web         the engine for browsers and its page into build/web; clang and lld
# make test-platforms  boards without a system, WebAssembly, other languages, other compilers: T=bare one of them
# make lint        structure of llmc.h and formatting
# make fuzz        random files through every loader, FUZZ_SECONDS (600) for each; clang only
# make deps        what the tests want, from Debian's packages
# make install     header, programs and tools into PREFIX
CC = cc
CFLAGS = -O2
PREFIX = /usr/local
SHARED ?= ../shared
THREADS =
MODEL = examples/tiny.gguf

EXAMPLES = $(patsubst examples/%.c,build/%,$(wildcard examples/*.c))
TOOLS = $(patsubst tools/%.c,build/%,$(wildcard tools/*.c))
# Programs that people use; lint, unicode and world serve this repository only.
PROGRAMS = $(filter-out build/lint build/unicode build/world,build/chat build/server build/agent build/train build/rag $(TOOLS))
SYNTH = build/tinyllama-1.1b-q8_0.gguf

all: $(EXAMPLES) $(TOOLS)

build/%: examples/%.c llmc.h
	@mkdir -p build
	$(CC) $(CFLAGS) $< -o $@

build/agent build/chat: examples/tools.h
build/agent build/chat build/server: examples/options.h
build/agent build/chat build/server build/train: examples/files.h

build/%: tools/%.c llmc.h $(wildcard tools/*.h) examples/files.h
	@mkdir -p build
	$(CC) $(CFLAGS) $< -o $@

run: build/chat
	@build/chat -m '$(MODEL)' $(ARGS)

test:
	@CC='$(CC)' SHARED='$(SHARED)' T='$(T)' V='$(V)' FULL='$(FULL)' MAKE='$(MAKE)' sh tests/run.sh

bench: build/bench $(SYNTH)
	build/bench -m $(SYNTH) -p 512 -n 64 $(if $(THREADS),-t $(THREADS)) $(ARGS)

ifeq ($(CORPUS),)
tokenizer:
	@echo 'make tokenizer CORPUS=file.txt [VOCAB=8192] [OUT=build/tokens] [ARGS=...]: writes tokenizer.json, vocab.json, merges.txt' >&2
	@exit 2
else
tokenizer: build/tokenizer
	build/tokenizer train $(CORPUS) -o $(or $(OUT),build/tokens) -v $(or $(VOCAB),8192) --min-frequency 2 $(ARGS)
endif

$(SYNTH): | build/synth
	build/synth tinyllama-1.1b $@.part q8_0
	mv $@.part $@

fuzz:
	@sh tests/fuzz/run.sh $(T)

tiny: all
	sh configs/train/tiny.sh build/tiny.gguf # examples/tiny.gguf is one of these

# Where the linker knows no versions (macOS), only what LLMC_API says is seen.
SHARED_LIB = build/libllmc.so.0
shared: $(SHARED_LIB)
build/llmc.map: llmc.h
	@mkdir -p build
	@{ echo 'LLMC_0 { global:'; $(CC) -E -P -DLLMC_API=LLMC_EXPORTED -x c llmc.h | \
	    sed -n 's/^LLMC_EXPORTED [^(]*[ *]\(llmc_[a-z0-9_]*\)(.*/    \1;/p' | sort; echo '  local: *; };'; } >$@
$(SHARED_LIB): llmc.h build/llmc.map
	$(CC) $(CFLAGS) -fPIC -shared -fvisibility=hidden '-DLLMC_API=extern __attribute__((visibility("default")))' \
	    -DLLMC_IMPLEMENTATION -x c llmc.h -Wl,-soname,libllmc.so.0 -Wl,--version-script=build/llmc.map -o $@
	ln -sf libllmc.so.0 build/libllmc.so

web:
	sh examples/web/build.sh build/web

test-platforms: all shared
	@CC='$(CC)' SHARED='$(SHARED)' T='$(T)' sh tests/platforms/run.sh

coverage:
	@sh tests/coverage.sh build/coverage $(MIN)

compare: build/bench_train
	/usr/bin/python3 tests/compat/training.py build/bench_train $(if $(LLMC_C),--llmc-c $(LLMC_C))

build/bench_train: tests/bench_train.c llmc.h tools/tool.h tools/limits.h
	@mkdir -p build
	$(CC) $(CFLAGS) $< -o $@

lint: build/lint
	build/lint llmc.h
	sh tests/format.sh

format:
	sh tests/format.sh -i

deps:
	@sh tests/deps.sh install

install: $(PROGRAMS)
	mkdir -p '$(DESTDIR)$(PREFIX)/include' '$(DESTDIR)$(PREFIX)/bin'
	cp llmc.h '$(DESTDIR)$(PREFIX)/include/llmc.h'
	for p in $(PROGRAMS:build/%=%); do cp "build/$$p" '$(DESTDIR)$(PREFIX)/bin/'"llmc-$$p" || exit 1; done

clean:
	rm -rf build

.PHONY: all coverage compare run test bench tokenizer tiny fuzz lint format deps install clean shared web test-platforms
.DELETE_ON_ERROR:
