// SPDX-License-Identifier: MIT
// The catalogue for the mock: entity files as they are, with the layouts that headquarters would fill in by rule.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CatalogueAnswer, Choice, Entity, Layout, Module } from '../src/catalogue/model';

const root = process.env.FIELDBOOK_ROOT ?? dirname(process.cwd());
const folder = join(root, 'common', 'catalogue', 'entities');
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as unknown;

function usualLayout(e: Entity): Layout {
  const stored = e.fields.filter((f) => f.type !== 'calc');
  const columns = [...new Set([...e.title, ...stored.filter((f) => f.indexed || f.required || ['enum', 'fsm'].includes(f.type)).map((f) => f.name)])].slice(0, 7);
  const quick = [...new Set([...stored.filter((f) => f.required && f.default === undefined).map((f) => f.name), ...e.title])].slice(0, 6);
  const fsm = stored.find((f) => f.type === 'fsm');
  return {
    list: { columns, sort: e.fields.some((f) => f.name === 'position') ? 'position' : '-modified_at' },
    form: [{ title_en: 'General', title_zh: '基本信息', fields: e.fields.map((f) => f.name) }],
    quick, header: stored.filter((f) => ['fsm', 'enum'].includes(f.type) || f.name === 'owner_id').slice(0, 4).map((f) => f.name),
    second: [], ...(fsm && { kanban: fsm.name }),
  };
}

export function readCatalogue(): CatalogueAnswer & { seed: { entity: string; rows: Record<string, unknown>[] }[] } {
  const files = readdirSync(folder).filter((n) => n.endsWith('.json') && n !== 'modules.json');
  const entities = files.map((n) => readJson(join(folder, n)) as Entity).map((e) => ({ ...e, title: e.title ?? [] })).map((e) => ({ ...e, layout: { ...usualLayout(e), ...e.layout } }));
  const modulesPath = join(folder, 'modules.json');
  const modules = existsSync(modulesPath) ? (readJson(modulesPath) as Module[]) : [];
  const seed = (readJson(join(root, 'share', 'seed', 'seed.json')) as { rows: { entity: string; rows: Record<string, unknown>[] }[] }).rows;
  const lists = new Map<string, string>();
  const choices: Record<string, Choice[]> = {};
  for (const g of seed) {
    for (const r of g.rows) {
      if (g.entity === 'choice_list') lists.set(String(r.id), String(r.name));
      if (g.entity !== 'choice') continue;
      const list = lists.get(String(r.choice_list_id ?? r.list_id ?? '')) ?? '';
      (choices[list] ??= []).push({ value: String(r.value ?? r.name), en: String(r.label_en), zh: String(r.label_zh) });
    }
  }
  return { version: '1', modules, entities, choices, seed };
}
