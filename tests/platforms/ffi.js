// ffi.js LIBRARY MODEL PROMPT EXPECTED -- the shared library from Node, by koffi.
'use strict';
const path = require('path');
const koffi = require('koffi');
const [, , library, model, prompt, expected] = process.argv;
let passed = 0, failed = 0;
function check(label, good, detail) {
    if (good) { passed++; console.log('ok     ', label); }
    else { failed++; console.log('FAIL   ', label, detail); }
}
koffi.struct('Diag', { status: 'int', tag: 'const char *', offset: 'uint64', message: koffi.array('char', 256, 'String') });
koffi.struct('Piece', { token: 'int32', logprob: 'float', text: 'const char *', len: 'size_t', finish: 'int' });
koffi.struct('Options', { size: 'size_t', tokenizer: 'const char *', threads: 'uint32' }); // the first members
koffi.struct('Host', { model: 'void *', engine: 'void *', seq: 'void *', more: koffi.array('uint8', 1000) });
const lib = koffi.load(path.resolve(library));
const open = lib.func('int llmc_open(_Out_ Host *host, const char *path, const Options *opt, _Out_ Diag *diag)');
const add = lib.func('int llmc_seq_add_text(void *seq, const char *text, size_t len, _Out_ Diag *diag)');
const next = lib.func('int llmc_seq_next(void *seq, _Out_ Piece *piece, _Out_ Diag *diag)');
const version = lib.func('uint32 llmc_version()');
check('a version', version() > 0, version());
const host = {}, diag = {}, options = { size: koffi.sizeof('Options'), tokenizer: null, threads: 1 };
check('opens', open(host, model, options, diag) === 0, diag.message);
add(host.seq, prompt, Buffer.byteLength(prompt), diag);
let text = '', piece = {}, status;
while ((status = next(host.seq, piece, diag)) === 0)
    text += piece.text;
check('continues', status === 1 && text === expected, text);
check('refuses', open({}, 'no-such-file.gguf', options, diag) !== 0 && /no-such-file/.test(diag.message), diag.message);
console.log(`ffi: ${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
