// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { daysOf, sideBySide, spanTitle, stepped, type Timed } from './calendar';
import { isoDate } from '../i18n/format';

const sunday = new Date(2026, 10, 29, 15, 0);
const day = new Date(2026, 10, 30);
const at = (id: string, from: string, to: string, onDay = 30): Timed => {
  const time = (text: string) => new Date(2026, 10, onDay, Number(text.slice(0, 2)), Number(text.slice(3)));
  return { id, from: time(from), to: time(to) };
};
const placed = (...all: Timed[]) => sideBySide(day, all).map((b) => `${b.id} ${b.column + 1}/${b.columns}`);

describe('the days of a calendar', () => {
  it('a Sunday closes the week that began on Monday', () => {
    const week = daysOf('week', sunday).map(isoDate);
    expect([week[0], week[6]]).toEqual(['2026-11-23', '2026-11-29']);
  });
  it('a month shows six whole weeks around it', () => {
    const month = daysOf('month', sunday).map(isoDate);
    expect([month.length, month[0], month[41]]).toEqual([42, '2026-10-26', '2026-12-06']);
  });
  it('a step from the 31st does not skip a short month', () => expect(stepped('month', new Date(2027, 0, 31), 1).getMonth()).toBe(1));
  it('a week and a day go by weeks and days, over the end of the year', () => {
    expect(isoDate(stepped('week', new Date(2026, 11, 28), 1))).toBe('2027-01-04');
    expect(isoDate(stepped('day', new Date(2027, 0, 1), -1))).toBe('2026-12-31');
  });
  it('is named in each language', () => {
    expect(['month', 'week', 'day'].map((s) => spanTitle(s as 'day', sunday, 'zh', sunday))).toEqual(['2026年11月', '2026年11月23日–29日', '11月29日 周日']);
    expect(['month', 'week', 'day'].map((s) => spanTitle(s as 'day', sunday, 'en', sunday))).toEqual(['November 2026', '23–29 Nov 2026', 'Sun 29 Nov']);
    expect([spanTitle('week', new Date(2026, 11, 1), 'zh'), spanTitle('week', new Date(2026, 11, 1), 'en')]).toEqual(['2026年11月30日–12月6日', '30 Nov–6 Dec 2026']);
  });
});

describe('side by side', () => {
  it('what does not overlap has the whole width', () => expect(placed(at('a', '09:00', '10:00'), at('b', '10:00', '11:00'))).toEqual(['a 1/1', 'b 1/1']));
  it('what overlaps shares it', () => expect(placed(at('a', '09:00', '10:30'), at('b', '10:00', '11:00'))).toEqual(['a 1/2', 'b 2/2']));
  it('a third that meets only one of two takes the free column, at the same width', () => {
    expect(placed(at('a', '09:00', '10:00'), at('b', '09:30', '11:00'), at('c', '10:15', '12:00'), at('d', '13:00', '14:00'))).toEqual(['a 1/2', 'b 2/2', 'c 1/2', 'd 1/1']);
  });
  it('one without an end has half an hour, so that it can be seen and hit', () => {
    expect(sideBySide(day, [at('a', '09:00', '09:00')])).toEqual([{ id: 'a', start: 540, minutes: 30, column: 0, columns: 1 }]);
  });
  it('what lasts over midnight is on both days, each with its part', () => {
    const night = { id: 'n', from: new Date(2026, 10, 29, 22, 0), to: new Date(2026, 10, 30, 2, 0) };
    expect(sideBySide(new Date(2026, 10, 29), [night])[0]).toMatchObject({ start: 1320, minutes: 120 });
    expect(sideBySide(day, [night])[0]).toMatchObject({ start: 0, minutes: 120 });
  });
  it('what ended at midnight is not on the day after', () => expect(placed({ id: 'e', from: new Date(2026, 10, 29, 22, 0), to: day })).toEqual([]));
});
