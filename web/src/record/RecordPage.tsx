// SPDX-License-Identifier: MIT
import { LeftOutlined, MoreOutlined, PlusOutlined, PrinterOutlined, RightOutlined } from '../lib/icons';
import { App, Button, Dropdown, Result, Skeleton, Space } from 'antd';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { seen, useArrivals } from '../api/arrivals';
import { api, Problem } from '../api/client';
import { useRecord, useRelated, wrote } from '../api/queries';
import { may, mayRecord, useCatalogue, useSession } from '../api/session';
import type { RecordAnswer, Related } from '../api/types';
import { isReadOnly, type Entity } from '../catalogue/model';
import { BothChangedDialog } from '../form/BothChanged';
import { EditForm } from '../form/FormPage';
import { useQuickCreate } from '../form/quick';
import type { Values as FormValues } from '../form/state';
import { useI18n } from '../i18n';
import { useKeys } from '../lib/keys';
import { closeTab, listPath, nameTab, navigate, recordPath, setQueryOf, usePlace, useQueryOf } from '../lib/router';
import { problemSentence } from '../lib/problem';
import { AddToList, useMayList } from '../list/AddToList';
import { deleteText, SetDialog } from '../list/Bulk';
import { neighbour } from '../list/neighbours';
import { rowTitle } from '../list/Table';
import { MarkSign } from '../value/Marks';
import { Show } from '../value/Show';
import { counted, titleOf } from '../value/text';
import { Panels, withTabs, type Panel } from './Panels';
import { Parts } from './Parts';
import { goesAlong, RelatedList, relatedTabs } from './Related';
import { useSaving } from './save';
import { isOpenLead } from './conversion';
import { pathField, Steps } from './Steps';
import { History, Notes, Timeline } from './Story';
import { Values } from './Values';

const OVERVIEW = 'overview';
const Chart = lazy(() => import('../charts/Relations'));
const ProcessLead = lazy(() => import('./ProcessLead'));

export function RecordPage({ entity, id }: { entity: Entity; id: string }) {
  const i = useI18n();
  const session = useSession();
  const record = useRecord(entity.name, id);
  if (record.isPending) return <Skeleton active />;
  if (record.isError) {
    const isGone = record.error instanceof Problem && record.error.code === 'not_found';
    return (
      <Result
        status={isGone ? 'info' : 'warning'}
        title={isGone ? i.t('rec.not_found') : problemSentence(i, record.error)}
        extra={<Space>{isGone && session.node === 'server' && <Button onClick={() => navigate('/bin')}>{i.t('page.bin')}</Button>}{!isGone && <Button onClick={() => void record.refetch()}>{i.t('ui.again')}</Button>}<Button onClick={() => closeTab(recordPath(entity.name, id))}>{i.t('ui.back')}</Button></Space>}
      />
    );
  }
  return <Inside entity={entity} id={id} record={record.data} onRefresh={() => void record.refetch()} />;
}

