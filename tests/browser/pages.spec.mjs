// SPDX-License-Identifier: MIT
// The pages alone, over the node in memory: every page opens clean in both languages and modes, forms lose nothing.
import { axeFindings, launch, must, nothingWrong, open } from './browser.mjs';
import { startMock } from './mock.mjs';

const LAPTOP = ['/my-day', '/e/company', '/e/opportunity?shape=board', '/e/activity?shape=calendar', '/e/contact/new', '/sync', '/receipts', '/held', '/conflicts', '/duplicates', '/dashboards'];
const HEADQUARTERS = ['/admin', '/devices', '/users', '/territories', '/rules', '/audit', '/backups', '/bin', '/conflicts?id=c1'];
const HAN = /[\u3400-\u9fff]/;

export const name = 'pages';
let browser, laptop, headquarters;
export async function before() {
  browser = await launch();
  laptop = await startMock('replica');
  headquarters = await startMock('server');
}
export async function after() {
  await browser?.close();
  laptop?.stop();
  headquarters?.stop();
}

async function signIn(page) {
  await page.goto(`${headquarters.base}/`);
  await page.fill('#login', 'li.ming');
  await page.fill('#password', 'fieldbook-demo');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.fb-frame');
}

const ready = (page) => page.waitForFunction(() => document.querySelector('h1') && !document.querySelector('.ant-spin-spinning, .ant-skeleton'), null, { timeout: 20000 });

