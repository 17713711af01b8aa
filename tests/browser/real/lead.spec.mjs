// SPDX-License-Identifier: MIT
// A lead is processed on a laptop without a network; two laptops process one, and the second reads what became of it.
import { axeFindings, launch, must, nothingWrong, open } from '../browser.mjs';
import { fill, go, HQ, pick, ready, same, see, signIn, state, syncNow } from './steps.mjs';
import { World } from './world.mjs';

export const name = 'lead';
let browser, world, ming, fang, company;
export async function before() {
  browser = await launch();
  world = await World.make({ companies: 12, people: [['li.ming', '李明', 'rep'], ['wang.fang', '王芳', 'rep'], ['zhao.min', '赵敏', 'admin']] });
  await world.hq.sql("INSERT INTO territory (code, name) VALUES ('HD', '华东'); INSERT INTO territory_member (territory_id, employee_id, part) SELECT t.id, e.id, 'owner' FROM territory t, employee e WHERE t.code = 'HD' AND e.user_name IN ('li.ming', 'wang.fang')");
  [company] = await world.hq.sql("SELECT c.id, c.name FROM company c JOIN employee e ON e.id = c.owner_id WHERE e.user_name = 'li.ming' AND c.name LIKE '%有限公司' ORDER BY c.name LIMIT 1");
  await world.hq.sql(`INSERT INTO company_territory (company_id, territory_id, how) SELECT '${company.id}', id, 'named' FROM territory WHERE code = 'HD'`);
  for (const [subject, person] of [['二期产线', '张'], ['备件年单', '钱']]) await makeLead(subject, person);
  ming = await world.laptop('li.ming');
  fang = await world.laptop('wang.fang');
}
export async function after() {
  await browser?.close();
  await world?.end();
}

const makeLead = (subject, person) => world.hq.sql(`INSERT INTO lead (subject, company_name, family_name, given_name, job_title, source, received_at, need, budget, timeframe, quality, owner_id, territory_id)
  SELECT '${subject}', '${company.name.replace(/有限公司$/, '')}', '${person}', '伟', '设备科长', 'trade_show', '2026-11-20T02:00:00.000Z', '提高节拍', 62000000, 'quarter', 'hot', e.id, t.id FROM employee e, territory t WHERE e.user_name = 'li.ming' AND t.code = 'HD'`);
const leadOf = async (node, subject) => (await node.sql(`SELECT * FROM lead WHERE subject = '${subject}'`))[0];

async function openLead(laptop, subject, more = {}) {
  const page = await open(browser, more);
  await laptop.visit(page, `/e/lead/${(await leadOf(laptop, subject)).id}`);
  await ready(page);
  return page;
}
const dialog = (page) => page.locator('.ant-modal:visible');
const press = (page, words) => dialog(page).getByRole('button', { name: words, exact: true }).last().click();
const choose = (page, words) => dialog(page).locator('.ant-radio-wrapper', { hasText: words }).first().click();
const isChosen = (page, words) => dialog(page).locator('.ant-radio-wrapper-checked', { hasText: words }).waitFor();

