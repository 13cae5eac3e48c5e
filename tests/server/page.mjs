// page.mjs PORT FOLDER -- the page at / in Chromium: a question, an answer in Markdown, stopped ones, the keyboard.
import { createRequire } from 'node:module';
import path from 'node:path';
const need = createRequire(path.join(process.env.NODE_PATH, 'x'));
const { chromium } = need('playwright-core');
const [, , port, folder, ANSWER] = process.argv;
let passed = 0, failed = 0;
function check(label, good, detail) {
    if (good) { passed++; console.log('ok     ', label); }
    else { failed++; console.log('FAIL   ', label, JSON.stringify(detail)?.slice(0, 800)); }
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
try {
    const page = await browser.newPage({ viewport: { width: 900, height: 700 } });
    const errors = [], outside = [];
    page.on('console', m => { if (m.type() === 'error') errors.push(m.text()); });
    page.on('pageerror', e => errors.push(String(e)));
    page.on('request', r => { if (!r.url().startsWith(`http://127.0.0.1:${port}/`) && !r.url().startsWith('data:')) outside.push(r.url()); });
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.waitForFunction(() => document.title !== 'llmc');
    check('the model\'s name', (await page.title()) === 'tiny-llama.gguf', await page.title());
    check('the message box has the focus', await page.evaluate(() => document.activeElement.id === 'words'));
    // settings by keyboard
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    await page.focus('#set');
    await page.keyboard.press('Enter');
    await page.fill('#temperature', '0');
    await page.keyboard.press('Escape');
    check('settings close by Escape', !(await page.evaluate(() => document.getElementById('box').open)));
    await page.focus('#words');
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => /tokens/.test(document.querySelector('.speed')?.textContent || '') && document.getElementById('send').textContent === 'Send');
    const said = await page.textContent('.assistant > div');
    check('an answer', said.trim() === ANSWER.trim(), said);
    check('and how fast it came', /first after/.test(await page.textContent('.speed')));
    // stopping: an answer of tens of thousands of tokens, when some are there
    await page.evaluate(() => { document.getElementById('max_tokens').value = '5000'; document.getElementById('temperature').value = '50'; });
    await page.route('**/v1/chat/completions', async route => {
        const body = JSON.parse(route.request().postData());
        await route.continue({ postData: JSON.stringify({ ...body, ignore_eos: true, max_tokens: undefined }) });
    });
    await page.focus('#words');
    await page.keyboard.type('two\nlines'.replace('\n', ' '));
    await page.keyboard.down('Shift'); await page.keyboard.press('Enter'); await page.keyboard.up('Shift');
    check('Shift+Enter breaks the line', (await page.inputValue('#words')).endsWith('\n'));
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.getElementById('send').textContent === 'Stop');
    await page.waitForFunction(() => document.querySelectorAll('.assistant > div')[1]?.textContent.trim());
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.getElementById('send').textContent === 'Send');
    let gone = '';
    for (let i = 0; i < 50 && !/cancelled_total 1\n/.test(gone); i++) {
        await new Promise(r => setTimeout(r, 100));
        gone = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    }
    check('Escape stops it, here and in the engine', /cancelled_total 1\n/.test(gone) && /requests_processing 0\n/.test(gone), gone);
    // Markdown, with something hostile in it
    await page.unroute('**/v1/chat/completions');
    const md = '# Title\n\nSome **bold**, *slanted*, `code` and [a link](https://example.com/).\n\n- one\n- two\n\n1. first\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```c\nint x = 1 < 2;\n```\n<img src=x onerror="document.title=\'bad\'"> [bad](javascript:alert(1))';
    await page.route('**/v1/chat/completions', route => route.fulfill({ status: 200, headers: { 'content-type': 'text/event-stream' },
        body: [...md].map(c => `data: ${JSON.stringify({ choices: [{ delta: { content: c } }] })}\n\n`).join('') + 'data: [DONE]\n\n' }));
    await page.focus('#words');
    await page.keyboard.type('show');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('.assistant').length === 3 && document.getElementById('send').textContent === 'Send');
    const found = await page.evaluate(() => { const d = [...document.querySelectorAll('.assistant')].pop();
        const n = s => d.querySelectorAll(s).length;
        return { h3: n('h3'), strong: n('strong'), em: n('em'), ul: n('ul li'), ol: n('ol li'), quote: n('blockquote'), td: n('td'), th: n('th'), pre: d.querySelector('pre code')?.textContent, a: [...d.querySelectorAll('a')].map(a => a.href), img: n('img'), raw: d.textContent.includes('<img src=x') }; });
    check('Markdown', found.h3 === 1 && found.strong === 1 && found.em === 1 && found.ul === 2 && found.ol === 1 && found.quote === 1 && found.td === 2 && found.th === 2 && found.pre === 'int x = 1 < 2;', found);
    check('nothing in it runs', found.img === 0 && found.raw && found.a.length === 1 && (await page.title()) === 'tiny-llama.gguf', found);
    await page.screenshot({ path: path.join(folder, 'page.png') });
    await page.unroute('**/v1/chat/completions');
    await page.click('#new');
    check('New forgets', (await page.evaluate(() => document.getElementById('talk').children.length)) === 0);
    await page.waitForFunction(() => /running/.test(document.getElementById('state').textContent));
    check('the queue', /^\d+ running, \d+ waiting$/.test(await page.textContent('#state')));
    check('no errors on the console', errors.length === 0, errors);
    check('nothing from outside', outside.length === 0, outside);
} catch (e) {
    check('no surprise', false, String(e.stack));
}
await browser.close();
console.log(`page: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
