// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import type { Held } from '../api/types';
import { Catalogue, type CatalogueAnswer } from '../catalogue/model';
import { i18nOf } from '../i18n';
import { heldReason } from './heldReason';

const status = { name: 'status', type: 'fsm', en: 'Status', zh: '状态', choices: [{ value: 'done', en: 'Done', zh: '已完成' }, { value: 'planned', en: 'Planned', zh: '已计划' }] };
const entities = [{ name: 'activity', en: 'Activity', zh: '活动', title: ['subject'], layout: {}, fields: [status, { name: 'due_on', type: 'date', en: 'Due on', zh: '截止日期' }] }];
const c = new Catalogue({ version: '1', modules: [], entities, choices: {} } as unknown as CatalogueAnswer);
const held = (code: string, field: string, old: string | null, now: string, detail = ''): Held => ({ id: 'h', entity: 'activity', row_id: 'r', title: 'Call', code, detail, fields: [{ field, old, new: now }] });

test('the reason is said in the reader\'s language, whatever the language of headquarters', () => {
  const step = held('not_allowed_step', 'status', 'done', 'planned', 'Status of this Activity cannot go from what it is to what was written.');
  expect(heldReason(c, i18nOf('zh'), step)).toBe('“状态”不能从“已完成”改为“已计划”。');
  expect(heldReason(c, i18nOf('en'), step)).toBe('“Status” can\'t go from “Done” to “Planned”.');
  expect(heldReason(c, i18nOf('zh'), held('right', 'status', null, 'done', 'Your role (rep) ...'))).toMatch(/^你的角色不能这样修改：活动/);
});

test('a value that no form lets through says what is wrong with it', () => {
  expect(heldReason(c, i18nOf('zh'), held('rule', 'due_on', '2026-11-23', '下个月', 'field due_on: a date is written YYYY-MM-DD'))).toContain('“截止日期”填的“下个月”不能使用：请输入日期');
});

test('what only headquarters can say stays its sentence, with the field by its name', () => {
  expect(heldReason(c, i18nOf('zh'), held('rule', 'due_on', '2026-11-23', '2026-11-24', 'field due_on: comes before the start'))).toBe('没有通过检查：截止日期: comes before the start');
});
