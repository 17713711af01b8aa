// SPDX-License-Identifier: MIT
// Every colour and measure of the pages, once: states of synchronisation, text, borders, charts, in light and dark.
// contrast.test.ts computes the contrast of each pair again (WCAG 2.2 AA); change a colour here and nowhere else.

export type StateColour = 'ok' | 'busy' | 'unsent' | 'disputed' | 'held' | 'adjusted' | 'quiet' | 'danger';

export interface Shade {
  ink: string; // text on base and on tint
  tint: string; // a quiet surface behind ink
  mark: string; // the shape itself, 3:1 is enough
}

export interface Palette {
  base: string;
  raised: string;
  layout: string;
  head: string; // of a table; the row under the pointer
  text: string;
  secondary: string;
  tertiary: string; // descriptions and placeholders
  border: string; // of fields
  split: string; // between rows, no meaning of its own
  primary: string; // filled buttons, white text on them
  primaryHover: string; // ... under the pointer
  link: string;
  success: string;
  warning: string;
  error: string;
  states: Record<StateColour, Shade>;
  chart: string[]; // at most six; beyond that "other"
}

const lightBusy: Shade = { ink: '#0958d9', tint: '#e6f4ff', mark: '#1677ff' };
const darkBusy: Shade = { ink: '#65a9f3', tint: '#111a2c', mark: '#3c89e8' };

export const light: Palette = {
  base: '#ffffff',
  raised: '#ffffff',
  layout: '#f5f5f5',
  head: '#fafafa',
  text: '#1f1f1f',
  secondary: '#595959',
  tertiary: '#666666',
  border: '#8c8c8c',
  split: '#e8e8e8',
  primary: '#0958d9',
  primaryHover: '#003eb3',
  link: '#0958d9',
  success: '#237804',
  warning: '#ad4e00',
  error: '#cf1322',
  states: {
    ok: { ink: '#237804', tint: '#f6ffed', mark: '#389e0d' },
    busy: lightBusy,
    unsent: lightBusy,
    disputed: { ink: '#ad4e00', tint: '#fff7e6', mark: '#d46b08' },
    held: { ink: '#531dab', tint: '#f9f0ff', mark: '#722ed1' },
    adjusted: { ink: '#006d75', tint: '#e6fffb', mark: '#08979c' },
    quiet: { ink: '#595959', tint: '#f5f5f5', mark: '#8c8c8c' },
    danger: { ink: '#a8071a', tint: '#fff1f0', mark: '#cf1322' },
  },
  chart: ['#0b3d91', '#d9722e', '#2f9e8f', '#3f4349', '#4f86e0', '#8c3a00'],
};

export const dark: Palette = {
  base: '#141414',
  raised: '#1f1f1f',
  layout: '#0d0d0d',
  head: '#1a1a1a',
  text: '#e6e6e6',
  secondary: '#b3b3b3',
  tertiary: '#9c9c9c',
  border: '#757575',
  split: '#303030',
  primary: '#1668dc',
  primaryHover: '#1554ad',
  link: '#65a9f3',
  success: '#8fd460',
  warning: '#f3b765',
  error: '#f37370',
  states: {
    ok: { ink: '#8fd460', tint: '#162312', mark: '#49aa19' },
    busy: darkBusy,
    unsent: darkBusy,
    disputed: { ink: '#f3b765', tint: '#2b1d11', mark: '#d87a16' },
    held: { ink: '#ab7ae0', tint: '#1a1325', mark: '#854eca' },
    adjusted: { ink: '#58d1c9', tint: '#112123', mark: '#33bcb7' },
    quiet: { ink: '#a6a6a6', tint: '#1f1f1f', mark: '#8c8c8c' },
    danger: { ink: '#f37370', tint: '#2a1215', mark: '#dc4446' },
  },
  chart: ['#2f6fd6', '#ffc79e', '#1f8f8a', '#e3e5e8', '#a9ccff', '#d9722e'],
};

export const FONT =
  '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", Arial, "PingFang SC", "Microsoft YaHei", ' +
  '"Noto Sans CJK SC", "Source Han Sans SC", sans-serif';
export const SIDE_PANEL_WIDTH = 420;
export const ROW_HEIGHT = 36;
