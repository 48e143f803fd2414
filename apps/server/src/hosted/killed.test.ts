import { join } from 'node:path';

import { createFileObjectStore } from '@oci/cache';
import { mediaTypes } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type RunningProgram,
  type TemporaryDirectory,
  bytesOf,
  compile,
  randomBytes,
  startProgram,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { collectAll } from '../../test/hosted-operations.js';

/** By hand with hundreds. */
const kills = Number(process.env['OCI_SOAK_KILLS'] ?? 10);
const seed = Number(process.env['OCI_SOAK_SEED'] ?? Date.now());
/** Steps of a script, of which the last is not waited for. */
const mostSteps = 40;

let work: TemporaryDirectory;
let program: string;
beforeAll(async () => {
  work = await temporaryDirectory();
  program = await compile(`await import('../main.js');`, {
    from: import.meta.url,
    directory: work.path,
  });
});
afterAll(() => work.remove());

async function serve(dir: string): Promise<{ child: RunningProgram; url: string }> {
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dir];
  const child = startProgram(process.execPath, [program, ...args]);
  const { url } = JSON.parse(await child.says('listens on')) as { url: string };
  return { child, url };
}

/** The path of a thing that the registry serves, and the digest that it has; undefined where it has none. */
type Expected = Readonly<Record<string, string | undefined>>;

/** What a client asks for, and what is served when it was told that it is done. */
interface Step {
  readonly effect: Expected;
  run(send: Send): Promise<Response>;
}

type Send = (method: string, path: string, body?: Uint8Array) => Promise<Response>;

const subject = { mediaType: mediaTypes.imageManifest, digest: digestOf(bytesOf('it')), size: 2 };

/** What the turn pushes: its bytes are of no other turn. */
function contentOf(turn: number): { readonly blob: Uint8Array; readonly manifest: Uint8Array } {
  const blob = randomBytes(seed + turn, 200_000);
  const { imageManifest: mediaType } = mediaTypes;
  const config = { mediaType: 'a/b', digest: digestOf(blob), size: blob.byteLength };
  const document = { schemaVersion: 2, mediaType, config, layers: [], subject };
  return { blob, manifest: bytesOf(JSON.stringify(document)) };
}

const blobPath = (name: string, bytes: Uint8Array) => `/v2/${name}/blobs/${digestOf(bytes)}`;
const manifestPath = (bytes: Uint8Array) => `/v2/a/manifests/${digestOf(bytes)}`;

function stepAt(at: number): Step {
  const turn = Math.floor(at / steps.length);
  const step = steps[at % steps.length];
  if (!step) throw new Error('there is no such step');
  return step(contentOf(turn), turn, contentOf(turn - 1));
}

type Content = ReturnType<typeof contentOf>;

const steps: readonly ((own: Content, turn: number, before: Content) => Step)[] = [
  ({ blob }, turn) => ({
    effect: { [blobPath('a', blob)]: digestOf(blob) },
    run: (send) => (turn % 2 === 0 ? pushWhole(send, blob) : pushInPieces(send, blob)),
  }),
  ({ blob }) => ({
    effect: { [blobPath('b', blob)]: digestOf(blob) },
    run: (send) => send('POST', `/v2/b/blobs/uploads/?mount=${digestOf(blob)}&from=a`),
  }),
  ({ manifest }, turn) => ({
    effect: {
      [manifestPath(manifest)]: digestOf(manifest),
      [`/v2/a/manifests/tag${turn}`]: digestOf(manifest),
    },
    run: (send) => send('PUT', `/v2/a/manifests/tag${turn}`, manifest),
  }),
  ({ manifest }) => ({
    effect: { '/v2/a/manifests/latest': digestOf(manifest) },
    run: (send) => send('PUT', '/v2/a/manifests/latest', manifest),
  }),
  (_, turn) => ({
    effect: { [`/v2/a/manifests/tag${turn}`]: undefined },
    run: (send) => send('DELETE', `/v2/a/manifests/tag${turn}`),
  }),
  (_, turn, before) => ({
    effect: turn === 0 ? {} : { [manifestPath(before.manifest)]: undefined },
    run: (send) =>
      turn === 0 ? send('GET', '/v2/') : send('DELETE', manifestPath(before.manifest)),
  }),
  ({ blob }) => ({
    effect: { [blobPath('b', blob)]: undefined },
    run: (send) => send('DELETE', blobPath('b', blob)),
  }),
];

