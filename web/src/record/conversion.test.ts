// SPDX-License-Identifier: MIT
import { describe, expect, it } from 'vitest';
import { bodyOf, firstChoice, isReady, newTitle, offered, problemsOf, type Choices, type Proposed } from './conversion';

const alike = (id: string, score: number) => ({ record: { id, title: id.toUpperCase() }, score, reason: 'name' });
const proposed = (more: Partial<Proposed>): Proposed => ({ fixed: null, row: {}, alike: [], ...more });

describe('processing a lead', () => {
  it('takes what is there before a new one, and a new one before none', () => {
    expect(firstChoice('company', proposed({ alike: [alike('a', 95)], row: { name: 'A' } }), {}, true)).toEqual({ kind: 'record', id: 'a', title: 'A' });
    expect(firstChoice('company', proposed({ alike: [alike('a', 60)], row: { name: 'B' } }), {}, true).kind).toBe('new');
    expect(firstChoice('contact', proposed({}), {}, true).kind).toBe('none');
    expect(firstChoice('contact', proposed({ row: { family_name: '张' } }), {}, false).kind).toBe('none');
  });
  it('takes what the lead names already', () => {
    expect(firstChoice('company', proposed({ fixed: 'x', alike: [alike('a', 100)] }), { company: { x: '东华' } }, true)).toEqual({ kind: 'record', id: 'x', title: '东华' });
  });
  it('offers nobody who is there for a company that is not', () => {
    expect(offered('contact', [alike('a', 80)], { kind: 'new' })).toEqual([]);
    expect(offered('contact', [alike('a', 80)], { kind: 'none' })).toHaveLength(1);
  });
  it('sends an id, a row, or nothing of each', () => {
    const choices: Choices = { company: { kind: 'record', id: 'a', title: 'A' }, contact: { kind: 'new' }, opportunity: { kind: 'none' } };
    expect(bodyOf(choices, { company: {}, contact: { family_name: '张' }, opportunity: { name: 'no' } })).toEqual({ company: { id: 'a' }, contact: { row: { family_name: '张' } }, opportunity: null });
    expect(isReady(choices)).toBe(true);
    expect(isReady({ ...choices, company: { kind: 'record', id: '', title: '' } })).toBe(false);
    expect(isReady({ company: { kind: 'none' }, contact: { kind: 'none' }, opportunity: { kind: 'none' } })).toBe(false);
  });
  it('calls a new record by its name as it is read', () => {
    expect(newTitle('contact', { family_name: '张', given_name: '伟' })).toBe('张伟');
    expect(newTitle('contact', { family_name: 'Li', given_name: 'Wei' })).toBe('Wei Li');
    expect(newTitle('opportunity', { name: '二期产线' })).toBe('二期产线');
    expect(newTitle('company', {})).toBe('');
  });
  it('leads an error to its step and its field', () => {
    const found = problemsOf({ 'opportunity.close_on': { code: 'required' }, contact_id: { code: 'other_company' } });
    expect(found.first).toBe('contact');
    expect(found.forms.opportunity).toEqual({ close_on: { code: 'required' } });
    expect(found.choices.contact?.code).toBe('other_company');
    expect(problemsOf({}).first).toBeNull();
  });
});
