// SPDX-License-Identifier: MIT
// The mock's synchronisation and administration: fixed answers that show every part of those pages.
import type { Row } from '../src/api/types';

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

export function desks(node: string, method: string, p: string[], q: URLSearchParams, body: Record<string, unknown>, company: Row | undefined): unknown {
  const id = company?.id ?? '';
  const [a, b] = p;
  if (a === 'sync' && !b) {
    const state = process.env.MOCK_STATE ?? (node === 'server' ? 'headquarters' : 'waiting');
    return { state, waiting: 3, last_at: ago(12), next_at: ago(-4), held: 1, conflicts: 1, found: node === 'replica' ? 1 : 0, progress: { a: 3, b: 14 }, first: { rows: 112_000, of: 194_000, bytes: 31_000_000 }, lease: { until: ago(-7 * 1440), days: 7 } };
  }
  if (a === 'users' && (method === 'PATCH' || method === 'DELETE')) return {};
  if (method === 'POST' && ['sync', 'held', 'devices', 'duplicates', 'territories', 'policies', 'users', 'backups', 'conflicts'].includes(a ?? '')) {
    if (p.join('/') === 'devices/invite') return { code: 'K7Q4-9MXD-2TPA', address: 'crm.example.cn:7443', valid_until: ago(-30) };
    if (p.join('/') === 'conflicts/rule') return { done: (body.ids as string[]).length, failed: [] };
    if (p.join('/') === 'territories/rehearse') return { companies: 412, deals: 38, gaps: 2, overlaps: 5, laptops: [{ device: 'lm-x1', person: '李明', leaves: 412, arrives: 0, unsent: 3 }] };
    return {};
  }
  switch (p.join('/')) {
    case 'sync/waiting': return { rows: [{ entity: 'company', id, title: '恒新机电（无锡）有限公司', at: ago(30), fields: ['website', 'description'] }] };
    case 'sync/rounds': return { rows: [{ at: ago(12), sent: 14, received: 52, removed: 0 }, { at: ago(340), sent: 6, received: 0, removed: 0, error: '网络中断' }, { at: ago(580), sent: 2, received: 230, removed: 11 }] };
    case 'sync/changes': return { rows: [{ entity: 'company', id, title: '东华精密', kind: 'changed' }, { entity: 'opportunity', id, title: '二期产线', kind: 'new' }] };
    case 'conflicts': return q.get('state') === 'waiting' ? { rows: [{ id: 'c1', entity: 'company', row_id: id, title: '东华精密机械股份有限公司', fields: ['name'], base: { name: '东华精密' }, theirs: { name: '东华精机' }, mine: { name: '东华精密机械股份有限公司' }, theirs_who: '赵敏', theirs_at: ago(1500), mine_who: '李明', mine_at: ago(2600), arrived_at: ago(600), device: 'lm-x1', policy: 'manual' }, { id: 'c2', entity: 'company', row_id: id, title: '恒新机电（无锡）有限公司', fields: ['tax_id'], base: { tax_id: null }, theirs: { tax_id: '91350100M000100Y43' }, mine: { tax_id: '91320500MA1X2Y3Z4K' }, theirs_who: '赵敏', theirs_at: ago(900), mine_who: '王芳', mine_at: ago(4000), arrived_at: ago(500), device: 'wf-t14', policy: 'manual' }] } : { rows: [] };
    case 'held': return { rows: [{ id: 'h1', entity: 'opportunity', row_id: id, title: '二期产线', who: '李明', held_at: ago(700), code: 'limit', reason: '优惠比例为 18%，超过你的上限 12%，等待赵敏审批。', settlers: ['赵敏', '李明'], field: 'amount', fields: [{ field: 'amount', old: '480000.00', new: '620000.00' }, { field: 'next_step', old: null, new: '安排样机演示' }] }] };
    case 'receipts': return { rows: [{ id: 'r1', state: 'adjusted', entity: 'company', row_id: id, title: '东华精密机械股份有限公司', at: ago(600), conflicts: [{ id: 'c3', entity: 'company', row_id: id, title: '东华精密机械股份有限公司', fields: ['grade_id'], base: { grade_id: null }, theirs: { grade_id: 'a' }, mine: { grade_id: 'b' }, theirs_who: '赵敏', theirs_at: ago(1400), code: 'later_theirs' }] }, { id: 'r2', state: 'taken', entity: 'company', row_id: id, title: '常州天工自动化', at: ago(600) }] };
    case 'duplicates': return { rows: [{ id: 'd1', entity: 'company', left: { id, title: '东华精密机械股份有限公司' }, right: { id, title: '东华精密' }, score: 92, reasons: ['phone', 'name'] }] };
    case 'devices': return { rows: [{ id: 'v1', name: 'lm-x1', person: '李明', state: 'active', last_seen: ago(2), behind: 0, version: '0.1.0' }, { id: 'v2', name: 'wf-t14', person: '王芳', state: 'suspended', last_seen: ago(9 * 1440), behind: 1204, version: '0.1.0' }, { id: 'v3', name: 'cg-x13', person: '陈刚', state: 'pending', last_seen: null, behind: null, check: '5208-114' }] };
    case 'users': return { rows: [{ id: 'u1', login: 'li.ming', name: '李明', is_active: true, roles: ['rep'], last_login: ago(40), has_second_factor: true }, { id: 'u2', login: 'zheng', name: '郑工', is_active: true, is_admin: true, roles: ['admin', 'manager'] }] };
    case 'policies': return { rows: [{ entity: 'company', field: 'name', now: 'manual' }, { entity: 'company', field: 'grade_id', now: 'server' }, { entity: 'company', field: 'description', now: 'text' }] };
    case 'audit': return { rows: [{ made_at: ago(2600), arrived_at: ago(600), who: '李明', device: 'lm-x1', source: 'form', entity: 'company', id, title: '东华精密', fields: [{ field: 'name', old: '东华精密', new: '东华精密机械股份有限公司' }] }], next: null };
    case 'backups': return { rows: [{ id: 'b1', at: ago(600), bytes: 53_000_000, verified: true }] };
    case 'health': return { checks: [{ name: 'disk', ok: true, detail: '41%' }, { name: 'backup', ok: true, detail: '02:00' }], version: '0.1.0' };
    default: return undefined;
  }
}
