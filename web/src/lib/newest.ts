// SPDX-License-Identifier: MIT
// Questions that follow each keystroke. The first goes out at once; while it is under way the newest waits and those between
// are never asked. So a quick node answers every letter, and a slow one is never asked twice at a time.

export interface Newest<Q> {
  ask: (question: Q) => void;
  /* Whatever is under way is not shown any more. */
  drop: () => void;
}

/* show gets the answer of the newest question, null where it failed. */
export function newest<Q, A>(find: (question: Q) => Promise<A>, show: (answer: A | null) => void): Newest<Q> {
  let isAsking = false;
  let isWanted = false;
  let waiting: { question: Q } | null = null;
  const end = (answer: A | null) => {
    isAsking = false;
    if (waiting) go(waiting.question);
    else if (isWanted) show(answer);
  };
  const go = (question: Q) => {
    isAsking = true;
    waiting = null;
    find(question).then(end, () => end(null));
  };
  return {
    ask: (question) => {
      isWanted = true;
      if (isAsking) waiting = { question };
      else go(question);
    },
    drop: () => {
      isWanted = false;
      waiting = null;
    },
  };
}