async function everyPage(page, base, paths) {
  for (const path of paths) {
    await page.goto(base + path);
    await ready(page);
    await page.waitForTimeout(300);
    must(`${path} does not scroll sideways`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    must(`${path} has one first heading`, (await page.locator('main:visible h1').count()) === 1);
    const found = await axeFindings(page);
    must(`${path} is usable by all, but axe finds ${found.join(' | ')}`, found.length === 0);
  }
  nothingWrong(page);
}

export const stories = {
  'every page of a laptop opens clean, in Chinese and in English, light and dark': async () => {
    for (const [language, mode] of [['zh', 'light'], ['en', 'dark']]) {
      const page = await open(browser, { language, mode });
      await everyPage(page, laptop.base, LAPTOP);
      await page.context().close();
    }
  },
  'every page of headquarters opens clean after signing in': async () => {
    const page = await open(browser, { language: 'en', allow: ['401'] });
    await signIn(page);
    await everyPage(page, headquarters.base, HEADQUARTERS);
    await page.context().close();
  },
  'a wrong password is told, and the name stays typed': async () => {
    const page = await open(browser, { allow: ['401'] });
    await page.goto(`${headquarters.base}/`);
    // The mock keeps one login for all: sign out first.
    await page.evaluate(() => fetch('/api/v1/session', { method: 'DELETE', headers: { 'X-Fieldbook': 'mock' } }));
    await page.reload();
    await page.fill('#login', 'li.ming');
    await page.fill('#password', 'wrong');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=账号或密码不正确');
    must('the name stays', (await page.inputValue('#login')) === 'li.ming');
    nothingWrong(page);
    await page.context().close();
  },
  'the language changes at once and leaves no Chinese word of ours behind': async () => {
    const page = await open(browser);
    await page.goto(`${laptop.base}/e/company`);
    await page.getByRole('button', { name: '李明的菜单' }).click();
    await page.getByText('English', { exact: true }).click();
    await page.waitForSelector('h1:has-text("Companies")');
    const menu = await page.locator('nav').innerText();
    must(`the modules are in English: ${menu}`, !HAN.test(menu));
    const bar = await page.locator('main:visible .fb-bar').first().innerText();
    must(`the bar is in English: ${bar}`, !HAN.test(bar));
    nothingWrong(page);
    await page.context().close();
  },
  'a company is made with the keyboard, a missing name is said beside the field, a reload keeps what was typed': async () => {
    const page = await open(browser);
    await page.goto(`${laptop.base}/e/company/new`);
    await ready(page);
    await page.keyboard.press('Control+s');
    await page.waitForSelector('.fb-error:has-text("请填写公司名称")');
    await page.locator('#f-company-name').fill('苏州东吴精工有限公司');
    await page.waitForTimeout(700);
    await page.reload();
    await page.getByRole('button', { name: '继续填写' }).click();
    must('the draft is back', (await page.inputValue('#f-company-name')) === '苏州东吴精工有限公司');
    await page.keyboard.press('Control+s');
    await page.waitForSelector('h1:has-text("苏州东吴精工有限公司")');
    nothingWrong(page);
    await page.context().close();
  },
  'two people write the same field: three values are shown, and the chosen one stands': async () => {
    const page = await open(browser, { allow: ['409'] });
    await page.goto(`${laptop.base}/e/company`);
    await ready(page);
    await page.locator('tr.fb-line a').first().click();
    await page.getByRole('button', { name: '编辑简称', exact: true }).click();
    const id = page.url().split('/').pop();
    const other = await page.evaluate(async (x) => {
      const before = await fetch(`/api/v1/company/${x}`).then((r) => r.json());
      const body = JSON.stringify({ base: { short_name: before.row.short_name ?? null }, mine: { short_name: '她的' } });
      return (await fetch(`/api/v1/company/${x}`, { method: 'PATCH', headers: { 'X-Fieldbook': 'mock', 'Content-Type': 'application/json' }, body })).status;
    }, id);
    must(`the other person's value is written, not ${other}`, other === 200);
    const box = page.locator(`#v-${id}-short_name`);
    await box.fill('我的');
    await box.press('Enter');
    await page.waitForSelector('text=同一字段同时有人修改');
    must('nothing is chosen beforehand', await page.getByRole('button', { name: '采用所选' }).isDisabled());
    await page.locator('.ant-modal .ant-radio-wrapper', { hasText: '你填的' }).click();
    await page.getByRole('button', { name: '采用所选' }).click();
    await page.waitForSelector('.ant-modal', { state: 'hidden' });
    const now = await page.evaluate((x) => fetch(`/api/v1/company/${x}`).then((r) => r.json()), id);
    must(`mine stands, not ${now.row.short_name}`, now.row.short_name === '我的');
    nothingWrong(page);
    await page.context().close();
  },
  'the list is walked with the keyboard alone, and keys are text inside fields': async () => {
    const page = await open(browser, { language: 'en' });
    await page.goto(`${laptop.base}/e/company`);
    await ready(page);
    await page.locator('tr.fb-line').first().focus();
    await page.keyboard.press('j');
    await page.keyboard.press('Space');
    await page.waitForSelector('text=1 chosen');
    await page.keyboard.press('Control+k');
    await page.keyboard.type('nx');
    must('no page opened while typing', page.url().includes('/e/company'));
    await page.keyboard.press('Escape');
    await page.locator('tr.fb-line').nth(1).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/e\/company\/[0-9a-f-]{36}/);
    nothingWrong(page);
    await page.context().close();
  },
  'the panels of a record are walked with the arrow keys; a reload comes back to the one that was open, and to the form': async () => {
    const page = await open(browser, { language: 'en' });
    await page.goto(`${laptop.base}/e/company`);
    await ready(page);
    await page.locator('tr.fb-line a').first().click();
    const chosen = page.locator('main:visible [role=tab][aria-selected=true]');
    await chosen.focus();
    await page.keyboard.press('ArrowRight');
    const second = (await chosen.innerText()).trim();
    must('the next panel is open and has the focus', second !== 'Overview' && (await chosen.evaluate((e) => e === document.activeElement)));
    await page.keyboard.press('End');
    must(`the last one is its history, not ${await chosen.innerText()}`, (await chosen.innerText()) === 'History');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await page.reload();
    await chosen.waitFor();
    must(`the reload comes back to ${second}`, (await chosen.innerText()).trim() === second);
    const found = await axeFindings(page);
    must(`axe finds nothing serious: ${found.join(' | ')}`, found.length === 0);
    // Open already behind the list, it is edited as one that is not.
    await page.goto(`${laptop.base}/e/company`);
    await ready(page);
    await page.locator('tr.fb-line').first().focus();
    await page.keyboard.press('e');
    await page.waitForSelector('main:visible h2:has-text("Edit everything")');
    await page.reload();
    await page.waitForSelector('main:visible h2:has-text("Edit everything")');
    await page.keyboard.press('Escape');
    await page.waitForSelector('main:visible h2:has-text("Edit everything")', { state: 'detached' });
    nothingWrong(page);
    await page.context().close();
  },
  'a card moves to another stage without a mouse': async () => {
    const page = await open(browser, { language: 'en' });
    await page.goto(`${laptop.base}/e/opportunity?shape=board`);
    const card = page.locator('.fb-item').first();
    await card.waitFor();
    const title = await card.getAttribute('aria-label');
    const from = await page.locator('.fb-lane', { has: page.locator(`.fb-item[aria-label="${title}"]`) }).getAttribute('aria-label');
    await card.focus();
    await page.keyboard.press('m');
    await page.locator('.ant-dropdown-menu-item').first().click();
    await page.waitForFunction(([t, f]) => document.querySelector(`.fb-item[aria-label="${t}"]`)?.closest('.fb-lane')?.getAttribute('aria-label') !== f, [title, from]);
    nothingWrong(page);
    await page.context().close();
  },
};
