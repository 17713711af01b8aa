// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { contrast } from './contrast';
import { dark, light, type Palette } from './tokens';

const TEXT = 4.5;
const SHAPE = 3;

describe.each([
  ['light', light],
  ['dark', dark],
] as [string, Palette][])('%s', (_name, p) => {
  it.each(Object.entries(p.states))('state %s reads on every surface', (_state, s) => {
    expect(contrast(s.ink, p.base)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(s.ink, p.raised)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(s.ink, s.tint)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(s.mark, p.base)).toBeGreaterThanOrEqual(SHAPE);
  });

  it.each(['text', 'secondary', 'tertiary', 'link', 'success', 'warning', 'error'] as const)('%s is text', (name) => {
    for (const surface of [p.base, p.raised, p.layout]) expect(contrast(p[name], surface)).toBeGreaterThanOrEqual(TEXT);
  });

  it('white stands on a filled button, a field has a visible border', () => {
    expect(contrast('#ffffff', p.primary)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast('#ffffff', p.primaryHover)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(p.border, p.base)).toBeGreaterThanOrEqual(SHAPE);
    expect(contrast(p.border, p.raised)).toBeGreaterThanOrEqual(SHAPE);
  });

  it('charts have six colours that are seen', () => {
    expect(p.chart).toHaveLength(6);
    for (const c of p.chart) expect(contrast(c, p.base)).toBeGreaterThanOrEqual(SHAPE);
  });
});

it('the formula gives the values of WCAG', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});
