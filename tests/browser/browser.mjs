// SPDX-License-Identifier: MIT
//
// Browser tests: browser.mjs opens chromium and watches it, *.spec.mjs tell stories, run.mjs runs them and says how each
// ended. Nothing here may reach a foreign host: such a request, an error on the console, a broken policy or a serious
// finding of axe fails the story.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const require = createRequire(join(root, 'web', 'package.json'));
export const fromWeb = (name) => require(name);
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export async function launch() {
  return fromWeb('playwright-core').chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

const opened = new Set();
/* What a failed story leaves open: pictured into FIELDBOOK_SHOTS, where that is given, and closed. */
export async function closeLeft(story) {
  const folder = process.env.FIELDBOOK_SHOTS;
  let n = 0;
  for (const page of [...opened].filter((p) => !p.isClosed())) {
    if (folder) await page.screenshot({ path: join(folder, `${story.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}-${++n}.png`) }).catch(() => undefined);
    if (page.wrong.length > 0) console.log(`        ${page.url()}: ${page.wrong.join(' | ')}`);
    await page.context().close();
  }
  opened.clear();
}

/* A page that remembers what must not happen. allow: parts of console messages that the story causes on purpose. */
export async function open(browser, { language = 'zh', mode = 'light', width = 1280, allow = [], ...more } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, locale: language === 'zh' ? 'zh-CN' : 'en-US', colorScheme: mode, ...more });
  await context.addInitScript(([l, m]) => {
    if (localStorage.getItem('fb.language') === null) localStorage.setItem('fb.language', l);
    localStorage.setItem('fb.mode', m);
  }, [language, mode]);
  const page = await context.newPage();
  const wrong = [];
  const isAllowed = (text) => allow.some((a) => text.includes(a));
  page.on('console', (m) => m.type() === 'error' && !isAllowed(m.text()) && wrong.push(`console: ${m.text().slice(0, 300)} ${m.location().url}`));
  page.on('pageerror', (e) => wrong.push(`page: ${e.message.slice(0, 300)}`));
  page.on('request', (r) => {
    const host = new URL(r.url()).hostname;
    if (!['127.0.0.1', 'localhost', ''].includes(host)) wrong.push(`foreign request: ${r.url()}`);
  });
  page.wrong = wrong;
  opened.add(page);
  return page;
}

export function must(what, isTrue) {
  if (!isTrue) throw new Error(what);
}
export const nothingWrong = (page) => must(`nothing went wrong in the browser, but: ${page.wrong.join(' | ')}`, page.wrong.length === 0);

const axe = () => readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
/* Whatever fades in or out has done so: half-way it has no contrast. */
const settled = () => Promise.allSettled(document.getAnimations().filter((a) => a.effect.getComputedTiming().endTime !== Infinity).map((a) => a.finished));

/* What axe calls serious or critical. */
export async function axeFindings(page) {
  await page.evaluate(settled);
  await page.evaluate(axe());
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return result.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 140)).join(' ; ')}`);
}
