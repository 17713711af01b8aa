// SPDX-License-Identifier: MIT
// What the first load weighs on the wire.
import { launch, must, open } from '../browser.mjs';
import { HQ } from './steps.mjs';
import { World } from './world.mjs';

export const name = 'weight';
const FIRST_LOAD_BYTES_MAX = 600 * 1024;
let browser, world;
export async function before() {
  browser = await launch();
  world = await World.make({ companies: 0 });
}
export async function after() {
  await browser?.close();
  await world?.end();
}

export const stories = {
  'the first load stays light': async () => {
    const page = await open(browser, { ...HQ, allow: ['401'] });
    const wire = await page.context().newCDPSession(page);
    await wire.send('Network.enable');
    let bytes = 0;
    wire.on('Network.loadingFinished', (e) => (bytes += e.encodedDataLength));
    await page.goto(world.hq.base);
    await page.waitForSelector('#login');
    console.log(`        first load: ${Math.round(bytes / 1024)} KB on the wire`);
    must(`the first load is at most 600 KB, not ${bytes} bytes`, bytes > 50 * 1024 && bytes <= FIRST_LOAD_BYTES_MAX);
  },
};
