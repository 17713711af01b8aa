// SPDX-License-Identifier: MIT
// Full pages with no data behind them: the offline period is over, or the laptop was revoked.
import { App, Button, Form, Input, Result } from 'antd';
import { api } from '../api/client';
import { client } from '../api/queries';
import type { Sync } from '../api/types';
import { Full } from '../frame/App';
import { useI18n } from '../i18n';
import { problemSentence } from '../lib/problem';

export function Locked({ sync }: { sync: Sync }) {
  const i = useI18n();
  const { message } = App.useApp();
  const act = async (path: string, body: unknown = {}) => {
    try {
      await api.post(path, body);
      await client.invalidateQueries({ queryKey: ['sync'] });
    } catch (err) {
      void message.error(problemSentence(i, err));
    }
  };
  if (sync.state === 'revoked') {
    return <Full><Result status="error" title={i.t('state.revoked')} subTitle={i.t('device.revoked', { admin: i.t('ui.admin') })} /></Full>;
  }
  return (
    <Full>
      <Result
        status="warning"
        title={i.t('state.locked')}
        subTitle={i.t('lease.locked', { n: sync.lease?.days ? Math.abs(sync.lease.days) : 14 })}
        extra={
          <Form layout="vertical" onFinish={(v: { code: string }) => void act('/unlock', { code: v.code.trim() })}>
            <Button type="primary" block size="large" style={{ marginBottom: 16 }} onClick={() => void act('/sync/now')}>{i.t('sync.now')}</Button>
            <Form.Item name="code" label={i.t('term.unlock_code')} rules={[{ required: true, message: i.t('check.required', { f: i.t('term.unlock_code') }) }]}><Input autoComplete="off" size="large" /></Form.Item>
            <Button htmlType="submit" block>{i.t('lease.unlock')}</Button>
          </Form>
        }
      />
    </Full>
  );
}
