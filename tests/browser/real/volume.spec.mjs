// SPDX-License-Identifier: MIT
// 50,000 contacts: what the pages ask and carry is asserted, how long it took is told. And the weight of the first load.
import { launch, must, nothingWrong, open } from '../browser.mjs';
import { editInPlace, HQ, ready, signIn } from './steps.mjs';
import { World } from './world.mjs';

export const name = 'volume';
const COMPANIES = Number(process.env.FIELDBOOK_VOLUME ?? 20000);
const FIRST_LOAD_BYTES_MAX = 600 * 1024;
let browser, world;
export async function before() {
  browser = await launch();
  world = await World.make({ companies: COMPANIES, people: [['zhao.min', '赵敏', 'admin'], ['li.ming', '李明', 'rep']] });
}
export async function after() {
  await browser?.close();
  await world?.end();
}

/* Requests to the node while something is done: how many, and the bytes of their answers. */
async function measured(page, what, act) {
  const asked = [];
  const note = (r) => r.url().includes('/api/v1/') && !r.url().includes('/events') && asked.push(r);
  page.on('response', note);
  const start = Date.now();
  await act();
  const ms = Date.now() - start;
  page.off('response', note);
  const bytes = (await Promise.all(asked.map((r) => r.body().then((b) => b.length, () => 0)))).reduce((a, b) => a + b, 0);
  console.log(`        ${what}: ${ms} ms, ${asked.length} requests, ${Math.round(bytes / 1024)} KB`);
  return { asked: asked.map((r) => r.url().replace(/^.*\/api\/v1/, '')), bytes };
}

export const stories = {
  'the first load stays light': async () => {
    const page = await open(browser, { ...HQ, allow: ['401'] });
    const wire = await page.context().newCDPSession(page);
    await wire.send('Network.enable');
    let bytes = 0;
    wire.on('Network.loadingFinished', (e) => (bytes += e.encodedDataLength));
    await page.goto(world.hq.base);
    await page.waitForSelector('#login');
    console.log(`        first load: ${Math.round(bytes / 1024)} KB on the wire`);
    must(`the first load is at most 600 KB, not ${bytes} bytes`, bytes > 50 * 1024 && bytes <= FIRST_LOAD_BYTES_MAX);
  },
  '50,000 contacts: list, next page, record, search and save ask for little': async () => {
    const [{ n }] = await world.hq.sql('SELECT count(*) AS n FROM contact');
    console.log(`        ${n} contacts`);
    const page = await open(browser, { ...HQ, allow: ['401'] });
    await signIn(page, world.hq, 'zhao.min');
    const first = () => page.locator('main:visible tr.ant-table-row').first();
    const list = await measured(page, 'list opens', async () => {
      await page.getByRole('menuitem', { name: '联系人', exact: true }).click();
      await first().waitFor();
    });
    must(`one question for the list: ${list.asked}`, list.asked.filter((u) => u.startsWith('/contact')).length === 1 && list.bytes < 200 * 1024);
    const before = await first().innerText();
    const next = await measured(page, 'next page', async () => {
      await page.getByRole('button', { name: '下一页' }).click();
      await page.waitForFunction((t) => document.querySelector('main:not([hidden]) tr.ant-table-row')?.innerText !== t, before);
    });
    must(`one question for the next page: ${next.asked}`, next.asked.length === 1);
    const record = await measured(page, 'record opens', async () => {
      await first().locator('a').first().click();
      await page.waitForFunction(() => /\/e\/contact\/[0-9a-f-]{36}/.test(location.pathname));
      await page.locator('main:visible .fb-values').first().waitFor();
    });
    must(`few questions for a record: ${record.asked}`, record.asked.length <= 8 && record.bytes < 200 * 1024);
    await page.waitForLoadState('networkidle').catch(() => undefined);
    await ready(page);
    const search = await measured(page, 'search', async () => {
      await page.keyboard.press('Control+k');
      await page.keyboard.type('zhang');
      await page.locator('.ant-select-dropdown:visible .ant-select-item-option').first().waitFor();
    });
    must(`a word typed is one or two questions: ${search.asked}`, search.asked.length <= 2 && search.bytes < 32 * 1024);
    await page.keyboard.press('Escape');
    const save = await measured(page, 'save', () => editInPlace(page, '编辑名', 'given_name', '换了名'));
    must(`one write: ${save.asked}`, save.asked.filter((u) => !u.includes('?')).length >= 1 && save.asked.length <= 10);
    nothingWrong(page);
  },
};
