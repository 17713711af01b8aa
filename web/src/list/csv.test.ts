// SPDX-License-Identifier: MIT
import { expect, it } from 'vitest';
import { cell, csv } from './csv';

it('a file begins with the mark and ends its lines as Excel wants', () => {
  expect(csv([['公司', '金额'], ['东华', '1']])).toBe('\ufeff公司,金额\r\n东华,1\r\n');
});
it.each([
  ['a,b', '"a,b"'], ['say "hi"', '"say ""hi"""'], ['two\nlines', '"two\nlines"'], ['=1+1', "'=1+1"], ['@cmd', "'@cmd"], ['-5.20', '-5.20'], ['+86 512', "'+86 512"],
])('%s', (text, written) => expect(cell(text)).toBe(written));
