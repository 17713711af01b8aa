// SPDX-License-Identifier: MIT
// A rep's day on the pages of a laptop, with headquarters out of reach, and what the others see of it afterwards.
import { launch, must, nothingWrong, open } from '../browser.mjs';
import { editInPlace, fill, go, HQ, idOf, pick, ready, same, see, signIn, state } from './steps.mjs';
import { World } from './world.mjs';

export const name = 'day';
let browser, world, ming, fang;
export async function before() {
  browser = await launch();
  world = await World.make({ people: [['li.ming', '李明', 'rep'], ['wang.fang', '王芳', 'admin']] });
  ming = await world.laptop('li.ming');
  fang = await world.laptop('wang.fang');
}
export async function after() {
  await browser?.close();
  await world?.end();
}

const COMPANY = '苏州东吴精工有限公司';

async function makeCompany(page) {
  await page.getByRole('link', { name: '公司', exact: true }).or(page.getByRole('menuitem', { name: '公司', exact: true })).first().click();
  await page.waitForSelector('main:visible h1:has-text("公司")');
  await page.getByRole('button', { name: '新建', exact: true }).click();
  await fill(page, 'name', COMPANY);
  await page.keyboard.press('Control+s');
  await page.waitForSelector(`main:visible h1:has-text("${COMPANY}")`);
  return idOf(page);
}

async function makeBelow(page) {
  await page.getByRole('button', { name: '创建联系人' }).click();
  await fill(page, 'family_name', '张');
  await fill(page, 'given_name', '伟');
  await page.locator('.ant-drawer').getByRole('button', { name: '保存', exact: true }).click();
  await page.waitForSelector('.ant-drawer', { state: 'detached' });
  await page.getByRole('button', { name: '创建机会' }).click();
  await fill(page, 'name', '二期产线');
  await pick(page, 'pipeline_id', '');
  await pick(page, 'stage_id', '初步接洽');
  await fill(page, 'amount', '62万');
  await fill(page, 'close_on', '2027-03-31');
  await page.keyboard.press('Enter');
  await page.locator('.ant-drawer').getByRole('button', { name: '保存', exact: true }).click();
  await page.waitForSelector('.ant-drawer', { state: 'detached' });
}

/* What only this laptop knows, by its words in the search box, then to its own page. */
async function find(page, words, title) {
  await page.keyboard.press('Control+k');
  await page.keyboard.type(words);
  await page.locator('.ant-select-dropdown:visible').getByText(title).first().waitFor();
  await page.keyboard.press('Escape');
}

