import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import {
  type FaultyProxy,
  type ProgramEnd,
  type RunningProgram,
  type S3Service,
  type TemporaryDirectory,
  bytesOf,
  compile,
  startFaultyProxy,
  startProgram,
  startVersitygw,
  temporaryDirectory,
} from '@oci/testing';
import { expect } from 'vitest';

/** What `server.storage` is set to; undefined leaves a setting out. */
export type StorageSettings = Readonly<Record<string, string | boolean | undefined>>;

const blob = bytesOf('a blob');

/** `oci-server` as a program, and a bucket that it reaches through a proxy. */
export interface BucketProgram {
  readonly gateway: S3Service;
  readonly proxy: FaultyProxy;
  /** Starts a server, pushes and pulls a blob, and ends it. @returns what the server said */
  pushAndPull(run: ServerRun): Promise<ProgramEnd>;
  /** Expects that a server does not start. @returns what it said */
  failed(run: ServerRun): Promise<string>;
  close(): Promise<void>;
}

/** One start of the program. */
interface ServerRun {
  /** A directory of the test's own, where the configuration is written. */
  readonly dir: string;
  readonly storage: StorageSettings;
  /** The whole environment beside `PATH` and `HOME`. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export async function createBucketProgram(): Promise<BucketProgram> {
  const gateway = await startVersitygw();
  const proxy = await startFaultyProxy(gateway.endpoint);
  const programs = await temporaryDirectory();
  const program = await compile(`await import('../src/main.js');`, {
    from: import.meta.url,
    directory: programs.path,
  });
  const begin = async (run: ServerRun): Promise<RunningProgram> =>
    startServe(program, { ...run, ...(await prepare(gateway, run)) });
  return {
    gateway,
    proxy,
    pushAndPull: async (run) => pushAndPull(await begin(run)),
    async failed(run) {
      const { exitCode, stdout, stderr } = await (await begin(run)).end;
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 8 });
      return `${stdout}${stderr}`;
    },
    async close() {
      await Promise.all([
        gateway.close(),
        proxy.close(),
        (programs satisfies TemporaryDirectory).remove(),
      ]);
    },
  };
}

async function prepare(
  gateway: S3Service,
  { dir, storage }: ServerRun,
): Promise<{ readonly config: string; readonly home: string }> {
  const home = join(dir, 'home');
  const config = join(dir, 'config.toml');
  await mkdir(home, { recursive: true });
  const bucket = await gateway.createBucket();
  const { region } = gateway;
  const settings = { kind: 's3', bucket, path_style: true, region, ...storage };
  const lines = Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  await writeFile(config, ['[orchestrator.oci.server.storage]', ...lines].join('\n'));
  return { config, home };
}

function startServe(
  program: string,
  { dir, config, home, env }: ServerRun & { readonly config: string; readonly home: string },
): RunningProgram {
  const args = ['--listen', '127.0.0.1:0', '--config', config, '--data-dir', join(dir, 'data')];
  const { PATH } = process.env;
  // Nothing of the machine that the test runs on.
  const own = { PATH, HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...env };
  return startProgram(process.execPath, [program, 'serve', ...args], { env: own });
}

async function pushAndPull(server: RunningProgram): Promise<ProgramEnd> {
  const { url } = JSON.parse(await server.says('listens on')) as { url: string };
  const upload = `${url}/v2/a/blobs/uploads/?digest=${digestOf(blob)}`;
  const pushed = await fetch(upload, { method: 'POST', body: Buffer.from(blob) });
  expect(pushed.status).toBe(201);
  const pulled = await fetch(`${url}/v2/a/blobs/${digestOf(blob)}`);
  expect(new Uint8Array(await pulled.arrayBuffer())).toEqual(blob);
  server.kill('SIGTERM');
  const end = await server.end;
  expect(end.exitCode).toBe(0);
  return end;
}
