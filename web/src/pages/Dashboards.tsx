// SPDX-License-Identifier: MIT
// The shipped dashboard: every part of a chart opens exactly its rows. A chart whose entity the person can't read is
// absent.
import Funnel from '../charts/Funnel';
import { Bars, type BarsProps } from '../charts/Bars';
import { useCatalogue } from '../api/session';
import type { Filter } from '../api/types';
import { useI18n, type Key } from '../i18n';
import { PageHead } from './Section';

const OPEN: Filter = [['outcome', '=', 'open']];
const WON: Filter = [['outcome', '=', 'won']];
const LOST: Filter = [['outcome', '=', 'lost']];
const DUE: Filter = [['status', 'in', ['planned', 'in_progress']]];

const CHARTS: (Omit<BarsProps, 'title'> & { key: Key })[] = [
  { key: 'chart.won_by_owner', entity: 'opportunity', by: 'owner_id', sum: 'amount', filter: WON, colour: 2 },
  { key: 'chart.open_by_forecast', entity: 'opportunity', by: 'forecast_category', sum: 'amount', filter: OPEN, colour: 0 },
  { key: 'chart.lost_by_reason', entity: 'opportunity', by: 'win_loss_reason', filter: LOST, colour: 1 },
  { key: 'chart.companies_by_grade', entity: 'company', by: 'grade_id', colour: 4 },
  { key: 'chart.companies_by_industry', entity: 'company', by: 'industry', colour: 0 },
  { key: 'chart.leads_by_status', entity: 'lead', by: 'status', colour: 5 },
  { key: 'chart.activities_by_kind', entity: 'activity', by: 'kind', filter: DUE, colour: 2 },
];

export default function Dashboards() {
  const i = useI18n();
  const c = useCatalogue();
  return (
    <section>
      <PageHead title={i.t('page.dashboards')} />
      <div className="fb-tiles">
        {c.entity('opportunity') && <Funnel />}
        {CHARTS.filter((x) => c.field(x.entity, x.by)).map(({ key, ...chart }) => <Bars key={key} title={i.t(key)} {...chart} />)}
      </div>
    </section>
  );
}
