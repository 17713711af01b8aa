// SPDX-License-Identifier: MIT
import { afterAll, describe, expect, it } from 'vitest';
import type { Sync, SyncState } from '../api/types';
import { i18n, setLanguage } from '../i18n';
import { COLOUR, pageOf, stateText } from './syncState';

const states = Object.keys(COLOUR) as SyncState[];
afterAll(() => setLanguage('zh'));

describe('the indicator', () => {
  it('knows fifteen states', () => expect(states).toHaveLength(15));
  it.each(states)('%s has words in both languages and no hole', (state) => {
    const sync: Sync = { state, waiting: 3, held: 1, conflicts: 1, last_at: new Date().toISOString(), progress: { a: 1, b: 2 }, first: { rows: 58, of: 100, bytes: 1 }, lease: { until: '', days: 5 } };
    for (const lang of ['zh', 'en'] as const) {
      setLanguage(lang);
      const text = stateText(i18n(), sync);
      expect(text.length).toBeGreaterThan(1);
      expect(text).not.toMatch(/[{}]|undefined/);
    }
  });
  it('leads to what waits for this person', () => {
    expect([{ held: 1, found: 1 }, { found: 1, conflicts: 2 }, { conflicts: 1 }].map((x) => pageOf({ state: 'needs_you', ...x }))).toEqual(['/held', '/sync', '/conflicts']);
    expect(pageOf({ state: 'offline' })).toBe('/sync');
  });
  it('offline is never red, and "in step" never counts what waits', () => {
    setLanguage('en');
    expect(COLOUR.offline).toBe('quiet');
    expect(stateText(i18n(), { state: 'in_step', waiting: 0, last_at: new Date().toISOString() })).toBe('In step · just now');
    expect(stateText(i18n(), { state: 'lease', lease: { until: '', days: 1 } })).toContain('1 day offline');
    expect(stateText(i18n(), { state: 'needs_you', held: 1, conflicts: 2 })).toBe('Needs you: 3');
  });
});
