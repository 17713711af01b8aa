// SPDX-License-Identifier: MIT
import { expect, test } from 'vitest';
import { newest } from './newest';

/* A node that answers when it is told to. */
function slowNode() {
  const asked: string[] = [];
  const answers: ((ok: boolean) => void)[] = [];
  const find = (q: string) => {
    asked.push(q);
    return new Promise<string>((done, fail) => answers.push((ok) => (ok ? done(q.toUpperCase()) : fail(new Error(q)))));
  };
  const answer = async (ok = true) => {
    answers.shift()!(ok);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { asked, find, answer };
}

test('the first letter is asked at once, and of those typed meanwhile only the newest', async () => {
  const node = slowNode();
  const shown: (string | null)[] = [];
  const { ask } = newest(node.find, (a) => shown.push(a));
  ['z', 'zh', 'zha'].forEach(ask);
  expect(node.asked).toEqual(['z']);
  await node.answer();
  expect(node.asked).toEqual(['z', 'zha']);
  expect(shown).toEqual([]);
  await node.answer();
  expect(shown).toEqual(['ZHA']);
});

test('a question that failed shows nothing and does not keep the next one waiting', async () => {
  const node = slowNode();
  const shown: (string | null)[] = [];
  const { ask } = newest(node.find, (a) => shown.push(a));
  ask('z');
  await node.answer(false);
  ask('w');
  await node.answer();
  expect(shown).toEqual([null, 'W']);
});

test('what was dropped is not shown when its answer comes', async () => {
  const node = slowNode();
  const shown: (string | null)[] = [];
  const { ask, drop } = newest(node.find, (a) => shown.push(a));
  ask('z');
  drop();
  await node.answer();
  expect(shown).toEqual([]);
});
