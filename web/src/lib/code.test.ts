// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { cleanCode, inFours } from './code';

test('a code is taken as telephones show it and input methods write it', () => {
  expect(cleanCode('123456')).toBe('123456');
  expect(cleanCode(' 123 456 ')).toBe('123456');
  expect(cleanCode('１２３　４５６')).toBe('123456');
  expect(cleanCode('123-456')).toBe('123456');
});

test('what is no code is not sent', () => {
  expect(cleanCode('')).toBe('');
  expect(cleanCode('12345')).toBe('');
  expect(cleanCode('1234567')).toBe('');
  expect(cleanCode('12345a')).toBe('');
});

test('a secret is read out in groups of four', () => {
  expect(inFours('GEZDGNBVGY3TQOJQ')).toBe('GEZD GNBV GY3T QOJQ');
  expect(inFours('GEZ')).toBe('GEZ');
});
