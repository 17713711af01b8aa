// SPDX-License-Identifier: MIT
// The shapes of docs/api.md.

export type Value = string | number | boolean | null | string[] | Record<string, unknown>;
export type Row = { id: string; _mark?: Mark | null; _title?: string; _rev?: string } & Record<string, unknown>;
export type Mark = 'unsent' | 'disputed' | 'held' | 'adjusted' | 'found';
export type Title = string | { title: string; is_reference?: boolean };
export type References = Record<string, Record<string, Title>>;
export interface FieldMark { mark: Mark; mine?: Value; who?: string; at?: string; id?: string }
export type Marks = Record<string, FieldMark>;

export type FilterOp = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not_in' | '~' | '^' | 'empty' | 'filled' | 'me' | 'within';
export type Clause = [string, FilterOp, Value?] | { any: Clause[] };
export type Filter = Clause[];

export interface ListAnswer { rows: Row[]; references: References; next: string | null; total?: number | null; total_at_least?: number }
/* What the person may do with this very record. */
export interface Acts { edit: boolean; delete: boolean; assign: boolean }
export interface RecordAnswer { row: Row; references: References; marks?: Marks; may?: Acts; rev: string; parts?: Record<string, Row[]> }
export interface BothChanged { base: Value; theirs: Value; mine: Value; who: string; at: string }
export interface Related { entity: string; field: string; count: number }
export interface TimelineRow { kind: string; entity: string; id: string; at: string; title: string; who?: string; detail?: string; is_unsent?: boolean }
export interface HistoryField { field: string; old: Value; new: Value }
export interface HistoryRow { made_at: string; arrived_at?: string | null; who?: string; device?: string | null; source?: string; kind?: string; fields: HistoryField[]; entity?: string; id?: string; title?: string }
export interface Found { id: string; title: string; second?: string; is_reference?: boolean; entity?: string }
export interface GroupRow { value: Value; title?: string; count: number; sum?: string | number | null }
export interface BinRow { entity: string; id: string; title: string; deleted_at: string; by?: string; with?: number }

export interface Right { read?: string; create?: string; edit?: string; delete?: string; export?: string; assign?: string }
export interface Session {
  node: 'server' | 'replica';
  user: { id: string; login: string; name: string; language?: string };
  roles?: string[];
  is_admin: boolean;
  rights?: Record<string, Right>;
  fields?: Record<string, Record<string, 'hidden' | 'read'>>;
  catalogue_version?: string;
  version?: string;
  csrf: string;
  must_change_password?: boolean;
  has_second_factor?: boolean;
}

export type SyncState =
  | 'revoked' | 'locked' | 'cannot_save' | 'refused' | 'needs_you' | 'lease' | 'first_download' | 'running' | 'paused'
  | 'offline_waiting' | 'offline' | 'waiting' | 'in_step' | 'headquarters' | 'lost';
export interface Sync {
  state: SyncState;
  waiting?: number;
  since?: string | null;
  last_at?: string | null;
  next_at?: string | null;
  reason?: string | null;
  progress?: { a: number; b: number } | null;
  first?: { rows: number; of: number; bytes: number } | null;
  lease?: { until: string; days: number } | null;
  held?: number;
  conflicts?: number;
  found?: number;
  paused_until?: string | null;
}
export interface WaitingRow { edits?: number; entity: string; id: string; title: string; at?: string; made_at?: string; fields?: string[]; kind?: string }
export interface Round { at: string; sent: number; received: number; removed: number; error?: string | null; took_ms?: number }
export interface ChangeRow { entity: string; id: string; title: string; kind: string; at?: string; who?: string }

export interface Conflict {
  id: string; entity: string; row_id: string; title: string; fields: string[];
  base: Record<string, Value>; theirs: Record<string, Value>; mine: Record<string, Value>;
  is_private?: boolean; // somebody's own: not shown to whoever rules
  theirs_who?: string; theirs_at?: string; mine_who?: string; mine_at?: string; arrived_at?: string; device?: string;
  policy?: string; outcome?: string; reason?: string;
  references?: References; code?: string | null; sentence?: string; pair?: { entity: string; left: { id: string; title: string }; right: { id: string; title: string } };
  ruling?: { keep?: string; value?: Record<string, Value>; who?: string; at?: string; note?: string } | null;
}
export interface Held {
  id: string; entity: string; row_id: string; title: string; who?: string; device?: string; at?: string; held_at?: string;
  code: string; reason?: string; detail?: string; field?: string | null; settlers?: string[]; state?: string; asked?: string | null;
  fields: { field: string; old: Value; new: Value; is_reason?: boolean; entity?: string; row_id?: string }[];
}
export interface Receipt {
  id: string; state: string; entity: string; row_id: string; title: string; at: string; detail?: string | null;
  /* Of an adjusted edit: the conflicts it left. */
  conflicts?: Conflict[];
}
export interface DuplicatePair { id: string; entity: string; state?: string; left: { id: string; title: string; second?: string }; right: { id: string; title: string; second?: string }; score?: number; reasons?: string[] }
export interface Device {
  id: string; name: string; person?: string; state: string; last_seen?: string | null; behind?: number | null; unsent?: number | null;
  version?: string | null; check?: string | null; last_sync?: string | null;
  wipe_ordered_at?: string | null; wiped_at?: string | null; wiped_unsent?: number | null;
}
export interface User { id: string; login: string; name: string; is_active?: boolean; is_admin?: boolean; roles?: string[]; last_login?: string | null; language?: string | null; has_second_factor?: boolean }
export interface Policy { entity: string; field: string; group?: string | null; now: string; allowed?: string[] }
export interface HealthCheck { name: string; ok: boolean; detail?: string; since?: string; fact?: string; value?: number }
export interface Health { checks?: HealthCheck[]; [more: string]: unknown }
export interface Backup { id?: string; at: string; bytes?: number; verified?: boolean }
export interface Backups { rows: Backup[]; running: { since: string; done: number; total: number } | null; failed: string | null; folder?: string }

export interface ProblemField { code: string; detail?: string; params?: Record<string, string | number> }
export type FieldProblems = Record<string, ProblemField & Partial<BothChanged>>;
