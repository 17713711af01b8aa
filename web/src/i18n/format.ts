// SPDX-License-Identifier: MIT
// Dates, numbers, money and names as people of each language read them (pages.md, section 5). Pure functions of the
// language; times are shown in the browser's zone.

export type Lang = 'zh' | 'en';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEKDAYS = { zh: ['周日', '周一', '周二', '周三', '周四', '周五', '周六'], en: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] };
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const two = (n: number) => String(n).padStart(2, '0');

export const isoDate = (d: Date) => `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
export const clock = (d: Date) => `${two(d.getHours())}:${two(d.getMinutes())}`;
export const dateTime = (d: Date) => `${isoDate(d)} ${clock(d)}`;

/* 1,234.56 in both languages, from a number or a decimal string of any length. */
export function decimal(value: string | number): string {
  const [whole, part] = String(value).split('.') as [string, string | undefined];
  return whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',') + (part !== undefined ? `.${part}` : '');
}

export function money(value: string | number, currency = 'CNY', showCode = false): string {
  const [whole, part = ''] = String(value).split('.') as [string, string | undefined];
  const text = decimal(`${whole}.${part.padEnd(2, '0')}`);
  if (currency === 'CNY' && !showCode) return text.startsWith('-') ? `-¥${text.slice(1)}` : `¥${text}`;
  return `${currency} ${text}`;
}

/* For axes and tiles: 123.5 万元, ¥1.24M. */
export function shortMoney(value: number, lang: Lang): string {
  const n = Math.abs(value);
  const trim = (x: number, digits: number) => decimal(Number(x.toFixed(digits)));
  if (lang === 'zh') {
    if (n >= 1e8) return `${trim(value / 1e8, 2)} 亿元`;
    if (n >= 1e4) return `${trim(value / 1e4, 1)} 万元`;
    return `${trim(value, 0)} 元`;
  }
  if (n >= 1e6) return `¥${trim(value / 1e6, 2)}M`;
  if (n >= 1e3) return `¥${trim(value / 1e3, 1)}K`;
  return `¥${trim(value, 0)}`;
}

export function bytes(n: number): string {
  if (n >= 1e9) return `${(n / 1e9).toFixed(1)} GB`;
  if (n >= 1e6) return `${Math.round(n / 1e6)} MB`;
  if (n >= 1e3) return `${Math.round(n / 1e3)} KB`;
  return `${n} B`;
}

export function weekday(d: Date, lang: Lang): string {
  return WEEKDAYS[lang][d.getDay()]!;
}

/* 11月23日 周一; Mon 23 Nov; with the year if it is another one. */
export function dayText(d: Date, lang: Lang, now = new Date()): string {
  const isOther = d.getFullYear() !== now.getFullYear();
  if (lang === 'zh') return `${isOther ? `${d.getFullYear()}年` : ''}${d.getMonth() + 1}月${d.getDate()}日 ${weekday(d, lang)}`;
  return `${weekday(d, lang)} ${d.getDate()} ${MONTHS[d.getMonth()]}${isOther ? ` ${d.getFullYear()}` : ''}`;
}

const startOfDay = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate());
/* Weeks start on Monday. */
export function startOfWeek(d: Date): Date {
  const day = startOfDay(d);
  day.setDate(day.getDate() - ((day.getDay() + 6) % 7));
  return day;
}

/* 刚刚, 3 分钟前, 今天 08:12, 昨天 17:40, 周二 14:05, 11-03 14:05, 2025-11-03 and their English. */
export function relative(d: Date, lang: Lang, now = new Date()): string {
  const zh = lang === 'zh';
  const ago = now.getTime() - d.getTime();
  if (Math.abs(ago) < MINUTE) return zh ? '刚刚' : 'just now';
  if (ago > 0 && ago < HOUR) return zh ? `${Math.floor(ago / MINUTE)} 分钟前` : `${Math.floor(ago / MINUTE)} min ago`;
  if (ago < 0 && -ago < HOUR) return zh ? `${Math.ceil(-ago / MINUTE)} 分钟后` : `in ${Math.ceil(-ago / MINUTE)} min`;
  const days = Math.round((startOfDay(now).getTime() - startOfDay(d).getTime()) / DAY);
  if (days === 0) return `${zh ? '今天' : 'today'} ${clock(d)}`;
  if (days === 1) return `${zh ? '昨天' : 'yesterday'} ${clock(d)}`;
  if (days === -1) return `${zh ? '明天' : 'tomorrow'} ${clock(d)}`;
  const week = startOfWeek(now).getTime();
  if (d.getTime() >= week && d.getTime() < week + 7 * DAY) return `${zh ? '' : 'on '}${weekday(d, lang)} ${clock(d)}`;
  if (d.getFullYear() === now.getFullYear()) return `${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock(d)}`;
  return isoDate(d);
}

export function duration(ms: number, lang: Lang): string {
  const minutes = Math.round(ms / MINUTE);
  const [d, h, m] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const unit = lang === 'zh' ? [' 天', ' 小时', ' 分钟', ' 秒'] : [' d', ' h', ' min', ' s'];
  if (minutes === 0) return `${Math.max(1, Math.round(ms / 1000))}${unit[3]}`;
  return [d && `${d}${unit[0]}`, h && `${h}${unit[1]}`, m && !d && `${m}${unit[2]}`].filter(Boolean).join(' ');
}

const isHan = (s: string) => /^[\u3400-\u9fff\u3007·]+$/.test(s.trim());

/* Han names are never turned: 张伟. Others: John Smith. */
export function personName(family: string, given: string): string {
  if (!family || !given) return family || given;
  return isHan(family) && isHan(given) ? family + given : `${given} ${family}`;
}

/* Company names begin alike and end apart: cut in the middle. */
export function middleCut(text: string, max: number): string {
  // max counts Han; letters and figures take half the room.
  const room = (c: string) => (/[ -~]/.test(c) ? 0.55 : 1);
  const chars = [...text];
  if (chars.reduce((n, c) => n + room(c), 0) <= max) return text;
  const take = (list: string[], limit: number) => {
    let n = 0;
    const kept = list.findIndex((c) => (n += room(c)) > limit);
    return kept < 0 ? list : list.slice(0, kept);
  };
  const tail = Math.floor((max - 1) / 2);
  return `${take(chars, max - 1 - tail).join('')}…${take([...chars].reverse(), tail).reverse().join('')}`;
}

/* What a person types into a number field: full-width digits, ￥ and ，, 1.2万, 3亿, 12k. null: not a number. */
export function readNumber(typed: string): string | null {
  const text = typed.normalize('NFKC').replace(/[¥$€,\s]/g, '').toLowerCase();
  const m = /^(-?)(\d*)(?:\.(\d*))?(万|亿|千|k|m)?$/.exec(text);
  if (!m || (!m[2] && !m[3])) return text === '' ? '' : null;
  const shift = { 万: 4, 亿: 8, 千: 3, k: 3, m: 6 }[m[4] ?? ''] ?? 0;
  const part = (m[3] ?? '').padEnd(shift, '0');
  const whole = ((m[2] ?? '') + part.slice(0, shift)).replace(/^0+(?=\d)/, '') || '0';
  const rest = part.slice(shift);
  return `${m[1]}${whole}${rest ? `.${rest}` : ''}`;
}

/* 138 1234 5678; others as they are. */
export function phone(text: string): string {
  return /^1\d{10}$/.test(text) ? `${text.slice(0, 3)} ${text.slice(3, 7)} ${text.slice(7)}` : text;
}
