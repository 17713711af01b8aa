// SPDX-License-Identifier: MIT
// A filter as the value of a field: conditions in words instead of how they are kept.
import { useCatalogue } from '../api/session';
import type { Filter, FilterOp, Value } from '../api/types';
import { useI18n } from '../i18n';
import { FilterEdit } from '../list/FilterBar';
import { filteredBy, readFilter } from '../list/filter';
import type { EditProps } from './Edit';

/* Headquarters assigns by what stands in the record, at any time: "today" and "me" mean nothing there. */
const TERRITORY_OPS: FilterOp[] = ['=', '!=', '<=', '>=', 'in', '~', '^', 'empty', 'filled'];

export function FilterField(p: EditProps) {
  const c = useCatalogue();
  const i = useI18n();
  const owner = c.entities.find((e) => e.fields.includes(p.field));
  const entity = filteredBy(c, owner?.name, p.row);
  if (!entity) return <p id={p.id} className="fb-quiet" style={{ margin: '4px 0' }}>{i.t('list.filter_of_what')}</p>;
  return (
    <div id={p.id} tabIndex={-1} role="group" aria-label={p.label ?? i.label(p.field)} aria-describedby={p.describedBy}>
      <FilterEdit entity={entity} filter={readFilter(p.value) ?? []} refs={p.refs} ops={owner?.name === 'territory_rule' ? TERRITORY_OPS : undefined} onChange={(f: Filter) => p.onChange(f.length === 0 ? null : (f as unknown as Value))} />
    </div>
  );
}
