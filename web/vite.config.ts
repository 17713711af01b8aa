// SPDX-License-Identifier: MIT
// Builds web/dist: names with hashes for ever, one small first load, charts apart. In development `MOCK=1` puts
// dev/mock.ts behind /api/v1; otherwise calls go on to FIELDBOOK (http://127.0.0.1:7450 or so).
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { mockApi } from './dev/plugin';

const backend = process.env.FIELDBOOK;

export default defineConfig({
  plugins: [react(), ...(process.env.MOCK ? [mockApi()] : [])],
  base: '/',
  server: backend ? { proxy: { '/api': { target: backend, secure: false } } } : {},
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    // No polyfill that would be an inline script, no data: fonts.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
    rollupOptions: {
      output: {
        manualChunks(id: string) {
          if (id.includes('node_modules/echarts') || id.includes('node_modules/zrender')) return 'charts';
          return undefined;
        },
      },
    },
  },
  test: { environment: 'jsdom', include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'dev/**/*.test.ts'] },
});
