// SPDX-License-Identifier: MIT
// First start with a one-time password: a password of one's own comes before anything else. Later it is changed from the
// person's menu.
import { Alert, Button, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { Full } from '../frame/App';
import { useI18n } from '../i18n';
import { problemSentence } from '../lib/problem';

const PASSWORD_CHARS_MIN = 12;

interface ChangeProps { login: string; old?: string; onDone: () => void }

export function ChangePassword(p: ChangeProps) {
  const i = useI18n();
  return (
    <Full>
      <section className="fb-card" style={{ padding: 28 }}>
        <h1>{i.t('login.new_password')}</h1>
        <p className="fb-quiet">{i.t('login.new_password_why', { n: PASSWORD_CHARS_MIN })}</p>
        <PasswordForm {...p} />
      </section>
    </Full>
  );
}

export function PasswordDialog({ onCancel, ...p }: ChangeProps & { onCancel: () => void }) {
  const i = useI18n();
  return <Modal open title={i.t('login.change_password')} footer={null} width={400} onCancel={onCancel}><p className="fb-quiet">{i.t('login.ends_others', { n: PASSWORD_CHARS_MIN })}</p><PasswordForm {...p} /></Modal>;
}

function PasswordForm({ login, old, onDone }: ChangeProps) {
  const i = useI18n();
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);
  const send = async (v: { old?: string; fresh: string }) => {
    setBusy(true);
    setError('');
    try {
      await api.post('/session/password', { old: v.old ?? old, new: v.fresh });
      onDone();
    } catch (err) {
      setError(problemSentence(i, err));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Form layout="vertical" requiredMark={false} size="large" onFinish={(v) => void send(v as { old?: string; fresh: string })}>
      {/* Password managers keep the new one under this name. */}
      <input hidden readOnly autoComplete="username" value={login} />
      <div role="alert">{error && <Alert type="error" title={error} style={{ marginBottom: 16 }} />}</div>
      {!old && <Form.Item name="old" label={i.t('login.password_now')} rules={[{ required: true, message: i.t('check.required', { f: i.t('login.password_now') }) }]}><Input.Password autoFocus autoComplete="current-password" /></Form.Item>}
      <Form.Item name="fresh" label={i.t('login.password_new')} rules={[{ required: true, min: PASSWORD_CHARS_MIN, message: i.t('login.too_short', { n: PASSWORD_CHARS_MIN }) }]}><Input.Password autoFocus={!!old} autoComplete="new-password" /></Form.Item>
      <Form.Item name="again" label={i.t('login.password_again')} dependencies={['fresh']} rules={[({ getFieldValue }) => ({ validator: (_, v) => (v === getFieldValue('fresh') ? Promise.resolve() : Promise.reject(new Error(i.t('login.not_same')))) })]}><Input.Password autoComplete="new-password" /></Form.Item>
      <Button type="primary" htmlType="submit" block loading={isBusy}>{i.t('ui.save')}</Button>
    </Form>
  );
}
