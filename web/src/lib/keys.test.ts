// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { isComposing, isTyping, keyName } from './keys';

describe('keys', () => {
  it('an input method at work owns them', () => {
    expect(isComposing({ key: 'Enter', isComposing: true })).toBe(true);
    expect(isComposing({ key: 'Enter', keyCode: 229 })).toBe(true);
    expect(isComposing({ key: 'Enter', nativeEvent: { isComposing: true } })).toBe(true);
    expect(isComposing({ key: 'Enter', keyCode: 13 })).toBe(false);
  });
  it('a Chinese layout counts alike', () => {
    expect(['？', '、', '【'].map((key) => keyName({ key }))).toEqual(['?', '/', '[']);
    expect(keyName({ key: 'K', ctrlKey: true })).toBe('ctrl+k');
  });
  it('letters are text inside fields', () => {
    const input = document.createElement('input');
    expect(isTyping(input)).toBe(true);
    expect(isTyping(document.createElement('div'))).toBe(false);
  });
});
