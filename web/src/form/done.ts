// SPDX-License-Identifier: MIT
// What is entered when it is over, as a call by whoever has just hung up: it is made in the state that a plan would come to,
// and the form asks how it went, where a plan's asks when it is to be.
import { isDated, type Entity, type Field } from '../catalogue/model';
import type { Values } from './state';

export const DONE = 'done';
const DONE_AT = 'done_at';

/* The field that says so; undefined: records of this kind are not done, or not at a time. */
export function doneState(e: Entity): Field | undefined {
  const state = e.fields.find((f) => f.name === e.closed?.field);
  const isStep = state?.steps?.[String(state.default)]?.includes(DONE);
  return isStep && e.fields.some((f) => f.name === DONE_AT) ? state : undefined;
}

/* The dates of a plan give way to the part of the form that says when it was done. */
export function namesWhenDone(e: Entity, names: string[]): string[] {
  const isDate = (n: string) => e.fields.some((f) => f.name === n && isDated(f));
  const result = e.layout.form.find((s) => s.fields.includes(DONE_AT))?.fields ?? [DONE_AT];
  const first = names.findIndex(isDate);
  const at = first < 0 ? names.length : first;
  return [...names.slice(0, at), ...result, ...names.slice(at).filter((n) => !isDate(n) && !result.includes(n))];
}

/* It was done when it ended by the calendar, otherwise now; and it stands in the calendar, at the latest when it was done. */
export function doneValues(e: Entity, values: Values, now: Date): Values {
  const { start, end } = e.layout.calendar ?? {};
  const timeOf = (name: string | undefined) => Date.parse(String((name && values[name]) ?? ''));
  const ended = [timeOf(end), timeOf(start)].find((t) => !Number.isNaN(t));
  const at = values[DONE_AT] ?? new Date(ended !== undefined && ended < now.getTime() ? ended : now).toISOString();
  const out = { ...values, [DONE_AT]: at };
  if (!start || timeOf(start) <= Date.parse(String(at))) return out;
  return { ...out, [start]: at, ...(end && { [end]: null }) };
}
