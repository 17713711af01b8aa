// SPDX-License-Identifier: MIT
// People, companies and deals in Chinese and English, enough to look at every page.
import type { Row } from '../src/api/types';

let no = 0;
export const makeId = (): string => {
  no++;
  return `0190aaaa-0000-7000-8000-${no.toString(16).padStart(12, '0')}`;
};
const day = 86_400_000;
const iso = (days: number, hour = 9) => {
  const d = new Date(Date.now() + days * day);
  d.setHours(hour, 30, 0, 0);
  return d.toISOString();
};
const date = (days: number) => iso(days).slice(0, 10);

export interface Sample { tables: Map<string, Row[]>; me: Row }

export function fillSample(seed: { entity: string; rows: Record<string, unknown>[] }[]): Sample {
  const tables = new Map<string, Row[]>();
  const add = (entity: string, row: Record<string, unknown>, ago = 3): Row => {
    const made = { id: makeId(), created_at: iso(-ago - 30), modified_at: iso(-ago), ...row } as Row;
    tables.set(entity, [...(tables.get(entity) ?? []), made]);
    return made;
  };
  for (const g of seed) for (const r of g.rows) add(g.entity, { ...r });
  const people = [['李', '明', 'li.ming'], ['王', '芳', 'wang.fang'], ['赵', '敏', 'zhao.min'], ['陈', '刚', 'chen.gang'], ['Smith', 'Anna', 'anna']].map(([family, given, login]) =>
    add('employee', { number: login, family_name: family, given_name: given, login, active: true }));
  const me = people[0]!;
  people.slice(1).forEach((p) => (p.manager_id = people[2]!.id));
  const industries = ['machinery', 'electronics', 'auto', 'chemicals'];
  const names = ['东华精密机械股份有限公司', '恒新机电（无锡）有限公司', '江苏苏南电气设备制造有限公司苏州分公司', '上海浦东仪表厂', 'Northwind Instruments Ltd.', '华东集团', '常州天工自动化', '宁波海曙轴承', 'Alpine Robotics GmbH', '杭州西湖光电', '深圳前海智能装备', '青岛海创液压'];
  const companies = names.map((name, n) => add('company', {
    name, short_name: name.slice(0, 4), kind: n % 3 === 0 ? 'customer' : 'prospect', status: n === 6 ? 'dormant' : 'active', grade_id: ['a', 'b', 'c'][n % 3], industry: industries[n % 4],
    owner_id: people[n % 2]!.id, annual_revenue: String(1_200_000 * (n + 1)), website: n % 2 ? 'https://example.cn' : null, do_not_call: n === 3, do_not_mail: false,
    description: n === 0 ? '主要产品为精密齿轮箱。\n二期产线计划明年三月投产。' : null, parent_id: null, last_activity_at: iso(-80 + n * 9),
  }, n));
  companies[0]!._mark = 'disputed';
  companies[1]!._mark = 'unsent';
  companies[4]!._mark = 'held';
  companies[5]!._mark = 'adjusted';
  const contacts = [['张', '伟'], ['李', '娜'], ['Wood', 'James'], ['周', '琳'], ['欧阳', '晓峰'], ['吴', '强']].map(([family, given], n) => add('contact', {
    family_name: family, given_name: given, company_id: companies[n % 4]!.id, job_title: ['采购经理', '总工程师', 'Plant manager', '财务'][n % 4], mobile: `1381234567${n}`, owner_id: people[n % 2]!.id, status: 'active',
  }));
  if (contacts[4]) contacts[4].reports_to_id = contacts[0]!.id;
  const stages = tables.get('stage') ?? [];
  const pipeline = (tables.get('pipeline') ?? [])[0];
  ['二期产线', '齿轮箱更换', 'Test bench', '年度框架协议', '传感器升级', '售后备件包', '数控改造', '节能电机'].forEach((name, n) => add('opportunity', {
    name, number: `OPP-0000${n + 1}`, company_id: companies[n % 6]!.id, contact_id: contacts[n % 6]!.id, pipeline_id: pipeline?.id, stage_id: stages[n % Math.max(1, Math.min(4, stages.length))]?.id,
    outcome: n === 6 ? 'won' : n === 7 ? 'lost' : 'open', probability: 10 * (n + 1), amount: `${(n + 1) * 155000}.00`, close_on: date(n * 6 - 2), owner_id: people[n % 2]!.id, forecast_category: 'pipeline',
  }, n));
  [['visit', '拜访东华精密', 0], ['call_out', '给李娜回电话', 0], ['task', '发送报价单', -2], ['meeting', '二期产线技术交流会', 1], ['call_out', '询问恒新机电的验收情况', -4], ['visit', 'Visit Northwind', 3]].forEach(([kind, subject, d], n) => add('activity', {
    kind, subject, status: 'planned', priority: 'normal', important: n === 0, starts_at: (d as number) >= 0 ? iso(d as number, 9 + n) : null, due_on: date(d as number), company_id: companies[n % 5]!.id, owner_id: me.id,
  }));
  add('note', { entity: 'company', record_id: companies[0]!.id, body: '客户希望十二月初看到样机。', by_id: me.id, pinned: true, private: false });
  ['东华展会线索', '官网询价', 'Trade fair'].forEach((company_name, n) => add('lead', { subject: company_name, title: company_name, company_name, name: company_name, status: 'new', owner_id: people[n % 2]!.id }));
  add('found_value', { entity: 'company', record_id: companies[1]!.id, field: 'website', value: 'https://hengxin.example.cn', found_at: iso(-1), state: 'waiting' });
  add('product', { number: 'P-100', code: 'P-100', name: '精密齿轮箱 G2', name_en: 'Gearbox G2', status: 'active', unit: '台' });
  return { tables, me };
}
