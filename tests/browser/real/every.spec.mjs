// SPDX-License-Identifier: MIT
// Every page on real programs, as people see it: wide and narrow, light and dark, in both languages, at twice the size.
import { axeFindings, launch, must, nothingWrong, open } from '../browser.mjs';
import { go, HQ, ready, signIn } from './steps.mjs';
import { World } from './world.mjs';

export const name = 'every';
let browser, world, ming, ids;
export async function before() {
  browser = await launch();
  world = await World.make({ companies: 20, people: [['zhao.min', '赵敏', 'admin'], ['li.ming', '李明', 'rep']] });
  ming = await world.laptop('li.ming');
  ids = Object.fromEntries(await Promise.all(['company', 'contact', 'opportunity', 'sales_order', 'activity', 'lead'].map(async (e) => [e, (await ming.sql(`SELECT id FROM ${e} ORDER BY id LIMIT 1`))[0]?.id])));
}
export async function after() {
  await browser?.close();
  await world?.end();
}

const records = () => Object.entries(ids).filter(([, id]) => id).map(([e, id]) => `/e/${e}/${id}`);
const BOTH = ['/my-day', '/e/company', '/e/opportunity?shape=board', '/e/activity?shape=calendar', '/e/company/new', '/e/opportunity/new', '/sync', '/receipts', '/held', '/conflicts', '/duplicates', '/dashboards'];
const HEADQUARTERS = ['/admin', '/devices', '/users', '/territories', '/rules', '/audit', '/backups', '/bin'];
const SMALL = { width: 640, viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 };

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
  ['a laptop in Chinese, at 200 %', { language: 'zh', ...SMALL }],
];
const desks = [
  ['headquarters in English, 1280 wide', { language: 'en' }],
  ['headquarters in Chinese, 1920 wide, dark', { language: 'zh', mode: 'dark', width: 1920 }],
  ['headquarters in English, at 200 %', { language: 'en', ...SMALL }],
];

export const stories = {
  ...Object.fromEntries(visits.map(([title, how]) => [`every page of ${title}`, async () => {
    const page = await open(browser, how);
    await ming.visit(page);
    await ready(page);
    await look(page, [...BOTH, ...records()]);
  }])),
  ...Object.fromEntries(desks.map(([title, how]) => [`every page of ${title}`, async () => {
    const page = await open(browser, { ...HQ, allow: ['401'], ...how });
    await signIn(page, world.hq, 'zhao.min');
    await look(page, [...HEADQUARTERS, ...records(), '/e/company']);
  }])),
  'every module opens: the list of each entity on the left, and a form where one may create': async () => {
    const page = await open(browser, { language: 'en' });
    await ming.visit(page);
    await ready(page);
    const entities = await page.evaluate(() => fetch('/api/v1/catalogue').then((r) => r.json()).then((c) => c.modules.flatMap((m) => m.entities)));
    must(`the founding document's modules are there, not only ${entities.length} entities`, entities.length >= 40);
    for (const entity of entities) {
      await go(page, `/e/${entity}`);
      const button = page.locator('main:visible').getByRole('button', { name: 'New', exact: true });
      if (await button.count()) {
        await button.click();
        await page.waitForFunction(() => location.pathname.endsWith('/new'));
        await ready(page);
      }
      nothingWrong(page);
    }
  },
};
