// SPDX-License-Identifier: MIT
// One-time codes and secrets, as people type and read them.

/* What an input method may put between or in place of the digits goes: "１２３ 456" is 123456. Anything else makes it no code. */
export function cleanCode(typed: string): string {
  const plain = typed.normalize('NFKC').replace(/[\s-]/g, '');
  return /^\d{6}$/.test(plain) ? plain : '';
}

export const inFours = (secret: string): string => secret.replace(/(.{4})(?=.)/g, '$1 ');
