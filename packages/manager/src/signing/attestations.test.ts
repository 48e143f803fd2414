import { MemoryRepository } from '@oci/client/layout';
import { type ResolvedManifest, parseTag, singleChunk } from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import { kclPackage } from '@oci/testing';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';

import { attestArtifact } from './attest-artifact.js';
import { type AttestationConditions, ensureConditions } from './attestation-conditions.js';
import { parsePredicateType, predicateTypes } from './predicate-type.js';
import { provenanceOf } from './provenance.js';
import { signArtifact } from './sign-artifact.js';
import { generateKeyPair, readSigningKey } from './signing-key.js';
import { verifyAttestations } from './verify-attestations.js';
import { verifySignatures } from './verify-signatures.js';

const newKey = async () => readSigningKey((await generateKeyPair()).privateKey);
const key = await newKey();
const otherKey = await newKey();
const day = 24 * 60 * 60_000;

const github = {
  buildDefinition: {
    buildType: 'https://actions.github.io/buildtypes/workflow/v1',
    externalParameters: {
      workflow: {
        ref: 'refs/heads/main',
        repository: 'https://github.com/team/tool',
        path: '.github/workflows/release.yml',
      },
    },
  },
  runDetails: {
    builder: { id: 'https://github.com/actions/runner/github-hosted' },
    metadata: { finishedOn: new Date(Date.now() - 2 * day).toISOString() },
  },
};

let repository: MemoryRepository;
let subject: ResolvedManifest;

async function publish(version: string): Promise<ResolvedManifest> {
  const { manifest, blobs } = kclPackage({ name: 'core', version });
  for (const { bytes, descriptor } of blobs)
    await repository.pushBlob(descriptor, singleChunk(bytes));
  const resolved = describeManifest(manifest.bytes);
  await repository.pushManifest(resolved, { tag: parseTag(version) });
  return resolved;
}

beforeEach(async () => {
  repository = new MemoryRepository();
  subject = await publish('1.0.0');
});

const attest = (predicateType: string, predicate: unknown, by = key) =>
  attestArtifact(repository, subject, by, { predicateType, predicate });
const verify = (
  predicateType: string,
  conditions: AttestationConditions = {},
  about: ResolvedManifest = subject,
) => {
  const authority = { keys: [key.publicKey] };
  return verifyAttestations(repository, about, authority, { predicateType, conditions });
};

describe('an attestation', () => {
  it('comes back as it was made, of its type, and is no signature', async () => {
    const predicate = { packages: [{ name: 'a' }], number: 1.5, nothing: null };
    expect(await attest('spdx', predicate)).toMatchObject({ added: true });
    await attest('cyclonedx', { other: true });
    const { attestations, rejected } = await verify('spdx');
    expect(attestations).toMatchObject([
      { predicate, predicateType: predicateTypes.spdx, signer: { kind: 'key' } },
    ]);
    expect(rejected).toEqual([]);
    await expect(
      verifySignatures(repository, subject, { keys: [key.publicKey] }),
    ).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it('is not made twice by one key, and is by another', async () => {
    await attest('spdx', { a: 1 });
    expect(await attest('spdx', { a: 1 })).toMatchObject({ added: false });
    expect(await attest('spdx', { a: 2 })).toMatchObject({ added: true });
    expect(await attest('spdx', { a: 1 }, otherKey)).toMatchObject({ added: true });
    expect((await verify('spdx')).attestations).toHaveLength(2);
    expect((await verify('spdx')).rejected).toMatchObject([{ reason: 'it is by another key' }]);
  });

  it('is missing where there is none, and where only signatures are', async () => {
    await signArtifact(repository, subject, key, { repositoryName: 'registry.example/core' });
    await expect(verify('spdx')).rejects.toMatchObject({ code: 'SIGNATURE_MISSING' });
  });

  it('is not good by another key, or about another artifact', async () => {
    await attest('spdx', {}, otherKey);
    await expect(verify('spdx')).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
      message: expect.stringContaining('it is by another key'),
    });
    const other = await publish('2.0.0');
    const about = attestArtifact(repository, other, key, { predicateType: 'vuln', predicate: {} });
    const { manifest } = await about;
    const moved = await repository.fetch(manifest);
    // The same bundle, said to refer to the first one.
    const document = { ...moved.document, subject: subject.descriptor };
    await repository.pushManifest(describeManifest(Buffer.from(JSON.stringify(document))));
    await expect(verify('vuln')).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
      message: expect.stringContaining('it is about another artifact'),
    });
  });

  it('has a type that is a URI or a short name', () => {
    expect(parsePredicateType('slsaprovenance1')).toBe('https://slsa.dev/provenance/v1');
    expect(parsePredicateType('https://team.example/review/v1')).toMatch(/^https/);
    for (const text of ['', 'toString', 'a b', `https://x/${'a'.repeat(1000)}`, 'https://x/ y'])
      expect(() => parsePredicateType(text)).toThrow(/no type of a predicate/);
  });
});

