// SPDX-License-Identifier: MIT
//
// Forms: check.ts judges what was typed before it is sent, state.ts keeps it (and its draft), FormBody.tsx draws fields
// with their errors, quick.tsx creates beside another form, done.ts what is over already, BothChanged.tsx settles the same field saved twice,
// FormPage.tsx is the whole page.
import type { FieldProblems, ProblemField, Value } from '../api/types';
import { isNumber, type Catalogue, type Field } from '../catalogue/model';
import type { I18n, Key } from '../i18n';
import type { Params } from '../i18n/message';

const MOBILE_DIGITS = 11;
const TAX_ID = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const TAX_WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/* GB 32100: 18 characters, the last from the others. */
export function isTaxId(text: string): boolean {
  const id = text.normalize('NFKC').toUpperCase();
  if (!/^[0-9A-HJ-NPQRTUWXY]{18}$/.test(id)) return false;
  const sum = TAX_WEIGHTS.reduce((s, w, i) => s + w * TAX_ID.indexOf(id[i]!), 0);
  return TAX_ID[(31 - (sum % 31)) % 31] === id[17];
}

const problem = (code: string, params: Params = {}): ProblemField => ({ code, params });

export function checkField(f: Field, value: Value | undefined): ProblemField | null {
  const isEmpty = value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  if (isEmpty) return f.required && f.type !== 'bool' && f.type !== 'seq' ? problem('required') : null;
  const text = String(value);
  if (isNumber(f)) {
    if (!/^-?\d+(\.\d+)?$/.test(text) || (f.type === 'int' && text.includes('.'))) return problem('number');
    const n = Number(text);
    if ((f.min !== undefined && n < f.min) || (f.max !== undefined && n > f.max)) return problem('range', { min: f.min ?? '−∞', max: f.max ?? '∞' });
    return null;
  }
  if (f.type === 'text' || f.type === 'long') {
    const max = f.bytes ?? (f.type === 'text' ? 2000 : 262_144);
    if (new TextEncoder().encode(text).length > max) return problem('too_long', { max: Math.floor(max / 3), n: [...text].length });
    if (f.name === 'tax_id' && !isTaxId(text)) return problem('tax_id');
    if (/^e?mail$/.test(f.name) && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text)) return problem('email');
    const digits = text.replace(/[\s-]/g, '');
    if (f.name === 'mobile' && /^1\d*$/.test(digits) && digits.length !== MOBILE_DIGITS) return problem('mobile', { n: digits.length });
  }
  if (f.type === 'date' && !/^\d{4}-\d\d-\d\d$/.test(text)) return problem('date');
  if (f.type === 'dt' && Number.isNaN(Date.parse(text))) return problem('date');
  if (f.type === 'json' && typeof value === 'string') {
    try {
      JSON.parse(value);
    } catch {
      return problem('json');
    }
  }
  return null;
}

export function checkAll(fields: Field[], values: Record<string, Value | undefined>): FieldProblems {
  const out: FieldProblems = {};
  for (const f of fields) {
    const p = checkField(f, values[f.name]);
    if (p) out[f.name] = p;
  }
  return out;
}

const KNOWN = new Set(['required', 'too_long', 'date', 'order', 'range', 'mobile', 'tax_id', 'email', 'retired', 'alike', 'lookup', 'stage', 'number', 'json', 'no_step', 'type', 'other_company', 'once']);

/* The sentence beside the field: ours by code, else what the node said. */
export function problemText(c: Catalogue, i: I18n, entity: string, name: string, p: ProblemField): string {
  const params: Params = { f: i.label(c.field(entity, name)) || name, ...p.params };
  return KNOWN.has(p.code) ? i.t(`check.${p.code}` as Key, params) : p.detail || i.t('check.other');
}
