// SPDX-License-Identifier: MIT
// Calls of /api/v1. Every failure is a Problem with a stable code: those of docs/api.md, and "unreachable" when the node
// of this page does not answer. Knows the CSRF word; keeps no data.
import type { FieldProblems } from './types';

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly fields: FieldProblems = {},
    readonly body: Record<string, unknown> = {},
  ) {
    super(detail || code);
  }
}

export type Query = Record<string, string | number | boolean | undefined | null>;

let csrf = '';
export const setCsrf = (word: string) => void (csrf = word);

const watchers = { lost: new Set<(isLost: boolean) => void>(), expired: new Set<() => void>() };
export function onLost(f: (isLost: boolean) => void): () => void {
  watchers.lost.add(f);
  return () => watchers.lost.delete(f);
}
export function onExpired(f: () => void): () => void {
  watchers.expired.add(f);
  return () => watchers.expired.delete(f);
}
export const tellLost = (isLost: boolean) => watchers.lost.forEach((f) => f(isLost));

export function url(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, v]) => v !== undefined && v !== null && v !== '');
  const text = new URLSearchParams(pairs.map(([k, v]) => [k, String(v)])).toString();
  return `/api/v1${path}${text ? `?${text}` : ''}`;
}

async function problemOf(res: Response): Promise<Problem> {
  let body: Record<string, unknown> = {};
  try {
    body = (await res.json()) as Record<string, unknown>;
  } catch {
    // Not ours: a proxy's page. The status is all there is.
  }
  const code = typeof body.code === 'string' ? body.code : res.status === 401 ? 'login_expired' : `http_${res.status}`;
  const detail = String(body.detail ?? body.title ?? '');
  return new Problem(res.status, code, detail, (body.fields ?? {}) as FieldProblems, body);
}

export interface Answer<T> { data: T; etag: string | null }

async function call<T>(method: string, path: string, query?: Query, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
  let res: Response;
  try {
    res = await fetch(url(path, query), {
      method,
      credentials: 'same-origin',
      headers: {
        Accept: 'application/json',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(method !== 'GET' && { 'X-Fieldbook': csrf }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    tellLost(true);
    throw new Problem(0, 'unreachable', '');
  }
  tellLost(false);
  if (!res.ok) {
    const problem = await problemOf(res);
    if (problem.code === 'login_expired') watchers.expired.forEach((f) => f());
    throw problem;
  }
  const data = res.status === 204 || res.status === 202 ? undefined : await res.json();
  return { data: data as T, etag: res.headers.get('ETag') };
}

export const api = {
  get: async <T>(path: string, query?: Query) => (await call<T>('GET', path, query)).data,
  post: async <T>(path: string, body: unknown = {}, headers?: Record<string, string>) => (await call<T>('POST', path, undefined, body, headers)).data,
  patch: async <T>(path: string, body: unknown) => (await call<T>('PATCH', path, undefined, body)).data,
  remove: async (path: string, headers?: Record<string, string>, body?: unknown) => void (await call('DELETE', path, undefined, body, headers)),
};
