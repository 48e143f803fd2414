import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type Descriptor,
  type ResolvedManifest,
  childrenOf,
  isOciError,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import {
  type ArtifactBytes,
  type DockerRegistry,
  type DockerRegistryOptions,
  type ToolAccess,
  type ToolName,
  collect,
  dockerRegistryCredential,
  image,
  inChunks,
  kclPackage,
  randomBytes,
  registryTool,
  startDockerRegistry,
  startZot,
  tarOfFiles,
  temporaryDirectory,
  testAuthority,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { expect, test } from 'vitest';

import { copy } from '../copy/copy.js';
import { staticCredentials } from '../credentials/credential.js';
import { type Registry, createRegistry } from '../registry.js';
import type { RemoteRepository } from '../repository/remote-repository.js';

/** How the registry protects itself. */
const protections = [
  ['with a password', { auth: true }],
  ['with a token server', { auth: 'token' }],
  ['with a password over TLS', { auth: true, tls: true }],
  ['with a client certificate', { tls: 'client-certificate' }],
] as const satisfies readonly (readonly [string, DockerRegistryOptions])[];

const name = parseRepositoryName('kcl/demo');
const tag = parseTag('1.0.0');

interface Bench extends AsyncDisposable {
  readonly registry: DockerRegistry;
  readonly client: Registry;
  readonly repository: RemoteRepository;
  readonly access: ToolAccess;
}

async function bench(options: DockerRegistryOptions): Promise<Bench> {
  const registry = await startDockerRegistry(options);
  const authority = await testAuthority();
  const credential = options.auth ? dockerRegistryCredential : undefined;
  const clientCertificate = options.tls === 'client-certificate';
  const client = createRegistry({
    url: registry.url,
    ...(credential && {
      credentials: staticCredentials(registry.host, { kind: 'password', ...credential }),
    }),
    ...(options.tls && { ca: authority.ca }),
    ...(clientCertificate && { clientCertificate: authority.client }),
  });
  return {
    registry,
    client,
    repository: client.repository(name),
    access: {
      host: registry.host,
      credential,
      authority: options.tls ? authority : undefined,
      clientCertificate,
    },
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await registry.close();
    },
  };
}

async function push(to: RemoteRepository, artifact: ArtifactBytes): Promise<ResolvedManifest> {
  for (const { descriptor, bytes } of artifact.blobs)
    await to.pushBlob(descriptor, inChunks(bytes, 1000));
  const manifest = describeManifest(artifact.manifest.bytes, artifact.manifest.mediaType);
  await to.pushManifest(manifest, { tag });
  return manifest;
}

/** All of an artifact, as a tool would read it. @returns its layers */
async function pull(from: RemoteRepository): Promise<readonly Descriptor[]> {
  const manifest = await from.fetchManifest(await from.resolve(tag));
  if (manifest.kind !== 'image') throw new Error('an image is expected');
  for (const blob of childrenOf(manifest))
    expect(digestOf(await collect(await from.fetchBlob(blob)))).toBe(blob.digest);
  return manifest.document.layers;
}

/** All that a client does with a repository, from the first push to the deletion. */
async function expectAll(client: Registry): Promise<void> {
  await using work = await temporaryDirectory();
  const repository = client.repository(name);
  const manifest = await push(repository, kclPackage({ name: 'demo', version: '1.0.0' }));
  await pull(repository);

  const bytes = randomBytes(5, 300_000);
  const blob = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };
  await repository.pushBlob(blob, inChunks(bytes, 7000), { chunkBytes: 100_000 });
  await repository.downloadBlob(blob, join(work.path, 'blob'));

  const other = client.repository(parseRepositoryName('kcl/other'));
  expect(await other.mountBlob(blob, name)).toBe(true);
  expect(await other.hasBlob(blob)).toBe(true);

  const subject = manifest.descriptor;
  const artifactType = 'application/vnd.example.signature';
  const signature = kclPackage({ name: 'sig', version: '1.0.0' });
  const referrer = await pushReferrer(repository, { signature, subject, artifactType });
  const found: string[] = [];
  for await (const { digest } of repository.listReferrers(subject, { artifactType }))
    found.push(digest);
  expect(found).toEqual([referrer.descriptor.digest]);

  await repository.deleteManifest(manifest.descriptor);
  const gone = await repository.resolve(tag).catch((error: unknown) => error);
  expect(isOciError(gone, 'MANIFEST_UNKNOWN')).toBe(true);
}

describePeer('zot', 'zot', () => {
  test('push, pull, chunks, mount, referrers, delete', async () => {
    await using zot = await startZot();
    const client = createRegistry({ url: zot.url });
    await expectAll(client);
    await client.close();
  });
});

for (const program of ['docker-registry', 'registry'] as const) {
  describePeer(program, `${program} in all its ways`, () => {
    test.each(protections)(
      '%s: push, pull, chunks, mount, referrers, delete',
      async (_, options) => {
        await using here = await bench({ ...options, program });
        await expectAll(here.client);
      },
    );
  });
}

