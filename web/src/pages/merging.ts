// SPDX-License-Identifier: MIT
// Merging two records, without its pictures: what is asked of the person, what combines by itself, and what is sent.
import type { Row } from '../api/types';
import { isReadOnly, type Entity, type Field } from '../catalogue/model';
import { isSame } from '../form/state';

export type Side = 'keep' | 'drop';
/* Fields that go together as one. combines: both values count, by the field's rule, and nothing is asked. */
export interface Difference { key: string; fields: Field[]; combines: boolean; usual: Side }

const COMBINED = ['sum', 'max', 'min', 'union', 'any'];
const isEmpty = (v: unknown) => v === null || v === undefined || v === '';

export function differences(entity: Entity, keep: Row, drop: Row): Difference[] {
  const groups = new Map<string, Field[]>();
  for (const f of entity.fields.filter((x) => !isReadOnly(x) && !x.server_only && x.name in keep)) {
    const key = f.group ?? f.name;
    groups.set(key, [...(groups.get(key) ?? []), f]);
  }
  return [...groups]
    .filter(([, fields]) => fields.some((f) => !isSame(keep[f.name], drop[f.name])))
    .map(([key, fields]) => ({
      key,
      fields,
      combines: fields.length === 1 && COMBINED.includes(fields[0]!.merge ?? ''),
      usual: fields.every((f) => isEmpty(keep[f.name])) ? 'drop' : 'keep',
    }));
}

/* Headquarters takes a choice by the name of a field or of its group; what combines is left to it. */
export const choicesOf = (list: Difference[], chosen: Record<string, Side>): Record<string, Side> =>
  Object.fromEntries(list.filter((d) => !d.combines).map((d) => [d.fields.length > 1 ? d.key : d.fields[0]!.name, chosen[d.key] ?? d.usual]));
