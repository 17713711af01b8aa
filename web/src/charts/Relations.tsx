// SPDX-License-Identifier: MIT
// Who reports to whom, and who is connected with whom: people of a company, their superiors and connections, as a graph;
// the same as a list for those who don't see it. Circles in the data do no harm.
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { getList } from '../api/queries';
import { useCatalogue } from '../api/session';
import type { Row } from '../api/types';
import type { Catalogue, Entity } from '../catalogue/model';
import { useI18n } from '../i18n';
import { navigate, recordPath } from '../lib/router';
import { rowTitle } from '../list/Table';
import { usePalette } from '../theme/mode';
import { titleOf } from '../value/text';
import { Chart, type Part } from './Chart';

interface Node { id: string; entity: string; name: string; kind: number }
interface Edge { source: string; target: string; word: string }
export interface Graph { nodes: Node[]; edges: Edge[] }

/* The reference of an entity to itself that means "above": reports_to, parent. */
export function aboveField(e: Entity): string | undefined {
  return e.fields.find((f) => f.type === 'ref' && f.target === e.name && /report|parent|manager|superior/.test(f.name))?.name;
}

export function graphOf(c: Catalogue, start: { entity: string; id: string; title: string }, people: Row[], links: Row[], label: (name: string) => string): Graph {
  const nodes = new Map<string, Node>([[start.id, { id: start.id, entity: start.entity, name: start.title, kind: 0 }]]);
  const edges: Edge[] = [];
  const contact = c.entity('contact');
  const above = contact ? aboveField(contact) : undefined;
  for (const r of people) if (contact) nodes.set(r.id, { id: r.id, entity: 'contact', name: rowTitle(contact, r), kind: 1 });
  for (const r of people) {
    const boss = above ? (r[above] as string | null) : null;
    if (boss && nodes.has(boss) && boss !== r.id) edges.push({ source: boss, target: r.id, word: label('above') });
    else if (start.id !== r.id) edges.push({ source: start.id, target: r.id, word: '' });
  }
  for (const l of links) {
    const ends = Object.entries(l).filter(([k, v]) => k.endsWith('_id') && typeof v === 'string' && nodes.has(v)).map(([, v]) => String(v));
    if (ends.length >= 2 && ends[0] !== ends[1]) edges.push({ source: ends[0]!, target: ends[1]!, word: String(l.kind ?? '') });
  }
  return { nodes: [...nodes.values()], edges };
}

export default function Relations({ entity, id, title }: { entity: Entity; id: string; title: string }) {
  const c = useCatalogue();
  const i = useI18n();
  const p = usePalette();
  const data = useQuery({
    queryKey: ['rows', 'contact', 'graph', entity.name, id],
    queryFn: async () => {
      if (entity.name === 'employee') {
        const above = aboveField(entity);
        const list = await getList('employee', { limit: 200 });
        const nodes = list.rows.map((r) => ({ id: r.id, entity: 'employee', name: rowTitle(entity, r), kind: r.id === id ? 0 : 1 }));
        const known = new Set(nodes.map((n) => n.id));
        const edges = list.rows.filter((r) => above && known.has(String(r[above])) && r[above] !== r.id).map((r) => ({ source: String(r[above!]), target: r.id, word: '' }));
        return { nodes, edges } satisfies Graph;
      }
      let company = id;
      let companyTitle = title;
      if (entity.name === 'contact') {
        const me = await getList('contact', { filter: [['id', '=', id]] }).catch(() => null);
        const row = me?.rows[0];
        company = String(row?.company_id ?? '');
        companyTitle = titleOf(me?.references.company?.[company]) || title;
      }
      const people = company ? await getList('contact', { filter: [['company_id', '=', company]], limit: 200 }) : null;
      const links = c.entity('connection') ? await getList('connection', { limit: 200 }).catch(() => null) : null;
      return graphOf(c, { entity: company ? 'company' : entity.name, id: company || id, title: companyTitle }, people?.rows ?? [], links?.rows ?? [], (n) => (n === 'above' ? i.t('chart.above') : n));
    },
  });
  const graph = data.data;
  const parts = useMemo<Part[]>(() => (graph?.nodes ?? []).map((n) => ({ name: n.name, value: 1, text: graph!.edges.filter((e) => e.target === n.id).map((e) => graph!.nodes.find((x) => x.id === e.source)?.name).filter(Boolean).join(i.lang === 'zh' ? '、' : ', '), onOpen: () => navigate(recordPath(n.entity, n.id)) })), [graph, i]);
  const option = useMemo(() => ({
    series: [{
      type: 'graph', layout: 'force', roam: true, draggable: true, cursor: 'pointer', symbolSize: 26,
      force: { repulsion: 320, edgeLength: 90, layoutAnimation: false },
      label: { show: true, position: 'bottom', color: p.text }, lineStyle: { color: p.tertiary, curveness: 0.05 }, edgeSymbol: ['none', 'arrow'], edgeSymbolSize: 7,
      edgeLabel: { show: true, fontSize: 11, color: p.secondary, formatter: (x: { data: Edge }) => x.data.word },
      data: (graph?.nodes ?? []).map((n) => ({ id: n.id, name: n.name, entity: n.entity, itemStyle: { color: n.kind === 0 ? p.chart[1] : p.chart[4] } })),
      links: (graph?.edges ?? []).map((e) => ({ ...e })),
    }],
  }), [graph, p]);
  return (
    <Chart title={i.t('rec.chart')} option={option} parts={parts} height={420} onPick={(_, d) => {
      const node = d as { id?: string; entity?: string } | undefined;
      if (node?.id && node.entity) navigate(recordPath(node.entity, node.id));
    }} />
  );
}
