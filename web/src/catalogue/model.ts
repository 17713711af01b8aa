// SPDX-License-Identifier: MIT
//
// The catalogue as pages use it: entities with their fields, labels in both languages, layouts and modules, as
// GET /catalogue sends them. Nothing here is written for one entity; filled-in layouts come from the node.
import type { Labelled } from '../i18n';

export type FieldType =
  | 'text' | 'long' | 'int' | 'bool' | 'dec' | 'qty' | 'money' | 'date' | 'dt' | 'enum' | 'fsm' | 'pick' | 'set' | 'ref'
  | 'poly' | 'seq' | 'calc' | 'json' | 'blob' | 'uuid';

export interface Choice extends Labelled { value: string; is_retired?: boolean }

export interface Field extends Labelled {
  no?: number;
  name: string;
  type: FieldType;
  required?: boolean;
  unique?: boolean;
  indexed?: boolean;
  tracked?: boolean;
  visible?: string;
  merge?: string;
  group?: string;
  server_only?: boolean;
  default?: string | number | boolean | null;
  bytes?: number;
  min?: number;
  max?: number;
  precision?: number;
  scale?: number;
  choices?: Choice[];
  steps?: Record<string, string[]>;
  list?: string;
  target?: string;
  targets?: string[];
  name_field?: string;
  is_stamp?: boolean;
}

export interface Section { title_en: string; title_zh: string; fields: string[] }
export interface Layout {
  list: { columns: string[]; sort?: string };
  form: Section[];
  quick: string[];
  header: string[];
  second: string[];
  kanban?: string;
  calendar?: { start: string; end?: string; title?: string };
}

export interface Entity extends Labelled {
  no: number;
  name: string;
  module?: string;
  icon?: string;
  measure?: string;
  plural?: string;
  part_of?: { entity: string; field: string };
  title: string[];
  closed?: { field: string; values: string[] };
  append_only?: boolean;
  scope?: { rule: string; fields?: string[] };
  layout: Layout;
  fields: Field[];
}

export interface Module extends Labelled { key: string; icon?: string; entities: string[] }
export interface CatalogueAnswer { version: string; modules: Module[]; entities: Entity[]; choices: Record<string, Choice[]> }

// Fields that name a kind of record: shown in its words.
export const ENTITY_NAMES = /^(entity|.*_entity)$/;
const NAME_PAIRS: [string, string][] = [['name_zh', 'name_en'], ['label_zh', 'label_en']];
const STAMPS: Field[] = [
  { name: 'created_at', type: 'dt', en: 'Created', zh: '创建时间', is_stamp: true },
  { name: 'created_by', type: 'ref', target: 'employee', en: 'Created by', zh: '创建人', is_stamp: true },
  { name: 'modified_at', type: 'dt', en: 'Changed', zh: '修改时间', is_stamp: true },
  { name: 'modified_by', type: 'ref', target: 'employee', en: 'Changed by', zh: '修改人', is_stamp: true },
];

export class Catalogue {
  readonly version: string;
  readonly modules: Module[];
  readonly entities: Entity[];
  private readonly byName: Map<string, Entity>;
  private readonly fieldsOf = new Map<string, Map<string, Field>>();
  private readonly partsOf = new Map<string, Entity[]>();
  private titles: ReadonlyMap<string, Labelled> = new Map();

  constructor(answer: CatalogueAnswer) {
    this.version = answer.version;
    // Choices of an admin's list are the field's own from here on.
    const own = (f: Field): Field => (f.list && !f.choices ? { ...f, choices: answer.choices?.[f.list] ?? [] } : f);
    this.entities = answer.entities.map((e) => ({ ...e, title: e.title ?? [], fields: e.fields.map(own) }));
    this.byName = new Map(this.entities.map((e) => [e.name, e]));
    for (const e of this.entities) {
      this.fieldsOf.set(e.name, new Map([...STAMPS, ...e.fields].map((f) => [f.name, f])));
      if (!e.part_of) continue;
      this.partsOf.set(e.part_of.entity, [...(this.partsOf.get(e.part_of.entity) ?? []), e]);
    }
    // A module whose entities the person can't read is absent, not grey.
    this.modules = answer.modules
      .map((m) => ({ ...m, entities: m.entities.filter((n) => this.byName.has(n)) }))
      .filter((m) => m.entities.length > 0);
  }

