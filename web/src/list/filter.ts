// SPDX-License-Identifier: MIT
// Which questions a field takes, and a clause in words.
import type { Clause, Filter, FilterOp, References, Row, Value } from '../api/types';
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

/* A filter as a record keeps it; null: something else, which is shown as it is. */
export function readFilter(value: unknown): Filter | null {
  let list = value;
  try {
    if (typeof value === 'string') list = JSON.parse(value);
  } catch {
    return null;
  }
  if (list === null || list === undefined || list === '') return [];
  const isClause = (x: unknown): boolean => (Array.isArray(x) ? typeof x[0] === 'string' && typeof x[1] === 'string' : typeof x === 'object' && x !== null && Array.isArray((x as { any?: unknown }).any) && (x as { any: unknown[] }).any.every(isClause));
  return Array.isArray(list) && list.every(isClause) ? (list as Filter) : null;
}

const OF_ADDRESS = ['province', 'city', 'district', 'country', 'postal_code', 'street'];

/* What a kept filter asks: the record says of which kind. Rules of territories ask a company for its address too. */
export function filteredBy(c: Catalogue, owner: string | undefined, row: Row | undefined): Entity | undefined {
  const entity = typeof row?.entity === 'string' ? c.entity(row.entity) : undefined;
  if (owner !== 'territory_rule' || !entity) return entity;
  const of = OF_ADDRESS.filter((n) => !entity.fields.some((f) => f.name === n)).map((n) => c.field('address', n)).filter((f): f is Field => f !== undefined);
  return { ...entity, fields: [...entity.fields, ...of] };
}

export function filterText(c: Catalogue, i: I18n, e: Entity, filter: Filter, refs?: References): string {
  return filter.map((x) => clauseText(c, i, e, x, refs)).join(i.lang === 'zh' ? '，' : ', ');
}

export function clauseText(c: Catalogue, i: I18n, e: Entity, clause: Clause, refs?: References): string {
  if (!Array.isArray(clause)) return clause.any.map((x) => clauseText(c, i, e, x, refs)).join(i.lang === 'zh' ? ' 或 ' : ' or ');
  const [name, op, value] = clause;
  const f = e.fields.find((x) => x.name === name) ?? c.field(e.name, name);
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
