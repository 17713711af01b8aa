// SPDX-License-Identifier: MIT
// Who may sign in. Roles and their rights are ordinary records, linked from here.
import { App, Button, Form, Input, Modal, Segmented, Select, Space } from 'antd';
import { useState } from 'react';
import { api } from '../api/client';
import { useDesk, useList } from '../api/queries';
import type { User } from '../api/types';
import { useCatalogue, useSession } from '../api/session';
import { roleLabel, useI18n } from '../i18n';
import { listPath, navigate } from '../lib/router';
import { rowTitle } from '../list/Table';
import { Lookup } from '../value/Lookup';
import { Card, Loaded, PageHead } from './Section';
import { useAct } from './useAct';

export default function Users() {
  const i = useI18n();
  const c = useCatalogue();
  const session = useSession();
  const act = useAct();
  const { modal } = App.useApp();
  const rows = useDesk<User>('/users');
  const [isAdding, setAdding] = useState(false);
  const [changing, setChanging] = useState<User | null>(null);
  const show = (login: string, password: string) => modal.info({ title: i.t('user.once'), content: <><p>{i.t('user.once_text', { who: login })}</p><p className="fb-code">{password}</p></> });
  const reset = (u: User) =>
    modal.confirm({
      title: i.t('user.reset'), content: i.t('user.reset_text', { who: u.name || u.login }), okText: i.t('user.reset'), cancelText: i.t('ui.cancel'),
      onOk: async () => {
        const made = await act(() => api.post<{ password?: string } | undefined>(`/users/${u.id}/password`));
        if (made?.password) show(u.login, made.password);
      },
    });
  const dropStep = (u: User) =>
    modal.confirm({
      title: i.t('user.step2_off'), content: i.t('user.step2_off_text', { who: u.name || u.login }), okText: i.t('user.step2_off'), cancelText: i.t('ui.cancel'),
      onOk: async () => void (await act(() => api.remove(`/users/${u.id}/totp`), i.t('user.step2_done', { who: u.name || u.login }))),
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
              <thead><tr><th>{i.t('dev.person')}</th><th>{i.t('user.login')}</th><th>{i.t('term.role')}</th><th>{i.t('step2.title')}</th><th>{i.t('user.last')}</th><th> </th></tr></thead>
              <tbody>
                {list.map((u) => (
                  <tr key={u.id}>
                    <td>{u.name}</td>
                    <td>{u.login}{u.is_active === false && <span className="fb-quiet"> {i.t('user.off')}</span>}</td>
                    <td>{(u.roles ?? []).map((r) => i.label(roleLabel(r))).join(i.lang === 'zh' ? '、' : ', ') || '–'}</td>
                    <td>{u.has_second_factor ? i.t('user.step2_on') : '–'}</td>
                    <td>{i.when(u.last_login) || '–'}</td>
                    <td>
                      <Space size={4} wrap>
                        <Button size="small" onClick={() => setChanging(u)}>{i.t('user.roles')}</Button>
                        <Button size="small" onClick={() => reset(u)}>{i.t('user.reset')}</Button>
                        {u.has_second_factor && u.id !== session.user.id && <Button size="small" onClick={() => dropStep(u)}>{i.t('user.step2_off')}</Button>}
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
      {changing && <Change user={changing} onClose={() => setChanging(null)} />}
      {isAdding && <Add onClose={() => setAdding(false)} onMade={show} />}
    </section>
  );
}

/* The roles there are, by their names; shipped ones in the reader's language. */
function Roles({ id, value, onChange }: { id: string; value: string[]; onChange: (roles: string[]) => void }) {
  const i = useI18n();
  const all = useList('role', { fields: ['name'], limit: 200 });
  const options = (all.data?.rows ?? []).map((r) => ({ value: String(r.name), label: i.label(roleLabel(String(r.name))) }));
  return <Select id={id} mode="multiple" style={{ width: '100%' }} showSearch={{ optionFilterProp: 'label' }} value={value} options={options} onChange={onChange} />;
}

function Change({ user, onClose }: { user: User; onClose: () => void }) {
  const i = useI18n();
  const act = useAct();
  const [roles, setRoles] = useState(user.roles ?? []);
  const save = async () => {
    if ((await act(() => api.patch(`/users/${user.id}`, { roles }), i.t('form.saved'))) !== null) onClose();
  };
  return (
    <Modal open title={i.t('user.roles_of', { who: user.name || user.login })} okText={i.t('ui.save')} cancelText={i.t('ui.cancel')} okButtonProps={{ disabled: roles.length === 0 }} onCancel={onClose} onOk={() => void save()}>
      <Form layout="vertical"><Form.Item label={i.t('term.role')} htmlFor="change-roles"><Roles id="change-roles" value={roles} onChange={setRoles} /></Form.Item></Form>
    </Modal>
  );
}

/* Somebody new, or an employee who is there already. */
function Add({ onClose, onMade }: { onClose: () => void; onMade: (login: string, password: string) => void }) {
  const i = useI18n();
  const c = useCatalogue();
  const act = useAct();
  const [isThere, setThere] = useState(false);
  const [name, setName] = useState('');
  const [who, setWho] = useState<{ id: string; title: string } | null>(null);
  const [login, setLogin] = useState('');
  const [roles, setRoles] = useState(['rep']);
  const [territories, setTerritories] = useState<string[]>([]);
  const territory = c.entity('territory');
  const places = useList('territory', { fields: ['code', 'name'], limit: 200 }, territory !== undefined);
  const save = async () => {
    const made = await act(() => api.post<{ password?: string }>('/users', { ...(isThere ? { employee_id: who!.id } : { name: name.trim(), territories }), login: login.trim(), roles }));
    if (!made) return;
    onClose();
    if (made.password) onMade(login.trim(), made.password);
  };
  const isReady = (isThere ? who !== null : name.trim() !== '') && login.trim() !== '' && roles.length > 0;
  return (
    <Modal open title={i.t('user.add')} okText={i.t('ui.save')} cancelText={i.t('ui.cancel')} okButtonProps={{ disabled: !isReady }} onCancel={onClose} onOk={() => void save()}>
      <Form layout="vertical">
        <Form.Item><Segmented aria-label={i.t('dev.person')} value={isThere} onChange={setThere} options={[{ value: false, label: i.t('user.is_new') }, { value: true, label: i.t('user.is_there') }]} /></Form.Item>
        {isThere ? (
          <Form.Item label={i.t('dev.person')} htmlFor="user-who"><Lookup id="user-who" target="employee" value={who?.id ?? null} title={who?.title} onChange={(id, title) => setWho(id ? { id, title } : null)} canCreate={false} /></Form.Item>
        ) : (
          <Form.Item label={i.t('user.name')} htmlFor="user-name"><Input id="user-name" value={name} autoComplete="off" onChange={(e) => setName(e.target.value)} /></Form.Item>
        )}
        <Form.Item label={i.t('user.login')} htmlFor="user-login" extra={i.t('user.login_hint')}><Input id="user-login" value={login} autoComplete="off" onChange={(e) => setLogin(e.target.value)} /></Form.Item>
        <Form.Item label={i.t('term.role')} htmlFor="user-roles"><Roles id="user-roles" value={roles} onChange={setRoles} /></Form.Item>
        {!isThere && territory && (
          <Form.Item label={i.label(c.plural(territory))} htmlFor="user-places" extra={i.t('user.places_hint')}>
            <Select id="user-places" mode="multiple" showSearch={{ optionFilterProp: 'label' }} value={territories} options={(places.data?.rows ?? []).filter((r) => r.code).map((r) => ({ value: String(r.code), label: rowTitle(territory, r) }))} onChange={setTerritories} />
          </Form.Item>
        )}
      </Form>
    </Modal>
  );
}
