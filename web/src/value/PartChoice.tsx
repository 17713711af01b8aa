// SPDX-License-Identifier: MIT
// A reference to a line of another record (a stage of a pipeline): the lines of that record as choices, in their order.
import { Select } from 'antd';
import { useQuery } from '@tanstack/react-query';
import { getList } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Clause } from '../api/types';
import { partParent, type Entity } from '../catalogue/model';
import { useI18n } from '../i18n';
import { rowTitle } from '../list/Table';
import type { EditProps } from './Edit';
import { clearing } from './clear';

const LINES_MAX = 200;

export function PartChoice({ part, ...p }: EditProps & { part: Entity }) {
  const c = useCatalogue();
  const i = useI18n();
  const parent = partParent(part, p.row);
  const filter: Clause[] = parent ? [[part.part_of!.field, '=', parent]] : [];
  const ask = { filter, sort: c.field(part.name, 'position') ? 'position' : undefined, limit: LINES_MAX };
  const lines = useQuery({ queryKey: ['rows', part.name, ask], queryFn: () => getList(part.name, ask) });
  return (
    <Select
      id={p.id}
      style={{ width: '100%' }}
      aria-label={p.label}
      aria-describedby={p.describedBy}
      status={p.isInvalid ? 'error' : undefined}
      allowClear={clearing(!p.field.required)}
      autoFocus={p.autoFocus}
      disabled={p.isDisabled}
      loading={lines.isPending}
      showSearch={{ optionFilterProp: 'label' }}
      value={(p.value as string | null) ?? undefined}
      options={(lines.data?.rows ?? []).map((r) => ({ value: r.id, label: rowTitle(part, r) }))}
      notFoundContent={<span className="fb-quiet">{i.t('form.nothing_found')}</span>}
      onChange={(id?: string) => p.onChange(id ?? null)}
    />
  );
}
