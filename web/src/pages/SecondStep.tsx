// SPDX-License-Identifier: MIT
// One's own second step at sign-in, from the person's menu: set up with an authenticator on the telephone and its first
// code, switched off with another. Only headquarters asks for it.
import { Alert, Button, Form, Input, Modal, Skeleton } from 'antd';
import { useEffect, useState } from 'react';
import { api, Problem } from '../api/client';
import { client } from '../api/queries';
import { useSession } from '../api/session';
import { useI18n, type I18n } from '../i18n';
import { duration } from '../i18n/format';
import { cleanCode, inFours } from '../lib/code';
import { problemSentence } from '../lib/problem';
import { QrPlate } from '../value/QrPlate';

interface Secret { secret: string; uri: string }

function sentenceOf(i: I18n, err: unknown): string {
  if (err instanceof Problem && err.fields.code?.code === 'totp_wrong') return i.t('step2.wrong');
  if (err instanceof Problem && err.code === 'login_wait') return i.t('step2.wait', { dur: duration(Number(err.body.retry_after_s ?? 60) * 1000, i.lang) });
  return problemSentence(i, err);
}

/* A code of the telephone and the button that sends it. */
function CodeForm({ label, button, send, isDanger }: { label: string; button: string; send: (code: string) => Promise<void>; isDanger?: boolean }) {
  const i = useI18n();
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);
  const submit = async (typed: string) => {
    setBusy(true);
    setError('');
    await send(cleanCode(typed)).catch((err) => setError(sentenceOf(i, err)));
    setBusy(false);
  };
  const rule = { validator: (_: unknown, v?: string) => (cleanCode(v ?? '').length === 6 ? Promise.resolve() : Promise.reject(new Error(i.t('step2.six')))) };
  return (
    <Form layout="vertical" requiredMark={false} onFinish={(v: { code: string }) => void submit(v.code)} validateTrigger="onSubmit">
      <div role="alert">{error && <Alert type="error" title={error} style={{ marginBottom: 16 }} />}</div>
      <Form.Item name="code" label={label} rules={[rule]}><Input autoFocus inputMode="numeric" autoComplete="one-time-code" maxLength={12} style={{ maxWidth: 180 }} /></Form.Item>
      <Button type="primary" danger={isDanger} htmlType="submit" loading={isBusy}>{button}</Button>
    </Form>
  );
}

function SetUp({ onDone }: { onDone: () => void }) {
  const i = useI18n();
  const [made, setMade] = useState<Secret | null>(null);
  const [error, setError] = useState('');
  useEffect(() => void api.post<Secret>('/session/totp').then(setMade, (err) => setError(problemSentence(i, err))), []);
  if (error) return <Alert type="error" title={error} />;
  if (!made) return <Skeleton active />;
  return (
    <>
      <ol style={{ paddingInlineStart: 20 }}>
        <li>{i.t('step2.get_app')}</li>
        <li>{i.t('step2.scan')}</li>
        <li>{i.t('step2.type')}</li>
      </ol>
      <QrPlate size={168} value={made.uri} label={i.t('step2.qr')} />
      <p className="fb-quiet" style={{ margin: '8px 0 0' }}>{i.t('step2.by_hand')}</p>
      <p><code style={{ userSelect: 'all', overflowWrap: 'anywhere' }}>{inFours(made.secret)}</code></p>
      <CodeForm label={i.t('login.totp')} button={i.t('step2.on')} send={(code) => api.post<void>('/session/totp/confirm', { code }).then(onDone)} />
    </>
  );
}

export default function SecondStep({ onClose, onDone }: { onClose: () => void; onDone: (isOn: boolean) => void }) {
  const i = useI18n();
  const isOn = useSession().has_second_factor === true;
  const [isSetting, setSetting] = useState(false);
  const done = async (on: boolean) => {
    onDone(on);
    await client.invalidateQueries({ queryKey: ['session'] });
  };
  return (
    <Modal open title={i.t('step2.title')} footer={null} width={440} onCancel={onClose}>
      {isOn ? (
        <>
          <Alert type="success" showIcon title={i.t('step2.is_on')} style={{ marginBottom: 12 }} />
          <p className="fb-quiet">{i.t('step2.off_how')}</p>
          <CodeForm label={i.t('login.totp')} button={i.t('step2.off')} isDanger send={(code) => api.remove('/session/totp', undefined, { code }).then(() => done(false))} />
        </>
      ) : isSetting ? (
        <SetUp onDone={() => void done(true)} />
      ) : (
        <>
          <p>{i.t('step2.why')}</p>
          <p className="fb-quiet">{i.t('step2.lost')}</p>
          <Button type="primary" onClick={() => setSetting(true)}>{i.t('step2.start')}</Button>
        </>
      )}
    </Modal>
  );
}
