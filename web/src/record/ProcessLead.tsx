// SPDX-License-Identifier: MIT
// Process lead: a company, a contact and an opportunity in three steps, each one that is there, a new one or none; the last
// step names all of it before it is done, all or nothing, and leads to it afterwards. What was typed is kept as a draft.
import { Alert, Button, Modal, Radio, Select, Skeleton } from 'antd';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, Problem } from '../api/client';
import { getList, wrote } from '../api/queries';
import { may, useCatalogue, useSession } from '../api/session';
import type { ProblemField, RecordAnswer } from '../api/types';
import type { Entity } from '../catalogue/model';
import { checkAll, problemText } from '../form/check';
import { FormBody, useCanEdit } from '../form/FormBody';
import { readDraft, useFormState, type FormState, type Values } from '../form/state';
import { useI18n } from '../i18n';
import { money } from '../i18n/format';
import { Link } from '../lib/Link';
import { problemSentence } from '../lib/problem';
import { recordPath } from '../lib/router';
import { rowTitle } from '../list/Table';
import { Lookup } from '../value/Lookup';
import { alikeText, secondWords, titleOf, valueText } from '../value/text';
import { bodyOf, firstChoice, isReady, newTitle, offered, PARTS, problemsOf, type Alike, type Choice, type Choices, type Part, type Proposal } from './conversion';

const LAST = PARTS.length;
const CONTACTS_SHOWN = 200;
/* What goes over unasked is told beside the step that takes it. */
const KEPT: Record<Part, string[]> = { company: ['source', 'campaign_id', 'industry'], contact: ['job_title'], opportunity: ['source', 'campaign_id', 'need', 'product_id'] };

export default function ProcessLead({ record, onClose }: { record: RecordAnswer; onClose: () => void }) {
  const i = useI18n();
  const id = record.row.id;
  const proposal = useProposal(id, null);
  if (proposal.data) return <Dialog record={record} proposal={proposal.data} onClose={onClose} />;
  return (
    <Modal open width={720} title={i.t('lead.process')} onCancel={onClose} footer={<Button onClick={onClose}>{i.t('ui.close')}</Button>}>
      {proposal.isError ? <Refused err={proposal.error} /> : <Skeleton active />}
    </Modal>
  );
}

const useProposal = (id: string, company: string | null) =>
  useQuery({ queryKey: ['process', id, company], queryFn: () => api.get<Proposal>(`/lead/${id}/process`, { company }), retry: false, refetchOnMount: 'always', staleTime: Infinity, gcTime: 0 });

/* A lead that is not open any more says what it became. */
function Refused({ err }: { err: unknown }) {
  const c = useCatalogue();
  const i = useI18n();
  const body = err instanceof Problem && err.code === 'not_open' ? (err.body as { lead_status?: string; became?: { entity: string; id: string; title: string | null }[] }) : null;
  const status = c.field('lead', 'status');
  if (!body) return <Alert type="error" role="alert" title={problemSentence(i, err)} />;
  const became = body.became ?? [];
  if (became.length === 0) return <Alert type="warning" role="alert" title={i.t('lead.closed', { v: status ? valueText(c, i, status, body.lead_status) : '' })} />;
  return <Alert type="warning" role="alert" title={i.t('lead.done_before')} description={<ul className="fb-plain">{became.map((b) => <li key={b.entity}>{i.label(c.entity(b.entity))}{i.lang === 'zh' ? '：' : ': '}<Link to={recordPath(b.entity, b.id)}>{b.title}</Link></li>)}</ul>} />;
}

/* The fields a step asks for: those of quick create and what else is required, without the references that the steps make. */
function askedOf(entity: Entity, first: Values): string[] {
  const names = entity.layout.quick.filter((n) => !['company_id', 'contact_id', 'lead_id'].includes(n));
  const missing = entity.fields.filter((f) => f.required && !['bool', 'seq'].includes(f.type) && !names.includes(f.name) && (first[f.name] ?? null) === null).map((f) => f.name);
  return [...names, ...missing];
}

function usePartForm(part: Part, leadId: string, base: Values): FormState {
  const session = useSession();
  const form = useFormState(session.user.id, part, `lead-${leadId}`, base);
  useEffect(() => {
    const draft = readDraft(session.user.id, part, `lead-${leadId}`);
    if (draft) form.setMany(draft.mine);
  }, []); // eslint-disable-line
  return form;
}

