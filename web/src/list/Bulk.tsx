// SPDX-License-Identifier: MIT
// What can be done with chosen rows: assign, set a field, put on a list, delete, export. One call for all; what failed is named.
import { App, Button, Form, Modal, Select, Space } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { wrote } from '../api/queries';
import { may, useCatalogue, useSession } from '../api/session';
import type { References, Row, Session, Value } from '../api/types';
import { isReadOnly, type Entity, type Field } from '../catalogue/model';
import { useI18n, type I18n } from '../i18n';
import { problemSentence } from '../lib/problem';
import { Edit } from '../value/Edit';
import { valueText } from '../value/text';
import { AddToList, useMayList } from './AddToList';
import { csv, download } from './csv';
import { rowTitle } from './Table';

interface BulkAnswer { done: number; failed: { id: string; code: string; detail?: string }[] }

export function useBulk(entity: Entity, rows: Row[]) {
  const i = useI18n();
  const { message, modal } = App.useApp();
  return async (ids: string[], what: { set?: Record<string, Value>; delete?: true }): Promise<boolean> => {
    try {
      const answer = await api.post<BulkAnswer>('/bulk', { entity: entity.name, ids, ...what });
      wrote(entity.name);
      if (answer.failed.length === 0) void message.success(i.t('list.bulk_done', { n: answer.done }));
      else {
        modal.warning({
          title: i.t('list.bulk_some', { n: answer.done, m: answer.failed.length }),
          content: <ul className="fb-plain">{answer.failed.slice(0, 20).map((f) => <li key={f.id}>{rowTitle(entity, rows.find((r) => r.id === f.id) ?? { id: f.id })}{i.lang === 'zh' ? '：' : ': '}{f.detail || i.t('problem.other')}</li>)}</ul>,
        });
      }
      return true;
    } catch (err) {
      void message.error(problemSentence(i, err));
      return false;
    }
  };
}

/* What a delete does; a laptop does not know what headquarters may know better. */
export const deleteText = (i: I18n, session: Session, what: string) =>
  session.node === 'replica' ? <>{what}<div className="fb-quiet">{i.t('list.delete_laptop')}</div></> : what;

export interface BulkProps { entity: Entity; rows: Row[]; refs: References; columns: string[]; chosen: string[]; onDone: () => void }

export function Bulk({ entity, rows, refs, columns, chosen, onDone }: BulkProps) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const { modal } = App.useApp();
  const bulk = useBulk(entity, rows);
  const [asking, setAsking] = useState<'assign' | 'edit' | 'list' | null>(null);
  const mayList = useMayList(entity);
  const owner = c.ownerField(entity);
  if (chosen.length === 0) return null;
  const remove = () =>
    modal.confirm({
      title: i.t('list.delete_n', { n: chosen.length }),
      content: deleteText(i, session, i.t('list.delete_text')),
      okText: i.t('ui.delete'),
      okButtonProps: { danger: true },
      cancelText: i.t('ui.cancel'),
      onOk: async () => void ((await bulk(chosen, { delete: true })) && onDone()),
    });
  const exportRows = () => {
    const fields = c.fields(entity.name, columns);
    const kept = rows.filter((r) => chosen.includes(r.id));
    download(`${i.label(c.plural(entity))}.csv`, csv([fields.map((f) => i.label(f)), ...kept.map((r) => fields.map((f) => valueText(c, i, f, r[f.name], refs, r)))]));
  };
  return (
    <Space wrap className="fb-bar" role="toolbar" aria-label={i.t('list.chosen', { n: chosen.length })}>
      <strong>{i.t('list.chosen', { n: chosen.length })}</strong>
      {owner && may(session, entity.name, 'assign') && <Button onClick={() => setAsking('assign')}>{i.t('term.assign')}</Button>}
      {may(session, entity.name, 'edit') && <Button onClick={() => setAsking('edit')}>{i.t('ui.edit')}</Button>}
      {mayList && <Button onClick={() => setAsking('list')}>{i.t('list.add_to_list')}</Button>}
      {may(session, entity.name, 'export') && <Button onClick={exportRows}>{i.t('term.export')}</Button>}
      {may(session, entity.name, 'delete') && <Button danger onClick={remove}>{i.t('ui.delete')}</Button>}
      <Button type="text" onClick={onDone}>{i.t('list.choose_none')}</Button>
      {asking === 'list' && <AddToList entity={entity} rows={rows.filter((r) => chosen.includes(r.id))} columns={columns} onCancel={() => setAsking(null)} onDone={() => { setAsking(null); onDone(); }} />}
      {(asking === 'assign' || asking === 'edit') && (
        <SetDialog
          entity={entity}
          only={asking === 'assign' ? owner : undefined}
          count={chosen.length}
          onCancel={() => setAsking(null)}
          onSet={async (set) => {
            if (!(await bulk(chosen, { set }))) return;
            setAsking(null);
            onDone();
          }}
        />
      )}
    </Space>
  );
}

interface SetProps { entity: Entity; only: Field | undefined; count: number; onCancel: () => void; onSet: (set: Record<string, Value>) => Promise<void> }

export function SetDialog({ entity, only, count, onCancel, onSet }: SetProps) {
  const i = useI18n();
  const fields = entity.fields.filter((f) => !isReadOnly(f) && f.type !== 'poly' && f.type !== 'json' && !f.server_only);
  const [field, setField] = useState<Field>(only ?? fields[0]!);
  const [value, setValue] = useState<Value>(null);
  const [isBusy, setBusy] = useState(false);
  const word = i.t(!only ? 'ui.edit' : only.target === 'employee' ? 'term.assign' : 'list.move');
  return (
    <Modal
      open
      title={i.t('list.for_n', { what: word, n: count })}
      okText={word}
      cancelText={i.t('ui.cancel')}
      confirmLoading={isBusy}
      okButtonProps={{ disabled: field.required === true && value === null }}
      onCancel={onCancel}
      onOk={async () => {
        setBusy(true);
        await onSet({ [field.name]: value });
        setBusy(false);
      }}
    >
      <Form layout="vertical">
        {!only && (
          <Form.Item label={i.t('list.field')} htmlFor="bulk-field">
            <Select id="bulk-field" showSearch={{ optionFilterProp: 'label' }} value={field.name} onChange={(n: string) => { setField(fields.find((f) => f.name === n)!); setValue(null); }} options={fields.map((f) => ({ value: f.name, label: i.label(f) }))} />
          </Form.Item>
        )}
        <Form.Item label={i.label(field)} htmlFor="bulk-value">
          <Edit key={field.name} id="bulk-value" field={field} value={value} onChange={setValue} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
