import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createRegistry } from '@oci/client';
import { type ResolvedManifest, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import {
  type DockerRegistry,
  type ProgramResult,
  type TemporaryDirectory,
  kclPackage,
  peer,
  run,
  startDockerRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { attestArtifact } from './attest-artifact.js';
import { generateKeyPair, readPublicKey, readSigningKey } from './signing-key.js';
import { signArtifact } from './sign-artifact.js';
import { verifyAttestations } from './verify-attestations.js';
import { verifySignatures } from './verify-signatures.js';

const emptyTrustedRoot = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [],
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
};

describePeer(['docker-registry', 'cosign'], 'cosign, at a docker-registry', () => {
  let registry: DockerRegistry;
  let work: TemporaryDirectory;
  let count = 0;

  beforeAll(async () => {
    registry = await startDockerRegistry();
    work = await temporaryDirectory('oci-cosign-');
    await writeFile(join(work.path, 'root.json'), JSON.stringify(emptyTrustedRoot));
    await cosign('generate-key-pair', '--output-key-prefix', 'theirs');
  });
  afterAll(async () => {
    await registry.close();
    await work.remove();
  });

  function cosign(...args: readonly string[]): Promise<ProgramResult> {
    const env = { ...process.env, COSIGN_PASSWORD: 'secret', HOME: work.path };
    return run(peer('cosign') ?? '', args, { env, cwd: work.path });
  }

  async function published() {
    count += 1;
    const name = `kcl/core-${count}`;
    const client = createRegistry({ url: registry.url });
    const repository = client.repository(parseRepositoryName(name));
    const { manifest, blobs } = kclPackage({ name: 'core', version: '1.0.0' });
    for (const { bytes, descriptor } of blobs)
      await repository.pushBlob(
        descriptor,
        (async function* () {
          yield bytes;
        })(),
      );
    const subject: ResolvedManifest = describeManifest(manifest.bytes);
    await repository.pushManifest(subject, { tag: parseTag('1.0.0') });
    const host = new URL(registry.url).host;
    const reference = `${host}/${name}@${subject.descriptor.digest}`;
    return { repository, subject, reference, repositoryName: `${host}/${name}`, client };
  }

  const offline = ['--allow-insecure-registry', '--insecure-ignore-tlog=true'];

  it('verifies what we sign, in both forms', async () => {
    const { repository, subject, reference, repositoryName, client } = await published();
    const pair = await generateKeyPair('secret');
    await writeFile(join(work.path, 'ours.key'), pair.privateKey);
    await writeFile(join(work.path, 'ours.pub'), pair.publicKey);
    const opened = await cosign('public-key', '--key', 'ours.key');
    expect(opened.stdout.trim()).toBe(pair.publicKey.trim());

    const key = await readSigningKey(pair.privateKey, 'secret');
    for (const form of ['bundle', 'cosign-tag'] as const)
      await signArtifact(repository, subject, key, { form, repositoryName });
    const verify = ['verify', ...offline, '--key'];
    expect(await cosign(...verify, 'ours.pub', reference)).toMatchObject({ exitCode: 0 });
    const bundle = ['--new-bundle-format', '--trusted-root', 'root.json', reference];
    expect(await cosign(...verify, 'ours.pub', ...bundle)).toMatchObject({ exitCode: 0 });
    expect((await cosign(...verify, 'theirs.pub', ...bundle)).exitCode).not.toBe(0);
    await client.close();
  });

  it('signs what we verify, in both forms, and beside ours', async () => {
    const { repository, subject, reference, repositoryName, client } = await published();
    const ours = await readSigningKey((await generateKeyPair()).privateKey);
    await signArtifact(repository, subject, ours, { form: 'cosign-tag', repositoryName });
    const noLog = ['--use-signing-config=false', '--tlog-upload=false'];
    const sign = ['sign', '--key', 'theirs.key', ...noLog, '-y'];
    const insecure = ['--allow-insecure-registry', reference];
    for (const bundle of ['false', 'true'])
      expect(await cosign(...sign, `--new-bundle-format=${bundle}`, ...insecure)).toMatchObject({
        exitCode: 0,
      });
    const pem = (await cosign('public-key', '--key', 'theirs.key')).stdout;
    const found = await verifySignatures(repository, subject, { keys: [readPublicKey(pem)] });
    expect(found.signatures.map(({ form }) => form)).toEqual(['bundle', 'cosign-tag']);
    const both = await verifySignatures(repository, subject, {
      keys: [readPublicKey(pem), ours.publicKey],
    });
    expect(both).toMatchObject({ signatures: [{}, {}, {}], rejected: [] });
    await client.close();
  });

  it('verifies what we attest, and attests what we verify', async () => {
    const { repository, subject, reference, client } = await published();
    const pair = await generateKeyPair('secret');
    await writeFile(join(work.path, 'builder.pub'), pair.publicKey);
    const key = await readSigningKey(pair.privateKey, 'secret');
    const predicate = { SPDXID: 'SPDXRef-DOCUMENT', packages: [] };
    await attestArtifact(repository, subject, key, { predicateType: 'spdx', predicate });
    const verify = ['verify-attestation', ...offline, '--trusted-root', 'root.json'];
    const ofType = ['--new-bundle-format', '--type', 'spdx', reference];
    expect(await cosign(...verify, '--key', 'builder.pub', ...ofType)).toMatchObject({
      exitCode: 0,
    });
    expect((await cosign(...verify, '--key', 'theirs.pub', ...ofType)).exitCode).not.toBe(0);

    await writeFile(join(work.path, 'predicate.json'), JSON.stringify({ Data: 'checked' }));
    const noLog = ['--use-signing-config=false', '--tlog-upload=false', '-y'];
    const attest = ['attest', '--key', 'theirs.key', ...noLog, '--new-bundle-format'];
    const what = ['--predicate', 'predicate.json', '--type', 'https://team.example/review/v1'];
    expect(await cosign(...attest, ...what, '--allow-insecure-registry', reference)).toMatchObject({
      exitCode: 0,
    });
    const pem = (await cosign('public-key', '--key', 'theirs.key')).stdout;
    const { attestations } = await verifyAttestations(
      repository,
      subject,
      { keys: [readPublicKey(pem)] },
      { predicateType: 'https://team.example/review/v1' },
    );
    expect(attestations).toMatchObject([{ predicateType: 'https://team.example/review/v1' }]);
    await client.close();
  });
});
