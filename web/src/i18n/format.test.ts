// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { bytes, dayText, decimal, duration, middleCut, money, personName, phone, readNumber, relative, shortMoney } from './format';

const now = new Date(2026, 10, 25, 12, 0); // a Wednesday
const at = (...a: [number, number, number, number, number]) => new Date(...a);

describe('numbers', () => {
  it('groups, also decimals longer than a double', () => {
    expect(decimal('1234567.50')).toBe('1,234,567.50');
    expect(decimal('-12345678901234567890.12')).toBe('-12,345,678,901,234,567,890.12');
    expect(decimal(999)).toBe('999');
  });
  it('money carries its sign before the symbol and two decimals', () => {
    expect(money('1234567')).toBe('¥1,234,567.00');
    expect(money('-5.5')).toBe('-¥5.50');
    expect(money('12', 'USD')).toBe('USD 12.00');
    expect(money('12', 'CNY', true)).toBe('CNY 12.00');
  });
  it('charts count in 万 and M', () => {
    expect(shortMoney(1_235_000, 'zh')).toBe('123.5 万元');
    expect(shortMoney(250_000_000, 'zh')).toBe('2.5 亿元');
    expect(shortMoney(1_240_000, 'en')).toBe('¥1.24M');
  });
  it.each([
    ['1.2万', '12000'], ['3亿', '300000000'], ['12k', '12000'], ['￥１，２３４．５', '1234.5'], ['0.5', '0.5'],
    ['1.23456万', '12345.6'], ['', ''], ['-3', '-3'],
  ])('takes %s as typed', (typed, value) => expect(readNumber(typed)).toBe(value));
  it.each(['abc', '1.2.3', '万', '--3'])('does not take %s', (typed) => expect(readNumber(typed)).toBeNull());
  it('sizes', () => expect([bytes(53_000_000), bytes(900), bytes(2_100_000_000)]).toEqual(['53 MB', '900 B', '2.1 GB']));
});

describe('times', () => {
  it.each([
    [at(2026, 10, 25, 11, 57), '3 分钟前', '3 min ago'],
    [at(2026, 10, 25, 12, 4), '4 分钟后', 'in 4 min'],
    [at(2026, 10, 25, 8, 12), '今天 08:12', 'today 08:12'],
    [at(2026, 10, 24, 17, 40), '昨天 17:40', 'yesterday 17:40'],
    [at(2026, 10, 23, 14, 5), '周一 14:05', 'on Mon 14:05'],
    [at(2026, 10, 3, 14, 5), '11-03 14:05', '11-03 14:05'],
    [at(2025, 10, 3, 14, 5), '2025-11-03', '2025-11-03'],
  ])('%s', (d, zh, en) => {
    expect(relative(d, 'zh', now)).toBe(zh);
    expect(relative(d, 'en', now)).toBe(en);
  });
  it('days in text', () => {
    expect(dayText(at(2026, 10, 23, 0, 0), 'zh', now)).toBe('11月23日 周一');
    expect(dayText(at(2025, 10, 23, 0, 0), 'en', now)).toBe('Sun 23 Nov 2025');
  });
  it('durations', () => expect([duration(125 * 60_000, 'zh'), duration(4000, 'en')]).toEqual(['2 小时 5 分钟', '4 s']));
});

describe('names', () => {
  it('are never turned when Han', () => {
    expect(personName('张', '伟')).toBe('张伟');
    expect(personName('Smith', 'John')).toBe('John Smith');
  });
  it('of companies are cut in the middle', () => {
    expect(middleCut('江苏东华精密机械制造有限公司苏州分公司', 13)).toBe('江苏东华精密…公司苏州分公司'.slice(0, 7) + '司苏州分公司');
  });
  it('mobile numbers fall into groups', () => expect(phone('13812345678')).toBe('138 1234 5678'));
});
