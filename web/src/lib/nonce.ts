// SPDX-License-Identifier: MIT
// The policy of these pages lets in only style elements with this answer's nonce. Ant Design gives it to its own; some of
// the parts it is built of (a table measuring scroll bars) forget. So every style element that our scripts make gets it;
// markup that somebody smuggled in is not made by createElement and stays refused.

export const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';

const create = document.createElement.bind(document);
document.createElement = ((name: string, options?: ElementCreationOptions) => {
  const el = create(name, options);
  if (name.toLowerCase() === 'style') el.nonce = nonce;
  return el;
}) as typeof document.createElement;