function Inside({ entity, id, record, onRefresh }: { entity: Entity; id: string; record: RecordAnswer; onRefresh: () => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const mine = recordPath(entity.name, id);
  const isHere = usePlace((p) => p.path === mine);
  const related = useRelated(entity.name, id);
  const saving = useSaving(entity.name, id);
  const arrivals = useArrivals(entity.name);
  // The panel and whether it is edited stand in the address, so that a reload and "edit" in a list find them.
  const query = useQueryOf(mine);
  const params = new URLSearchParams(query);
  const chosen = params.get('tab') ?? OVERVIEW;
  const isEditing = params.get('edit') === '1';
  const show = (panel: string, edits = isEditing) => setQueryOf(mine, new URLSearchParams({ ...(panel !== OVERVIEW && { tab: panel }), ...(edits && { edit: '1' }) }).toString());
  const edit = () => show(OVERVIEW, true);
  const note = useRef<HTMLTextAreaElement>(null);
  const title = rowTitle(entity, record.row);
  const mayEdit = mayRecord(session, entity.name, record, 'edit') && !(entity.append_only && session.node === 'replica');
  useEffect(() => nameTab(mine, title), [mine, title]);

  const way = pathField(entity);
  const parts = c.parts(entity.name);
  const tabs: Related[] = relatedTabs(related.data ?? [], (n) => c.entity(n) !== undefined, new Set(parts.map((p) => p.name)));
  const addActivity = useAddActivity(entity, record);
  const go = (by: 1 | -1) => {
    const next = neighbour(entity.name, id, by);
    if (next) navigate(recordPath(entity.name, next));
  };
  const linesOf = (p: Entity) => record.parts?.[p.name]?.length ?? 0;
  const own = parts.filter((p) => record.parts === undefined || p.name in record.parts);
  const below = [
    ...own.map((p) => ({ key: p.name, count: linesOf(p), label: `${i.label(c.plural(p))} ${linesOf(p)}`, draw: () => <Parts part={p} parent={entity} record={record} mayEdit={mayEdit} /> })),
    ...tabs.map((r) => ({ key: `${r.entity}.${r.field}`, count: r.count, label: relatedLabel(i, c, tabs, r), draw: () => <RelatedList entity={c.entity(r.entity)!} field={r.field} parent={entity.name} id={id} /> })),
  ];
  // What is there before what could be.
  const ordered = [...below.filter((x) => x.count > 0), ...below.filter((x) => x.count === 0)];
  const panels: Panel[] = [
    { key: OVERVIEW, label: i.t('rec.overview'), draw: () => <Overview entity={entity} id={id} record={record} saving={saving} mayEdit={mayEdit} isEditing={isEditing} onEdited={() => show(OVERVIEW, false)} note={note} /> },
    ...ordered.map(({ count, ...panel }) => ({ ...panel, isEmpty: count === 0 })),
    ...(['company', 'contact', 'employee'].includes(entity.name) ? [{ key: 'chart', label: i.t('rec.chart'), draw: () => <Suspense fallback={<Skeleton active />}><Chart entity={entity} id={id} title={title} /></Suspense> }] : []),
    { key: 'history', label: i.t('rec.history'), draw: () => <div className="fb-card"><History entity={entity} id={id} /></div> },
  ];
  useKeys(
    {
      e: () => mayEdit && edit(),
      a: addActivity,
      c: () => { show(OVERVIEW); setTimeout(() => note.current?.focus(), 50); },
      h: () => show('history'),
      '[': () => go(-1),
      ']': () => go(1),
      ...Object.fromEntries(withTabs(panels, chosen).slice(0, 9).map((x, n) => [String(n + 1), () => show(x.key)])),
    },
    isHere && !isEditing,
  );
  return (
    <article>
      <Head entity={entity} record={record} related={related.data ?? []} title={title} mayEdit={mayEdit} onEdit={edit} onActivity={addActivity} onStep={go} />
      {way && <Steps entity={entity} field={way} record={record} saving={saving} mayEdit={mayEdit} />}
      {arrivals.has(id) && <div className="fb-fresh"><Button size="small" onClick={() => { seen(entity.name, id); onRefresh(); }}>{i.t('rec.arrived')}</Button></div>}
      <Panels id={id} panels={panels} chosen={chosen} onChoose={show} />
      {saving.clash && <BothChangedDialog entity={entity} clash={saving.clash} refs={record.references} row={record.row} />}
    </article>
  );
}

function relatedLabel(i: ReturnType<typeof useI18n>, c: ReturnType<typeof useCatalogue>, all: Related[], r: Related): string {
  const e = c.entity(r.entity)!;
  const isTwice = all.filter((x) => x.entity === r.entity).length > 1;
  const field = isTwice ? c.field(r.entity, r.field) : undefined;
  const count = r.count >= 1000 ? '1,000+' : String(r.count);
  return `${i.label(c.plural(e))}${field ? (i.lang === 'zh' ? `（${i.label(field)}）` : ` (${i.label(field)})`) : ''} ${count}`;
}

interface OverviewProps { entity: Entity; id: string; record: RecordAnswer; saving: ReturnType<typeof useSaving>; mayEdit: boolean; isEditing: boolean; onEdited: () => void; note: React.RefObject<HTMLTextAreaElement | null> }

function Overview(p: OverviewProps) {
  const c = useCatalogue();
  if (p.isEditing) return <EditForm entity={p.entity} record={p.record} saving={p.saving} onDone={p.onEdited} />;
  return (
    <div className="fb-columns">
      <div><Values entity={p.entity} record={p.record} saving={p.saving} mayEdit={p.mayEdit} /></div>
      <div>
        {c.entity('note') && p.entity.name !== 'note' && <Notes entity={p.entity} id={p.id} box={p.note} />}
        <Timeline entity={p.entity} id={p.id} />
      </div>
    </div>
  );
}

/* An activity about this record: the reference is filled in, whichever field takes it. */
function useAddActivity(entity: Entity, record: RecordAnswer): () => void {
  const c = useCatalogue();
  const create = useQuickCreate();
  return () => {
    const activity = c.entity('activity');
    if (!activity) return;
    const given: FormValues = {};
    const direct = activity.fields.find((f) => f.type === 'ref' && f.target === entity.name && f.name === `${entity.name}_id`);
    const poly = activity.fields.find((f) => f.type === 'poly' && (f.targets?.includes(entity.name) || f.targets?.includes('*')));
    if (direct) given[direct.name] = record.row.id;
    else if (poly?.name_field) {
      given[poly.name_field] = entity.name;
      given[poly.name] = record.row.id;
    }
    for (const name of ['company_id', 'contact_id']) {
      if (given[name] === undefined && typeof record.row[name] === 'string') given[name] = record.row[name] as string;
    }
    void create('activity', '', given);
  };
}

interface HeadProps { entity: Entity; record: RecordAnswer; related: Related[]; title: string; mayEdit: boolean; onEdit: () => void; onActivity: () => void; onStep: (by: 1 | -1) => void }

function Head({ entity, record, related, title, mayEdit, onEdit, onActivity, onStep }: HeadProps) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const { message, modal } = App.useApp();
  const create = useQuickCreate();
  const [isAssigning, setAssigning] = useState(false);
  const [isListing, setListing] = useState(false);
  const [isProcessing, setProcessing] = useState(false);
  const mayList = useMayList(entity);
  const { row, references, marks } = record;
  const mayProcess = mayEdit && entity.name === 'lead' && isOpenLead(row);
  const owner = c.ownerField(entity);
  // Others of its kind he may change: why not this one stands beside the button.
  const isOthers = !mayEdit && may(session, entity.name, 'edit') && !entity.append_only;
  const ownerName = owner ? titleOf(references[owner.target ?? '']?.[String(row[owner.name] ?? '')]) : '';
  const fields = c.fields(entity.name, entity.layout.header).filter((f) => f.name in row);
  const along = goesAlong(c, entity, record, related).map(([e, n]) => `${n} ${counted(i, c, e, n)}`).join(i.lang === 'zh' ? '、' : ', ');

  const remove = () =>
    modal.confirm({
      title: i.t('rec.delete', { rec: title }),
      content: deleteText(i, session, along ? i.t('rec.delete_with', { parts: along }) : i.t('list.delete_text')),
      okText: i.t('ui.delete'),
      okButtonProps: { danger: true },
      cancelText: i.t('ui.cancel'),
      onOk: async () => {
        try {
          await api.remove(`/${entity.name}/${row.id}`, { 'If-Match': `"${record.rev}"` });
          closeTab(recordPath(entity.name, row.id));
          wrote(entity.name);
          void message.success(i.t('rec.deleted', { rec: title }));
        } catch (err) {
          void message.error(problemSentence(i, err));
          wrote(entity.name, row.id);
        }
      },
    });
  const duplicate = () => {
    const kept = Object.fromEntries(entity.fields.filter((f) => !isReadOnly(f) && !f.server_only && f.merge !== 'once' && row[f.name] !== null && row[f.name] !== undefined).map((f) => [f.name, row[f.name]]));
    navigate(`/e/${entity.name}/new?${new URLSearchParams({ with: JSON.stringify(kept) })}`);
  };
  const assign = async (set: Record<string, unknown>) => {
    try {
      await api.patch(`/${entity.name}/${row.id}`, { base: { [owner!.name]: row[owner!.name] ?? null }, mine: set });
      setAssigning(false);
      void message.success(i.t('form.saved'));
    } catch (err) {
      void message.error(problemSentence(i, err));
    }
    wrote(entity.name, row.id);
  };
  // 创建联系人, 创建机会: one click from whatever a person or a company hangs on.
  const makes = ['contact', 'opportunity'].map((n) => c.entity(n)).filter((e): e is Entity => e !== undefined && entity.module === 'customers' && e.name !== entity.name && may(session, e.name, 'create') && e.fields.some((f) => f.target === entity.name && f.name === `${entity.name}_id`));
  const makeOne = (e: Entity) => {
    const given: FormValues = { [`${entity.name}_id`]: row.id };
    if (entity.name === 'contact' && typeof row.company_id === 'string' && c.field(e.name, 'company_id')) given.company_id = row.company_id;
    void create(e.name, '', given);
  };
  return (
    <header className="fb-record-head">
      <Button type="text" icon={<LeftOutlined />} aria-label={i.t('key.before')} disabled={!neighbour(entity.name, row.id, -1)} onClick={() => onStep(-1)} />
      <h1 title={title}>{title}</h1>
      {marks?.['*'] && <MarkSign mark={marks['*'].mark} />}
      <span className="fb-quiet">{i.label(entity)}</span>
      <Button type="text" icon={<RightOutlined />} aria-label={i.t('key.after')} disabled={!neighbour(entity.name, row.id, 1)} onClick={() => onStep(1)} />
      <span className="fb-push" />
      <Space wrap>
        {makes.map((e) => <Button key={e.name} onClick={() => makeOne(e)}>{i.t('rec.make', { ent: i.lang === 'zh' ? e.zh : e.en.toLowerCase() })}</Button>)}
        {c.entity('activity') && entity.name !== 'activity' && may(session, 'activity', 'create') && <Button icon={<PlusOutlined aria-hidden />} onClick={onActivity}>{i.label(c.entity('activity'))}</Button>}
        {mayProcess && <Button type="primary" onClick={() => setProcessing(true)}>{i.t('lead.process')}</Button>}
        {isOthers && <Button disabled aria-describedby={`why-${row.id}`}>{i.t('ui.edit')}</Button>}
        {mayEdit && <Button type={mayProcess ? 'default' : 'primary'} onClick={onEdit}>{i.t('ui.edit')}</Button>}
        <Dropdown
          trigger={['click']}
          menu={{
            items: [
              ...(owner && mayRecord(session, entity.name, record, 'assign') ? [{ key: 'assign', label: i.t('term.assign'), onClick: () => setAssigning(true) }] : []),
              ...(may(session, entity.name, 'create') && !entity.append_only ? [{ key: 'dup', label: i.t('ui.duplicate'), onClick: duplicate }] : []),
              ...(mayList ? [{ key: 'add', label: i.t('list.add_to_list'), onClick: () => setListing(true) }] : []),
              { key: 'print', icon: <PrinterOutlined />, label: i.t('term.print'), onClick: () => setTimeout(() => window.print(), 200) },
              { key: 'list', label: i.label(c.plural(entity)), onClick: () => navigate(listPath(entity.name)) },
              ...(mayRecord(session, entity.name, record, 'delete') && !entity.append_only ? [{ type: 'divider' as const }, { key: 'del', danger: true, label: i.t('ui.delete'), onClick: remove }] : []),
            ],
          }}
        >
          <Button icon={<MoreOutlined />} aria-label={i.t('ui.more')} />
        </Dropdown>
      </Space>
      {isOthers && <p id={`why-${row.id}`} className="fb-quiet" style={{ flexBasis: '100%', margin: 0 }}>{ownerName ? i.t('right.record', { who: ownerName }) : i.t('problem.right_record')}</p>}
      <dl>
        {fields.map((f) => (
          <div key={f.name}>
            <dt>{i.label(f)}</dt>
            <dd><Show field={f} value={row[f.name]} refs={references} row={row} /></dd>
          </div>
        ))}
      </dl>
      {isAssigning && owner && <SetDialog entity={entity} only={owner} count={1} onCancel={() => setAssigning(false)} onSet={assign} />}
      {isProcessing && <Suspense fallback={null}><ProcessLead record={record} onClose={() => setProcessing(false)} /></Suspense>}
      {isListing && <AddToList entity={entity} rows={[row]} columns={entity.layout.list.columns} onCancel={() => setListing(false)} onDone={() => setListing(false)} />}
    </header>
  );
}
