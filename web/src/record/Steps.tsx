// SPDX-License-Identifier: MIT
// The way of a record as a bar: its state with those that the catalogue allows next, or its stage in the order of its
// pipeline. A step that may be taken is a button; the others are only read.
import { useQuery } from '@tanstack/react-query';
import { getList } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Clause, RecordAnswer, Value } from '../api/types';
import { partParent, type Catalogue, type Entity, type Field } from '../catalogue/model';
import { problemText } from '../form/check';
import { useCanEdit } from '../form/FormBody';
import { useI18n } from '../i18n';
import { App } from 'antd';
import { rowTitle } from '../list/Table';
import type { Saving } from './save';

const STEPS_MAX = 12;

/* The field that a record moves along: a stage by its position, otherwise its state. */
export const pathField = (e: Entity): Field | undefined => e.fields.find((f) => f.merge === 'progress' && f.type === 'ref') ?? e.fields.find((f) => f.type === 'fsm' && f.steps !== undefined);

function useSteps(c: Catalogue, field: Field, record: RecordAnswer): { value: string; title: string; isOpen: boolean; isEnd?: boolean }[] {
  const i = useI18n();
  const target = field.type === 'ref' ? c.entity(field.target ?? '') : undefined;
  const parent = target ? partParent(target, record.row) : null;
  const filter: Clause[] = parent ? [[target!.part_of!.field, '=', parent]] : [];
  const ask = { filter, sort: target && c.field(target.name, 'position') ? 'position' : undefined, limit: STEPS_MAX };
  const rows = useQuery({ queryKey: ['rows', target?.name, ask], queryFn: () => getList(target!.name, ask), enabled: target !== undefined });
  const now = String(record.row[field.name] ?? '');
  if (target) return (rows.data?.rows ?? []).map((r) => ({ value: r.id, title: rowTitle(target, r), isOpen: r.id !== now, isEnd: r.kind !== undefined && r.kind !== 'open' }));
  return c.choices(field).filter((o) => !o.is_retired || o.value === now).map((o) => ({ value: o.value, title: i.label(o), isOpen: (field.steps?.[now] ?? []).includes(o.value) }));
}

export function Steps({ entity, field, record, saving, mayEdit }: { entity: Entity; field: Field; record: RecordAnswer; saving: Saving; mayEdit: boolean }) {
  const c = useCatalogue();
  const i = useI18n();
  const { message } = App.useApp();
  const canEdit = useCanEdit(entity.name);
  const steps = useSteps(c, field, record);
  const now = (record.row[field.name] ?? null) as Value;
  const at = steps.findIndex((s) => s.value === now);
  if (!(field.name in record.row) || steps.length < 2) return null;
  const take = async (value: string) => {
    const problems = await saving.patch({ [field.name]: now }, { [field.name]: value });
    // What stands in the way may be another field: one that this stage asks for.
    for (const [name, p] of Object.entries(problems ?? {})) if (name) void message.error(p.detail || problemText(c, i, entity.name, name, p));
  };
  return (
    <ol className="fb-steps" aria-label={i.label(field)}>
      {steps.map((s, n) => (
        <li key={s.value} className={n === at ? 'fb-here' : field.type === 'ref' && n < at && !s.isEnd ? 'fb-past' : undefined} aria-current={n === at ? 'step' : undefined}>
          {s.isOpen && mayEdit && canEdit(field) ? <button type="button" onClick={() => void take(s.value)}>{s.title}</button> : <span>{s.title}</span>}
        </li>
      ))}
    </ol>
  );
}
