// SPDX-License-Identifier: MIT
//
// For development and tests only; no part of web/dist. plugin.ts hangs the mock into Vite, mock.ts answers docs/api.md
// from memory with the real catalogue files, sample.ts fills it.
import type { Plugin } from 'vite';
import { makeMock } from './mock';

export function mockApi(): Plugin {
  const mock = makeMock(process.env.MOCK === 'server' ? 'server' : 'replica');
  const use = (server: { middlewares: { use: (f: (req: never, res: never, next: () => void) => void) => void } }) => server.middlewares.use(mock as never);
  return { name: 'fieldbook-mock', configureServer: use as never, configurePreviewServer: use as never };
}
