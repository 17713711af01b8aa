// SPDX-License-Identifier: MIT
import { Modal } from 'antd';
import { useI18n, type Key } from '../i18n';

const KEYS: [string, Key][] = [
  ['Ctrl+K  /', 'key.search'], ['Ctrl+S', 'key.save'], ['Ctrl+Enter', 'key.save_close'], ['Esc', 'key.back'],
  ['g h', 'page.my_day'], ['g c  g o  g l', 'key.lists'], ['g s', 'page.sync'], ['g 1 … 9', 'key.tabs'],
  ['j k  ↑ ↓', 'key.move'], ['Space', 'key.choose'], ['Enter', 'key.open'], ['[ ]', 'key.page'], ['n', 'key.new'], ['f', 'key.filter'], ['m', 'key.stage'], ['Shift+← ↑ ↓ →', 'key.shift'],
  ['e', 'key.edit'], ['a', 'key.activity'], ['c', 'key.note'], ['h', 'key.history'], ['1 2 3 4', 'key.rule'],
];

export function Help({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { t } = useI18n();
  return (
    <Modal open={isOpen} onCancel={onClose} footer={null} title={t('ui.help')} width={560}>
      <table className="fb-three">
        <tbody>
          {KEYS.map(([keys, what]) => (
            <tr key={keys}>
              <th scope="row" style={{ width: 150 }}>{keys.split('  ').map((k) => <span key={k}><kbd>{k}</kbd> </span>)}</th>
              <td>{t(what)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="fb-quiet">{t('key.off')}</p>
    </Modal>
  );
}
