// SPDX-License-Identifier: MIT
// The same record, written twice: on two laptops, at two desks of headquarters, and once while headquarters dies.
import { launch, must, nothingWrong, open } from '../browser.mjs';
import { editInPlace, fill, go, HQ, ready, same, see, signIn, state, syncNow } from './steps.mjs';
import { pause, PASSWORD, until, World } from './world.mjs';

export const name = 'conflicts';
let browser, world, ming, fang, company;
export async function before() {
  browser = await launch();
  world = await World.make({ companies: 12, people: [['zhao.min', '赵敏', 'admin'], ['chen.gang', '陈刚', 'admin'], ['li.ming', '李明', 'rep'], ['wang.fang', '王芳', 'admin']] });
  ming = await world.laptop('li.ming');
  fang = await world.laptop('wang.fang');
  [company] = await world.hq.sql("SELECT c.id, c.name FROM company c JOIN employee e ON e.id = c.owner_id WHERE e.user_name = 'li.ming' ORDER BY c.name LIMIT 1");
}
export async function after() {
  await browser?.close();
  await world?.end();
}

const valueOf = async (field) => (await world.hq.sql(`SELECT ${field} AS v FROM company WHERE id = '${company.id}'`))[0].v;

async function editForm(page) {
  await page.getByRole('button', { name: '编辑', exact: true }).click();
  await page.locator('#edit-company-short_name').waitFor();
}
const save = (page) => page.locator('main:visible').getByRole('button', { name: '保存', exact: true }).click();
const saved = (page) => page.locator('#edit-company-short_name').waitFor({ state: 'detached' });

async function desk(login, path) {
  const page = await open(browser, { ...HQ, allow: ['401', '409', 'ERR_', '503'] });
  await signIn(page, world.hq, login, path);
  return page;
}

