// SPDX-License-Identifier: MIT
// Processing a lead, without its pictures: what is chosen at first, what is sent, and to which step an error belongs.
import type { FieldProblems, Found, ProblemField, References, Row } from '../api/types';
import type { Values } from '../form/state';

export const PARTS = ['company', 'contact', 'opportunity'] as const;
export type Part = (typeof PARTS)[number];

/* As headquarters judges it, too. */
export const isOpenLead = (row: Row): boolean => (row.processed_at ?? null) === null && row.status !== 'disqualified' && row.status !== 'recycled';

/* GET /lead/{id}/process. fixed: what the lead says already. */
export interface Alike { record: Found; score: number; reason: string }
export interface Proposed { fixed: string | null; row: Values; alike: Alike[] }
export type Proposal = Record<Part, Proposed> & { references: References };

export type Choice = { kind: 'none' } | { kind: 'new' } | { kind: 'record'; id: string; title: string };
export type Choices = Record<Part, Choice>;

const NONE: Choice = { kind: 'none' };
const NEW: Choice = { kind: 'new' };
const SURE_SCORE = 80;

/* One that is there before a new one, a new one before none; a step whose answer the lead has is not asked. */
export function firstChoice(part: Part, p: Proposed, references: References, mayCreate: boolean): Choice {
  if (p.fixed) {
    const title = references[part]?.[p.fixed];
    return { kind: 'record', id: p.fixed, title: typeof title === 'string' ? title : (title?.title ?? '') };
  }
  const best = p.alike[0];
  if (best && best.score >= SURE_SCORE) return { kind: 'record', id: best.record.id, title: best.record.title };
  const named = { company: 'name', contact: 'family_name', opportunity: 'name' }[part];
  return mayCreate && p.row[named] ? NEW : NONE;
}

/* What a new one is called while it is typed: a Han name as it is, any other with the given name first. */
export function newTitle(part: Part, v: Values): string {
  const [family, given] = [v.family_name, v.given_name].map((x) => String(x ?? ''));
  if (part !== 'contact') return String(v.name ?? '');
  return /[\u3400-\u9fff]/.test(family!) ? `${family}${given}` : [given, family].filter(Boolean).join(' ');
}

/* Of a new company nobody who is there is a contact. */
export const offered = (part: Part, alike: Alike[], company: Choice): Alike[] => (part === 'contact' && company.kind === 'new' ? [] : alike);

const isDecided = (c: Choice): boolean => c.kind !== 'record' || c.id !== '';
export const isReady = (choices: Choices): boolean => PARTS.every((p) => isDecided(choices[p])) && PARTS.some((p) => choices[p].kind !== 'none');

export type Body = Record<Part, { id: string } | { row: Values } | null>;
export function bodyOf(choices: Choices, rows: Record<Part, Values>): Body {
  const one = (p: Part) => {
    const c = choices[p];
    return c.kind === 'record' ? { id: c.id } : c.kind === 'new' ? { row: rows[p] } : null;
  };
  return { company: one('company'), contact: one('contact'), opportunity: one('opportunity') };
}

/* "company.name" belongs to the form of the new company, "company_id" to the choice of one. */
export function problemsOf(fields: FieldProblems): { forms: Record<Part, FieldProblems>; choices: Partial<Record<Part, ProblemField>>; first: Part | null } {
  const forms: Record<Part, FieldProblems> = { company: {}, contact: {}, opportunity: {} };
  const choices: Partial<Record<Part, ProblemField>> = {};
  for (const [name, problem] of Object.entries(fields)) {
    const part = PARTS.find((p) => name.startsWith(`${p}.`) || name === `${p}_id`);
    if (part && name === `${part}_id`) choices[part] = problem;
    else if (part) forms[part][name.slice(part.length + 1)] = problem;
  }
  return { forms, choices, first: PARTS.find((p) => choices[p] !== undefined || Object.keys(forms[p]).length > 0) ?? null };
}
