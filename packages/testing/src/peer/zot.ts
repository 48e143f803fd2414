import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { temporaryDirectory } from '../temporary-directory.js';
import { freePort } from './free-port.js';
import { peer } from './peer.js';

/** A running zot. */
export interface Zot extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly close: () => Promise<void>;
}

/** Starts zot, without users, on a free loopback port, and waits until it answers. */
export async function startZot(): Promise<Zot> {
  const program = peer('zot');
  if (program === undefined) throw new Error('zot is not installed');
  const directory = await temporaryDirectory('oci-zot-');
  const port = await freePort();
  const config = join(directory.path, 'config.json');
  await writeFile(
    config,
    JSON.stringify({
      distSpecVersion: '1.1.0',
      storage: { rootDirectory: join(directory.path, 'storage') },
      http: { address: '127.0.0.1', port: String(port) },
      log: { level: 'error' },
    }),
  );
  const child = spawn(program, ['serve', config], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await directory.remove();
  };
  const host = `127.0.0.1:${port}`;
  while (!(await answers(host))) {
    if (child.exitCode !== null) throw new Error(`zot ended with ${child.exitCode}`);
    await sleep(50);
  }
  return { url: `http://${host}`, host, close, [Symbol.asyncDispose]: close };
}

async function answers(host: string): Promise<boolean> {
  return fetch(`http://${host}/v2/`).then(
    async (response) => {
      await response.body?.cancel();
      return true;
    },
    () => false,
  );
}