export const stories = {
  'a day without headquarters, then a sync, and what came of it appears on the other laptop by itself': async () => {
    const other = await open(browser);
    await fang.visit(other, '/e/company');
    await ready(other);
    const page = await open(browser);
    await ming.visit(page);
    await ready(page);

    await world.hq.stop();
    const id = await makeCompany(page);
    await makeBelow(page);
    await editInPlace(page, '编辑简称', 'short_name', '东吴精工');
    await see(page, '东吴精工');
    // By two characters out of the middle, by initials, by the short name.
    for (const words of ['东吴精', 'szdw', '精工']) await find(page, words, COMPANY);

    await go(page, '/e/opportunity?shape=board');
    const card = page.locator('.fb-item', { hasText: '二期产线' });
    await card.dragTo(page.locator('.fb-lane[aria-label="需求确认"]'), { targetPosition: { x: 60, y: 120 } });
    await page.locator('.fb-lane[aria-label="需求确认"] .fb-item', { hasText: '二期产线' }).waitFor();

    await go(page, '/e/activity?shape=calendar');
    await page.locator('.fb-today').getByRole('button', { name: /新建/ }).click();
    await pick(page, 'kind', '', '拜访');
    await fill(page, 'subject', '拜访东吴');
    await page.locator('.ant-drawer').getByRole('button', { name: '保存', exact: true }).click();
    await page.waitForSelector('.ant-drawer', { state: 'detached' });
    await go(page, '/my-day');
    await see(page, '拜访东吴');
    await state(page, 'offline_waiting');

    await world.hq.start();
    await go(page, '/sync');
    await page.getByRole('button', { name: '立即同步' }).click();
    await state(page, 'in_step');
    const [row] = await world.hq.sql(`SELECT c.short_name, (SELECT count(*) FROM contact WHERE company_id = c.id) AS contacts, (SELECT s.name_zh FROM opportunity o JOIN stage s ON s.id = o.stage_id WHERE o.company_id = c.id) AS stage, (SELECT count(*) FROM activity WHERE subject = '拜访东吴') AS visits FROM company c WHERE c.id = '${id}'`);
    same('headquarters has the day', row, { short_name: '东吴精工', contacts: 1, stage: '需求确认', visits: 1 });

    // The other laptop's list, which nobody touched, offers what arrived; nothing moved under her hands before.
    await other.getByRole('button', { name: /处更新/ }).click();
    await see(other, COMPANY);
    const changes = await other.evaluate(() => fetch('/api/v1/sync/changes').then((r) => r.json()));
    const made = changes.rows.find((r) => r.id === id);
    same('the changes since the last sync name it', [made?.entity, made?.title, made?.kind], ['company', COMPANY, 'new']);
    nothingWrong(other);
    nothingWrong(page);
  },
  'whoever has just hung up logs the call as done from the lead, by keys alone, and it is the first contact': async () => {
    const page = await open(browser);
    const [lead] = await ming.sql('SELECT id FROM lead WHERE first_touched_at IS NULL LIMIT 1');
    await ming.visit(page, `/e/lead/${lead.id}`);
    await ready(page);
    await page.keyboard.press('a');
    await page.waitForFunction(() => document.activeElement?.id === 'quick-activity-kind');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('ArrowRight');
    await page.locator('#quick-activity-outcome').waitFor();
    await page.keyboard.press('Tab');
    await pick(page, 'kind', '', '去电');
    await page.keyboard.press('Tab');
    await page.keyboard.type('确认需求');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('.ant-drawer', { state: 'detached' });
    const [call] = await ming.sql(`SELECT a.status, a.starts_at = a.done_at AS is_then, l.first_touched_at = a.done_at AS is_first FROM activity a JOIN lead l ON l.id = a.about_id WHERE a.subject = '确认需求' AND l.id = '${lead.id}'`);
    same('it is done, stands in the calendar and is the first contact', call, { status: 'done', is_then: 1, is_first: 1 });

    await go(page, '/my-day');
    await page.getByRole('button', { name: '记录拜访' }).click();
    await page.waitForFunction(() => document.activeElement?.id === 'quick-activity-subject');
    await page.keyboard.type('路过拜访');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('.ant-drawer', { state: 'detached' });
    const [visit] = await ming.sql("SELECT kind, status, done_at IS NOT NULL AS has_time FROM activity WHERE subject = '路过拜访'");
    same('a visit from the first page is done too', visit, { kind: 'visit', status: 'done', has_time: 1 });
    nothingWrong(page);
  },
  'a week by hours: an empty hour makes an appointment, two at once stand side by side, arrows move one': async () => {
    const page = await open(browser);
    await ming.visit(page, '/e/activity?shape=calendar');
    await ready(page);
    await page.locator('.ant-segmented-item', { hasText: /^周$/ }).click();
    await page.getByRole('button', { name: '往后' }).click();
    const monday = new Date();
    monday.setDate(monday.getDate() + 7 - ((monday.getDay() + 6) % 7));
    const day = `${monday.getFullYear()}-${String(monday.getMonth() + 1).padStart(2, '0')}-${String(monday.getDate()).padStart(2, '0')}`;
    const subjects = ['拜访恒新', '电话会议'];
    for (const subject of subjects) {
      // Beside the first one, which lies on the left of the hour.
      await page.getByRole('button', { name: `在 ${day} 10:00 新建` }).press('Enter');
      await pick(page, 'kind', '', '会议');
      await fill(page, 'subject', subject);
      await page.locator('.ant-drawer').getByRole('button', { name: '保存', exact: true }).click();
      await page.waitForSelector('.ant-drawer', { state: 'detached' });
    }
    const events = subjects.map((s) => page.locator('.fb-timed', { hasText: s }));
    for (const e of events) await e.waitFor();
    const [a, b] = await Promise.all(events.map((e) => e.boundingBox()));
    same('they begin together', a.y, b.y);
    must('they stand side by side', Math.min(a.x + a.width, b.x + b.width) <= Math.max(a.x, b.x));
    await events[1].press('Shift+ArrowDown');
    await page.locator('.fb-timed', { hasText: '10:30–11:30 电话会议' }).waitFor();
    const [row] = await ming.sql("SELECT starts_at, ends_at FROM activity WHERE subject = '电话会议'");
    same('start and end moved', [row.starts_at, row.ends_at].map((t) => new Date(t).getMinutes()), [30, 30]);
    nothingWrong(page);
  },
  'chosen rows go on a static list by its name, and a record that is on it already is not put there twice': async () => {
    const page = await open(browser);
    await ming.visit(page, '/e/company');
    await ready(page);
    const boxes = page.locator('main:visible tr.fb-line .fb-choose input');
    await boxes.nth(0).check();
    await boxes.nth(1).check();
    await page.getByRole('button', { name: '加入静态列表' }).click();
    await page.locator('#add-list').fill('年底拜访');
    await page.getByText('新建列表“年底拜访”').click();
    await page.locator('.ant-modal').getByRole('button', { name: '加入静态列表' }).click();
    await page.waitForSelector('.ant-modal', { state: 'hidden' });
    const entries = () => ming.sql("SELECT i.record_id, i.label, i.snapshot FROM static_list_item i JOIN static_list l ON l.id = i.static_list_id WHERE l.name = '年底拜访' AND l.entity = 'company'");
    const [first, second] = await entries();
    must('both are there, with the values they had', second !== undefined && JSON.parse(first.snapshot).name === first.label);
    await go(page, `/e/company/${first.record_id}`);
    await page.locator('main:visible .fb-record-head').getByRole('button', { name: '更多' }).click();
    await page.getByText('加入静态列表').click();
    await page.locator('#add-list').fill('年底');
    await page.locator('.ant-select-item-option', { hasText: '年底拜访' }).click();
    await page.locator('.ant-modal').getByRole('button', { name: '加入静态列表' }).click();
    await see(page, '另有 1 条原已在列表中');
    same('still two', (await entries()).length, 2);
    nothingWrong(page);
  },
  'a lead goes along its bar by the steps the catalogue allows, an opportunity to a stage of its pipeline': async () => {
    const page = await open(browser);
    const [lead] = await ming.sql("SELECT id FROM lead WHERE status = 'new' LIMIT 1");
    await ming.visit(page, `/e/lead/${lead.id}`);
    await ready(page);
    const bar = page.locator('main:visible .fb-steps');
    same('it is new', await bar.locator('.fb-here').innerText(), '新线索');
    await bar.getByRole('button').first().click();
    await page.waitForFunction(() => document.querySelector('main .fb-steps .fb-here').innerText !== '新线索');
    same('the file has it', (await ming.sql(`SELECT status FROM lead WHERE id = '${lead.id}'`))[0].status, 'working');
    must('there is no way back', (await bar.getByRole('button', { name: '新线索' }).count()) === 0);
    const [deal] = await ming.sql("SELECT o.id, s.name_zh AS stage FROM opportunity o JOIN stage s ON s.id = o.stage_id WHERE o.outcome = 'open' LIMIT 1");
    await go(page, `/e/opportunity/${deal.id}`);
    same('its stage is marked', await bar.locator('.fb-here').innerText(), deal.stage);
    nothingWrong(page);
  },
  'the language changes at once, on the laptop and after a reload, and no word of ours stays behind': async () => {
    const page = await open(browser, { language: 'zh' });
    await ming.visit(page, '/e/opportunity?shape=board');
    await ready(page);
    await page.getByRole('button', { name: '李明的菜单' }).click();
    await page.getByText('English', { exact: true }).click();
    await page.waitForSelector('main:visible h1:has-text("Opportunities")');
    await page.reload();
    await page.waitForSelector('.fb-lane[aria-label="Needs confirmed"]');
    for (const path of ['/my-day', '/e/company', '/e/activity?shape=calendar', '/sync', '/receipts', '/held', '/conflicts', '/dashboards']) {
      await go(page, path);
      // Words of ours, not the customers' names: menus, heads, buttons, labels.
      const ours = await page.locator('nav, .fb-bar, main:visible thead, main:visible h2, main:visible button').allInnerTexts();
      const han = ours.filter((t) => /[\u3400-\u9fff]/.test(t) && !/[\u3400-\u9fff]+(公司|[ ·])|^\d\d:\d\d /.test(t));
      must(`${path} is in English, but says ${JSON.stringify(han)}`, han.length === 0);
    }
    nothingWrong(page);
  },
};