export const stories = {
  'two laptops write another name each without a network; a third browser at headquarters rules, and both laptops follow': async () => {
    const pages = [];
    await world.hq.stop();
    for (const [laptop, name] of [[ming, '东华精密股份有限公司'], [fang, '东华精机有限公司']]) {
      const page = await open(browser);
      await laptop.visit(page, `/e/company/${company.id}`);
      await ready(page);
      await editInPlace(page, '编辑公司名称', 'name', name);
      await see(page, name);
      pages.push(page);
    }
    await world.hq.start();
    await syncNow(pages[1]);
    await syncNow(pages[0]);
    await until(async () => (await world.hq.sql("SELECT count(*) AS n FROM conflict WHERE outcome = 'waiting'"))[0].n === 1, 'the conflict waits at headquarters');

    const admin = await desk('zhao.min', '/conflicts');
    await admin.locator('main:visible').getByRole('button', { name: /东华/ }).first().click();
    for (const value of [company.name, '东华精机有限公司', '东华精密股份有限公司', '王芳', '李明']) await see(admin, value);
    must('nothing is chosen beforehand', (await admin.locator('main:visible input[type=radio]:checked').count()) === 0);
    // Whoever came second is "the laptop": the third column, always.
    const kept = await admin.locator('main:visible .fb-three tbody tr').first().locator('td').nth(2).innerText();
    await admin.locator('main:visible .ant-radio-wrapper', { hasText: '电脑' }).click();
    await admin.locator('main:visible .ant-btn-primary').click();
    await until(async () => (await valueOf('name')) === kept, `the ruling for ${kept} stands`);
    await go(admin, '/conflicts');
    await see(admin, '没有等待裁定的冲突');
    nothingWrong(admin);

    await syncNow(pages[1]);
    await go(pages[1], `/e/company/${company.id}`);
    await pages[1].waitForSelector(`main:visible h1:has-text("${kept}")`);
    // The winner's author and the loser's both read what became of their edits.
    await syncNow(pages[0]);
    for (const page of pages) {
      await go(page, '/receipts');
      await see(page, kept);
    }
    pages.forEach(nothingWrong);
  },
  'what another program changed without a trace is offered on the laptop, and one value of it is taken over': async () => {
    await ming.sql(`INSERT INTO found_value (id, device_id, entity, record_id, field, value, found_at, state)
      SELECT '01900000-0000-7000-8000-00000000000' || n, (SELECT value FROM fb_meta WHERE key = 'device_id'), 'company', '${company.id}', f, v, '2026-11-20T04:00:00.000Z', 'waiting'
      FROM (SELECT 1 AS n, 'website' AS f, '"https://found.example"' AS v UNION ALL SELECT 2, 'city', '"Köln"')`);
    const page = await open(browser);
    await ming.visit(page, '/my-day');
    await state(page, 'needs_you');
    await page.locator('.fb-sync').click();
    await see(page, '其他程序改动 2');
    const line = (text) => page.locator('main:visible li', { hasText: text });
    await line('Köln').getByRole('button', { name: '不采用' }).click();
    await line('https://found.example').getByRole('button', { name: '采用', exact: true }).click();
    await see(page, /^已保存/);
    await page.locator('main:visible li', { hasText: 'found.example' }).waitFor({ state: 'detached' });
    await syncNow(page);
    same('it is an edit like others', await valueOf('website'), 'https://found.example');
    nothingWrong(page);
  },
  'two people at headquarters write other fields of the same form: both stand, no dialog': async () => {
    const [a, b] = [await desk('zhao.min', `/e/company/${company.id}`), await desk('chen.gang', `/e/company/${company.id}`)];
    await editForm(a);
    await editForm(b);
    await fill(a, 'short_name', '东华');
    await fill(b, 'website', 'https://donghua.example');
    await save(a);
    await saved(a);
    await save(b);
    await saved(b);
    must('no dialog', (await b.locator('.ant-modal').count()) === 0);
    same('both stand', [await valueOf('short_name'), await valueOf('website')], ['东华', 'https://donghua.example']);
    [a, b].forEach(nothingWrong);
  },
  'two people at headquarters write the same field: three values, and nothing typed is lost': async () => {
    const [a, b] = [await desk('zhao.min', `/e/company/${company.id}`), await desk('chen.gang', `/e/company/${company.id}`)];
    await editForm(a);
    await editForm(b);
    await fill(a, 'short_name', '东华机');
    await fill(b, 'short_name', '东华密');
    await fill(b, 'name_en', 'Donghua');
    await save(a);
    await saved(a);
    await save(b);
    const dialog = b.locator('.ant-modal');
    for (const value of ['东华', '东华机', '东华密', '赵敏']) await dialog.getByText(value).first().waitFor();
    await dialog.getByRole('button', { name: '返回表单' }).click();
    same('what was typed is still there', [await b.inputValue('#edit-company-short_name'), await b.inputValue('#edit-company-name_en')], ['东华密', 'Donghua']);
    await save(b);
    await dialog.locator('.ant-radio-wrapper', { hasText: '你填的' }).click();
    await dialog.getByRole('button', { name: '采用所选' }).click();
    await saved(b);
    same('the choice stands', [await valueOf('short_name'), await valueOf('name_en')], ['东华密', 'Donghua']);
    [a, b].forEach(nothingWrong);
  },
  'headquarters is killed in the middle of a save: the form says so, keeps the text, and saves when it is back': async () => {
    const page = await desk('zhao.min', `/e/company/${company.id}`);
    await editForm(page);
    await fill(page, 'short_name', '东华集团');
    world.hq.child.kill('SIGSTOP');
    await save(page);
    await pause(300);
    await world.hq.kill();
    await page.locator('main:visible [role=alert]', { hasText: '没有保存成功' }).waitFor();
    same('the text is there', await page.inputValue('#edit-company-short_name'), '东华集团');
    await state(page, 'lost');
    await world.hq.start();
    await state(page, 'headquarters');
    await save(page);
    if (await page.locator('#password').waitFor({ timeout: 3000 }).then(() => true, () => false)) {
      await page.fill('#password', PASSWORD);
      await page.keyboard.press('Enter');
      await page.locator('#password').waitFor({ state: 'detached' });
      await save(page);
    }
    await saved(page);
    same('it is saved', await valueOf('short_name'), '东华集团');
    nothingWrong(page);
  },
};
