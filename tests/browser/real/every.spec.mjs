// SPDX-License-Identifier: MIT
// Every page on real programs, as people see it: whatever the modules on the left lead to (list, form, a record of it), on
// a laptop and at headquarters, in both languages, light and dark, 1280 and 1920 wide, and 640, which is 1280 at 200 %. With
// FIELDBOOK_SHOTS every page is pictured there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { axeFindings, launch, must, nothingWrong, open, root } from '../browser.mjs';
import { HQ, ready, signIn } from './steps.mjs';
import { oneOfEach } from './rows.mjs';
import { World } from './world.mjs';

export const name = 'every';
const MODULES = JSON.parse(readFileSync(join(root, 'common/catalogue/entities/modules.json'), 'utf8'));
const WIDTHS = [1920, 640, 1280];
let browser, world, ming;
export async function before() {
  browser = await launch();
  world = await World.make({ companies: 20, people: [['zhao.min', '赵敏', 'admin'], ['li.ming', '李明', 'rep']] });
  await oneOfEach(world.hq, 'zhao.min', MODULES.flatMap((m) => m.entities));
  ming = await world.laptop('li.ming');
}
export async function after() {
  await browser?.close();
  await world?.end();
}

/* As a click on a link would: without loading everything anew. */
async function step(page, path) {
  await page.evaluate((to) => {
    history.pushState(null, '', to);
    dispatchEvent(new PopStateEvent('popstate'));
  }, path);
  await page.waitForFunction(() => {
    const main = [...document.querySelectorAll('main')].find((m) => m.offsetParent);
    return main?.querySelector('h1, .ant-result-title') && !main.querySelector('.ant-spin-spinning, .ant-skeleton');
  }, null, { timeout: 30000 });
}

/* What is wrong with the layout of the page that is shown, at the width it has now. */
function layoutFindings() {
  const out = [];
  const main = [...document.querySelectorAll('main')].find((m) => m.offsetParent);
  const wide = (e) => e.scrollWidth > e.clientWidth + 1;
  if (wide(document.documentElement)) out.push('the page scrolls sideways');
  // Tables and boards may: they have a box of their own to scroll in.
  if (wide(main)) out.push(`main scrolls sideways, by ${[...main.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > main.getBoundingClientRect().right).slice(-1)[0]?.outerHTML.slice(0, 120)}`);
  for (const e of document.querySelectorAll('button, h1, h2, label, legend, dt, th, .fb-chip, .ant-tag')) {
    if (!e.offsetParent || !e.innerText.trim() || e.closest('.fb-sr') || !wide(e)) continue;
    const style = getComputedStyle(e);
    if (style.overflowX !== 'visible' && style.textOverflow !== 'ellipsis') out.push(`cut: ${e.innerText.slice(0, 40)}`);
  }
  // Two controls of one bar that lie on each other.
  const controls = [...document.querySelectorAll('.fb-head button, .fb-head input, .fb-bar button, .fb-bar input, .fb-record-head button')].filter((e) => e.offsetParent && e.type !== 'radio' && !e.closest('.ant-input-affix-wrapper, .ant-select'));
  const boxes = controls.map((e) => [e, e.getBoundingClientRect()]);
  boxes.forEach(([a, x], n) => boxes.slice(n + 1).forEach(([b, y]) => {
    const across = Math.min(x.right, y.right) - Math.max(x.left, y.left);
    const down = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
    if (across > 2 && down > 2 && !a.contains(b) && !b.contains(a)) out.push(`overlap: ${a.innerText || a.ariaLabel} and ${b.innerText || b.ariaLabel}`);
  }));
  for (const e of document.querySelectorAll('.fb-head button, .fb-bar button, .fb-record-head button')) {
    if (e.offsetParent && e.getBoundingClientRect().right > innerWidth + 1) out.push(`out of sight: ${e.innerText || e.ariaLabel}`);
  }
  return out;
}

/* Names of the catalogue that reached the screen, and words of the other language where no customer wrote them. */
function wordFindings([lang, names]) {
  const out = [];
  const main = [...document.querySelectorAll('main')].find((m) => m.offsetParent);
  const raw = new Set(names);
  const walk = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.nodeValue.trim();
    if (walk.currentNode.parentElement.closest('code')) continue; // shown as what programs call it
    if (raw.has(text) || /^[a-z]+(_[a-z]+)+$|^(ui|list|rec|form|page|term|key|op|state|problem)\.[a-z_.]+$/.test(text)) out.push(`raw: ${text} in ${walk.currentNode.parentElement.outerHTML.slice(0, 90)}`);
  }
  const shown = (css) => [...document.querySelectorAll(css)].filter((e) => e.offsetParent);
  const ours = shown('nav li, .fb-bar button, .fb-bar label, .fb-bar .fb-quiet, main th[scope=col], main thead th, main dt, main label, main legend, main h2, main [role=tab], .ant-select-placeholder, .fb-sync-text').map((e) => e.innerText);
  const said = [...shown('[placeholder]').map((e) => e.placeholder), ...shown('button, input, a, [role=button], [role=tab], [role=menuitem]').map((e) => e.ariaLabel ?? (e.innerText?.trim() ? '' : e.querySelector('[role=img]')?.ariaLabel))];
  // "Close 东华精密": what is said of a record has its name in it.
  const foreign = (text, isNaming) => (lang === 'en' ? (isNaming ? /^[\u3400-\u9fff]/ : /[\u3400-\u9fff]/).test(text) : /(?<![@.\w-])[A-Za-z]{3,}(?![@.\w-])/.test(text) && !/[\u3400-\u9fff]/.test(text));
  out.push(...[...ours.filter((t) => t && foreign(t, false)), ...said.filter((t) => t && foreign(t, true))].map((t) => `untranslated: ${t.slice(0, 60)}`));
  return out;
}

