// SPDX-License-Identifier: MIT
// CSV that a Chinese spreadsheet opens as it is: UTF-8 with a mark, CRLF, and no cell that it would take for a formula.

export function cell(text: string): string {
  // A leading = + - @ or tab starts a formula; a sign before a number does not.
  const safe = /^[=+\-@\t\r]/.test(text) && !/^[+-]?[\d,.]+%?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

export const csv = (rows: string[][]): string => '\ufeff' + rows.map((r) => r.map(cell).join(',')).join('\r\n') + '\r\n';

export function download(name: string, text: string, type = 'text/csv;charset=utf-8'): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
