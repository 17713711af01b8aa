// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { readCatalogue } from '../../dev/catalogue';
import { Catalogue } from '../catalogue/model';
import { doneState, doneValues, namesWhenDone } from './done';

const c = new Catalogue(readCatalogue());
const activity = c.entity('activity')!;
const NOW = new Date('2026-11-24T06:30:00.000Z');
const done = (values: Record<string, string> = {}) => {
  const { done_at, starts_at, ends_at } = doneValues(activity, values, NOW);
  return { done_at, starts_at, ends_at };
};

test('an activity may be done from the first; what has no such end, or no time of it, is only planned', () => {
  expect(doneState(activity)?.name).toBe('status');
  for (const name of ['lead', 'case', 'work_task']) expect(doneState(c.entity(name)!)).toBeUndefined();
});

test('what is done is asked how it went, where a plan is asked when it is to be', () => {
  expect(namesWhenDone(activity, activity.layout.quick)).toEqual(['kind', 'subject', 'result', 'outcome', 'done_at', 'company_id', 'contact_id']);
  expect(namesWhenDone(activity, ['subject'])).toEqual(['subject', 'result', 'outcome', 'done_at']);
});

test('whoever has just hung up was done now, and has it in the calendar', () => {
  expect(done()).toEqual({ done_at: NOW.toISOString(), starts_at: NOW.toISOString(), ends_at: null });
  expect(done({ done_at: '2026-11-24T01:00:00.000Z' })).toMatchObject({ done_at: '2026-11-24T01:00:00.000Z', starts_at: '2026-11-24T01:00:00.000Z' });
});

test('an hour of the calendar that is over was done at its end; one to come can only have been done now', () => {
  const hour = { starts_at: '2026-11-23T02:00:00.000Z', ends_at: '2026-11-23T03:00:00.000Z' };
  expect(done(hour)).toEqual({ ...hour, done_at: hour.ends_at });
  expect(done({ starts_at: '2026-11-25T02:00:00.000Z', ends_at: '2026-11-25T03:00:00.000Z' })).toEqual({ done_at: NOW.toISOString(), starts_at: NOW.toISOString(), ends_at: null });
});
