import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import { type TemporaryDirectory, peer, randomBytes, run, temporaryDirectory } from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type RunningServer, startServer } from './server.js';

let work: TemporaryDirectory;
let server: RunningServer;
let host: string;
const content = randomBytes(81, 3_000_000);

beforeEach(async () => {
  work = await temporaryDirectory();
  server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(work.path, 'data'),
    manager: { namespace: 'extensions', cacheDir: join(work.path, 'cache') },
  });
  ({ host } = new URL(server.url));
});
afterEach(async () => {
  await server.close();
  await work.remove();
});

async function peerRun(program: string, args: readonly string[], cwd = work.path): Promise<string> {
  const end = await run(peer(program) ?? program, args, { cwd });
  if (end.exitCode !== 0) throw new Error(`${program} ${args.join(' ')}: ${end.stderr}`);
  return end.stdout;
}

describePeer('oras', 'oras at oci-server', () => {
  test('pushes and pulls the same bytes, lists, attaches and deletes', async () => {
    await writeFile(join(work.path, 'package.tgz'), content);
    const target = `${host}/kcl/demo:1.0.0`;
    const file = 'package.tgz:application/vnd.oci.image.layer.v1.tar';
    await peerRun('oras', ['push', '--plain-http', '--artifact-type', 'x/package', target, file]);
    expect(await peerRun('oras', ['repo', 'tags', '--plain-http', `${host}/kcl/demo`])).toBe(
      '1.0.0\n',
    );
    expect(await peerRun('oras', ['repo', 'ls', '--plain-http', host])).toBe('kcl/demo\n');

    const out = join(work.path, 'out');
    await mkdir(out);
    await peerRun('oras', ['pull', '--plain-http', target], out);
    expect(digestOf(await readFile(join(out, 'package.tgz')))).toBe(digestOf(content));

    await peerRun('oras', [
      'attach',
      '--plain-http',
      '--artifact-type',
      'x/notes',
      target,
      '-a',
      'by=me',
    ]);
    const found = await peerRun('oras', ['discover', '--plain-http', '--format', 'json', target]);
    expect(found).toContain('x/notes');
    await peerRun('oras', ['manifest', 'delete', '--plain-http', '--force', target]);
    await expect(peerRun('oras', ['resolve', '--plain-http', target])).rejects.toThrow('not found');
  });

  test('copies between repositories by mounting', async () => {
    await writeFile(join(work.path, 'a.bin'), content);
    await peerRun('oras', ['push', '--plain-http', `${host}/from:1`, 'a.bin']);
    const plain = ['--from-plain-http', '--to-plain-http'];
    await peerRun('oras', ['copy', ...plain, `${host}/from:1`, `${host}/to:1`]);
    const out = join(work.path, 'out');
    await mkdir(out);
    await peerRun('oras', ['pull', '--plain-http', `${host}/to:1`], out);
    expect(digestOf(await readFile(join(out, 'a.bin')))).toBe(digestOf(content));
  });
});

describePeer(['skopeo', 'oras'], 'skopeo at oci-server', () => {
  test('copies in and out, byte for byte', async () => {
    await writeFile(join(work.path, 'a.bin'), content);
    const layout = join(work.path, 'layout');
    await peerRun('oras', [
      'push',
      '--oci-layout',
      `${layout}:1`,
      'a.bin:application/vnd.oci.image.layer.v1.tar',
    ]);
    const insecure = ['--dest-tls-verify=false', '--src-tls-verify=false'];
    const remote = `docker://${host}/team/app:1`;
    await peerRun('skopeo', ['copy', '--quiet', ...insecure, `oci:${layout}:1`, remote]);
    const back = join(work.path, 'back');
    await peerRun('skopeo', ['copy', '--quiet', ...insecure, remote, `oci:${back}:1`]);
    const digests = await Promise.all(
      [layout, back].map((dir) => peerRun('oras', ['resolve', '--oci-layout', `${dir}:1`])),
    );
    expect(digests[0]).toBe(digests[1]);
    const raw = await peerRun('skopeo', ['inspect', '--raw', '--tls-verify=false', remote]);
    expect(digestOf(Buffer.from(raw))).toBe(digests[0]?.trim());
  });
});
