// page.mjs PORT QUESTION ANSWER FILE -- examples/web/index.html in Chromium: the model beside the page answers, then one
// chosen from the disk; nothing leaves the machine.
import { createRequire } from 'node:module';
import path from 'node:path';
const { chromium } = createRequire(path.join(process.env.NODE_PATH, 'x'))('playwright-core');
const [, , port, question, answer, file] = process.argv;
let passed = 0, failed = 0;
function check(label, good, detail) {
    if (good) { passed++; console.log('ok     ', label); }
    else { failed++; console.log('FAIL   ', label, JSON.stringify(detail)?.slice(0, 400)); }
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
try {
    const page = await browser.newPage();
    page.setDefaultTimeout(60000);
    const errors = [], outside = [];
    page.on('pageerror', e => errors.push(String(e)));
    page.on('request', r => { if (!r.url().startsWith(`http://127.0.0.1:${port}/`)) outside.push(r.url()); });
    const ask = async () => {
        await page.fill('#words', question);
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => /tokens/.test(document.getElementById('about').textContent));
        return page.textContent('#log > div:last-child');
    };
    await page.goto(`http://127.0.0.1:${port}/index.html`);
    await page.waitForFunction(() => /kernels/.test(document.getElementById('about').textContent));
    console.log('       ', await page.textContent('#about'));
    check('the message box has the focus', await page.evaluate(() => document.activeElement.id === 'words'));
    let said = await ask();
    check('the model beside the page answers', said.trim() === answer.trim(), said);
    console.log('       ', await page.textContent('#about'));
    await page.setInputFiles('#file', file);
    await page.waitForFunction(() => /kernels/.test(document.getElementById('about').textContent));
    check('another model, another conversation', await page.evaluate(() => document.querySelectorAll('#log > div').length === 0));
    said = await ask();
    check('one from the disk answers', said.trim() === answer.trim(), said);
    await page.setInputFiles('#file', { name: 'bad.gguf', mimeType: 'application/octet-stream', buffer: Buffer.from('GGUF and nothing') });
    await page.waitForFunction(() => document.getElementById('about').className === 'error');
    check('a damaged file is refused in words', (await page.textContent('#about')).length > 5, await page.textContent('#about'));
    check('nothing was asked of another machine', outside.length === 0, outside);
    check('no error in the page', errors.length === 0, errors);
} finally {
    await browser.close();
}
console.log(`page: ${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
