// SPDX-License-Identifier: MIT
// After vite: puts NAME.br and NAME.gz beside every file of dist that shrinks (not index.html, whose nonce the server
// fills in), and refuses a first load above the limit of issue 4.
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const FIRST_LOAD_BYTES_MAX = 600 * 1024;
const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

const sizes = new Map();
for (const path of files(dist)) {
  if (/\.(br|gz|html)$/.test(path)) continue;
  const bytes = readFileSync(path);
  const gz = gzipSync(bytes, { level: 9 });
  sizes.set(path.slice(dist.length), gz.length);
  if (gz.length >= bytes.length) continue;
  writeFileSync(`${path}.gz`, gz);
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}

const html = readFileSync(join(dist, 'index.html'), 'utf8');
if (!html.includes('{{nonce}}')) throw new Error('index.html lost the placeholder of the nonce');
if (/https?:\/\//.test(html)) throw new Error('index.html names a foreign host');
let first = html.length;
for (const [, name] of html.matchAll(/(?:src|href)="([^"]+)"/g)) first += sizes.get(name) ?? 0;
console.log(`first load ${Math.round(first / 1024)} KB compressed (gzip)`);
if (first > FIRST_LOAD_BYTES_MAX) throw new Error(`the first load is over ${FIRST_LOAD_BYTES_MAX / 1024} KB`);
