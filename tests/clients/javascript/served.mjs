// A `drawbridge serve` for tests, on a free port.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export class Served {
  static started = [];

  static async start(program, model, ...args) {
    const served = new Served();
    Served.started.push(served);
    served.process = spawn(program, ['serve', '--model', model, '--port', '0', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    served.ended = new Promise((resolve) => served.process.once('exit', (code) => resolve(code)));
    served.log = [];
    await new Promise((resolve, reject) => {
      createInterface(served.process.stderr).on('line', (line) => {
        served.log.push(line);
        const found = line.match(/ listening url=(\S+)/);
        if (found) resolve((served.url = found[1]));
      });
      served.ended.then(() => reject(new Error(`drawbridge serve ended before it listened:\n${served.log.join('\n')}`)));
    });
    return served;
  }

  /** Ends what a failed test has left. */
  static killAll() {
    for (const served of Served.started) served.process.kill('SIGKILL');
  }

  askToStop() {
    this.process.kill('SIGTERM');
  }

  /** Exit code. */
  async stop() {
    this.askToStop();
    return this.ended;
  }

  /** Value of the first sample whose line has the name and, if given, the label. */
  async metric(name, label = '') {
    const page = await (await fetch(`${this.url}/metrics`)).text();
    const line = page.split('\n').find((l) => l.startsWith(`${name}{`) && l.includes(label));
    return Number(line.slice(line.lastIndexOf(' ') + 1));
  }

  /** Returns once no request runs and every page is free. */
  async waitUntilIdle() {
    for (const deadline = Date.now() + 120_000; ; await sleep(10)) {
      const running = await this.metric('drawbridge:num_requests_running');
      const free = await this.metric('drawbridge:kv_pages_free');
      const pages = await this.metric('drawbridge:kv_pages');
      if (running === 0 && free === pages) return;
      if (Date.now() > deadline) throw new Error(`still busy: ${running} running, ${free} of ${pages} pages free`);
    }
  }
}
