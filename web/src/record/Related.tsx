// SPDX-License-Identifier: MIT
// What points to this record, as lists with their counts; new ones are made from here with the reference filled in.
import { PlusOutlined } from '../lib/icons';
import { Button } from 'antd';
import { useList } from '../api/queries';
import { may, useCatalogue, useSession } from '../api/session';
import type { RecordAnswer, Related } from '../api/types';
import type { Catalogue, Entity } from '../catalogue/model';
import { useQuickCreate } from '../form/quick';
import { useI18n } from '../i18n';
import { listPath, navigate } from '../lib/router';
import { Table } from '../list/Table';

const NO_TAB = new Set(['note', 'stage_history', 'exchange_key', 'conflict', 'held_change', 'receipt', 'found_value', 'tag_link', 'record_member', 'merge_job']);
const NO_FIELD = new Set(['merged_into_id']);

/* One tab per entity and field; those that the person can't read are absent. */
export function relatedTabs(related: Related[], has: (entity: string) => boolean, parts: Set<string>): Related[] {
  const shown = related.filter((r) => has(r.entity) && !NO_TAB.has(r.entity) && !NO_FIELD.has(r.field) && !parts.has(r.entity));
  return [...shown.filter((r) => r.count > 0), ...shown.filter((r) => r.count === 0)];
}

const FOLLOWS = ['follows', 'either', 'links'];

/* What a delete takes along: the lines of the record, and the records that are there because of it. */
export function goesAlong(c: Catalogue, entity: Entity, record: RecordAnswer, related: Related[]): [Entity, number][] {
  const counts = new Map(c.parts(entity.name).map((p) => [p.name, record.parts?.[p.name]?.length ?? 0]));
  const follows = (r: Related) => c.entity(r.entity)?.part_of?.field === r.field || (FOLLOWS.includes(c.entity(r.entity)?.scope?.rule ?? '') && c.entity(r.entity)?.scope?.fields?.includes(r.field));
  if (entity.name !== 'employee') for (const r of related.filter(follows)) counts.set(r.entity, Math.max(counts.get(r.entity) ?? 0, r.count));
  return [...counts].filter(([name, n]) => n > 0 && c.entity(name)).map(([name, n]) => [c.entity(name)!, n]);
}

export function RelatedList({ entity, field, parent, id }: { entity: Entity; field: string; parent: string; id: string }) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const create = useQuickCreate();
  const list = useList(entity.name, { filter: [[field, '=', id]], sort: entity.layout.list.sort, limit: 20 });
  const rows = list.data?.rows ?? [];
  const columns = entity.layout.list.columns.filter((n) => n !== field).slice(0, 7);
  const poly = entity.fields.find((f) => f.name === field && f.type === 'poly');
  const given = { [field]: id, ...(poly?.name_field && { [poly.name_field]: parent }) };
  return (
    <div>
      <div className="fb-bar">
        {may(session, entity.name, 'create') && !entity.append_only && <Button icon={<PlusOutlined aria-hidden />} onClick={() => void create(entity.name, '', given)}>{i.t('ui.new_of', { ent: i.inside(entity) })}</Button>}
        {list.data?.next && <Button type="link" onClick={() => navigate(listPath(entity.name, [[field, '=', id]]))}>{i.t('rec.all')}</Button>}
      </div>
      {rows.length === 0 && list.isSuccess ? <p className="fb-quiet">{i.t('rec.none_yet', { ent: i.lang === 'zh' ? entity.zh : c.plural(entity).en.toLowerCase() })}</p> : <Table entity={entity} columns={columns} rows={rows} refs={list.data?.references ?? {}} sort="" chosen={[]} isLoading={list.isPending} />}
    </div>
  );
}
