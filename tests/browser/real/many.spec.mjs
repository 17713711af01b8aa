// SPDX-License-Identifier: MIT
// 50,000 contacts of 5,000 companies, at headquarters' pages: what a list, a page of it, a record, a keystroke and a save
// ask for, and how long they take. What is asked and how much is answered is asserted; times are only told, as medians:
// wall from the press to the drawing, processor time of headquarters and of the page's own thread.
import { readdirSync, readFileSync } from 'node:fs';
import { launch, must, nothingWrong, open } from '../browser.mjs';
import { HQ, ready, signIn } from './steps.mjs';
import { pause, until, World } from './world.mjs';

export const name = 'many';
const COMPANIES = 5000;
const CONTACTS = 50000;
const TIMES = 9;
const COUNTED_MAX = 1000; // a list says "more than" from here on
let browser, world, page, wire;

export async function before() {
  browser = await launch();
  world = await World.make({ companies: COMPANIES, people: [['zhao.min', '赵敏', 'admin'], ['li.ming', '李明', 'rep']] });
  await world.hq.sql(`CREATE TEMP TABLE c AS SELECT id, owner_id FROM company;
    WITH RECURSIVE n (i) AS (SELECT (SELECT count(*) FROM contact) + 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${CONTACTS})
    INSERT INTO contact (family_name, given_name, company_id, owner_id, job_title)
    SELECT substr('王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗', i % 20 + 1, 1), printf('伟%05d', i), c.id, c.owner_id,
      CASE i % 3 WHEN 0 THEN '采购经理' WHEN 1 THEN '总经理' ELSE '工程师' END FROM n JOIN c ON c.rowid = i % (SELECT count(*) FROM c) + 1;`);
  await until(async () => (await world.hq.sql('SELECT count(*) AS n FROM fb_journal WHERE op <> 0'))[0].n === 0, 'headquarters has sealed it', 300000);
}
export async function after() {
  await browser?.close();
  await world?.end();
}

/* Signed in at headquarters, which rests. */
async function visit() {
  page = await open(browser, { language: 'en', ...HQ, allow: ['401'] });
  wire = await page.context().newCDPSession(page);
  await wire.send('Performance.enable', { timeDomain: 'threadTicks' });
  await signIn(page, world.hq, 'zhao.min');
  await quiet();
}

/* Processor time of all threads of headquarters, in ms. */
function hubMs() {
  const pid = world.hq.child.pid;
  let ns = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return ns / 1e6;
}

/* Until headquarters rests: its search file, which the first login begins, is fed. */
async function quiet() {
  for (let before = -1e9, now = hubMs(); now - before > 5; [before, now] = [now, hubMs()]) await pause(1000);
}

async function pageMs() {
  const { metrics } = await wire.send('Performance.getMetrics');
  return metrics.find((m) => m.name === 'TaskDuration').value * 1000;
}

