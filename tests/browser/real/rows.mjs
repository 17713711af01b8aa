// SPDX-License-Identifier: MIT
// A row of every entity that a person may write at headquarters, made from what the catalogue says of its fields.
import { PASSWORD } from './world.mjs';

const TODAY = new Date().toISOString().slice(0, 10);
const SIMPLE = { int: 1, bool: true, dec: '1', qty: '1', money: '1200.00', date: TODAY, dt: `${TODAY}T02:00:00.000Z`, json: {} };

class Maker {
  constructor(ask, me, catalogue) {
    Object.assign(this, { ask, me, choices: catalogue.choices, entities: new Map(catalogue.entities.map((e) => [e.name, e])), making: new Set() });
  }

  /* The first row there is, or a new one; undefined where this person can't have one. */
  async one(name) {
    if (name === 'employee') return this.me;
    const first = await this.ask('GET', `/${name}?limit=1`);
    if (first.body?.rows?.length > 0) return first.body.rows[0].id;
    if (this.making.has(name)) return undefined;
    this.making.add(name);
    const made = await this.ask('POST', `/${name}`, { row: await this.row(this.entities.get(name)) });
    this.making.delete(name);
    return made.body?.row?.id;
  }

  async row(entity) {
    const row = {};
    for (const f of entity.fields) {
      if (f.server_only || ['calc', 'seq', 'blob', 'uuid'].includes(f.type) || !(f.required || ['text', 'ref', 'dt', 'date'].includes(f.type))) continue;
      if (f.type === 'ref') row[f.name] = this.entities.has(f.target) ? await this.one(f.target) : undefined;
      else if (f.type === 'poly') {
        const target = (f.targets ?? []).find((t) => this.entities.has(t)) ?? 'company';
        Object.assign(row, { [f.name_field]: target, [f.name]: await this.one(target) });
      } else row[f.name] ??= this.value(f);
    }
    return row;
  }

  value(f) {
    if (f.default !== undefined && f.default !== null) return f.default;
    if (['enum', 'fsm', 'pick'].includes(f.type)) return (f.choices ?? this.choices[f.list] ?? [])[0]?.value;
    if (f.type === 'set') return [];
    if (f.name === 'entity') return 'company';
    return SIMPLE[f.type] ?? (f.required ? f.zh : undefined);
  }
}

/* Fills headquarters, as this admin; answers the names of which there is a row now. */
export async function oneOfEach(hq, login, names) {
  const session = await hq.ask('POST', '/session', { login, password: PASSWORD });
  const headers = { Cookie: session.cookie, 'X-Fieldbook': session.body.csrf };
  const ask = (method, path, body) => hq.ask(method, path, body, headers);
  const maker = new Maker(ask, session.body.user.id, (await ask('GET', '/catalogue')).body);
  const there = [];
  for (const name of names.filter((n) => maker.entities.has(n))) if (await maker.one(name)) there.push(name);
  return there;
}
