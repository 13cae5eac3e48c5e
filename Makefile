# make             every example and tool into build/, each by one plain cc command
# make run         chat with a model: make run MODEL=file.gguf
# make test        everything this machine can test; T=token one part, V=1 all output
# make bench       tokens per second on a random-weight TinyLlama-1.1B
# make lint        structure of llmc.h and formatting
# make fuzz        random files through every loader, FUZZ_SECONDS (600) for each; clang only
# make deps        what the tests want, from Debian's packages
# make install     header, chat and tools into PREFIX
CC = cc
CFLAGS = -O2
PREFIX = /usr/local
SHARED ?= ../shared
THREADS =

EXAMPLES = $(patsubst examples/%.c,build/%,$(wildcard examples/*.c))
TOOLS = $(patsubst tools/%.c,build/%,$(wildcard tools/*.c))
# Programs that people use; lint and unicode serve this repository only.
PROGRAMS = $(filter-out build/lint build/unicode,build/chat $(TOOLS))
SYNTH = build/tinyllama-1.1b-q8_0.gguf

all: $(EXAMPLES) $(TOOLS)

build/%: examples/%.c llmc.h
	@mkdir -p build
	$(CC) $(CFLAGS) $< -o $@

build/%: tools/%.c llmc.h $(wildcard tools/*.h)
	@mkdir -p build
	$(CC) $(CFLAGS) $< -o $@

ifeq ($(MODEL),)
run:
	@echo 'make run MODEL=file.gguf: any GGUF from Hugging Face will do, for example tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf from https://huggingface.co/TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF'
else
run: build/chat
	@build/chat -m '$(MODEL)' $(ARGS)
endif

test:
	@CC='$(CC)' SHARED='$(SHARED)' T='$(T)' V='$(V)' MAKE='$(MAKE)' sh tests/run.sh

bench: build/bench $(SYNTH)
	build/bench -m $(SYNTH) -p 512 -n 64 $(if $(THREADS),-t $(THREADS)) $(ARGS)

$(SYNTH): | build/synth
	build/synth tinyllama-1.1b $@.part q8_0
	mv $@.part $@

fuzz:
	@sh tests/fuzz/run.sh $(T)

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

.PHONY: all run test bench fuzz lint format deps install clean
.DELETE_ON_ERROR:
