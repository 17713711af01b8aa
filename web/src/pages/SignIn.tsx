// SPDX-License-Identifier: MIT
// Signing in at headquarters. "Again" stands over the page whose login ended: what was typed there is kept.
import { Alert, Button, Form, Input, Modal, Segmented } from 'antd';
import { useState } from 'react';
import { api, Problem } from '../api/client';
import { Full } from '../frame/App';
import { setLanguage, useI18n, type Lang } from '../i18n';
import { duration } from '../i18n/format';
import { cleanCode } from '../lib/code';
import { problemSentence } from '../lib/problem';

export function SignIn({ onDone, isAgain }: { onDone: (password: string) => void; isAgain?: boolean }) {
  const i = useI18n();
  const [error, setError] = useState('');
  const [needsCode, setNeedsCode] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const send = async (v: { login: string; password: string; totp?: string }) => {
    setBusy(true);
    setError('');
    try {
      await api.post('/session', { login: v.login.trim(), password: v.password, ...(v.totp && { totp: cleanCode(v.totp) || v.totp.trim() }) });
      onDone(v.password);
    } catch (err) {
      const p = err instanceof Problem ? err : null;
      if (p?.code === 'totp_needed') setNeedsCode(true);
      else if (p?.code === 'login_wrong') setError(i.t(needsCode ? 'login.wrong_code' : 'login.wrong'));
      else if (p?.code === 'login_wait') setError(i.t('login.wait', { dur: duration(Number(p.body.retry_after_s ?? 60) * 1000, i.lang), admin: i.t('ui.admin') }));
      else if (p?.code === 'unreachable') setError(i.t('login.unreachable'));
      else setError(problemSentence(i, err));
    } finally {
      setBusy(false);
    }
  };
  const form = (
    <Form layout="vertical" requiredMark={false} onFinish={(v) => void send(v as { login: string; password: string })} size="large">
      {isAgain && <Alert type="info" title={i.t('login.expired')} style={{ marginBottom: 16 }} />}
      <div role="alert">{error && <Alert type="error" title={error} style={{ marginBottom: 16 }} />}</div>
      <Form.Item name="login" label={i.t('login.name')} rules={[{ required: true, message: i.t('check.required', { f: i.t('login.name') }) }]}>
        <Input autoFocus autoComplete="username" autoCapitalize="none" spellCheck={false} />
      </Form.Item>
      <Form.Item name="password" label={i.t('login.password')} rules={[{ required: true, message: i.t('check.required', { f: i.t('login.password') }) }]}>
        <Input.Password autoComplete="current-password" visibilityToggle />
      </Form.Item>
      {needsCode && (
        <Form.Item name="totp" label={i.t('login.totp')} extra={i.t('login.totp_hint')} rules={[{ required: true, message: i.t('check.required', { f: i.t('login.totp') }) }]}>
          <Input autoFocus inputMode="numeric" autoComplete="one-time-code" />
        </Form.Item>
      )}
      <Button type="primary" htmlType="submit" block loading={isBusy}>{i.t('term.sign_in')}</Button>
    </Form>
  );
  if (isAgain) return <Modal open title={i.t('term.sign_in')} footer={null} closable={false} width={400}>{form}</Modal>;
  return (
    <Full>
      <section className="fb-card" style={{ padding: 28 }}>
        <div className="fb-bar">
          <img src="/icon.svg" alt="" width={32} height={32} />
          <h1>Fieldbook</h1>
          <span className="fb-push" />
          <Segmented<Lang> size="small" aria-label={i.t('ui.language')} value={i.lang} onChange={(l) => setLanguage(l)} options={[{ value: 'zh', label: '中文' }, { value: 'en', label: 'English' }]} />
        </div>
        <p className="fb-quiet">{i.t('login.welcome')}</p>
        {form}
      </section>
    </Full>
  );
}