function Dialog({ record, proposal, onClose }: { record: RecordAnswer; proposal: Proposal; onClose: () => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const lead = record.row;
  const [first] = useState(proposal);
  const forms: Record<Part, FormState> = { company: usePartForm('company', lead.id, first.company.row), contact: usePartForm('contact', lead.id, first.contact.row), opportunity: usePartForm('opportunity', lead.id, first.opportunity.row) };
  const [chosen, setChosen] = useState<Partial<Choices>>({});
  const start = (p: Part, alike: Alike[]) => firstChoice(p, { ...first[p], alike }, first.references, may(session, p, 'create'));
  const company = chosen.company ?? start('company', first.company.alike);
  const ofCompany = useProposal(lead.id, company.kind === 'record' && company.id ? company.id : null);
  const alike: Record<Part, Alike[]> = { company: first.company.alike, contact: offered('contact', ofCompany.data?.contact.alike ?? [], company), opportunity: [] };
  const choices: Choices = { company, contact: chosen.contact ?? start('contact', alike.contact), opportunity: chosen.opportunity ?? start('opportunity', []) };
  const open = PARTS.findIndex((p) => first[p].fixed === null);
  const lowest = open < 0 ? LAST : open;
  const [step, setStep] = useState(lowest);
  const [wrong, setWrong] = useState<Partial<Record<Part, ProblemField>>>({});
  const [failure, setFailure] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [done, setDone] = useState<RecordAnswer | null>(null);
  const key = useRef(crypto.randomUUID());
  const top = useRef<HTMLHeadingElement>(null);
  const canEdit = { company: useCanEdit('company'), contact: useCanEdit('contact'), opportunity: useCanEdit('opportunity') };
  const asked = (p: Part) => askedOf(c.entity(p)!, first[p].row).filter((n) => { const f = c.field(p, n); return f !== undefined && canEdit[p](f); });
  useEffect(() => top.current?.focus(), [step, done]);

  const choose = (p: Part, choice: Choice) => {
    // Another company has other people.
    setChosen((old) => ({ ...old, ...(p === 'company' && old.contact?.kind === 'record' ? { contact: undefined } : {}), [p]: choice }));
    setWrong((old) => ({ ...old, [p]: undefined }));
  };
  const isFilled = (p: Part): boolean => {
    if (choices[p].kind !== 'new') return choices[p].kind === 'none' || choices[p].id !== '';
    const problems = checkAll(c.fields(p, asked(p)), forms[p].values);
    forms[p].setProblems(problems);
    return Object.keys(problems).length === 0;
  };
  /* Forward only past steps that are filled in; back always. */
  const go = (to: number) => {
    const stuck = PARTS.findIndex((p, n) => n >= step && n < to && !isFilled(p));
    setStep(stuck >= 0 ? stuck : to);
  };
  const show = (err: unknown) => {
    const found = problemsOf(err instanceof Problem ? err.fields : {});
    if (found.first === null) return setFailure(err);
    PARTS.forEach((p) => forms[p].setProblems(found.forms[p]));
    setWrong(found.choices);
    return setStep(PARTS.indexOf(found.first));
  };
  const finish = async () => {
    const stuck = PARTS.findIndex((p) => !isFilled(p));
    if (stuck >= 0) return setStep(stuck);
    setBusy(true);
    setFailure(null);
    try {
      const rows = Object.fromEntries(PARTS.map((p) => [p, Object.fromEntries(asked(p).map((n) => [n, forms[p].values[n] ?? null]))])) as Record<Part, Values>;
      const answer = await api.post<RecordAnswer>(`/lead/${lead.id}/process`, bodyOf(choices, rows), { 'Idempotency-Key': key.current });
      PARTS.forEach((p) => { forms[p].reset(); wrote(p); });
      wrote('lead', lead.id, answer);
      setDone(answer);
    } catch (err) {
      show(err);
      if (err instanceof Problem && err.code === 'not_open') wrote('lead', lead.id);
    } finally {
      setBusy(false);
    }
    return undefined;
  };

  const part = PARTS[step];
  const names = [...PARTS.map((p) => i.label(c.entity(p))), i.t('lead.done')];
  return (
    <Modal
      open
      width={720}
      title={i.t('lead.process')}
      mask={{ closable: false }}
      onCancel={onClose}
      footer={done ? <Button type="primary" onClick={onClose}>{i.t('ui.close')}</Button> : (
        <div className="fb-bar" style={{ marginBottom: 0 }}>
          <Button disabled={step <= lowest} onClick={() => go(step - 1)}>{i.t('lead.back')}</Button>
          <span className="fb-push" />
          {step === LAST && <span className="fb-quiet">{i.t('lead.all_or_nothing')}</span>}
          {step < LAST ? <Button type="primary" onClick={() => go(step + 1)}>{i.t('lead.next')}</Button> : <Button type="primary" loading={isBusy} disabled={!isReady(choices)} onClick={() => void finish()}>{i.t('lead.finish')}</Button>}
        </div>
      )}
    >
      <ol className="fb-steps fb-wizard" aria-label={i.t('lead.steps')}>
        {names.map((name, n) => (
          <li key={name} className={n === step ? 'fb-here' : n < step ? 'fb-past' : undefined} aria-current={n === step ? 'step' : undefined}>
            {n === step || done || n < lowest ? <span>{n + 1} {name}</span> : <button type="button" onClick={() => go(n)}>{n + 1} {name}</button>}
          </li>
        ))}
      </ol>
      <h2 ref={top} tabIndex={-1} style={{ outline: 'none' }}>{done ? i.t('lead.after') : part ? i.label(c.entity(part)) : i.t('lead.before')}</h2>
      {failure !== null && <div style={{ marginBottom: 12 }}><Refused err={failure} /></div>}
      {part && !done && <Step part={part} choices={choices} alike={alike[part]} form={forms[part]} asked={asked(part)} record={record} proposal={first} wrong={wrong[part]} onChoose={(x) => choose(part, x)} />}
      {!part && <Summary choices={choices} forms={forms} done={done} onChange={done ? undefined : go} />}
    </Modal>
  );
}

interface StepProps { part: Part; choices: Choices; alike: Alike[]; form: FormState; asked: string[]; record: RecordAnswer; proposal: Proposal; wrong: ProblemField | undefined; onChoose: (choice: Choice) => void }

function Step({ part, choices, alike, form, asked, record, proposal, wrong, onChoose }: StepProps) {
  const c = useCatalogue();
  const i = useI18n();
  const session = useSession();
  const entity = c.entity(part)!;
  const choice = choices[part];
  const ent = i.inside(entity);
  const isListed = choice.kind === 'record' && alike.some((a) => a.record.id === choice.id);
  const value = choice.kind === 'record' ? (isListed ? choice.id : 'other') : choice.kind;
  const title = newTitle(part, form.values);
  const mayPick = part !== 'opportunity' && !(part === 'contact' && choices.company.kind === 'new');
  const take = (to: string) => {
    const hit = alike.find((a) => a.record.id === to)?.record;
    onChoose(hit ? { kind: 'record', id: hit.id, title: hit.title } : to === 'other' ? { kind: 'record', id: '', title: '' } : { kind: to as 'new' | 'none' });
  };
  if (proposal[part].fixed) return <p>{i.t('lead.fixed', { ent, rec: choice.kind === 'record' ? choice.title : '' })}</p>;
  return (
    <>
      <Radio.Group className="fb-choices" aria-label={i.label(entity)} value={value} onChange={(e) => take(e.target.value as string)}>
        {alike.map((a) => (
          <Radio key={a.record.id} value={a.record.id}>
            {i.t('lead.use', { rec: a.record.title })} <span className="fb-quiet">{i.t('lead.alike', { what: alikeText(c, i, part, a.reason) })}{a.record.second && ` · ${secondWords(c, i, part, a.record.second)}`}</span>
          </Radio>
        ))}
        {mayPick && <Radio value="other">{i.t(alike.length > 0 ? 'lead.other' : 'lead.existing', { ent })}</Radio>}
        {may(session, part, 'create') && <Radio value="new">{title ? i.t('form.create_named', { ent, name: title }) : i.t('ui.new_of', { ent })}</Radio>}
        <Radio value="none">{i.t('lead.none', { ent })}</Radio>
      </Radio.Group>
      {wrong && <div className="fb-error" role="alert">{problemText(c, i, 'lead', `${part}_id`, wrong)}</div>}
      {value === 'other' && <div className="fb-field fb-under"><Picker part={part} choices={choices} onChoose={onChoose} /></div>}
      {value === 'new' && (
        <div className="fb-under">
          <FormBody entity={entity} sections={[{ title_en: '', title_zh: '', fields: asked }]} values={form.values} refs={proposal.references} problems={form.problems} onChange={form.set} prefix="lead" />
          <Kept part={part} record={record} asked={asked} />
        </div>
      )}
    </>
  );
}

/* Any company; of contacts those of the company that was chosen. */
function Picker({ part, choices, onChoose }: { part: Part; choices: Choices; onChoose: (choice: Choice) => void }) {
  const c = useCatalogue();
  const i = useI18n();
  const label = i.label(c.entity(part));
  const choice = choices[part];
  const id = choice.kind === 'record' && choice.id ? choice.id : null;
  const company = part === 'contact' && choices.company.kind === 'record' ? choices.company.id : '';
  const ask = { filter: [['company_id', '=', company] as ['company_id', '=', string]], limit: CONTACTS_SHOWN };
  const people = useQuery({ queryKey: ['rows', 'contact', ask], queryFn: () => getList('contact', ask), enabled: company !== '' });
  const take = (to: string | null, title: string) => onChoose({ kind: 'record', id: to ?? '', title });
  if (!company) return <Lookup id={`lead-${part}-pick`} target={part} value={id} title={choice.kind === 'record' ? choice.title : ''} label={label} canCreate={false} autoFocus onChange={take} />;
  const options = (people.data?.rows ?? []).map((r) => ({ value: r.id, label: rowTitle(c.entity('contact')!, r) }));
  return <Select id={`lead-${part}-pick`} aria-label={label} style={{ width: '100%' }} autoFocus showSearch={{ optionFilterProp: 'label' }} placeholder={i.t('form.lookup_hint')} notFoundContent={<span className="fb-quiet">{i.t('ui.none')}</span>} value={id ?? undefined} options={options} onChange={(to: string) => take(to, options.find((o) => o.value === to)?.label ?? '')} />;
}

/* What the record takes from the lead without being asked. */
function Kept({ part, record, asked }: { part: Part; record: RecordAnswer; asked: string[] }) {
  const c = useCatalogue();
  const i = useI18n();
  const kept = c.fields('lead', KEPT[part].filter((n) => !asked.includes(n) && (c.field(part, n) !== undefined || c.field(`${part}_line`, n) !== undefined))).map((f) => ({ f, text: valueText(c, i, f, record.row[f.name], record.references, record.row) })).filter((k) => k.text !== '');
  if (kept.length === 0) return null;
  return <p className="fb-quiet">{i.t('lead.kept', { list: kept.map((k) => `${i.label(k.f)}${i.lang === 'zh' ? '“' : ' “'}${i.value(k.text)}”`).join(i.lang === 'zh' ? '、' : ', ') })}</p>;
}

function Summary({ choices, forms, done, onChange }: { choices: Choices; forms: Record<Part, FormState>; done: RecordAnswer | null; onChange: ((step: number) => void) | undefined }) {
  const c = useCatalogue();
  const i = useI18n();
  const made = PARTS.filter((p) => choices[p].kind !== 'none');
  if (made.length === 0) return <p>{i.t('lead.nothing')}</p>;
  return (
    <ul className="fb-rows">
      {made.map((p) => {
        const choice = choices[p];
        const entity = c.entity(p)!;
        const id = done ? String(done.row[`${p}_id`] ?? '') : '';
        const title = done ? titleOf(done.references[p]?.[id]) : choice.kind === 'record' ? choice.title : newTitle(p, forms[p].values);
        const amount = choice.kind === 'new' && !done && forms[p].values.amount ? ` ${money(String(forms[p].values.amount))}` : '';
        return (
          <li key={p}>
            <span className="fb-chip">{i.t(choice.kind === 'new' ? 'lead.is_new' : 'lead.is_linked')}</span>
            <span className="fb-grow" style={{ whiteSpace: 'normal' }}>{i.label(entity)}{i.lang === 'zh' ? '：' : ': '}{done ? <Link to={recordPath(p, id)}>{title}</Link> : <strong>{title}</strong>}{amount}</span>
            {onChange && <Button size="small" aria-label={`${i.t('lead.change')} ${i.label(entity)}`} onClick={() => onChange(PARTS.indexOf(p))}>{i.t('lead.change')}</Button>}
          </li>
        );
      })}
    </ul>
  );
}