/* Runs act and waits until what it asked for is drawn: ms from its last press, and what went over the wire meanwhile. */
async function once(act, isDrawn, arg) {
  const asked = [];
  const note = (r) => new URL(r.url()).pathname.startsWith('/api/') && asked.push(r);
  page.on('requestfinished', note);
  await page.evaluate(([condition, given]) => {
    let pressed = 0;
    const press = (e) => (pressed = e.timeStamp);
    for (const type of ['click', 'keydown']) addEventListener(type, press, { capture: true });
    const drawn = new Function('arg', `return (${condition})(arg)`);
    window.drawn = new Promise((done) => {
      const look = () => {
        if (!pressed || !drawn(given)) return requestAnimationFrame(look);
        for (const type of ['click', 'keydown']) removeEventListener(type, press, { capture: true });
        return requestAnimationFrame(() => done(performance.now() - pressed));
      };
      look();
    });
  }, [isDrawn.toString(), arg]);
  const [hub, own] = [hubMs(), await pageMs()];
  await act();
  const wall = await page.evaluate(() => window.drawn);
  const used = { wall, hub: hubMs() - hub, page: (await pageMs()) - own };
  await ready(page);
  await pause(150);
  page.off('requestfinished', note);
  let bytes = 0;
  for (const r of asked) bytes += (await r.sizes()).responseBodySize;
  return { ...used, bytes, asked: asked.map((r) => `${r.method()} ${new URL(r.url()).pathname.slice('/api/v1'.length)}${new URL(r.url()).search}`), answers: asked };
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/* The same TIMES times; says the figures and holds the work to its limits. */
async function measure(what, limits, round) {
  const rounds = [];
  for (let n = 0; n < (limits.times ?? TIMES); n++) rounds.push(await round(n));
  const of = (key) => rounds.map((r) => r[key]);
  console.log(`        ${what}: ${Math.round(median(of('wall')))} ms (${Math.round(Math.min(...of('wall')))} to ${Math.round(Math.max(...of('wall')))}), headquarters ${median(of('hub')).toFixed(1)} ms, page ${Math.round(median(of('page')))} ms, ${median(of('bytes'))} bytes, ${rounds[0].asked.join(' | ')}`);
  for (const r of rounds) {
    must(`${what} asks at most ${limits.requests} times, not ${r.asked.join(' | ')}`, r.asked.length <= limits.requests);
    must(`${what} is answered in at most ${limits.bytes} bytes, not ${r.bytes}`, r.bytes <= limits.bytes);
    for (const a of r.answers.filter((x) => /^\/api\/v1\/contact$/.test(new URL(x.url()).pathname))) {
      const list = await (await a.response()).json().catch(() => null); // gone with a page that was loaded anew
      must(`a list of ${CONTACTS} is not counted to its end: ${list?.total}, ${list?.total_at_least}`, !list || (list.total === null && (list.total_at_least ?? 0) <= COUNTED_MAX && list.rows.length <= 50));
    }
    must(`${what} asks for no group or count`, !r.asked.some((a) => / \/group\/|[?&]count=/.test(a)));
  }
  return rounds;
}

const main = 'main:visible';
/* The lines as they stand, and: other lines stand there, or the same in another order. */
const lines = () => page.locator(`${main} tr.fb-line`).evaluateAll((rows) => rows.map((r) => r.dataset.rowKey).join());
const areOthers = (keys) => {
  const rows = [...document.querySelectorAll('main tr.fb-line')].filter((r) => r.offsetParent);
  return rows.length === 50 && rows.map((r) => r.dataset.rowKey).join() !== keys;
};
const openList = () => page.locator('nav').getByText('Contacts', { exact: true }).click();

export const stories = {
  'a list opens, turns its pages, is sorted': async () => {
    await visit();
    await measure('the list opens', { requests: 4, bytes: 50000 }, async () => {
      await page.goto(`${world.hq.base}/my-day`);
      await ready(page);
      await pause(1500);
      return once(openList, areOthers, '');
    });
    await measure('the next page', { requests: 1, bytes: 50000 }, async () => once(() => page.locator(`${main} .fb-foot`).getByRole('button', { name: 'Next' }).click(), areOthers, await lines()));
    // Job title, decision role and the last activity have no index. Nobody has a role or an activity and all have one owner: lines by these
    // stand alike, so that none of them follows another.
    for (const column of ['Contact', 'Decision role', 'Company', 'Owner', 'Job title', 'Last activity']) {
      await measure(`sorted by ${column.toLowerCase()}`, { requests: 1, bytes: 50000, times: 1 }, async () => once(() => page.locator(`${main} th`, { hasText: column }).getByRole('button').click(), areOthers, await lines()));
    }
    nothingWrong(page);
  },
  'a record opens, one field of it is saved': async () => {
    await visit();
    await measure('a record opens', { requests: 5, bytes: 30000 }, async (n) => {
      await openList();
      await ready(page);
      const link = page.locator(`${main} tr.fb-line`).nth(n).getByRole('link').first();
      return once(() => link.click(), (title) => [...document.querySelectorAll('.fb-record-head h1')].some((h) => h.offsetParent && h.title === title) && ![...document.querySelectorAll('main .ant-skeleton, main .ant-spin-spinning')].some((e) => e.offsetParent), await link.getAttribute('title'));
    });
    await measure('one field is saved', { requests: 6, bytes: 30000 }, async (n) => {
      await page.locator(main).getByRole('button', { name: /^Edit department$/i }).click();
      await page.locator('[id^="v-"][id$="-department"]:visible').fill(`采购${n}部`);
      return once(() => page.keyboard.press('Enter'), (text) => !document.querySelector('[id^="v-"][id$="-department"]') && document.querySelector('main:not([style*="none"])').innerText.includes(text), `采购${n}部`);
    });
    nothingWrong(page);
  },
  'a keystroke in the search box': async () => {
    await visit();
    await page.keyboard.press('Control+k');
    const box = page.locator('.fb-search input');
    await measure('a search keystroke', { requests: 1, bytes: 8000 }, async (n) => {
      await box.fill('');
      await pause(300);
      return once(() => page.keyboard.press('zwlhcxymg'[n % 9]), () => [...document.querySelectorAll('.ant-select-item-group')].some((g) => g.offsetParent && g.innerText !== 'Pages and actions'));
    });
    nothingWrong(page);
  },
};