describePeer('docker-registry', 'docker-registry and copies', () => {
  test.each(protections)('%s: copies both ways', async (_, options) => {
    await using here = await bench(options);
    await using plain = await bench({});
    await push(here.repository, image());
    await copy({ repository: here.repository, reference: tag }, { repository: plain.repository });
    await pull(plain.repository);
    const again = here.client.repository(parseRepositoryName('copy/again'));
    await copy({ repository: plain.repository, reference: tag }, { repository: again });
    expect(await again.resolve(tag)).toEqual(await here.repository.resolve(tag));
  });

  test('a wrong client certificate, password or token gets nobody in', async () => {
    await using mutual = await bench({ tls: 'client-certificate' });
    const { ca } = await testAuthority();
    const bare = createRegistry({ url: mutual.registry.url, ca, retry: { attempts: 1 } });
    await expect(bare.ping()).rejects.toMatchObject({
      code: expect.stringMatching(/^(TLS|NETWORK)$/),
    });
    await bare.close();
    await using tokens = await bench({ auth: 'token' });
    const credentials = staticCredentials(tokens.registry.host, {
      kind: 'password',
      username: 'tester',
      password: 'wrong',
    });
    const wrong = createRegistry({ url: tokens.registry.url, credentials });
    await expect(wrong.repository(name).resolve(tag)).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });
    await wrong.close();
  });
});

async function pushReferrer(
  to: RemoteRepository,
  {
    signature,
    subject,
    artifactType,
  }: { signature: ArtifactBytes; subject: Descriptor; artifactType: string },
): Promise<ResolvedManifest> {
  for (const { descriptor, bytes } of signature.blobs)
    await to.pushBlob(descriptor, inChunks(bytes, 1000));
  const document = JSON.parse(Buffer.from(signature.manifest.bytes).toString('utf8')) as object;
  const bytes = Buffer.from(JSON.stringify({ ...document, subject, artifactType }));
  const manifest = describeManifest(bytes, signature.manifest.mediaType);
  await to.pushManifest(manifest);
  return manifest;
}

/** What each tool reads what we wrote with, and writes what we read with. */
const tools: Readonly<
  Record<
    ToolName,
    {
      readonly reads: (reference: string, flags: readonly string[]) => readonly string[];
      readonly writes: (reference: string, flags: readonly string[]) => readonly string[];
      readonly copies: (from: string, to: string, flags: readonly string[]) => readonly string[];
    }
  >
> = {
  oras: {
    reads: (reference, flags) => ['pull', ...flags, '-o', 'read', reference],
    writes: (reference, flags) => ['push', ...flags, reference, 'file.txt:text/plain'],
    copies: (from, to, flags) => ['cp', ...forBoth(flags), from, to],
  },
  crane: {
    reads: (reference) => ['validate', '--remote', reference],
    writes: (reference) => ['append', '--new_layer', 'layer.tar', '--new_tag', reference],
    copies: (from, to) => ['copy', from, to],
  },
  regctl: {
    reads: (reference) => ['image', 'export', reference, 'read.tar'],
    writes: (reference) => ['artifact', 'put', '--file', 'file.txt', reference],
    copies: (from, to) => ['image', 'copy', from, to],
  },
  skopeo: {
    reads: (reference, flags) => ['copy', ...forSource(flags), `docker://${reference}`, 'dir:read'],
    writes: (reference, flags) => [
      'copy',
      ...forTarget(flags),
      'dir:read',
      `docker://${reference}`,
    ],
    copies: (from, to, flags) => [
      'copy',
      ...forSource(flags),
      ...forTarget(flags),
      `docker://${from}`,
      `docker://${to}`,
    ],
  },
};

function renamed(flags: readonly string[], prefix: string): readonly string[] {
  return flags.map((flag) => flag.replace(/^--/, `--${prefix}-`));
}

const forSource = (flags: readonly string[]) => renamed(flags, 'src');
const forTarget = (flags: readonly string[]) => renamed(flags, 'dest');
const forBoth = (flags: readonly string[]) => [...renamed(flags, 'from'), ...renamed(flags, 'to')];

for (const tool of Object.keys(tools) as ToolName[]) {
  describePeer(['docker-registry', tool], `${tool} and we`, () => {
    // crane has no flag for a client certificate.
    const reachable = protections.filter(
      ([, options]) => tool !== 'crane' || !('tls' in options) || options.tls === true,
    );
    test.each(reachable)('%s: read what the other wrote, and copies', async (_, options) => {
      await using here = await bench(options);
      await using work = await temporaryDirectory();
      await writeFile(join(work.path, 'file.txt'), 'hello');
      await writeFile(join(work.path, 'layer.tar'), tarOfFiles({ 'etc/motd': 'hello\n' }));
      const program = await registryTool(tool, here.access, work.path);
      const { flags } = program;
      const { reads, writes, copies } = tools[tool];
      const reference = (repository: string) => `${here.registry.host}/${repository}:${tag}`;
      const ours = tool === 'oras' ? kclPackage({ name: 'demo', version: '1.0.0' }) : image();
      const { descriptor } = await push(here.repository, ours);

      await program.run(...reads(reference('kcl/demo'), flags));
      await program.run(...writes(reference('theirs/one'), flags));
      const theirs = here.client.repository(parseRepositoryName('theirs/one'));
      expect((await pull(theirs)).length).toBeGreaterThan(0);
      await program.run(...copies(reference('kcl/demo'), reference('theirs/copy'), flags));
      const copied = here.client.repository(parseRepositoryName('theirs/copy'));
      expect(await copied.resolve(tag)).toEqual(descriptor);
      await pull(copied);
    });
  });
}