export const stories = {
  'offline, in Chinese: the company that is alike is used, contact and opportunity are made, and headquarters has all of it': async () => {
    await world.hq.stop();
    const page = await openLead(ming, '二期产线');
    await page.getByRole('button', { name: '处理线索', exact: true }).click();
    await isChosen(page, `使用${company.name}`);
    await see(page, '相似：公司名称相同');
    same('axe finds nothing in the first step', await axeFindings(page), []);
    await press(page, '下一步');
    await isChosen(page, '新建联系人“张伟”');
    await fill(page, 'family_name', '');
    await press(page, '下一步');
    await see(page, '请填写姓');
    await fill(page, 'family_name', '张');
    await press(page, '下一步');
    await isChosen(page, '新建机会“二期产线”');
    await see(page, '沿用线索中的');
    await fill(page, 'amount', '65万');
    same('axe finds nothing in the form', await axeFindings(page), []);
    await press(page, '下一步');
    for (const words of [company.name, '张伟', '650,000.00', '全部完成，或者都不写入']) await dialog(page).getByText(words).first().waitFor();
    same('axe finds nothing in the summary', await axeFindings(page), []);
    await press(page, '完成处理');
    await see(page, '已新建和关联的记录');
    await dialog(page).getByRole('link', { name: '二期产线' }).waitFor();
    await press(page, '关闭');
    must('it is processed once', (await page.getByRole('button', { name: '处理线索', exact: true }).count()) === 0);
    await state(page, 'offline_waiting');

    await world.hq.start();
    await syncNow(page);
    const [row] = await world.hq.sql(`SELECT l.status, l.company_id, c.family_name || c.given_name AS person, c.company_id AS works_at, o.name, o.amount, o.source, o.need, o.lead_id = l.id AS of_lead FROM lead l JOIN contact c ON c.id = l.contact_id JOIN opportunity o ON o.id = l.opportunity_id WHERE l.subject = '二期产线'`);
    same('headquarters has it', row, { status: 'qualified', company_id: company.id, person: '张伟', works_at: company.id, name: '二期产线', amount: 65000000, source: 'trade_show', need: '提高节拍', of_lead: 1 });
    nothingWrong(page);
  },
  'two laptops process one lead: the second reads in plain words who was first, and headquarters merges the two': async () => {
    await world.hq.stop();
    const pages = [await openLead(fang, '备件年单'), await openLead(ming, '备件年单')];
    for (const [page, title] of [[pages[0], '备件年单（王芳）'], [pages[1], '备件年单（李明）']]) {
      await page.getByRole('button', { name: '处理线索', exact: true }).click();
      await isChosen(page, `使用${company.name}`);
      await press(page, '下一步');
      await press(page, '下一步');
      await fill(page, 'name', title);
      await press(page, '下一步');
      await press(page, '完成处理');
      await see(page, '已新建和关联的记录');
      await press(page, '关闭');
    }
    await world.hq.start();
    for (const page of pages) await syncNow(page);
    // Whose daemon came to headquarters first is not ours to say.
    const [{ kept }] = await world.hq.sql("SELECT o.name AS kept FROM lead l JOIN opportunity o ON o.id = l.opportunity_id WHERE l.subject = '备件年单'");
    const [first, late] = kept.includes('王芳') ? ['王芳', '李明'] : ['李明', '王芳'];
    const second = pages[late === '王芳' ? 0 : 1];
    const sentence = `${first}已先处理了这条线索。你建的备件年单（${late}）也已保留，可与对方的记录合并。`;
    await go(second, '/receipts');
    await see(second, sentence);
    await go(second, '/conflicts');
    await second.locator('.ant-segmented-item', { hasText: '按规则处理' }).click();
    await second.locator('.fb-card', { hasText: '转为机会' }).getByRole('button', { name: '备件年单' }).click();
    await see(second, sentence);
    same('axe finds nothing', await axeFindings(second), []);
    must('whoever made the second may merge it with the first', (await second.locator('main:visible').getByRole('button', { name: '合并', exact: true }).count()) === 1);

    await go(second, '/duplicates');
    await see(second, '由同一条线索转来');

    const admin = await open(browser, { ...HQ, allow: ['401'] });
    await signIn(admin, world.hq, 'zhao.min', '/conflicts');
    await admin.locator('.ant-segmented-item', { hasText: '按规则处理' }).click();
    await admin.locator('.fb-card', { hasText: '转为机会' }).getByRole('button', { name: '备件年单' }).click();
    await see(admin, `${first}先处理了这条线索，${late}随后也处理了。双方新建的记录都已保留，可以合并。`);
    await admin.locator('main:visible').getByRole('button', { name: '合并', exact: true }).click();
    await press(admin, '合并');
    await see(admin, '已合并');
    same('one opportunity is left, the one that the lead names', await world.hq.sql("SELECT o.name FROM opportunity o WHERE o.name LIKE '备件年单%' AND o.id = (SELECT opportunity_id FROM lead WHERE subject = '备件年单')"), [{ name: kept }]);
    same('and no other', (await world.hq.sql("SELECT count(*) AS n FROM opportunity WHERE name LIKE '备件年单%'"))[0].n, 1);
    const [left] = await world.hq.sql("SELECT count(*) AS n FROM merge_job WHERE state = 'suspected' AND entity = 'contact'");
    same('the two contacts wait in the duplicates list', left.n, 1);
    [admin, ...pages].forEach(nothingWrong);
  },
  'at headquarters somebody was faster: the dialog says what the lead became, nothing is made twice': async () => {
    await makeLead('检测设备', '孙');
    const [a, b] = [await open(browser, { ...HQ, allow: ['401', '409'], language: 'en' }), await open(browser, { ...HQ, allow: ['401', '409'], language: 'en' })];
    const { id } = await leadOf(world.hq, '检测设备');
    for (const page of [a, b]) {
      await signIn(page, world.hq, 'zhao.min', `/e/lead/${id}`);
      await page.getByRole('button', { name: 'Process lead', exact: true }).click();
      for (let n = 0; n < 3; n++) await press(page, 'Next');
    }
    await press(a, 'Finish');
    await see(a, 'Made and linked');
    await press(b, 'Finish');
    await see(b, 'This lead has been processed already. It became:');
    await dialog(b).getByRole('link', { name: '检测设备' }).waitFor();
    same('one opportunity', (await world.hq.sql("SELECT count(*) AS n FROM opportunity WHERE name = '检测设备'"))[0].n, 1);
    [a, b].forEach(nothingWrong);
  },
};
