// SPDX-License-Identifier: MIT
// Always there, at the same place and width; it opens nothing by itself. A quick round does not flicker: "running" shows
// after 1 s, "to send" after 2 s. A polite live region speaks changes, at most once in 10 s.
import {
  CheckCircleOutlined, ClockCircleOutlined, CloseCircleOutlined, CloudDownloadOutlined, CloudUploadOutlined, DisconnectOutlined,
  ExclamationCircleOutlined, LockOutlined, PauseCircleOutlined, StopOutlined, SyncOutlined,
} from '../lib/icons';
import { Button, Tooltip } from 'antd';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { onLost } from '../api/client';
import { useSync } from '../api/session';
import type { Sync, SyncState } from '../api/types';
import { useI18n } from '../i18n';
import { dateTime } from '../i18n/format';
import { navigate } from '../lib/router';
import { usePalette } from '../theme/mode';
import { COLOUR, pageOf, stateText } from './syncState';

const RUNNING_AFTER_MS = 1000;
const WAITING_AFTER_MS = 2000;
const LOST_AFTER_MS = 2500;
const SPEAK_EVERY_MS = 10_000;

const CloudOff = () => (
  <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" style={{ verticalAlign: '-3px' }}>
    <path d="M4.2 12.5h7.3M3 7.2a3 3 0 0 0 .8 5.3M6 4.3a4 4 0 0 1 5.9 2.9 2.7 2.7 0 0 1 1.9 4M2 2l12 12" fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" />
  </svg>
);

const ICONS: Record<SyncState, ReactNode> = {
  revoked: <StopOutlined />, locked: <LockOutlined />, cannot_save: <CloseCircleOutlined />, refused: <DisconnectOutlined />,
  needs_you: <ExclamationCircleOutlined />, lease: <ClockCircleOutlined />, first_download: <CloudDownloadOutlined />,
  running: <SyncOutlined spin />, paused: <PauseCircleOutlined />, offline_waiting: <CloudOff />, offline: <CloudOff />,
  waiting: <CloudUploadOutlined />, in_step: <CheckCircleOutlined />, headquarters: <CheckCircleOutlined />, lost: <DisconnectOutlined />,
};

/* Holds the former state until the new one has lasted. */
function useSettled(sync: Sync | undefined): Sync | undefined {
  const [shown, setShown] = useState(sync);
  useEffect(() => {
    const wait = sync?.state === 'running' ? RUNNING_AFTER_MS : sync?.state === 'waiting' && shown?.state !== 'waiting' ? WAITING_AFTER_MS : 0;
    if (wait === 0) {
      setShown(sync);
      return undefined;
    }
    const timer = setTimeout(() => setShown(sync), shown ? wait : 0);
    return () => clearTimeout(timer);
  }, [sync]); // eslint-disable-line
  return shown;
}

function useLost(): boolean {
  const [isLost, setLost] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const off = onLost((lost) => {
      if (lost) {
        timer ??= setTimeout(() => setLost(true), LOST_AFTER_MS);
        return;
      }
      clearTimeout(timer);
      timer = undefined;
      setLost(false);
    });
    return () => {
      off();
      clearTimeout(timer);
    };
  }, []);
  return isLost;
}

export function SyncIndicator() {
  const i = useI18n();
  const p = usePalette();
  const { data } = useSync();
  const settled = useSettled(data);
  const isLost = useLost();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 30_000);
    return () => clearInterval(timer);
  }, []);
  const sync: Sync = isLost || !settled ? { state: 'lost' } : settled;
  const text = stateText(i, sync);
  const at = sync.last_at ? dateTime(new Date(sync.last_at)) : '';
  return (
    <>
      <Tooltip title={at && sync.state !== 'lost' ? i.t('sync.last', { t: at }) : ''}>
        <Button type="text" className="fb-sync" style={{ color: p.states[COLOUR[sync.state]].ink }} icon={ICONS[sync.state]} data-state={sync.state} aria-label={`${i.t('page.sync')}${i.lang === 'zh' ? '：' : ': '}${text}`} onClick={() => navigate(pageOf(sync))}>
          <span className="fb-sync-text">{text}</span>
        </Button>
      </Tooltip>
      <Spoken state={sync.state} text={text} />
    </>
  );
}

function Spoken({ state, text }: { state: SyncState; text: string }) {
  const [said, setSaid] = useState('');
  const last = useRef(0);
  useEffect(() => {
    const wait = Math.max(0, last.current + SPEAK_EVERY_MS - Date.now());
    const timer = setTimeout(() => {
      last.current = Date.now();
      setSaid(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [state]); // eslint-disable-line
  return <span className="fb-sr" aria-live="polite">{said}</span>;
}