async function look(page, lang, path, names, isAxe) {
  const wrong = [];
  await step(page, path);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    await page.waitForTimeout(120); // charts follow the width
    wrong.push(...(await page.evaluate(layoutFindings)).map((f) => `${width}: ${f}`));
    if (process.env.FIELDBOOK_SHOTS && width !== 1920) await page.screenshot({ path: join(process.env.FIELDBOOK_SHOTS, `${page.label}${path.replace(/[0-9a-f-]{36}/, 'record').replace(/[^a-z_]+/g, '-')}-${width}.png`) });
  }
  wrong.push(...(await page.evaluate(wordFindings, [lang, names])));
  if (isAxe) wrong.push(...(await axeFindings(page)));
  wrong.push(...page.wrong.splice(0));
  return wrong.map((w) => [path.replace(/[0-9a-f-]{36}/, 'ID'), w]);
}

/* List, form and first record of what an item of the menu leads to. */
async function pathsOf(page, item) {
  const [, kind, entity] = item.split('/');
  if (kind !== 'e') return [item];
  const list = await page.evaluate((e) => fetch(`/api/v1/${e}?limit=1`).then((r) => r.json()), entity);
  const about = await page.evaluate(async (e) => (await (await fetch('/api/v1/catalogue')).json()).entities.find((x) => x.name === e).layout, entity);
  const shapes = [about.kanban && 'board', about.calendar && 'calendar'].filter(Boolean);
  return [item, ...shapes.map((s) => `${item}?shape=${s}`), `${item}/new`, ...(list.rows ?? []).map((r) => `${item}/${r.id}`)];
}

async function story(start, visit, keys) {
  const page = await open(browser, visit);
  page.label = `${visit.at}-${visit.language}-`;
  await page.addInitScript((all) => localStorage.setItem('fb.modules_open', JSON.stringify(all)), MODULES.map((m) => m.key));
  await start(page);
  await ready(page);
  const items = await page.evaluate((wanted) => [...document.querySelectorAll('nav .ant-menu-root > li')].flatMap((li) => {
    const here = [li, ...li.querySelectorAll('li')].map((x) => x.dataset.menuId ?? x.firstElementChild?.dataset.menuId ?? '').map((id) => id.replace(/^.*?-(?=\/|[a-z]+$)/, ''));
    return wanted.includes(here[0]) ? here.filter((id) => id.startsWith('/')) : [];
  }), keys);
  must(`the menu has ${keys.join(', ')}, not ${items.join(', ')}`, items.length >= keys.length);
  const names = await page.evaluate(async () => {
    const c = await (await fetch('/api/v1/catalogue')).json();
    const labels = new Set([...Object.values(c.choices).flat(), ...c.entities.flatMap((e) => e.fields.flatMap((f) => f.choices ?? []))].map((x) => x.en));
    return [...new Set(c.entities.flatMap((e) => [e.name, ...e.fields.flatMap((f) => [f.name, ...(f.choices ?? []).map((x) => x.value)])]))].filter((n) => !labels.has(n) && /^[a-z][a-z_]{2,}$/.test(n));
  });
  const wrong = [];
  for (const item of items) for (const path of await pathsOf(page, item)) wrong.push(...(await look(page, visit.language, path, names, visit.isAxe)));
  // Each finding once, with the pages that have it.
  const where = new Map();
  for (const [path, what] of wrong) where.set(what, new Set(where.get(what)).add(path));
  must([...where].map(([what, paths]) => `${what}\n            on ${[...paths].slice(0, 4).join(' ')}`).join('\n        '), wrong.length === 0);
  nothingWrong(page);
}

const onLaptop = (page) => ming.visit(page);
const atDesk = (page) => signIn(page, world.hq, 'zhao.min');
const VISITS = [
  ['a laptop in Chinese', onLaptop, { at: 'laptop', language: 'zh', isAxe: true }],
  ['a laptop in English, dark', onLaptop, { at: 'laptop', language: 'en', mode: 'dark' }],
  ['headquarters in Chinese, dark', atDesk, { at: 'hq', language: 'zh', mode: 'dark', ...HQ, allow: ['401'] }],
  ['headquarters in English', atDesk, { at: 'hq', language: 'en', isAxe: true, ...HQ, allow: ['401'] }],
];
const SLICES = [['customers', 'products', 'knowledge'], ['marketing', 'activities', 'orders'], ['support', 'reports'], ['/my-day', 'sync', 'admin']];

export const stories = Object.fromEntries(VISITS.flatMap(([title, start, visit]) => SLICES.map((keys) => [`${title}: ${keys.join(', ')}`, () => story(start, visit, keys)])));
