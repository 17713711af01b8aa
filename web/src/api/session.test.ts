// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { mayRecord } from './session';
import type { Session } from './types';

const rep: Session = { node: 'server', user: { id: 'u', login: 'u', name: 'U' }, is_admin: false, csrf: '', rights: { company: { edit: 'territory', delete: 'own' } } };

test('a right of the entity reaches as far as the record says', () => {
  expect(mayRecord(rep, 'company', { may: { edit: true, delete: false, assign: false } }, 'edit')).toBe(true);
  expect(mayRecord(rep, 'company', { may: { edit: false, delete: false, assign: false } }, 'edit')).toBe(false);
  expect(mayRecord(rep, 'company', { may: { edit: true, delete: false, assign: false } }, 'delete')).toBe(false);
});

test('without the right of the entity nothing is offered, and an answer that does not say leaves it to the right', () => {
  expect(mayRecord(rep, 'company', { may: { edit: true, delete: true, assign: true } }, 'assign')).toBe(false);
  expect(mayRecord(rep, 'company', {}, 'edit')).toBe(true);
});
