// SPDX-License-Identifier: MIT
// Why a change is held, in the reader's words: headquarters' own sentence is in the language of its computer.
import type { Held } from '../api/types';
import type { Catalogue } from '../catalogue/model';
import { checkField, problemText } from '../form/check';
import type { I18n } from '../i18n';
import { valueText } from '../value/text';

export function heldReason(c: Catalogue, i: I18n, held: Held): string {
  const ent = i.inside(c.entity(held.entity)) || held.entity;
  const first = held.fields.find((f) => f.is_reason) ?? held.fields[0];
  const field = first && c.field(first.entity ?? held.entity, first.field);
  const label = i.label(field);
  const words = (v: unknown) => i.value(field ? valueText(c, i, field, v) : String(v ?? '')) || i.t('ui.empty');
  const said = held.detail || held.reason;
  switch (held.code) {
    case 'right':
      return i.t('held.no_right', { ent });
    case 'field_right':
      return label ? i.t('held.no_field_right', { f: label }) : i.t('held.no_right', { ent });
    case 'out_of_scope':
      return i.t('held.out_of_scope', { ent });
    case 'missing_row':
      return i.t('held.missing', { ent });
    case 'locked':
      return i.t('held.is_locked', { ent });
    case 'not_allowed_step':
      return label && first ? i.t('held.no_step', { f: label, from: words(first.old), to: words(first.new) }) : said || i.t('held.some_reason');
    default: {
      // A value that no form lets through says itself what is wrong with it.
      for (const f of held.fields) {
        const known = c.field(f.entity ?? held.entity, f.field);
        const problem = known ? checkField(known, f.new) : null;
        if (known && problem) return i.t('held.bad_value', { f: i.label(known), v: i.value(valueText(c, i, known, f.new)) || i.t('ui.empty'), why: problemText(c, i, f.entity ?? held.entity, f.field, problem) });
      }
      return said ? i.t('held.rule_says', { rule: said.replace(/^field (\w+): /, (_, n: string) => `${i.label(c.field(held.entity, n)) || n}: `) }) : i.t('held.some_reason');
    }
  }
}
