// SPDX-License-Identifier: MIT
//
// Real programs for browser stories: a headquarters and laptops in a folder of their own, on loopback with free ports,
// stopped and removed at the end (also when the run is interrupted). The counterpart of tests/e2e/fieldbook.py.
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../browser.mjs';

const BIN = process.env.FIELDBOOK_BIN ?? join(root, 'build/dev/bin');
const PATIENCE_MS = Number(process.env.FIELDBOOK_TEST_PATIENCE ?? 60) * 1000;
export const PASSWORD = 'a pass phrase of some length';
const run = promisify(execFile);

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
export async function until(condition, what, ms = PATIENCE_MS) {
  for (const end = Date.now() + ms; Date.now() < end; await pause(40)) {
    const value = await condition();
    if (value) return value;
  }
  throw new Error(`did not happen in ${ms / 1000} s: ${what}`);
}

class Node {
  constructor(program, data) {
    Object.assign(this, { program, data, child: null, log: `${data}.log` });
  }

  /* A command to its end; what it printed. */
  async command(...words) {
    const { stdout } = await run(join(BIN, this.program), [...words.map(String), '--data', this.data], { maxBuffer: 1 << 26, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    return stdout.trim();
  }

  /* What the stock sqlite3 shell prints or writes: rows as objects. */
  async sql(text) {
    const child = execFile('sqlite3', ['-bail', '-json', '-cmd', '.timeout 20000', join(this.data, 'fieldbook.db')], { maxBuffer: 1 << 26 });
    const out = [];
    const err = [];
    child.stdout.on('data', (d) => out.push(d));
    child.stderr.on('data', (d) => err.push(d));
    child.stdin.end(text);
    const code = await new Promise((done) => child.once('close', done));
    if (code !== 0) throw new Error(`sqlite3: ${err.join('')}`);
    return JSON.parse(out.join('').replace(/\]\s*\[/g, ',') || '[]');
  }

  start(...words) {
    const log = openSync(this.log, 'a');
    this.child = spawn(join(BIN, this.program), ['run', '--data', this.data, ...words], { stdio: ['ignore', 'ignore', log] });
  }

  async end(signal) {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await gone;
  }
  stop() {
    return this.end('SIGTERM');
  }
  kill() {
    return this.end('SIGKILL');
  }
}

export class Headquarters extends Node {
  port = 0;

  constructor(data) {
    super('fieldbook-server', data);
  }

  static async make(data) {
    const hq = new Headquarters(data);
    hq.password = await hq.command('init', '--host', 'localhost');
    return hq;
  }

  async start() {
    rmSync(join(this.data, 'address'), { force: true });
    super.start('--listen', `127.0.0.1:${this.port}`);
    const address = await until(() => {
      if (this.child.exitCode !== null) throw new Error(readFileSync(this.log, 'utf8').slice(-2000));
      return existsSync(join(this.data, 'address')) && readFileSync(join(this.data, 'address'), 'utf8').trim();
    }, 'headquarters listens');
    this.address = address;
    this.port = Number(address.split(':').pop());
    this.base = `https://localhost:${this.port}`;
  }

  addUser(login, name, role = 'admin') {
    return this.command('user', 'add', login, '--name', name, '--role', role);
  }
  invite(login, device) {
    return this.command('invite', '--user', login, ...(device ? ['--device', device] : []));
  }

  /* Gives a person PASSWORD in place of the one-time one, as the first page would. */
  async settlePassword(login, oneTime) {
    const first = await this.ask('POST', '/session', { login, password: oneTime });
    const done = await this.ask('POST', '/session/password', { old: oneTime, new: PASSWORD }, { Cookie: first.cookie, 'X-Fieldbook': first.body.csrf });
    if (done.status !== 200) throw new Error(`no password for ${login}: ${JSON.stringify(done.body)}`);
  }

  ask(method, path, body, headers = {}) {
    return new Promise((done, fail) => {
      const text = body === undefined ? '' : JSON.stringify(body);
      const request = https.request(`${this.base}/api/v1${path}`, { method, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], headers: { Origin: this.base, 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...headers } }, (answer) => {
        const parts = [];
        answer.on('data', (d) => parts.push(d));
        answer.on('end', () => done({ status: answer.statusCode, body: JSON.parse(Buffer.concat(parts).toString() || 'null'), cookie: (answer.headers['set-cookie'] ?? []).map((c) => c.split(';')[0]).join('; ') }));
      });
      request.once('error', fail);
      request.end(text);
    });
  }
}

export class Laptop extends Node {
  constructor(data, hq, login) {
    super('fieldbook-replica', data);
    Object.assign(this, { hq, login });
  }

  async enrol(code) {
    await this.command('enrol', '--server', this.hq.address, '--code', code ?? (await this.hq.invite(this.login)));
  }
  async sync() {
    return JSON.parse(await this.command('sync', '--json'));
  }
  async status() {
    return JSON.parse(await this.command('status', '--json'));
  }

  async start() {
    rmSync(join(this.data, 'web-address'), { force: true });
    super.start('--web', 'localhost:0');
    await until(() => existsSync(join(this.data, 'web-address')), `the pages of ${this.login}`);
  }

  /* The address that lets a browser in, once. */
  async address() {
    return until(() => this.command('open', '--print').catch(() => ''), `an address for ${this.login}`);
  }
  /* Opens the pages of this laptop in a page of a browser, at a path. */
  async visit(page, path = '/') {
    await page.goto(await this.address());
    this.base = new URL(page.url()).origin;
    if (path !== '/') await page.goto(this.base + path);
  }
}

const worlds = new Set();
export class World {
  nodes = [];
  folder = mkdtempSync(join(tmpdir(), 'fieldbook-browser-'));

  /* A headquarters that runs, with people ([login, name, role]) who have PASSWORD; what is made as sample is its reps'. */
  static async make({ companies = 40, seed = 7, people = [] } = {}) {
    const w = new World();
    worlds.add(w);
    w.hq = await Headquarters.make(join(w.folder, 'hq'));
    w.nodes.push(w.hq);
    await w.hq.start();
    for (const [login, name, role] of people) await w.person(login, name, role);
    if (companies > 0) await w.hq.command('sample', '--companies', companies, '--seed', seed);
    return w;
  }

  async person(login, name, role = 'admin') {
    await this.hq.settlePassword(login, await this.hq.addUser(login, name, role));
  }

  /* A laptop of a person who is there: enrolled, in step, with its pages running. */
  async laptop(login) {
    const laptop = new Laptop(join(this.folder, login), this.hq, login);
    this.nodes.push(laptop);
    await laptop.enrol();
    await laptop.sync();
    await laptop.start();
    return laptop;
  }

  async end() {
    worlds.delete(this);
    for (const node of this.nodes.reverse()) await node.kill();
    if (process.env.FIELDBOOK_KEEP) console.log(`kept ${this.folder}`);
    else rmSync(this.folder, { recursive: true, force: true });
  }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    for (const w of worlds) await w.end();
    process.exit(1);
  });
}
