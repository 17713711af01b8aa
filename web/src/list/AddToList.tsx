// SPDX-License-Identifier: MIT
// Puts records on a static list, found by its name or made here: each with its title and the values it has now ("as
// saved"). What is on the list already stays as it is.
import { App, Form, Modal, Select } from 'antd';
import { useRef, useState } from 'react';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { getList, wrote } from '../api/queries';
import { may, useCatalogue, useSession } from '../api/session';
import type { Clause, RecordAnswer, Row } from '../api/types';
import type { Entity } from '../catalogue/model';
import { useI18n } from '../i18n';
import { problemSentence } from '../lib/problem';
import { rowTitle } from './Table';

const LISTS_SHOWN = 20;
const IDS_PER_QUESTION = 50;
const NEW = 'new:';

/* Whether this person may keep lists, and records of this kind can be on one. */
export function useMayList(entity: Entity): boolean {
  const c = useCatalogue();
  const session = useSession();
  return c.entity('static_list') !== undefined && entity.part_of === undefined && entity.name !== 'static_list' && may(session, 'static_list', 'create');
}

export function AddToList({ entity, rows, columns, onDone, onCancel }: { entity: Entity; rows: Row[]; columns: string[]; onDone: () => void; onCancel: () => void }) {
  const i = useI18n();
  const session = useSession();
  const { message } = App.useApp();
  const [typed, setTyped] = useState('');
  const [list, setList] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const composing = useRef(false);
  const filter: Clause[] = [['entity', '=', entity.name], ...(typed.trim() ? [['name', '~', typed.trim()] as Clause] : [])];
  const found = useQuery({ queryKey: ['rows', 'static_list', 'add', filter], queryFn: () => getList('static_list', { filter, sort: '-modified_at', limit: LISTS_SHOWN }), placeholderData: (before) => before });
  const lists = found.data?.rows ?? [];
  const name = typed.trim();
  // A new list is offered once the answer says that there is none of this name: the lines do not move under the pointer.
  const isNew = name !== '' && !found.isPlaceholderData && !found.isPending && !lists.some((l) => l.name === name);
  const options = [
    ...lists.map((l) => ({ value: l.id, label: String(l.name) })),
    ...(isNew ? [{ value: NEW + name, label: i.t('list.new_list', { what: name }) }] : []),
  ];

  const listId = async (): Promise<string> => {
    if (!list!.startsWith(NEW)) return list!;
    const made = await api.post<RecordAnswer>('/static_list', { row: { name: list!.slice(NEW.length), entity: entity.name, purpose: 'general', shared: 'private', owner_id: session.user.id, frozen_columns: columns } });
    // Tried again after a failure, the same list goes on.
    setList(made.row.id);
    return made.row.id;
  };
  const add = async () => {
    setBusy(true);
    try {
      const id = await listId();
      const there = new Set<unknown>();
      for (let n = 0; n < rows.length; n += IDS_PER_QUESTION) {
        const page = await getList('static_list_item', { filter: [['static_list_id', '=', id], ['record_id', 'in', rows.slice(n, n + IDS_PER_QUESTION).map((r) => r.id)]], limit: IDS_PER_QUESTION });
        page.rows.forEach((r) => there.add(r.record_id));
      }
      const fresh = rows.filter((r) => !there.has(r.id));
      for (const r of fresh) {
        const snapshot = Object.fromEntries(columns.filter((f) => r[f] !== undefined).map((f) => [f, r[f]]));
        await api.post('/static_list_item', { row: { static_list_id: id, record_id: r.id, label: rowTitle(entity, r), snapshot, added_at: new Date().toISOString() } });
      }
      void message.success(i.t('list.listed', { n: fresh.length, m: there.size }));
      wrote('static_list', id);
      onDone();
    } catch (err) {
      void message.error(problemSentence(i, err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal open title={i.t('list.for_n', { what: i.t('list.add_to_list'), n: rows.length })} okText={i.t('list.add_to_list')} cancelText={i.t('ui.cancel')} confirmLoading={isBusy} okButtonProps={{ disabled: list === null }} onCancel={onCancel} onOk={() => void add()}>
      <Form layout="vertical">
        <Form.Item label={i.t('list.list_name')} htmlFor="add-list">
          <span onCompositionStart={() => (composing.current = true)} onCompositionEnd={(e) => { composing.current = false; setTyped((e.target as HTMLInputElement).value); }}>
            <Select id="add-list" autoFocus style={{ width: '100%' }} showSearch={{ filterOption: false, onSearch: (q) => !composing.current && setTyped(q) }} value={list ?? undefined} options={options} onChange={(v: string) => setList(v)} notFoundContent={<span className="fb-quiet">{i.t('list.type_name')}</span>} />
          </span>
        </Form.Item>
      </Form>
    </Modal>
  );
}
