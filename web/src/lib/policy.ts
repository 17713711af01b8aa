// SPDX-License-Identifier: MIT
// The policy of these pages lets in only style elements with this answer's nonce, and no style attribute. Ant Design
// gives the nonce to its own elements; some of the parts it is built of (a table measuring scroll bars, a growing text
// field) forget. So what our own scripts make gets the nonce, and a style that they set as an attribute goes through the
// object model, which the policy allows. Markup that somebody smuggled in comes neither way and stays refused.

export const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';

const create = document.createElement.bind(document);
document.createElement = ((name: string, options?: ElementCreationOptions) => {
  const el = create(name, options);
  if (name.toLowerCase() === 'style') el.nonce = nonce;
  return el;
}) as typeof document.createElement;

const setAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name: string, value: string) {
  if (name.toLowerCase() === 'style' && 'style' in this) (this as HTMLElement).style.cssText = value;
  else setAttribute.call(this, name, value);
};
