// llmc.js - the WebAssembly module as an object, for pages and for Node; in a worker, what answers the page.
//
//   const module = await llmcModule(name => fetch(name).then(r => r.arrayBuffer()));   vectors, where there are any
//   const model = await llmcOpen(module, bytesOfTheGguf, { context: 2048 });
//   for (const piece of model.chat([{ role: 'user', content: 'hello' }], { temperature: 0.8 })) ...
'use strict';

// Whether WebAssembly has vectors here: a module that returns one.
function llmcVectors() {
    return WebAssembly.validate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10,
        1, 8, 0, 65, 0, 253, 15, 253, 98, 11]));
}

// The module for this machine. read(name): a promise of the file's bytes, or of a failure if it is not there.
async function llmcModule(read, vectors = llmcVectors()) {
    if (vectors) {
        try {
            return await WebAssembly.compile(await read('llmc-simd.wasm'));
        } catch (e) { // not built: no SIMDe there
        }
    }
    return WebAssembly.compile(await read('llmc.wasm'));
}

// A model in a module of its own. bytes: an ArrayBuffer or Uint8Array of a GGUF file.
async function llmcOpen(module, bytes, { context = 0 } = {}) {
    const { exports: f } = await WebAssembly.instantiate(module, {});
    const heap = () => new Uint8Array(f.memory.buffer); // a new one after each call, since memory may have grown
    const text = at => {
        const all = heap();
        return new TextDecoder().decode(all.slice(at, all.indexOf(0, at)));
    };
    const must = good => {
        if (!good)
            throw new Error(text(f.web_error()));
    };
    const put = data => { // bytes into the module's memory, and a 0 behind them
        const at = f.web_take(data.length + 1);
        if (!at)
            throw new Error(`${data.length} bytes are more than there is`);
        heap().set(data, at);
        heap()[at + data.length] = 0;
        return at;
    };
    let room = 0, roomAt = 0; // memory for what is said, used again while it is enough
    const say = string => {
        const data = new TextEncoder().encode(string);
        if (data.length > room) {
            room = 2 * data.length + 4096;
            roomAt = put(new Uint8Array(room));
        }
        heap().set(data, roomAt);
        heap()[roomAt + data.length] = 0;
        return [roomAt, data.length];
    };
    const file = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
    must(f.web_open(put(file), file.length, context));

    function* answer({ temperature = 0, topK = 0, topP = 0, seed = 0, most = 0 }, begin) {
        must(f.web_options(temperature, topK, topP, seed, most));
        must(begin());
        for (let at; (at = f.web_next());)
            yield text(at);
        must(!f.web_failed());
    }
    return {
        kernels: text(f.web_kernels()),
        name: text(f.web_name()),
        context: f.web_context(),
        memory: () => f.memory.buffer.byteLength,
        length: () => f.web_length(),
        // Pieces of the answer to a conversation, [{ role, content }, ...].
        chat: (messages, options = {}) => answer(options, () => f.web_chat(say(JSON.stringify(messages))[0])),
        // Pieces of how a text goes on.
        text: (string, options = {}) => answer(options, () => f.web_text(...say(string))),
    };
}

// In a worker: { open: bytes, context } and { chat: messages, options } come in, { opened }, { piece }, { done } and
// { error } go out, { stop: true } ends an answer. The page stays alive while the model computes.
if (typeof WorkerGlobalScope !== 'undefined' && self instanceof WorkerGlobalScope) {
    let model = null, stopped = false;
    const read = async name => {
        const response = await fetch(new URL(name, self.location));
        if (!response.ok)
            throw new Error(`${name}: ${response.status}`);
        return response.arrayBuffer();
    };
    const chat = async (messages, options) => {
        stopped = false;
        let n = 0;
        const start = performance.now();
        for (const piece of model.chat(messages, options)) {
            n++;
            self.postMessage({ piece });
            await new Promise(next => setTimeout(next)); // for a message that says stop
            if (stopped)
                break;
        }
        self.postMessage({ done: true, tokens: n, seconds: (performance.now() - start) / 1000 });
    };
    self.onmessage = async ({ data }) => {
        try {
            if (data.stop)
                stopped = true;
            else if (data.open) {
                model = await llmcOpen(await llmcModule(read), data.open, { context: data.context });
                self.postMessage({ opened: true, kernels: model.kernels, name: model.name, context: model.context });
            } else if (data.chat)
                await chat(data.chat, data.options);
        } catch (e) {
            self.postMessage({ error: e.message });
        }
    };
} else if (typeof module !== 'undefined')
    module.exports = { llmcModule, llmcOpen, llmcVectors };
