// SPDX-License-Identifier: MIT
// Every page on real programs, as people see it: wide and narrow, light and dark, in both languages, at twice the size.
import { axeFindings, launch, must, nothingWrong, open } from '../browser.mjs';
import { go, ready } from './steps.mjs';
import { World } from './world.mjs';

export const name = 'every';
let browser, world, ming, ids;
export async function before() {
  browser = await launch();
  world = await World.make({ companies: 20, people: [['li.ming', '李明', 'rep']] });
  ming = await world.laptop('li.ming');
  ids = Object.fromEntries(await Promise.all(['company', 'contact', 'opportunity', 'sales_order', 'activity', 'lead'].map(async (e) => [e, (await ming.sql(`SELECT id FROM ${e} ORDER BY id LIMIT 1`))[0]?.id])));
}
export async function after() {
  await browser?.close();
  await world?.end();
}

const records = () => Object.entries(ids).filter(([, id]) => id).map(([e, id]) => `/e/${e}/${id}`);
const BOTH = ['/my-day', '/e/company', '/e/opportunity?shape=board', '/e/activity?shape=calendar', '/e/company/new', '/e/opportunity/new', '/sync', '/receipts', '/held', '/conflicts', '/duplicates', '/dashboards'];

async function look(page, paths) {
  for (const path of paths) {
    await go(page, path);
    await page.waitForTimeout(250);
    must(`${path} does not scroll sideways`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    must(`${path} has one first heading`, (await page.locator('main:visible h1').count()) === 1);
    const cut = await page.evaluate(() => [...document.querySelectorAll('main button, main h1, main h2, main label')].filter((e) => e.offsetParent && e.scrollWidth > e.clientWidth + 2 && getComputedStyle(e).overflow === 'hidden' && getComputedStyle(e).textOverflow !== 'ellipsis' && e.innerText.trim()).map((e) => e.innerText).slice(0, 5));
    must(`${path} cuts no word, but does: ${cut.join(' | ')}`, cut.length === 0);
    const found = await axeFindings(page);
    must(`${path} is usable by all, but axe finds ${found.join(' | ')}`, found.length === 0);
    nothingWrong(page);
  }
}

const visits = [
  ['a laptop in Chinese, 1280 wide', { language: 'zh' }],
  ['a laptop in English, 1920 wide, dark', { language: 'en', mode: 'dark', width: 1920 }],
];

export const stories = {
  ...Object.fromEntries(visits.map(([title, how]) => [`every page of ${title}`, async () => {
    const page = await open(browser, how);
    await ming.visit(page);
    await ready(page);
    await look(page, [...BOTH, ...records()]);
  }])),
};
