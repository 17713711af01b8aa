// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import type { Field } from '../catalogue/model';
import { checkAll, checkField, isTaxId } from './check';

const field = (more: Partial<Field>): Field => ({ name: 'x', type: 'text', en: 'X', zh: '某', ...more });

describe('what was typed', () => {
  it('a required field is asked for, a required number may be 0', () => {
    expect(checkField(field({ required: true }), '')?.code).toBe('required');
    expect(checkField(field({ required: true, type: 'money' }), '0')).toBeNull();
    expect(checkField(field({ required: true, type: 'bool' }), false)).toBeNull();
    expect(checkField(field({ required: true, type: 'set' }), [])?.code).toBe('required');
  });
  it('numbers keep their kind and their range', () => {
    expect(checkField(field({ type: 'int', min: 0, max: 100 }), 70)).toBeNull();
    expect(checkField(field({ type: 'int', min: 0, max: 100 }), 101)?.params).toEqual({ min: 0, max: 100 });
    expect(checkField(field({ type: 'int' }), '1.5')?.code).toBe('number');
    expect(checkField(field({ type: 'money' }), 'abc')?.code).toBe('number');
  });
  it('a text is measured in bytes, named in characters', () => {
    expect(checkField(field({ bytes: 6 }), '东华')).toBeNull();
    expect(checkField(field({ bytes: 6 }), '东华精')?.params).toEqual({ max: 2, n: 3 });
  });
  it('a mobile number has 11 digits, spaces do not count', () => {
    expect(checkField(field({ name: 'mobile' }), '138 1234 5678')).toBeNull();
    expect(checkField(field({ name: 'mobile' }), '1381234567')?.params).toEqual({ n: 10 });
    expect(checkField(field({ name: 'mobile' }), '0512-62881234')).toBeNull();
  });
  it('the tax number carries a check character', () => {
    expect(isTaxId('91350100M000100Y43')).toBe(true);
    expect(isTaxId('91350100M000100Y44')).toBe(false);
    expect(isTaxId('９１３５０１００Ｍ０００１００Ｙ４３')).toBe(true);
    expect(isTaxId('12345')).toBe(false);
  });
  it('an e-mail address looks like one', () => {
    expect(checkField(field({ name: 'email' }), 'name@example.cn')).toBeNull();
    expect(checkField(field({ name: 'email' }), 'name.example.cn')?.code).toBe('email');
  });
  it('all together', () => {
    expect(Object.keys(checkAll([field({ name: 'a', required: true }), field({ name: 'b' })], {}))).toEqual(['a']);
  });
});
