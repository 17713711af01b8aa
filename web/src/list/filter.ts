// SPDX-License-Identifier: MIT
// Which questions a field takes, and a clause in words.
import type { Clause, FilterOp, References, Value } from '../api/types';
import { isChoice, isDated, isNumber, type Catalogue, type Entity, type Field } from '../catalogue/model';
import type { I18n, Key } from '../i18n';
import { valueText } from '../value/text';

export const WITHIN = ['today', 'overdue', 'this_week', 'next_7_days', 'last_7_days', 'this_month', 'last_30_days', 'this_year'] as const;

export function operators(f: Field): FilterOp[] {
  if (f.type === 'bool') return ['='];
  if (isChoice(f)) return ['=', '!=', 'in', 'empty', 'filled'];
  if (f.type === 'set') return ['~', 'empty', 'filled'];
  if (f.type === 'ref') return f.target === 'employee' ? ['=', 'me', 'empty', 'filled'] : ['=', 'empty', 'filled'];
  if (isDated(f)) return ['within', '>=', '<=', 'empty', 'filled'];
  if (isNumber(f)) return ['=', '>=', '<=', 'empty', 'filled'];
  return ['~', '^', '=', 'empty', 'filled'];
}

export const canFilter = (f: Field): boolean => !['calc', 'json', 'blob', 'poly'].includes(f.type);
export const takesValue = (op: FilterOp): boolean => !['empty', 'filled', 'me'].includes(op);

export function clauseText(c: Catalogue, i: I18n, e: Entity, clause: Clause, refs?: References): string {
  if (!Array.isArray(clause)) return clause.any.map((x) => clauseText(c, i, e, x, refs)).join(i.lang === 'zh' ? ' 或 ' : ' or ');
  const [name, op, value] = clause;
  const f = c.field(e.name, name);
  const label = f ? i.label(f) : name;
  if (!takesValue(op)) return `${label} ${i.t(`op.${op}` as Key)}`;
  const one = (v: Value | undefined) => (f && v !== undefined ? valueText(c, i, f, v, refs) : String(v));
  const text = op === 'within' ? i.t(`within.${String(value)}` as Key) : Array.isArray(value) ? value.map(one).join(i.lang === 'zh' ? '、' : ', ') : one(value);
  if (op === '=' || op === 'in' || op === 'within') return `${label}${i.lang === 'zh' ? '：' : ': '}${text}`;
  return `${label} ${i.t(OP_KEYS[op])} ${text}`;
}

export const OP_KEYS: Record<FilterOp, Key> = {
  '=': 'op.eq', '!=': 'op.ne', '<': 'op.lt', '<=': 'op.le', '>': 'op.gt', '>=': 'op.ge', in: 'op.in', not_in: 'op.not_in', '~': 'op.contains',
  '^': 'op.begins', empty: 'op.empty', filled: 'op.filled', me: 'op.me', within: 'op.within',
};
