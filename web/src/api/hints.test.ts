// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { differing } from './hints';

it.each([
  ['nothing', [{ id: 'a', n: 1 }], [{ id: 'a', n: 1 }], []],
  ['another value', [{ id: 'a', n: 1 }], [{ id: 'a', n: 2 }], ['a']],
  ['a new row', [{ id: 'a' }], [{ id: 'b' }, { id: 'a' }], ['b']],
  ['a row that is gone', [{ id: 'a' }, { id: 'b' }], [{ id: 'b' }], ['a']],
  ['another order alone', [{ id: 'a' }, { id: 'b' }], [{ id: 'b' }, { id: 'a' }], []],
])('%s', (_, old, now, ids) => expect(differing(old, now)).toEqual(ids));
