// SPDX-License-Identifier: MIT
// web/dist over the mock, with the headers of the real programs: `npm run mock -- replica 7480`. For looking at pages.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { makeMock } from './mock';

const [kind = 'replica', port = '7480'] = process.argv.slice(2);
const dist = resolve('dist');
const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', html: 'text/html; charset=utf-8' };
const NONCE = 'bW9jay1ub25jZQ';
const CSP = `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${NONCE}'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;
const mock = makeMock(kind === 'server' ? 'server' : 'replica');

createServer((req, res) => {
  mock(req, res, () => {
    const path = join(dist, decodeURIComponent(new URL(req.url ?? '/', 'http://x').pathname));
    const isFile = path.startsWith(dist) && /\.\w+$/.test(path) && existsSync(path);
    const file = isFile ? path : join(dist, 'index.html');
    res.writeHead(200, { 'Content-Type': TYPES[file.split('.').pop() ?? ''] ?? 'application/octet-stream', 'Content-Security-Policy': CSP });
    res.end(isFile ? readFileSync(file) : readFileSync(file, 'utf8').replace('{{nonce}}', NONCE));
  });
}).listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/ (${kind})`));
