// SPDX-License-Identifier: MIT
// What people do again and again in browser stories on real programs, by the words they read.
import { must } from '../browser.mjs';
import { PASSWORD } from './world.mjs';

/* Headquarters' certificate comes from its own authority: a browser of these stories takes it unseen. */
export const HQ = { ignoreHTTPSErrors: true };

export const ready = (page) => page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('.ant-spin-spinning, .ant-skeleton'), null, { timeout: 30000 });

export async function signIn(page, hq, login, path = '/', password = PASSWORD) {
  await page.goto(hq.base + path);
  await page.fill('#login', login);
  await page.fill('#password', password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.fb-frame');
  await ready(page);
}

export async function go(page, path) {
  await page.goto(new URL(page.url()).origin + path);
  await ready(page);
}

/* Fills a field of the form or side panel on top, and of the page otherwise. */
export async function fill(page, field, text) {
  const box = page.locator(`[id$="-${field}"]:visible`).last();
  await box.fill(text);
}

/* Chooses in a lookup or a list of choices: types, waits for the option, takes it. */
export async function pick(page, field, typed, option = typed) {
  const box = page.locator(`input[id$="-${field}"]:visible`).last();
  await box.click();
  if (typed) await box.fill(typed);
  const hit = page.locator('.ant-select-dropdown:visible .ant-select-item-option', { hasText: option }).first();
  await hit.waitFor();
  // The answer to what was typed takes the place of the first one.
  if (typed) await page.waitForTimeout(800);
  await hit.click();
}

/* Edits one value in its place, as a click on it does. */
export async function editInPlace(page, label, field, text) {
  await page.getByRole('button', { name: label, exact: true }).click();
  const box = page.locator(`[id^="v-"][id$="-${field}"]`);
  await box.fill(text);
  await box.press('Enter');
  await box.waitFor({ state: 'detached' });
}

export const idOf = (page) => new URL(page.url()).pathname.split('/').pop();

/* A row of a list or a title, by its words. */
export const see = (page, words, ms = 30000) => page.getByText(words).locator('visible=true').first().waitFor({ timeout: ms });

export async function state(page, wanted, ms = 60000) {
  await page.waitForSelector(`.fb-sync[data-state="${wanted}"]`, { timeout: ms });
}

/* "Sync now" on the laptop's own page, until nothing of it waits and a round has ended since. */
export async function syncNow(page) {
  const path = new URL(page.url()).pathname + new URL(page.url()).search;
  const before = await page.evaluate(() => fetch('/api/v1/sync').then((r) => r.json()).then((s) => s.last_at));
  await go(page, '/sync');
  await page.getByRole('button', { name: /^(立即同步|Sync now)$/ }).click();
  await page.waitForFunction(async (last) => {
    const s = await fetch('/api/v1/sync').then((r) => r.json());
    return s.waiting === 0 && s.last_at !== last && ['in_step', 'needs_you', 'lease'].includes(s.state);
  }, before, { timeout: 60000, polling: 300 });
  await go(page, path);
}

export function same(what, got, wanted) {
  must(`${what}: ${JSON.stringify(wanted)}, not ${JSON.stringify(got)}`, JSON.stringify(got) === JSON.stringify(wanted));
}
