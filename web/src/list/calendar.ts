// SPDX-License-Identifier: MIT
// What a calendar shows: its days, its title, and who stands beside whom where times overlap. Weeks start on Monday in
// both languages. Pure.
import { dayText, startOfWeek, type Lang } from '../i18n/format';

export type Span = 'month' | 'week' | 'day';
export const SPANS: Span[] = ['month', 'week', 'day'];
const MONTH_DAYS = 42; // six whole weeks: a month never needs more
const MINUTE_MS = 60_000;
const SHORTEST_MINUTES = 30;

/* A moment of a day, in minutes since its midnight; before and after it too. */
export const timeOn = (day: Date, minutes: number) => new Date(day.getFullYear(), day.getMonth(), day.getDate(), 0, minutes);
export const minutesOf = (at: Date) => at.getHours() * 60 + at.getMinutes();
export const dayAfter = (d: Date, days: number) => new Date(d.getFullYear(), d.getMonth(), d.getDate() + days);

export function daysOf(span: Span, at: Date): Date[] {
  if (span === 'day') return [dayAfter(at, 0)];
  const first = startOfWeek(span === 'week' ? at : new Date(at.getFullYear(), at.getMonth(), 1));
  return Array.from({ length: span === 'week' ? 7 : MONTH_DAYS }, (_, n) => dayAfter(first, n));
}

/* The same place of the next or previous span; the end of a month never skips a shorter one. */
export function stepped(span: Span, at: Date, by: 1 | -1): Date {
  if (span === 'month') return new Date(at.getFullYear(), at.getMonth() + by, 1);
  return dayAfter(at, span === 'week' ? 7 * by : by);
}

export function spanTitle(span: Span, at: Date, lang: Lang, now = new Date()): string {
  if (span === 'day') return dayText(at, lang, now);
  if (span === 'month') return lang === 'zh' ? `${at.getFullYear()}年${at.getMonth() + 1}月` : at.toLocaleDateString('en-GB', { month: 'long', year: 'numeric' });
  const days = daysOf('week', at);
  const [a, b] = [days[0]!, days[6]!];
  if (lang === 'zh') return `${a.getFullYear()}年${a.getMonth() + 1}月${a.getDate()}日–${b.getMonth() === a.getMonth() ? '' : `${b.getMonth() + 1}月`}${b.getDate()}日`;
  const month = (d: Date) => d.toLocaleDateString('en-GB', { month: 'short' });
  return `${a.getDate()}${b.getMonth() === a.getMonth() ? '' : ` ${month(a)}`}–${b.getDate()} ${month(b)} ${b.getFullYear()}`;
}

export interface Timed { id: string; from: Date; to: Date }
/* Where one stands on its day: minutes since midnight, and which of how many columns side by side. */
export interface Block { id: string; start: number; minutes: number; column: number; columns: number }

/* The blocks of one day. What overlaps, directly or through others, shares the width in equal columns; each takes the
   first column that is free at its start. What began the day before is cut at midnight. */
export function sideBySide(day: Date, all: Timed[]): Block[] {
  const next = dayAfter(day, 1).getTime();
  const minuteOf = (t: number) => Math.round((Math.min(Math.max(t, day.getTime()), next) - day.getTime()) / MINUTE_MS);
  const here = all
    .filter((x) => x.from.getTime() < next && (x.to.getTime() > day.getTime() || x.from.getTime() >= day.getTime()))
    .map((x) => ({ id: x.id, start: minuteOf(x.from.getTime()), minutes: Math.max(SHORTEST_MINUTES, minuteOf(x.to.getTime()) - minuteOf(x.from.getTime())), column: 0, columns: 1 }))
    .sort((a, b) => a.start - b.start || b.minutes - a.minutes);
  let together: Block[] = [];
  let endsOfColumns: number[] = [];
  const close = () => together.forEach((b) => (b.columns = endsOfColumns.length));
  for (const b of here) {
    if (endsOfColumns.every((end) => end <= b.start)) {
      close();
      together = [];
      endsOfColumns = [];
    }
    const free = endsOfColumns.findIndex((end) => end <= b.start);
    b.column = free < 0 ? endsOfColumns.length : free;
    endsOfColumns[b.column] = b.start + b.minutes;
    together.push(b);
  }
  close();
  return here;
}
