// SPDX-License-Identifier: MIT
import { App } from 'antd';
import { deskChanged } from '../api/queries';
import { useI18n } from '../i18n';
import { problemSentence } from '../lib/problem';

/* Runs a call of a desk: lists are asked for again afterwards, a failure is said, a success too if it has words. */
export function useAct(): <T>(call: () => Promise<T>, done?: string) => Promise<T | null> {
  const i = useI18n();
  const { message } = App.useApp();
  return async (call, done) => {
    try {
      const answer = await call();
      if (done) void message.success(done);
      await deskChanged();
      return answer;
    } catch (err) {
      void message.error(problemSentence(i, err));
      await deskChanged();
      return null;
    }
  };
}
