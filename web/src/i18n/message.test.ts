// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { fill, shortValue, spaceHan } from './message';
import { pluralWord } from './plural';
import { en } from './en';
import { zh } from './zh';

const plain = String;
const params = (text: string) => [...text.matchAll(/\{(\w+)/g)].map((m) => m[1]).sort();

describe('the two languages', () => {
  it('have the same keys', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
  });
  it.each(Object.keys(zh) as (keyof typeof zh)[])('%s takes the same parameters', (key) => {
    expect([...new Set(params(en[key]))]).toEqual([...new Set(params(zh[key]))]);
  });
  it('Chinese says 你 and uses the words of the glossary', () => {
    const all = Object.values(zh).join('\n');
    for (const wrong of ['您', '其它', '登陆', '服务器', '脱机', '副本', '游标', '作用域', '账户', '仪表盘', '过滤', '租约']) {
      expect(all).not.toContain(wrong);
    }
  });
  it('Chinese names no half-width mark after Han', () => {
    for (const [key, text] of Object.entries(zh)) expect(`${key}: ${text}`).not.toMatch(/[\u3400-\u9fff][,;!?]/);
  });
});

describe('filling', () => {
  it('makes English plurals and leaves Chinese alone', () => {
    expect(fill('{s:edit} sent', { s: 1 }, plain, false)).toBe('1 edit sent');
    expect(fill('{s:edit} sent', { s: 3 }, plain, false)).toBe('3 edits sent');
    expect(fill('{n:company/companies} moved', { n: 2 }, plain, false)).toBe('2 companies moved');
    expect(fill('已上传 {s} 项', { s: 1 }, plain, true)).toBe('已上传 1 项');
  });
  it('drops the clause whose number is 0', () => {
    expect(fill(zh['sync.done'], { s: 0, r: 52 }, plain, true)).toBe('同步完成：已下载 52 条。');
    expect(fill(zh['sync.done'], { s: 3, r: 0 }, plain, true)).toBe('同步完成：已上传 3 项。');
  });
  it('puts a space where a value meets Han text', () => {
    expect(fill('{who}改了{f}', { who: 'Anna', f: '电话' }, plain, true)).toBe('Anna 改了电话');
    expect(spaceHan('共3条，占12%')).toBe('共 3 条，占 12%');
  });
  it('cuts values and names empty ones', () => {
    expect(shortValue('', true)).toBe('（空）');
    expect([...shortValue('长'.repeat(60), true)]).toHaveLength(40);
  });
  it('spells plurals', () => {
    expect(['day', 'entry', 'box', 'company/companies'].map((w) => pluralWord(2, w))).toEqual(['days', 'entries', 'boxes', 'companies']);
  });
});