function pushWhole(send: Send, blob: Uint8Array): Promise<Response> {
  return send('POST', `/v2/a/blobs/uploads/?digest=${digestOf(blob)}`, blob);
}

async function pushInPieces(send: Send, blob: Uint8Array): Promise<Response> {
  const begun = await send('POST', '/v2/a/blobs/uploads/');
  const location = begun.headers.get('location') ?? '';
  await send('PATCH', location, blob.subarray(0, 100_000));
  await send('PATCH', location, blob.subarray(100_000));
  return send('PUT', `${location}?digest=${digestOf(blob)}`);
}

/** Sends requests until one is not answered. */
function senderTo(url: string): Send {
  return async (method, path, body) => {
    const headers = { 'content-type': mediaTypes.imageManifest };
    const init = { method, ...(body && { body: Buffer.from(body), headers }) };
    const answer = await fetch(`${url}${path}`, init);
    if (answer.status >= 400) throw new Error(`${method} ${path} was answered by ${answer.status}`);
    return answer;
  };
}

/** The digest of what is served at a path; undefined when there is nothing. */
async function served(url: string, path: string): Promise<string | undefined> {
  const answer = await fetch(`${url}${path}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (![200, 404].includes(answer.status)) throw new Error(`${path}: ${answer.status}`);
  return answer.status === 200 ? digestOf(bytes) : undefined;
}

interface Outcome {
  /** Of steps that were acknowledged. */
  readonly known: Expected;
  /** Of the step in which the server was killed. */
  readonly uncertain: Step | undefined;
}

/** Kills a server some milliseconds after it was sent one of the steps. */
async function killDuring(
  { child, url }: { child: RunningProgram; url: string },
  { at, afterMs }: { readonly at: number; readonly afterMs: number },
): Promise<Outcome> {
  const known: Record<string, string | undefined> = {};
  const send = senderTo(url);
  for (let each = 0; ; each += 1) {
    const step = stepAt(each);
    const running = step.run(send).then(() => Object.assign(known, step.effect));
    if (each < at) {
      await running;
      continue;
    }
    const isAcknowledged = running.then(
      () => true,
      () => false,
    );
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill();
    await child.end;
    return { known, uncertain: (await isAcknowledged) ? undefined : step };
  }
}

/** All that was acknowledged is served, and each thing of the last step as it was or as it should be. */
async function check(url: string, { known, uncertain }: Outcome): Promise<void> {
  const effect = uncertain?.effect ?? {};
  for (const path of new Set([...Object.keys(known), ...Object.keys(effect)])) {
    const now = await served(url, path);
    expect([known[path], ...(path in effect ? [effect[path]] : [])]).toContain(now);
  }
  const { tags = [] } = (await (await fetch(`${url}/v2/a/tags/list`)).json()) as {
    tags?: readonly string[];
  };
  for (const tag of tags) {
    const digest = await served(url, `/v2/a/manifests/${tag}`);
    expect(digest).toBeDefined();
    expect(await served(url, `/v2/a/manifests/${digest}`)).toBe(digest);
  }
  const referrers = await fetch(`${url}/v2/a/referrers/${subject.digest}`);
  const { manifests } = (await referrers.json()) as { manifests: { digest: string }[] };
  for (const { digest } of manifests)
    expect(await served(url, `/v2/a/manifests/${digest}`)).toBe(digest);
}

test(
  `a server that is killed at any moment has all that it acknowledged (seed ${seed})`,
  async () => {
    const numbers = randomBytes(seed, 2 * kills);
    for (let round = 0; round < kills; round += 1) {
      const dir = join(work.path, String(round));
      const at = (numbers[2 * round] ?? 0) % mostSteps;
      const afterMs = (numbers[2 * round + 1] ?? 0) % 12;
      const outcome = await killDuring(await serve(dir), { at, afterMs });
      const { child, url } = await serve(dir);
      await check(url, outcome);
      // What was not acknowledged is done by asking again, unless it was done.
      await outcome.uncertain?.run(senderTo(url)).catch((error: unknown) => {
        if (!/^Error: DELETE .* answered by 404$/.test(String(error))) throw error;
      });
      const known = { ...outcome.known, ...outcome.uncertain?.effect };
      await check(url, { known, uncertain: undefined });
      child.kill('SIGTERM');
      expect((await child.end).exitCode).toBe(0);
      const store = createFileObjectStore(join(dir, 'registry'), { isExclusive: true });
      expect(await collectAll(store)).toEqual([]);
    }
  },
  20_000 + 10_000 * kills,
);
