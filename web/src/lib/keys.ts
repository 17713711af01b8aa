// SPDX-License-Identifier: MIT
// Keys. One guard for all: never while an input method composes, single letters never inside fields, and never when the
// person has switched them off (WCAG 2.1.4).
import { useEffect, useRef } from 'react';

export interface KeyLike { key: string; keyCode?: number; isComposing?: boolean; nativeEvent?: { isComposing?: boolean } }

/* Safari sends the confirming Enter after compositionend: only keyCode 229 tells. */
export function isComposing(e: KeyLike): boolean {
  return e.isComposing === true || e.nativeEvent?.isComposing === true || e.keyCode === 229;
}

export function isTyping(target: EventTarget | null): boolean {
  const el = target as HTMLElement | null;
  return !!el?.closest?.('input, textarea, select, [contenteditable="true"], [role="combobox"], [role="listbox"], .ant-picker-dropdown');
}

const STORED = 'fb.letters_off';
export const lettersOff = () => localStorage.getItem(STORED) === '1';
export const setLettersOff = (isOff: boolean) => localStorage.setItem(STORED, isOff ? '1' : '0');

/* "ctrl+k", "g h", "?", "j". A Chinese layout sends ？ and 、 for ? and /. */
export function keyName(e: { key: string; ctrlKey?: boolean; metaKey?: boolean }): string {
  const key = { '？': '?', '、': '/', '【': '[', '】': ']' }[e.key] ?? (e.key.length === 1 ? e.key.toLowerCase() : e.key);
  return (e.ctrlKey || e.metaKey ? 'ctrl+' : '') + key;
}

export type KeyMap = Record<string, (e: KeyboardEvent) => void>;
const AFTER_G_MS = 1200;

/* Keys of the window while isOn. Later ones (a panel's) come first and stop the others. */
export function useKeys(map: KeyMap, isOn = true): void {
  const latest = useRef(map);
  latest.current = map;
  useEffect(() => {
    if (!isOn) return undefined;
    let gAt = 0;
    const onKey = (e: KeyboardEvent) => {
      if (isComposing(e) || e.defaultPrevented || e.altKey) return;
      const name = keyName(e);
      const isLetter = !name.startsWith('ctrl+') && name !== 'Escape';
      if (isLetter && (lettersOff() || isTyping(e.target))) return;
      if (document.querySelector('.ant-modal-wrap:not([style*="display: none"])') && isLetter) return;
      const isAfterG = Date.now() - gAt < AFTER_G_MS;
      gAt = name === 'g' ? Date.now() : 0;
      const act = (isAfterG && latest.current[`g ${name}`]) || latest.current[name];
      if (!act) return;
      e.preventDefault();
      act(e);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [isOn]);
}
