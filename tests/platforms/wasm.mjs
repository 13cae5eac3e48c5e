// wasm.mjs BUILD MODEL PROMPT EXPECTED QUESTION ANSWER SPEED [NATIVE] -- examples/web in Node: each module continues
// PROMPT as EXPECTED has it and answers QUESTION; then how fast model SPEED is, beside native tokens per second.
import { createRequire } from 'node:module';
import { readFileSync, existsSync } from 'node:fs';
import path from 'node:path';
const [, , build, modelFile, prompt, expected, question, answer, speedFile, native] = process.argv;
const { llmcModule, llmcOpen, llmcVectors } = createRequire(import.meta.url)(path.resolve('examples/web/llmc.js'));
let passed = 0, failed = 0;
function check(label, good, detail) {
    if (good) { passed++; console.log('ok     ', label); }
    else { failed++; console.log('FAIL   ', label, JSON.stringify(detail)?.slice(0, 400)); }
}
const read = async name => readFileSync(path.join(build, name));
const bytes = readFileSync(modelFile);
check('Node has vectors', llmcVectors());
const seen = new Set();
for (const vectors of [false, true]) {
    if (vectors && !existsSync(path.join(build, 'llmc-simd.wasm')))
        break;
    const module = await llmcModule(read, vectors);
    check('it imports nothing', WebAssembly.Module.imports(module).length === 0, WebAssembly.Module.imports(module));
    const model = await llmcOpen(module, bytes, { context: 512 });
    const tell = (text, options) => [...model.text(text, options)].join('');
    seen.add(model.kernels);
    check(`${model.kernels}: continues`, tell(prompt, { most: 64 }) === expected, tell(prompt, { most: 64 }));
    check(`${model.kernels}: again`, tell(prompt, { most: 64 }) === expected);
    if (question)
        check(`${model.kernels}: answers`, [...model.chat([{ role: 'user', content: question }])].join('') === answer);
    let error = '';
    try { [...model.chat({ no: 'array' })]; } catch (e) { error = e.message; }
    check(`${model.kernels}: refuses what is no conversation`, error.length > 0, error);
    error = '';
    try { tell(prompt, { temperature: NaN }); } catch (e) { error = e.message; }
    check(`${model.kernels}: refuses a temperature that is no number`, /temperature/.test(error), error);
    error = '';
    try { await llmcOpen(module, bytes.subarray(0, 1000)); } catch (e) { error = e.message; }
    check(`${model.kernels}: refuses half a file`, error.length > 0, error);
    // How fast: tokens of the model that speed is asked of, for each second of the processor.
    const fast = await llmcOpen(module, readFileSync(speedFile), { context: 512 });
    const run = seed => [...fast.chat([{ role: 'user', content: question || prompt }], { most: 100, temperature: 1.5, seed })].length;
    run(1); // compiles
    const start = process.cpuUsage();
    let n = 0, used = 0;
    for (let seed = 2; seed < 100 && used < 2e6; seed++) {
        n += run(seed);
        used = process.cpuUsage(start).user;
    }
    const speed = n / used * 1e6;
    console.log(`        ${path.basename(speedFile)}, ${fast.kernels}: ${speed.toFixed(0)} tokens a second of the processor` +
        (native ? `, ${(100 * speed / native).toFixed(0)} % of native` : '') + `, ${(fast.memory() / 1048576).toFixed(1)} MB`);
}
console.log(`        kernels: ${[...seen].join('; ')}`);
console.log(`wasm: ${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