describe('conditions on provenance', () => {
  const right: AttestationConditions = {
    builder: 'https://github.com/actions/runner/github-hosted',
    repository: 'https://github.com/team/tool',
    ref: 'refs/heads/main',
    workflow: '.github/workflows/release.yml',
    maxAgeDays: 3,
  };

  it('let through what fulfils all of them', async () => {
    await attest('slsaprovenance1', github);
    expect((await verify('slsaprovenance1', right)).attestations).toHaveLength(1);
  });

  it.each<[AttestationConditions, string]>([
    [{ builder: 'https://elsewhere.example' }, 'its builder is https://github.com/actions'],
    [{ repository: 'https://github.com/team/too' }, 'its repository is'],
    [{ repository: 'https://github.com/team/tool/' }, 'its repository is'],
    [{ ref: 'refs/heads/mai' }, 'its ref is'],
    [{ workflow: 'release.yml' }, 'its workflow is'],
    [{ maxAgeDays: 1 }, 'more than 1 days ago'],
  ])('refuse by %j', async (change, reason) => {
    await attest('slsaprovenance1', github);
    await expect(verify('slsaprovenance1', { ...right, ...change })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
      message: expect.stringContaining(reason),
    });
  });

  it('refuse what is no provenance, says nothing, or comes from the future', () => {
    expect(() => ensureConditions({ builder: 'a' }, undefined)).toThrow(/no provenance/);
    expect(() => ensureConditions({ builder: 'a' }, {})).toThrow(/not named/);
    expect(() => ensureConditions({ maxAgeDays: 1 }, {})).toThrow(/when it was built/);
    const builtAt = new Date(Date.now() + day).toISOString();
    expect(() => ensureConditions({ maxAgeDays: 1 }, { builtAt })).toThrow(/future/);
    expect(() => ensureConditions({}, undefined)).not.toThrow();
  });
});

describe('provenance', () => {
  const read = (type: keyof typeof predicateTypes, predicate: unknown) =>
    provenanceOf({ predicateType: predicateTypes[type], predicate });

  it('of GitHub and of GitLab, and of version 0.2, says the same things', () => {
    expect(read('slsaprovenance1', github)).toMatchObject({
      repository: 'https://github.com/team/tool',
      ref: 'refs/heads/main',
    });
    const gitlab = {
      buildDefinition: {
        externalParameters: { source: 'https://gitlab.com/team/tool', entryPoint: 'build' },
      },
      runDetails: { builder: { id: 'https://gitlab.com/team/tool/-/runners/1' } },
    };
    expect(read('slsaprovenance1', gitlab)).toMatchObject({
      builder: 'https://gitlab.com/team/tool/-/runners/1',
      repository: 'https://gitlab.com/team/tool',
      workflow: 'build',
    });
    const older = {
      builder: { id: 'b' },
      invocation: {
        configSource: {
          uri: 'git+https://github.com/team/tool@refs/tags/v1',
          entryPoint: '.github/workflows/release.yml',
        },
      },
      metadata: { buildFinishedOn: '2026-01-01T00:00:00Z' },
    };
    expect(read('slsaprovenance02', older)).toEqual({
      builder: 'b',
      repository: 'https://github.com/team/tool',
      ref: 'refs/tags/v1',
      workflow: '.github/workflows/release.yml',
      builtAt: '2026-01-01T00:00:00Z',
    });
    expect(read('spdx', github)).toBeUndefined();
  });

  it('is read or empty, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (predicate) => {
        for (const type of ['slsaprovenance1', 'slsaprovenance02'] as const)
          for (const value of Object.values(read(type, predicate) ?? {}))
            expect(['string', 'undefined']).toContain(typeof value);
      }),
    );
  });
});
