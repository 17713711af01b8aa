// SPDX-License-Identifier: MIT
// Laptops: who has which, how far behind, and a laptop's life - code, check, approval, suspension, revoking, wiping.
import { App, Button, Form, Input, Modal, Space } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useDesk } from '../api/queries';
import type { Device } from '../api/types';
import { useI18n, type Key } from '../i18n';
import { zh } from '../i18n/zh';
import { clock, dateTime, decimal } from '../i18n/format';
import { Lookup } from '../value/Lookup';
import { QrPlate } from '../value/QrPlate';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';

interface Invited { code: string; valid_until?: string; address?: string; fingerprint?: string }

export default function Devices() {
  const i = useI18n();
  const [isInviting, setInviting] = useState(false);
  return (
    <section>
      <PageHead title={i.t('page.devices')}><Button type="primary" onClick={() => setInviting(true)}>{i.t('dev.enrol')}</Button></PageHead>
      <Card><DeviceTable /></Card>
      {isInviting && <Invite onClose={() => setInviting(false)} />}
    </section>
  );
}

export function DeviceTable({ isShort }: { isShort?: boolean }) {
  const i = useI18n();
  const rows = useDesk<Device>('/devices');
  return (
    <Loaded query={rows} empty={i.t('dev.none')}>
      {(list) => (
        <div style={{ overflowX: 'auto' }} tabIndex={0} role="group" aria-label={i.t('page.devices')}>
          <table className="fb-three">
            <thead><tr><th>{i.t('dev.laptop')}</th><th>{i.t('dev.person')}</th><th>{i.t('dev.state')}</th><th>{i.t('dev.seen')}</th><th className="fb-number">{i.t('terr.unsent')}</th><th className="fb-number">{i.t('dev.behind')}</th><th>{i.t('dev.version')}</th>{!isShort && <th> </th>}</tr></thead>
            <tbody>
              {list.map((d) => (
                <tr key={d.id}>
                  <td>{d.name}</td>
                  <td>{d.person || '–'}</td>
                  <td>{stateWord(i, d.state)}{d.check && d.state === 'pending' && <div className="fb-quiet">{i.t('dev.check', { code: d.check })}</div>}{d.wipe_ordered_at && !d.wiped_at && <div className="fb-quiet">{i.t('dev.wipe_ordered', { t: i.when(d.wipe_ordered_at) })}</div>}{d.wiped_at && <div className="fb-quiet">{i.t('dev.wiped_at', { t: i.when(d.wiped_at), n: d.wiped_unsent ?? 0 })}</div>}</td>
                  <td title={d.last_seen ? dateTime(new Date(d.last_seen)) : ''}>{i.when(d.last_seen) || '–'}</td>
                  <td className="fb-number">{d.unsent !== null && d.unsent !== undefined ? decimal(d.unsent) : '–'}</td>
                  <td className="fb-number">{d.behind !== null && d.behind !== undefined ? decimal(d.behind) : '–'}</td>
                  <td>{d.version || '–'}</td>
                  {!isShort && <td><Actions device={d} /></td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Loaded>
  );
}

function stateWord(i: ReturnType<typeof useI18n>, state: string): string {
  const key = `dev.is_${state}`;
  return key in zh ? i.t(key as Key) : state;
}

function Actions({ device: d }: { device: Device }) {
  const i = useI18n();
  const act = useAct();
  const { modal } = App.useApp();
  const [isWiping, setWiping] = useState(false);
  const [typed, setTyped] = useState('');
  const call = (what: string, done?: string) => void act(() => api.post<{ code?: string }>(`/devices/${d.id}/${what}`), done).then((a) => {
    if (what === 'unlock' && a?.code) modal.info({ title: i.t('term.unlock_code'), content: <span className="fb-code">{a.code}</span> });
  });
  const revoke = () =>
    modal.confirm({
      title: i.t('dev.revoke'), content: i.t('confirm.revoke', { device: d.name, who: d.person || '–' }), okText: i.t('dev.revoke'), okButtonProps: { danger: true }, cancelText: i.t('ui.cancel'),
      onOk: () => call('revoke', i.t('device.revoke_done', { device: d.name, t: i.when(d.last_sync ?? d.last_seen) || '–' })),
    });
  const isOff = ['revoked', 'wiped', 'refused'].includes(d.state);
  const isAsking = d.state === 'pending';
  return (
    <Space wrap size={4}>
      {isAsking && <Button size="small" type="primary" onClick={() => call('approve')}>{i.t('dev.approve')}</Button>}
      {isAsking && <Button size="small" onClick={() => call('refuse')}>{i.t('dev.refuse')}</Button>}
      {d.state === 'active' && <Button size="small" onClick={() => call('suspend')}>{i.t('dev.suspend')}</Button>}
      {d.state === 'suspended' && <Button size="small" onClick={() => call('resume')}>{i.t('dev.resume')}</Button>}
      {!isOff && !isAsking && <Button size="small" onClick={() => call('unlock')}>{i.t('term.unlock_code')}</Button>}
      {!isOff && !isAsking && <Button size="small" danger onClick={revoke}>{i.t('dev.revoke')}</Button>}
      {!['wiped', 'refused', 'pending'].includes(d.state) && !d.wipe_ordered_at && <Button size="small" danger onClick={() => setWiping(true)}>{i.t('dev.wipe')}</Button>}
      {isWiping && (
        <Modal open title={i.t('dev.wipe')} okText={i.t('dev.wipe')} cancelText={i.t('ui.cancel')} okButtonProps={{ danger: true, disabled: typed !== d.name }} onCancel={() => setWiping(false)} onOk={() => { setWiping(false); call('wipe'); }}>
          <p>{i.t('confirm.wipe', { device: d.name })}</p>
          <Input autoFocus value={typed} aria-label={i.t('dev.laptop')} onChange={(e) => setTyped(e.target.value)} />
        </Modal>
      )}
    </Space>
  );
}

/* What is typed on the laptop, and the same for a camera. */
function Steps({ address, code }: { address: string; code: string }) {
  const i = useI18n();
  const command = `fieldbook-replica enrol --data DIR --server ${address} --code ${code}`;
  return (
    <>
      <p style={{ marginBottom: 4 }}>{i.t('dev.command')}</p>
      <p><code style={{ userSelect: 'all', overflowWrap: 'anywhere' }}>{command}</code></p>
      <QrPlate size={148} value={command} label={i.t('dev.qr')} />
    </>
  );
}

function Invite({ onClose }: { onClose: () => void }) {
  const i = useI18n();
  const act = useAct();
  const [who, setWho] = useState<{ id: string; title: string } | null>(null);
  const [name, setName] = useState('');
  const [made, setMade] = useState<Invited | null>(null);
  const ask = async () => setMade(await act(() => api.post<Invited>('/devices/invite', { user: who!.id, name: name.trim() })));
  const until = made?.valid_until;
  return (
    <Modal open title={i.t('dev.enrol')} onCancel={onClose} footer={made ? [<Button key="p" onClick={() => window.print()}>{i.t('term.print')}</Button>, <Button key="n" onClick={() => void ask()}>{i.t('dev.new_code')}</Button>, <Button key="c" type="primary" onClick={onClose}>{i.t('ui.close')}</Button>] : [<Button key="x" onClick={onClose}>{i.t('ui.cancel')}</Button>, <Button key="m" type="primary" disabled={!who || !name.trim()} onClick={() => void ask()}>{i.t('dev.make_code')}</Button>]}>
      {made ? (
        <div className="fb-print-this">
          <p>{i.t('dev.code_how', { who: who?.title ?? '' })}</p>
          <p className="fb-code">{made.code}</p>
          {made.address && <p>{i.t('dev.address')}{i.lang === 'zh' ? '：' : ': '}<strong>{made.address}</strong></p>}
          {until && <p className="fb-quiet">{i.t('dev.valid', { t: clock(new Date(until)) })}</p>}
          {made.address && <Steps address={made.address} code={made.code} />}
        </div>
      ) : (
        <Form layout="vertical">
          <Form.Item label={i.t('dev.person')} htmlFor="invite-who"><Lookup id="invite-who" target="employee" value={who?.id ?? null} title={who?.title} onChange={(id, title) => setWho(id ? { id, title } : null)} canCreate={false} /></Form.Item>
          <Form.Item label={i.t('dev.laptop')} htmlFor="invite-name" extra={i.t('dev.name_hint')}><Input id="invite-name" value={name} maxLength={60} onChange={(e) => setName(e.target.value)} /></Form.Item>
        </Form>
      )}
    </Modal>
  );
}
