// SPDX-License-Identifier: MIT
//
// Languages: zh.ts and en.ts hold every sentence and word of the pages under the same keys; message.ts fills them,
// format.ts shows dates and numbers, plural.ts spells English plurals. Labels of entities, fields and choices are not
// here: they come from the catalogue. Switching needs no reload: everything reads useI18n().
import { useSyncExternalStore } from 'react';
import { en } from './en';
import { decimal, relative, type Lang } from './format';
import { fill, shortValue, type Params } from './message';
import { zh } from './zh';

export type { Lang } from './format';
export type Key = keyof typeof zh;
export type Labelled = { en: string; zh: string };

const STORED = 'fb.language';
const listeners = new Set<() => void>();

function initial(): Lang {
  const kept = localStorage.getItem(STORED);
  if (kept === 'zh' || kept === 'en') return kept;
  return (navigator.language || 'zh').toLowerCase().startsWith('zh') ? 'zh' : navigator.language ? 'en' : 'zh';
}

/* Shipped roles have a word in each language, those of the company their name. */
export const roleLabel = (role: string): Labelled => {
  const key = `role.${role}`;
  return key in zh ? { zh: zh[key as Key], en: en[key as Key] } : { zh: role, en: role };
};

export interface I18n {
  lang: Lang;
  t: (key: Key, params?: Params) => string;
  label: (of: Labelled | undefined) => string;
  /* Within a sentence: New activity, but New RMA. */
  inside: (of: Labelled | undefined) => string;
  num: (n: number | string) => string;
  when: (iso: string | null | undefined) => string;
  value: (text: string) => string;
}

export function i18nOf(lang: Lang): I18n {
  const texts = lang === 'zh' ? zh : en;
  return {
    lang,
    t: (key, params = {}) => fill(texts[key], params, decimal, lang === 'zh'),
    label: (of) => (of ? of[lang] : ''),
    inside: (of) => (of ? (lang === 'en' ? of.en.replace(/^[A-Z](?![A-Z])/, (c) => c.toLowerCase()) : of.zh) : ''),
    num: decimal,
    when: (iso) => (iso ? relative(new Date(iso), lang) : ''),
    value: (text) => shortValue(text, lang === 'zh'),
  };
}

let current = i18nOf(initial());

export function setLanguage(lang: Lang, isChosen = true): void {
  if (isChosen) localStorage.setItem(STORED, lang);
  if (lang === current.lang) return;
  current = i18nOf(lang);
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  listeners.forEach((f) => f());
}

export const hasChosenLanguage = () => localStorage.getItem(STORED) !== null;
export const i18n = () => current;

export function useI18n(): I18n {
  return useSyncExternalStore(
    (f) => {
      listeners.add(f);
      return () => listeners.delete(f);
    },
    () => current,
  );
}

document.documentElement.lang = current.lang === 'zh' ? 'zh-CN' : 'en';
