// node tests/compat/answers.mjs MODEL.gguf SET.jsonl [LIMIT] >replies.jsonl
/* What llama.cpp answers to a set as tools/world writes them: the other side of tools/score.

   Each item's messages are rendered by the chat template in MODEL (npm's @huggingface/jinja, which comes with
   node-llama-cpp), turned into tokens by llama.cpp, and answered greedily until a token that ends the turn. Each
   line of standard output is {"reply": "..."}: `score --replies` scores them, and `score --save` writes our own
   in the same form, so that a comparison of two files says whether both engines answer the same. */
import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";
import {packageFolder} from "./llamacpp.mjs";

const [file, set, limit] = process.argv.slice(2);
if (set === undefined) {
    console.error("usage: node answers.mjs MODEL.gguf SET.jsonl [LIMIT]");
    process.exit(2);
}
const folder = packageFolder();
if (folder === null) {
    console.error("answers: node-llama-cpp is not installed (LLAMA_CPP_NODE names a node_modules folder)");
    process.exit(77);
}
const module = (...parts) => import(pathToFileURL(path.join(folder, ...parts)).href);
const {getLlama, LlamaLogLevel} = await module("dist", "index.js");
const {Template} = await module("..", "@huggingface", "jinja", "dist", "index.js");
const llama = await getLlama({gpu: false, build: "never", skipDownload: true, progressLogs: false, logLevel: LlamaLogLevel.error});
const model = await llama.loadModel({modelPath: path.resolve(file)});
const template = new Template(model.fileInfo.metadata.tokenizer.chat_template);
const context = await model.createContext({contextSize: 512, batchSize: 512, sequences: 1, flashAttention: false});
const sequence = context.getSequence();

async function reply(item) {
    const prompt = template.render({messages: item.messages, tools: item.tools, add_generation_prompt: true});
    const ids = model.tokenize(prompt, true), out = [];
    await sequence.clearHistory();
    for await (const token of sequence.evaluate(ids, {temperature: 0})) {
        if (model.isEogToken(token) || ids.length + out.length >= 500)
            break;
        out.push(token);
    }
    return model.detokenize(out, true);
}

const items = fs.readFileSync(set, "utf8").split("\n").filter((l) => l !== "").map((l) => JSON.parse(l));
for (const item of items.slice(0, Number(limit ?? items.length)))
    fs.writeSync(1, JSON.stringify({reply: await reply(item)}) + "\n");
process.exit(0);
