// SPDX-License-Identifier: MIT
import { beforeEach, describe, expect, it } from 'vitest';
import { changedOnly, countDrafts, dropDrafts, isSame, keepDraft, readDraft, startValues } from './state';

beforeEach(() => localStorage.clear());

describe('a form', () => {
  it('sends only what differs from what it saw', () => {
    expect(changedOnly({ a: '1', b: null, c: ['x'] }, { a: '1', b: '2', c: ['x'] })).toEqual({ b: '2' });
    expect(isSame(null, undefined)).toBe(true);
  });
  it('keeps a draft per person and record until it is taken back', () => {
    keepDraft('u1', 'company', 'c1', { phone: '0512' });
    keepDraft('u2', 'company', 'c1', { phone: '0755' });
    expect(readDraft('u1', 'company', 'c1')?.mine).toEqual({ phone: '0512' });
    expect(countDrafts('u1')).toBe(1);
    dropDrafts('u1');
    expect(readDraft('u1', 'company', 'c1')).toBeNull();
    expect(readDraft('u2', 'company', 'c1')?.mine).toEqual({ phone: '0755' });
    keepDraft('u2', 'company', 'c1', {});
    expect(countDrafts('u2')).toBe(0);
  });
  it('survives a damaged draft', () => {
    localStorage.setItem('fb.draft/u1/company/c1', '{');
    expect(readDraft('u1', 'company', 'c1')).toBeNull();
  });
  it('starts with defaults and its owner', () => {
    const fields = [
      { name: 'kind', type: 'enum' as const, en: '', zh: '', default: 'prospect' },
      { name: 'amount', type: 'money' as const, en: '', zh: '', default: 0 },
      { name: 'owner_id', type: 'ref' as const, target: 'employee', en: '', zh: '' },
    ];
    expect(startValues(fields, 'me', { kind: 'customer' })).toEqual({ kind: 'customer', amount: '0', owner_id: 'me' });
  });
});
