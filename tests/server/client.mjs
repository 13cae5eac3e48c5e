// client.mjs PORT -- OpenAI's own client, unchanged: chats, streams, tools, schemas, embeddings, responses, errors.
import { createRequire } from 'node:module';
import path from 'node:path';
const need = createRequire(path.join(process.env.NODE_PATH, 'x'));
const { OpenAI } = need('openai');
const client = new OpenAI({ baseURL: `http://127.0.0.1:${process.argv[2]}/v1`, apiKey: 'key', maxRetries: 0 });
const ANSWER = process.argv[3];
let passed = 0, failed = 0;
function check(label, good, detail) {
    if (good) { passed++; console.log('ok     ', label); }
    else { failed++; console.log('FAIL   ', label, JSON.stringify(detail)?.slice(0, 800)); }
}
const messages = [{ role: 'user', content: 'hello' }], model = 'x';
try {
    const models = [];
    for await (const m of client.models.list()) models.push(m.id);
    check('models', models.length === 1, models);
    let r = await client.chat.completions.create({ model, messages, temperature: 0 });
    check('a chat', r.choices[0].message.content === ANSWER && r.choices[0].finish_reason === 'stop' && r.usage.total_tokens > 10, r);
    let text = '', usage;
    for await (const c of await client.chat.completions.create({ model, messages, temperature: 0, stream: true, stream_options: { include_usage: true } })) {
        text += c.choices[0]?.delta?.content ?? '';
        usage = c.usage ?? usage;
    }
    check('a stream', text === ANSWER && usage.completion_tokens === r.usage.completion_tokens, [text, usage]);
    const helper = client.chat.completions.stream({ model, messages, temperature: 0 });
    check('the client\'s own gathering of a stream', (await helper.finalContent()) === ANSWER);
    const tools = [{ type: 'function', function: { name: 'f', strict: true, parameters: { type: 'object', properties: { a: { enum: ['x', 'y'] }, n: { type: 'integer', minimum: 1, maximum: 3 } }, required: ['a', 'n'], additionalProperties: false } } }];
    const right = c => { const a = JSON.parse(c.function.arguments); return c.function.name === 'f' && ['x', 'y'].includes(a.a) && a.n >= 1 && a.n <= 3 && c.id; };
    r = await client.chat.completions.create({ model, messages, tools, tool_choice: 'required' });
    check('a tool call', r.choices[0].finish_reason === 'tool_calls' && right(r.choices[0].message.tool_calls[0]), r);
    const call = r.choices[0].message;
    r = await client.chat.completions.stream({ model, messages, tools, tool_choice: { type: 'function', function: { name: 'f' } } }).finalMessage();
    check('a tool call in a stream', right(r.tool_calls[0]), r);
    r = await client.chat.completions.create({ model, messages: [...messages, call, { role: 'tool', tool_call_id: call.tool_calls[0].id, content: '5' }], tools, max_tokens: 5 });
    check('and its result', r.choices[0].message.role === 'assistant', r);
    const schema = { type: 'object', properties: { a: { type: 'boolean' }, b: { enum: ['p', 'q'] } }, required: ['a', 'b'], additionalProperties: false };
    r = await client.chat.completions.parse({ model, messages, response_format: { type: 'json_schema', json_schema: { name: 's', strict: true, schema } } });
    check('a schema', typeof r.choices[0].message.parsed.a === 'boolean' && 'pq'.includes(r.choices[0].message.parsed.b), r);
    r = await client.embeddings.create({ model, input: ['hello', 'Once upon'] });
    check('embeddings (the client asks for base64)', r.data.length === 2 && r.data[0].embedding.length === 64 && Math.abs(r.data[0].embedding.reduce((s, x) => s + x * x, 0) - 1) < 1e-4, r);
    r = await client.completions.create({ model, prompt: 'Once upon', temperature: 0, max_tokens: 3, logprobs: 1 });
    check('a completion', r.choices[0].logprobs.tokens.length === 3, r);
    r = await client.responses.create({ model, input: 'hello', temperature: 0 });
    check('a response', r.output_text === ANSWER && r.status === 'completed', r);
    r = await client.responses.stream({ model, input: 'hello', temperature: 0 }).finalResponse();
    check('a response in a stream', r.output_text === ANSWER, r);
    r = await client.responses.create({ model, input: 'hello', tools: [{ type: 'function', ...tools[0].function }], tool_choice: 'required' });
    check('a response that calls', r.output[0].type === 'function_call' && JSON.parse(r.output[0].arguments).n >= 1, r);
    const stop = await client.chat.completions.create({ model, messages, stream: true, max_tokens: 200 });
    for await (const c of stop) { stop.controller.abort(); break; }
    check('a stream is stopped', true);
    try { await client.chat.completions.create({ model, messages, temperature: -1 }); check('an error', false); }
    catch (e) { check('an error', e instanceof OpenAI.BadRequestError && e.param === 'temperature' && e.message.includes('temperature'), String(e)); }
    try { await client.chat.completions.create({ model, messages, response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object', dependentRequired: { a: ['b'] } } } } }); check('an unsupported keyword', false); }
    catch (e) { check('an unsupported keyword', e.status === 400 && e.message.includes('dependentRequired'), String(e)); }
    const wrong = new OpenAI({ baseURL: client.baseURL, apiKey: 'other', maxRetries: 0 });
    try { await wrong.models.list(); check('another key', false); }
    catch (e) { check('another key', e instanceof OpenAI.AuthenticationError, String(e)); }
} catch (e) {
    check('no surprise', false, String(e.stack));
}
console.log(`client: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
