// SPDX-License-Identifier: MIT
//
// Theme: tokens.ts holds every colour, antd.ts gives them to Ant Design, contrast.ts measures them. Here: light or dark,
// by the system unless the person chose, kept per device.
import { useSyncExternalStore } from 'react';
import { dark, light, type Palette } from './tokens';

export type Mode = 'system' | 'light' | 'dark';
const STORED = 'fb.mode';
const listeners = new Set<() => void>();
const system = window.matchMedia?.('(prefers-color-scheme: dark)');
let mode = (localStorage.getItem(STORED) as Mode | null) ?? 'system';

const isDark = () => mode === 'dark' || (mode === 'system' && system?.matches === true);
const apply = () => {
  document.documentElement.dataset.mode = isDark() ? 'dark' : 'light';
  const p = isDark() ? dark : light;
  const style = document.documentElement.style;
  for (const [name, value] of Object.entries(p)) if (typeof value === 'string') style.setProperty(`--fb-${name}`, value);
  for (const [name, s] of Object.entries(p.states)) {
    style.setProperty(`--fb-${name}-ink`, s.ink);
    style.setProperty(`--fb-${name}-tint`, s.tint);
    style.setProperty(`--fb-${name}-mark`, s.mark);
  }
  listeners.forEach((f) => f());
};
system?.addEventListener?.('change', apply);
apply();

export const getMode = () => mode;
export function setMode(next: Mode): void {
  mode = next;
  localStorage.setItem(STORED, next);
  apply();
}

export function useIsDark(): boolean {
  return useSyncExternalStore(
    (f) => {
      listeners.add(f);
      return () => listeners.delete(f);
    },
    isDark,
  );
}
export const usePalette = (): Palette => (useIsDark() ? dark : light);
