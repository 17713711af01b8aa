// SPDX-License-Identifier: MIT
//
// Pages: one file per page of pages.md, section 2. Here is what they share: a card that loads, says when it is empty,
// and says in its place when it failed, so that the rest of the page stays.
import type { UseQueryResult } from '@tanstack/react-query';
import { Button, Skeleton } from 'antd';
import type { ReactNode } from 'react';
import { Problem } from '../api/client';
import { useI18n } from '../i18n';
import { problemSentence } from '../lib/problem';

export interface LoadedProps<T> { query: UseQueryResult<T[]>; empty: string; children: (rows: T[]) => ReactNode }

export function Loaded<T>({ query, empty, children }: LoadedProps<T>) {
  const i = useI18n();
  if (query.isPending) return <Skeleton active title={false} paragraph={{ rows: 3 }} />;
  if (query.isError) {
    // A node that does not know the call has nothing of the kind to show.
    const isAbsent = query.error instanceof Problem && [404, 405, 501].includes(query.error.status);
    if (isAbsent) return <p className="fb-quiet">{i.t('problem.not_offered')}</p>;
    return <p>{i.t('list.failed', { reason: problemSentence(i, query.error) })} <Button size="small" onClick={() => void query.refetch()}>{i.t('ui.again')}</Button></p>;
  }
  if (query.data.length === 0) return <p className="fb-quiet">{empty}</p>;
  return <>{children(query.data)}</>;
}

export function Card({ title, extra, children }: { title?: ReactNode; extra?: ReactNode; children: ReactNode }) {
  return (
    <section className="fb-card">
      {title && <div className="fb-bar" style={{ marginBottom: 6 }}><h2 style={{ margin: 0 }}>{title}</h2>{extra && <><span className="fb-push" />{extra}</>}</div>}
      {children}
    </section>
  );
}

export function PageHead({ title, children }: { title: string; children?: ReactNode }) {
  return <div className="fb-bar"><h1>{title}</h1><span className="fb-push" />{children}</div>;
}
