// SPDX-License-Identifier: MIT
// run.mjs [real] [NAME...]: the browser stories, one after the other: those over the node in memory, or with `real` those
// on real programs. --only WORDS takes the stories whose title has these words. Ends with 77 (skipped) where the pages are
// not built or chromium is missing.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { closeLeft } from './browser.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, '..', '..', 'web');
for (const [path, what] of [[join(web, 'dist', 'index.html'), 'scripts/web'], [join(web, 'node_modules', 'playwright-core'), 'scripts/web'], [process.env.CHROMIUM ?? '/usr/bin/chromium', 'scripts/packages chromium fonts-noto-cjk']]) {
  if (existsSync(path)) continue;
  console.log(`skipped: ${path} is missing; ${what} brings it`);
  process.exit(77);
}
const words = process.argv.slice(2);
const folder = words[0] === 'real' ? join(here, words.shift()) : here;
const at = words.indexOf('--only');
const part = at < 0 ? '' : words.splice(at, 2)[1];
let failed = 0;
for (const file of readdirSync(folder).filter((n) => n.endsWith('.spec.mjs')).sort()) {
  const spec = await import(join(folder, file));
  if (words.length > 0 && !words.includes(spec.name)) continue;
  try {
    await spec.before();
    for (const [title, story] of Object.entries(spec.stories)) {
      if (!title.includes(part)) continue;
      const start = Date.now();
      try {
        await story();
        console.log(`ok      ${spec.name}: ${title} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
      } catch (err) {
        failed++;
        console.log(`FAILED  ${spec.name}: ${title}\n        ${err.message}`);
      }
      await closeLeft(title);
    }
  } finally {
    await spec.after();
  }
}
process.exit(failed === 0 ? 0 : 1);