  entity(name: string): Entity | undefined {
    return this.byName.get(name);
  }

  field(entity: string, name: string): Field | undefined {
    return this.fieldsOf.get(entity)?.get(name);
  }

  fields(entity: string, names: string[]): Field[] {
    return names.map((n) => this.field(entity, n)).filter((f): f is Field => f !== undefined);
  }

  /* The kinds of record that a field may name; undefined where it names none, or (rights) also whole modules. */
  kinds(field: Field): Entity[] | undefined {
    if (field.type !== 'text' || !ENTITY_NAMES.test(field.name)) return undefined;
    const owner = this.entities.find((e) => e.fields.includes(field));
    if (!owner || owner.name === 'role_permission') return undefined;
    const targets = owner.fields.find((f) => f.type === 'poly' && f.name_field === field.name)?.targets;
    if (targets && targets.length > 0) return targets.map((n) => this.entity(n)).filter((e): e is Entity => e !== undefined);
    const listed = new Set(this.modules.flatMap((m) => m.entities));
    return this.entities.filter((e) => listed.has(e.name));
  }

  parts(entity: string): Entity[] {
    return this.partsOf.get(entity) ?? [];
  }

  choices(field: Field): Choice[] {
    return field.choices ?? [];
  }

  choice(field: Field, value: unknown): Choice | undefined {
    return this.choices(field).find((c) => c.value === value);
  }

  /* Small lists have a name in each language (stages, currencies, choices); a node's titles are in one, or a code. */
  bilingual(): Entity[] {
    return this.entities.filter((e) => namePair(e) && (e.part_of !== undefined || e.scope?.rule === 'global'));
  }

  withTitles(titles: ReadonlyMap<string, Labelled>): Catalogue {
    const out = Object.assign(Object.create(Catalogue.prototype) as Catalogue, this);
    out.titles = titles;
    return out;
  }

  /* A title as a node wrote it, in the reader's language, where it has one in each. */
  titleIn(title: string, lang: 'zh' | 'en'): string {
    for (const of of this.titles.values()) if (of.zh === title || of.en === title) return of[lang];
    return title;
  }

  title(id: unknown, lang: 'zh' | 'en'): string | undefined {
    return this.titles.get(String(id))?.[lang];
  }

  /* The label for many: 公司, Companies. */
  plural(e: Entity): Labelled {
    return { zh: e.zh, en: e.plural ?? e.en };
  }

  /* The field that says whose row it is. */
  ownerField(e: Entity): Field | undefined {
    return ['owner_id', 'employee_id', 'by_id'].map((n) => this.field(e.name, n)).find((f) => f?.target === 'employee');
  }
}

/* The fields with a record's name in Chinese and in English, where it has both and is not called by something else. */
export const namePair = (e: Entity): [string, string] | undefined =>
  NAME_PAIRS.find((pair) => pair.every((n) => e.fields.some((f) => f.name === n)) && (e.title[0] === pair[0] || e.title[0] === 'name'));

const TWO_NAMES = /^([\u3400-\u9fff]+) ([A-Z][a-z]+[A-Za-z ]*)$/;
/* Of a name that somebody wrote in both languages (标准价格表 Standard price list) the half in the reader's, where all have the record. */
export const halfOf = (e: Entity | undefined, name: string, lang: 'zh' | 'en'): string =>
  (e?.scope?.rule === 'global' ? TWO_NAMES.exec(name)?.[lang === 'zh' ? 1 : 2] : undefined) ?? name;

/* The record whose lines a reference chooses from, where the row names it by the same field: a stage by its pipeline. */
export const partParent = (part: Entity, row: Record<string, unknown> | undefined): string | null => {
  const id = part.part_of ? row?.[part.part_of.field] : undefined;
  return typeof id === 'string' && id !== '' ? id : null;
};

const READ_ONLY_TYPES: FieldType[] = ['calc', 'seq', 'blob'];
export const isReadOnly = (f: Field): boolean => f.is_stamp === true || READ_ONLY_TYPES.includes(f.type);
export const isNumber = (f: Field): boolean => ['int', 'dec', 'qty', 'money'].includes(f.type);
export const isDated = (f: Field): boolean => f.type === 'date' || f.type === 'dt';
export const isChoice = (f: Field): boolean => ['enum', 'fsm', 'pick'].includes(f.type);
export const isWide = (f: Field): boolean => f.type === 'long' || f.type === 'json';
