// SPDX-License-Identifier: MIT
// The pages over a node in memory (web/dev), on a port of its own, for stories about the pages alone.
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromWeb, root } from './browser.mjs';

const freePort = () => new Promise((done) => {
  const s = createServer().listen(0, '127.0.0.1', () => {
    const { port } = s.address();
    s.close(() => done(port));
  });
});

export async function startMock(kind, env = {}) {
  const out = join(mkdtempSync(join(tmpdir(), 'fieldbook-mock-')), 'serve.mjs');
  await fromWeb('esbuild').build({ entryPoints: [join(root, 'web/dev/serve.ts')], bundle: true, platform: 'node', format: 'esm', outfile: out, logLevel: 'warning' });
  const port = await freePort();
  const child = spawn(process.execPath, [out, kind, String(port)], { cwd: join(root, 'web'), env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((done, fail) => {
    child.stdout.once('data', done);
    child.once('exit', () => fail(new Error('the mock ended')));
  });
  return { base: `http://127.0.0.1:${port}`, stop: () => child.kill() };
}
