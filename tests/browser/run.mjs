// SPDX-License-Identifier: MIT
// run.mjs [NAME...]: the browser stories, one after the other. Ends with 77 (skipped) where the pages are not built or
// chromium is missing.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, '..', '..', 'web');
for (const [path, what] of [[join(web, 'dist', 'index.html'), 'scripts/web'], [join(web, 'node_modules', 'playwright-core'), 'scripts/web'], [process.env.CHROMIUM ?? '/usr/bin/chromium', 'scripts/packages chromium fonts-noto-cjk']]) {
  if (existsSync(path)) continue;
  console.log(`skipped: ${path} is missing; ${what} brings it`);
  process.exit(77);
}
const only = process.argv.slice(2);
let failed = 0;
for (const file of readdirSync(here).filter((n) => n.endsWith('.spec.mjs'))) {
  const spec = await import(join(here, file));
  if (only.length > 0 && !only.includes(spec.name)) continue;
  try {
    await spec.before();
    for (const [title, story] of Object.entries(spec.stories)) {
      const start = Date.now();
      try {
        await story();
        console.log(`ok      ${spec.name}: ${title} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
      } catch (err) {
        failed++;
        console.log(`FAILED  ${spec.name}: ${title}\n        ${err.message}`);
      }
    }
  } finally {
    await spec.after();
  }
}
process.exit(failed === 0 ? 0 : 1);
