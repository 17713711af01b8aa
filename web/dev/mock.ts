// SPDX-License-Identifier: MIT
// docs/api.md from memory: enough of it, with its failures, to build and test pages without a node. State lives as long
// as the process; MOCK_STATE names the indicator's state to look at.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clause, Filter, Row, Value } from '../src/api/types';
import type { Entity, Field } from '../src/catalogue/model';
import { readCatalogue } from './catalogue';
import { desks } from './desks';
import { fillSample, makeId } from './sample';

const PAGE_MAX = 200;
class Fail extends Error {
  constructor(readonly status: number, readonly code: string, readonly more: Record<string, unknown> = {}) {
    super(code);
  }
}

export function makeMock(node: 'server' | 'replica') {
  const catalogue = readCatalogue();
  const entities = new Map(catalogue.entities.map((e) => [e.name, e]));
  const { tables, me } = fillSample(catalogue.seed);
  const bin: (Row & { entity: string })[] = [];
  const history = new Map<string, unknown[]>();
  const streams = new Set<ServerResponse>();
  const madeByKey = new Map<string, string>();
  let isIn = node === 'replica';
  let hasSecondStep = false;
  const rows = (e: string) => tables.get(e) ?? [];
  const need = (name: string): Entity => {
    const e = entities.get(name);
    if (!e) throw new Fail(404, 'not_found');
    return e;
  };
  const titleOf = (e: Entity, r: Row) => e.title.map((t) => r[t]).filter(Boolean).join(e.name === 'contact' || e.name === 'employee' ? '' : ' ') || r.id;
  const dress = (e: Entity, r: Row): Row => ({ ...Object.fromEntries(e.fields.map((f) => [f.name, r[f.name] ?? null])), ...r, _title: titleOf(e, r) });
  const refsOf = (e: Entity, list: Row[]) => {
    const out: Record<string, Record<string, unknown>> = {};
    const note = (target: string, id: unknown) => {
      const t = entities.get(target);
      const hit = rows(target).find((x) => x.id === id);
      if (t && hit) (out[target] ??= {})[hit.id] = titleOf(t, hit);
    };
    for (const r of list) for (const f of e.fields) {
      if (f.type === 'ref' && f.target) note(f.target, r[f.name]);
      if (f.type === 'poly' && f.name_field) note(String(r[f.name_field]), r[f.name]);
    }
    return out;
  };
  const compare = (a: unknown, b: unknown) => (typeof a === 'number' || /^-?\d+(\.\d+)?$/.test(String(a)) ? Number(a) - Number(b) : String(a ?? '').localeCompare(String(b ?? ''), 'zh'));
  const holds = (r: Row, c: Clause): boolean => {
    if (!Array.isArray(c)) return c.any.some((x) => holds(r, x));
    const [name, op, value] = c;
    const v = (r[name] ?? null) as Value;
    const isEmpty = v === null || v === '';
    switch (op) {
      case '=': return v === value;
      case '!=': return v !== value;
      case 'in': return (value as Value[]).includes(v as never);
      case 'not_in': return !(value as Value[]).includes(v as never);
      case '<': return !isEmpty && compare(v, value) < 0;
      case '<=': return !isEmpty && compare(v, value) <= 0;
      case '>': return !isEmpty && compare(v, value) > 0;
      case '>=': return !isEmpty && compare(v, value) >= 0;
      case '~': return String(v ?? '').includes(String(value));
      case '^': return String(v ?? '').startsWith(String(value));
      case 'empty': return isEmpty;
      case 'filled': return !isEmpty;
      case 'me': return v === me.id;
      default: return true;
    }
  };
  const select = (e: Entity, q: URLSearchParams) => {
    const filter = JSON.parse(q.get('filter') ?? '[]') as Filter;
    const text = q.get('q') ?? '';
    let list = rows(e.name).filter((r) => filter.every((c) => holds(r, c)) && (!text || titleOf(e, r).includes(text)));
    const keys = (q.get('sort') ?? '').split(',').filter(Boolean);
    list = [...list].sort((a, b) => {
      for (const k of keys) {
        const d = k.startsWith('-') ? compare(b[k.slice(1)], a[k.slice(1)]) : compare(a[k], b[k]);
        if (d !== 0) return d;
      }
      return 0;
    });
    return list;
  };
  const partsOf = (e: Entity, id: string) => Object.fromEntries(catalogue.entities.filter((p) => p.part_of?.entity === e.name).map((p) => [p.name, rows(p.name).filter((r) => r[p.part_of!.field] === id).map((r) => dress(p, r))]));
  const record = (e: Entity, id: string) => {
    const r = rows(e.name).find((x) => x.id === id);
    if (!r) throw new Fail(404, 'not_found');
    const marks = r._mark ? { [e.title[0]!]: { mark: r._mark, mine: '东华精密股份', who: '赵敏', at: r.modified_at, id: 'c1' } } : {};
    return { row: dress(e, r), references: refsOf(e, [r]), marks, may: { edit: true, delete: true, assign: true }, rev: String(r._rev ?? 1), parts: partsOf(e, id) };
  };
  const tell = (entity: string, ids: string[], by: string) => streams.forEach((s) => s.write(`event: record\ndata: ${JSON.stringify({ entity, ids, by })}\n\n`));
  const check = (row: Record<string, unknown>, names: Field[]) => {
    const fields: Record<string, unknown> = {};
    for (const f of names) if (f.required && f.type !== 'seq' && (row[f.name] ?? null) === null && f.default === undefined) fields[f.name] = { code: 'required', detail: '' };
    if (Object.keys(fields).length > 0) throw new Fail(422, 'check', { fields });
  };
  const write = (e: Entity, r: Row, set: Record<string, unknown>) => {
    const fields = Object.entries(set).map(([field, value]) => ({ field, old: r[field] ?? null, new: value }));
    Object.assign(r, set, { modified_at: new Date().toISOString(), _rev: String(Number(r._rev ?? 1) + 1) });
    if (node === 'replica') r._mark = 'unsent';
    history.set(r.id, [{ made_at: r.modified_at, arrived_at: node === 'server' ? r.modified_at : null, who: '李明', device: 'lm-x1', source: 'form', fields }, ...(history.get(r.id) ?? [])]);
    tell(e.name, [r.id], 'this');
  };

  const ONE_CODE = '123456'; // the only one that is right here
  const setSecondStep = (code: string, isOn: boolean): undefined => {
    if (code !== ONE_CODE) throw new Fail(422, 'check', { fields: { code: { code: 'totp_wrong' } } });
    hasSecondStep = isOn;
  };
  const LINKS = ['company', 'contact', 'opportunity'] as const;
  const proposal = (lead: Row) => {
    const first = (name: string) => rows(name)[0]?.id ?? null;
    const made = {
      company: { name: lead.company_name ?? null, kind: 'prospect', status: 'active', owner_id: me.id },
      contact: { family_name: lead.family_name ?? null, given_name: lead.given_name ?? null, owner_id: me.id },
      opportunity: { name: lead.subject ?? null, pipeline_id: first('pipeline'), stage_id: first('stage'), amount: '0.00', close_on: null, owner_id: me.id },
    };
    const alike = rows('company').slice(0, 1).map((r) => ({ record: { id: r.id, title: titleOf(need('company'), r), second: '苏州' }, score: 80, reason: 'name' }));
    return { ...Object.fromEntries(LINKS.map((n) => [n, { fixed: lead[`${n}_id`] ?? null, row: made[n], alike: n === 'company' ? alike : [] }])), references: refsOf(need('opportunity'), [made.opportunity as unknown as Row]) };
  };
  const process = (lead: Row, body: Record<string, { id?: string; row?: Record<string, unknown> } | null>) => {
    const e = need('lead');
    if (lead.processed_at) throw new Fail(409, 'not_open', { lead_status: lead.status, became: LINKS.filter((n) => lead[`${n}_id`]).map((n) => ({ entity: n, id: lead[`${n}_id`], title: titleOf(need(n), rows(n).find((x) => x.id === lead[`${n}_id`])!) })) });
    const set: Record<string, unknown> = { status: 'qualified', processed_at: new Date().toISOString() };
    for (const n of LINKS) {
      const wanted = body[n];
      if (wanted?.id) set[`${n}_id`] = wanted.id;
      if (!wanted?.row) continue;
      const proposed = (proposal(lead) as unknown as Record<string, { row: Record<string, unknown> }>)[n]!.row;
      const links = Object.fromEntries(LINKS.filter((m) => set[`${m}_id`] && need(n).fields.some((f) => f.name === `${m}_id`)).map((m) => [`${m}_id`, set[`${m}_id`]]));
      const r = { id: makeId(), created_at: set.processed_at, modified_at: set.processed_at, ...proposed, ...wanted.row, ...links, ...(n === 'opportunity' && { lead_id: lead.id }) } as Row;
      tables.set(n, [r, ...rows(n)]);
      set[`${n}_id`] = r.id;
      tell(n, [r.id], 'this');
    }
    write(e, lead, set);
    return record(e, lead.id);
  };

  const routes = (method: string, p: string[], q: URLSearchParams, body: any, headers: IncomingMessage['headers']): unknown => {
    const [a, b, c] = p;
    if (a === 'session') {
      if (method === 'POST') {
        if (b === 'password') return undefined;
        if (b === 'totp' && !c) return { secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', uri: 'otpauth://totp/Fieldbook:li%2Eming?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Fieldbook' };
        if (b === 'totp') return setSecondStep(String(body.code), true);
        if (hasSecondStep && !body.totp) throw new Fail(401, 'totp_needed');
        if (body.password !== 'fieldbook-demo') throw new Fail(401, 'login_wrong');
        isIn = true;
      }
      if (method === 'DELETE' && b === 'totp') return setSecondStep(String(body.code), false);
      if (method === 'DELETE') { isIn = false; return undefined; }
      if (!isIn) throw new Fail(401, 'login_needed');
      return { node, user: { id: me.id, login: 'li.ming', name: '李明', language: 'zh' }, roles: ['rep'], is_admin: node === 'server', catalogue_version: '1', version: '0.1.0', csrf: 'mock', has_second_factor: hasSecondStep };
    }
    if (!isIn) throw new Fail(401, 'login_expired');
    if (a === 'catalogue') return { version: catalogue.version, modules: catalogue.modules, entities: catalogue.entities, choices: catalogue.choices };
    if (a === 'search' || a === 'lookup') {
      const text = q.get('q') ?? '';
      const from = a === 'lookup' ? [need(b!)] : catalogue.entities.filter((e) => e.module);
      return from.flatMap((e) => rows(e.name).filter((r) => titleOf(e, r).includes(text)).slice(0, a === 'lookup' ? 8 : 5).map((r) => ({ entity: e.name, id: r.id, title: titleOf(e, r), second: e.name === 'company' ? '苏州 / 李明' : '', is_reference: false })));
    }
    if (a === 'group') {
      const e = need(b!);
      const f = e.fields.find((x) => x.name === q.get('by'));
      const sum = q.get('sum');
      const groups = new Map<unknown, { value: unknown; title: string; count: number; sum: number | null }>();
      for (const r of select(e, q)) {
        const v = r[f!.name] ?? null;
        const hit = f!.target ? rows(f!.target).find((x) => x.id === v) : undefined;
        const g = groups.get(v) ?? { value: v, title: hit ? titleOf(need(f!.target!), hit) : '', count: 0, sum: sum ? 0 : null };
        g.count++;
        if (sum) g.sum! += Number(r[sum] ?? 0);
        groups.set(v, g);
      }
      return [...groups.values()];
    }
    if (a === 'bulk') {
      const e = need(String(body.entity));
      for (const id of body.ids as string[]) {
        const r = rows(e.name).find((x) => x.id === id);
        if (r && body.set) write(e, r, body.set);
        if (r && body.delete) drop(e, r);
      }
      return { done: (body.ids as string[]).length, failed: [] };
    }
    if (a === 'bin') return { rows: bin.filter((r) => !q.get('entity') || r.entity === q.get('entity')).map((r) => ({ entity: r.entity, id: r.id, title: titleOf(need(r.entity), r), deleted_at: r.deleted_at, by: '李明', with: 0 })), next: null };
    const desk = desks(node, method, p, q, body, rows('company')[0]);
    if (desk !== undefined) return desk;
    const e = need(a!);
    if (!b) {
      if (method === 'GET') {
        const list = select(e, q);
        const at = Number(q.get('cursor') ?? 0);
        const limit = Math.min(PAGE_MAX, Number(q.get('limit') ?? 50));
        const page = list.slice(at, at + limit);
        return { rows: page.map((r) => dress(e, r)), references: refsOf(e, page), next: at + limit < list.length ? String(at + limit) : null, total: list.length };
      }
      const key = String(headers['idempotency-key'] ?? '');
      if (key && madeByKey.has(key)) return record(e, madeByKey.get(key)!);
      const given = (body as { row: Record<string, unknown> }).row ?? {};
      check(given, e.fields);
      const now = new Date().toISOString();
      const r = { id: makeId(), created_at: now, modified_at: now, ...Object.fromEntries(e.fields.filter((f) => f.default !== undefined).map((f) => [f.name, f.default])), ...given, _mark: node === 'replica' ? 'unsent' : null } as Row;
      tables.set(e.name, [r, ...rows(e.name)]);
      if (key) madeByKey.set(key, r.id);
      tell(e.name, [r.id], 'this');
      return { status: 201, ...record(e, r.id) };
    }
    if (method === 'POST' && c === 'restore') {
      const at = bin.findIndex((x) => x.id === b);
      if (at < 0) throw new Fail(404, 'not_found');
      const [back] = bin.splice(at, 1);
      tables.set(e.name, [back!, ...rows(e.name)]);
      return record(e, b);
    }
    const found = record(e, b);
    const r = rows(e.name).find((x) => x.id === b)!;
    if (c === 'related') {
      return catalogue.entities.flatMap((x) => x.fields.filter((f) => f.target === e.name || (f.type === 'poly' && (f.targets?.includes(e.name) || f.targets?.includes('*')))).map((f) => ({ entity: x.name, field: f.name, count: rows(x.name).filter((y) => y[f.name] === b).length }))).filter((x) => x.count > 0);
    }
    if (c === 'timeline') {
      const list = ['activity', 'opportunity', 'note'].flatMap((n) => rows(n).filter((y) => Object.values(y).includes(b)).map((y) => ({ kind: n === 'activity' ? y.kind : n, entity: n, id: y.id, at: y.starts_at ?? y.modified_at, title: n === 'note' ? String(y.body) : titleOf(need(n), y), who: '李明', is_unsent: y._mark === 'unsent' })));
      return { rows: list.sort((x, y) => String(y.at).localeCompare(String(x.at))), next: null };
    }
    if (c === 'history') return { rows: history.get(b) ?? [], next: null };
    if (c === 'merge') return found;
    if (c === 'process' && e.name === 'lead') return method === 'POST' ? process(r, body) : proposal(r);
    if (method === 'DELETE') return drop(e, r);
    if (method === 'PATCH') {
      const { base, mine } = body as unknown as { base: Record<string, Value>; mine: Record<string, Value> };
      check(mine, e.fields.filter((f) => f.name in mine));
      const clash = Object.keys(mine).filter((n) => JSON.stringify(r[n] ?? null) !== JSON.stringify(base[n] ?? null) && JSON.stringify(r[n] ?? null) !== JSON.stringify(mine[n]));
      write(e, r, Object.fromEntries(Object.entries(mine).filter(([n]) => !clash.includes(n))));
      if (clash.length > 0) throw new Fail(409, 'both_changed', { fields: Object.fromEntries(clash.map((n) => [n, { base: base[n], theirs: r[n] ?? null, mine: mine[n], who: '赵敏', at: r.modified_at }])), ...record(e, b) });
      return record(e, b);
    }
    return found;
  };
  const drop = (e: Entity, r: Row): undefined => {
    tables.set(e.name, rows(e.name).filter((x) => x !== r));
    bin.unshift({ ...r, entity: e.name, deleted_at: new Date().toISOString() });
    return undefined;
  };

  return (req: IncomingMessage, res: ServerResponse, next: () => void) => {
    const at = new URL(req.url ?? '/', 'http://mock');
    if (!at.pathname.startsWith('/api/v1/')) return next();
    if (at.pathname === '/api/v1/events') {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.write(': hello\n\n');
      streams.add(res);
      req.on('close', () => streams.delete(res));
      return undefined;
    }
    let text = '';
    req.on('data', (chunk: Buffer) => (text += chunk.toString()));
    req.on('end', () => {
      const answer = (status: number, body: unknown, type = 'application/json') => {
        res.writeHead(body === undefined ? 204 : status, { 'Content-Type': type });
        res.end(body === undefined ? undefined : JSON.stringify(body));
      };
      try {
        if (req.method !== 'GET' && at.pathname !== '/api/v1/session' && req.headers['x-fieldbook'] !== 'mock') throw new Fail(403, 'csrf');
        answer(200, routes(req.method ?? 'GET', at.pathname.slice(8).split('/'), at.searchParams, (text ? JSON.parse(text) : {}) as unknown, req.headers));
      } catch (err) {
        if (!(err instanceof Fail)) throw err;
        answer(err.status, { type: 'about:blank', status: err.status, code: err.code, title: err.code, ...err.more }, 'application/problem+json');
      }
    });
    return undefined;
  };
}
