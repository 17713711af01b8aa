// SPDX-License-Identifier: MIT
//
// Records: RecordPage.tsx is the page, Values shows and edits fields in place, Parts edits lines, Related lists what
// points here, Timeline, Notes and History tell its story. Here: saving with base and mine; the same field saved twice
// opens BothChanged.tsx and loses nothing.
import { App } from 'antd';
import { useState } from 'react';
import { api, Problem } from '../api/client';
import { wrote } from '../api/queries';
import { useSavedKey } from '../api/session';
import type { BothChanged, FieldProblems, RecordAnswer } from '../api/types';
import { changedOnly, type Values } from '../form/state';
import { useI18n } from '../i18n';
import { problemSentence } from '../lib/problem';

export interface Clash { fields: Record<string, BothChanged>; saved: number; settle: (mine: Values | null) => void }
export interface Saving {
  /* null: saved. Otherwise what was wrong, by field; '' for the whole. Nothing typed is dropped. */
  patch: (base: Values, mine: Values) => Promise<FieldProblems | null>;
  clash: Clash | null;
}

export function useSaving(entity: string, id: string): Saving {
  const i = useI18n();
  const saved = useSavedKey();
  const { message } = App.useApp();
  const [clash, setClash] = useState<Clash | null>(null);

  const ask = (problem: Problem, sent: number): Promise<Values | null> =>
    new Promise((done) => {
      const fields = problem.fields as unknown as Record<string, BothChanged>;
      setClash({
        fields,
        saved: Math.max(0, sent - Object.keys(fields).length),
        settle: (mine) => {
          setClash(null);
          done(mine);
        },
      });
    });

  const patch = async (base: Values, mine: Values): Promise<FieldProblems | null> => {
    try {
      wrote(entity, id, await api.patch<RecordAnswer>(`/${entity}/${id}`, { base, mine }));
      void message.success(i.t(saved));
      return null;
    } catch (err) {
      if (err instanceof Problem && err.code === 'both_changed') {
        const theirs = Object.fromEntries(Object.entries(err.fields).map(([f, v]) => [f, v.theirs ?? null]));
        const chosen = await ask(err, Object.keys(mine).length);
        wrote(entity, id);
        if (chosen === null) return { '': { code: 'both_changed', detail: i.t('form.both_left') } };
        const changed = changedOnly(theirs, chosen);
        return Object.keys(changed).length === 0 ? null : patch(theirs, changed);
      }
      if (err instanceof Problem && Object.keys(err.fields).length > 0) return err.fields;
      const sentence = problemSentence(i, err);
      void message.error(sentence);
      return { '': { code: 'other', detail: sentence } };
    }
  };
  return { patch, clash };
}
