// SPDX-License-Identifier: MIT
// Who may sign in. Roles and their rights are ordinary records, linked from here.
import { App, Button, Checkbox, Form, Input, Modal, Space } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useDesk } from '../api/queries';
import type { User } from '../api/types';
import { useCatalogue } from '../api/session';
import { roleLabel, useI18n } from '../i18n';
import { listPath, navigate } from '../lib/router';
import { Lookup } from '../value/Lookup';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';

export default function Users() {
  const i = useI18n();
  const c = useCatalogue();
  const act = useAct();
  const { modal } = App.useApp();
  const rows = useDesk<User>('/users');
  const [isAdding, setAdding] = useState(false);
  const show = (login: string, password: string) => modal.info({ title: i.t('user.once'), content: <><p>{i.t('user.once_text', { who: login })}</p><p className="fb-code">{password}</p></> });
  const reset = (u: User) =>
    modal.confirm({
      title: i.t('user.reset'), content: i.t('user.reset_text', { who: u.name || u.login }), okText: i.t('user.reset'), cancelText: i.t('ui.cancel'),
      onOk: async () => {
        const made = await act(() => api.post<{ password?: string } | undefined>(`/users/${u.id}/password`));
        if (made?.password) show(u.login, made.password);
      },
    });
  return (
    <section>
      <PageHead title={i.t('page.users')}>
        {c.entity('role') && <Button onClick={() => navigate(listPath('role'))}>{i.label(c.plural(c.entity('role')!))}</Button>}
        <Button type="primary" onClick={() => setAdding(true)}>{i.t('user.add')}</Button>
      </PageHead>
      <Card>
        <Loaded query={rows} empty={i.t('ui.none')}>
          {(list) => (
            <table className="fb-three">
              <thead><tr><th>{i.t('dev.person')}</th><th>{i.t('login.name')}</th><th>{i.t('term.role')}</th><th>{i.t('user.last')}</th><th> </th></tr></thead>
              <tbody>
                {list.map((u) => (
                  <tr key={u.id}>
                    <td>{u.name}{u.is_admin && <span className="fb-chip" style={{ marginLeft: 6 }}>{i.t('ui.admin')}</span>}</td>
                    <td>{u.login}{u.is_active === false && <span className="fb-quiet"> {i.t('user.off')}</span>}</td>
                    <td>{(u.roles ?? []).map((r) => i.label(roleLabel(r))).join(i.lang === 'zh' ? '、' : ', ') || '–'}</td>
                    <td>{i.when(u.last_login) || '–'}</td>
                    <td>
                      <Space size={4}>
                        <Button size="small" onClick={() => reset(u)}>{i.t('user.reset')}</Button>
                        <Button size="small" onClick={() => void act(() => api.patch(`/users/${u.id}`, { is_active: u.is_active === false }))}>{i.t(u.is_active === false ? 'user.let_in' : 'user.shut_out')}</Button>
                      </Space>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Loaded>
      </Card>
      {isAdding && <Add onClose={() => setAdding(false)} onMade={show} />}
    </section>
  );
}

function Add({ onClose, onMade }: { onClose: () => void; onMade: (login: string, password: string) => void }) {
  const i = useI18n();
  const act = useAct();
  const [who, setWho] = useState<{ id: string; title: string } | null>(null);
  const [login, setLogin] = useState('');
  const [isAdmin, setAdmin] = useState(false);
  const save = async () => {
    const made = await act(() => api.post<{ password?: string }>('/users', { employee_id: who!.id, login: login.trim(), is_admin: isAdmin }));
    if (!made) return;
    onClose();
    if (made.password) onMade(login.trim(), made.password);
  };
  return (
    <Modal open title={i.t('user.add')} okText={i.t('ui.save')} cancelText={i.t('ui.cancel')} okButtonProps={{ disabled: !who || !login.trim() }} onCancel={onClose} onOk={() => void save()}>
      <Form layout="vertical">
        <Form.Item label={i.t('dev.person')} htmlFor="user-who"><Lookup id="user-who" target="employee" value={who?.id ?? null} title={who?.title} onChange={(id, title) => setWho(id ? { id, title } : null)} canCreate={false} /></Form.Item>
        <Form.Item label={i.t('login.name')} htmlFor="user-login"><Input id="user-login" value={login} autoComplete="off" onChange={(e) => setLogin(e.target.value)} /></Form.Item>
        <Checkbox checked={isAdmin} onChange={(e) => setAdmin(e.target.checked)}>{i.t('ui.admin')}</Checkbox>
      </Form>
    </Modal>
  );
}
