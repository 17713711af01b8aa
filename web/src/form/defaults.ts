// SPDX-License-Identifier: MIT
// What a new record starts with beyond the catalogue's defaults: the usual row of what it must refer to (a pipeline), and
// the first line of it (a stage).
import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { getList, type ListAsk } from '../api/queries';
import { useCatalogue } from '../api/session';
import { partParent, type Catalogue, type Entity, type Field } from '../catalogue/model';
import type { Values } from './state';

function askOf(c: Catalogue, f: Field, values: Values): ListAsk | null {
  const target = f.type === 'ref' && f.required ? c.entity(f.target ?? '') : undefined;
  if (!target || (values[f.name] ?? null) !== null) return null;
  if (c.field(target.name, 'is_default')) return { filter: [['is_default', '=', true]], limit: 1 };
  const parent = partParent(target, values);
  return parent ? { filter: [[target.part_of!.field, '=', parent]], sort: c.field(target.name, 'position') ? 'position' : undefined, limit: 1 } : null;
}

/* Values that stand until the person writes others; typed: what was written so far. */
export function useUsual(entity: Entity, start: Values, typed: Values): Values {
  const c = useCatalogue();
  const first = useFirst(c, entity, { ...start, ...typed });
  const second = useFirst(c, entity, { ...start, ...first, ...typed });
  return useMemo(() => ({ ...start, ...first, ...second }), [start, first, second]);
}

function useFirst(c: Catalogue, entity: Entity, values: Values): Values {
  const asked = entity.fields.map((f) => ({ f, ask: askOf(c, f, values) })).filter((x) => x.ask !== null);
  const answers = useQueries({ queries: asked.map(({ f, ask }) => ({ queryKey: ['rows', f.target!, ask], queryFn: () => getList(f.target!, ask!) })) });
  const ids = asked.map(({ f }, n) => [f.name, answers[n]?.data?.rows[0]?.id] as const).filter(([, id]) => id !== undefined);
  const text = JSON.stringify(ids);
  return useMemo(() => Object.fromEntries(ids), [text]); // eslint-disable-line
}
