import { copy } from '@oci/client/copy';
import { LayoutDirectory, MemoryRepository } from '@oci/client/layout';
import {
  type Descriptor,
  type ResolvedManifest,
  emptyDescriptor,
  mediaTypes,
  parseTag,
  singleChunk,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { kclPackage, temporaryDirectory } from '@oci/testing';
import { beforeEach, describe, expect, it, test } from 'vitest';

import { bundleType, signedBundle } from './bundle.js';
import { signArtifact } from './sign-artifact.js';
import type { SignatureForm, SignatureSource } from './found-signature.js';
import { signatureTag } from './tag-search.js';
import { type SigningKey, generateKeyPair, readSigningKey, signBytes } from './signing-key.js';
import { simpleSigningPayload, simpleSigningType } from './simple-signing.js';
import { preAuthEncoding, signStatement, statementType } from './statement.js';
import { type Verification, verifySignatures } from './verify-signatures.js';

const key = await newKey();
const otherKey = await newKey();
const forms: readonly SignatureForm[] = ['bundle', 'cosign-tag'];

async function newKey(): Promise<SigningKey> {
  return readSigningKey((await generateKeyPair()).privateKey);
}

let repository: MemoryRepository;
let subject: ResolvedManifest;

beforeEach(async () => {
  repository = new MemoryRepository();
  subject = await pushPackage('1.0.0');
});

async function pushPackage(version: string): Promise<ResolvedManifest> {
  const { manifest, blobs } = kclPackage({ name: 'core', version });
  for (const { bytes, descriptor } of blobs)
    await repository.pushBlob(descriptor, singleChunk(bytes));
  const resolved = describeManifest(manifest.bytes);
  await repository.pushManifest(resolved, { tag: parseTag(version) });
  return resolved;
}

async function pushBytes(bytes: Buffer, mediaType: string): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await repository.pushBlob(descriptor, singleChunk(bytes));
  return descriptor;
}

/** Attaches what claims to be a bundle. */
async function attach(
  bundle: Buffer | object,
  { about = subject, change = {} }: { about?: ResolvedManifest; change?: object } = {},
): Promise<void> {
  const bytes = Buffer.isBuffer(bundle) ? bundle : Buffer.from(JSON.stringify(bundle));
  const { mediaType, digest, size } = about.descriptor;
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    artifactType: bundleType,
    config: await pushBytes(Buffer.from('{}'), emptyDescriptor.mediaType),
    layers: [await pushBytes(bytes, bundleType)],
    subject: { mediaType, digest, size },
    ...change,
  };
  await repository.pushManifest(describeManifest(Buffer.from(JSON.stringify(document))));
}

/** A signature under cosign's tag, over whatever is given. */
async function tagPayload(payload: Buffer, signature = signBytes(key, payload)): Promise<void> {
  const layer = {
    ...(await pushBytes(payload, simpleSigningType)),
    annotations: { 'dev.cosignproject.cosign/signature': signature.toString('base64') },
  };
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    config: await pushBytes(Buffer.from('{}'), mediaTypes.imageConfig),
    layers: [layer],
  };
  const manifest = describeManifest(Buffer.from(JSON.stringify(document)));
  await repository.pushManifest(manifest, { tag: signatureTag(subject.descriptor.digest) });
}

function sign(by = key, form: SignatureForm = 'bundle', about = subject) {
  return signArtifact(repository, about, by, { form, repositoryName: 'registry.example/core' });
}

function verify(keys: readonly SigningKey[] = [key]): Promise<Verification> {
  const authority = { keys: keys.map(({ publicKey }) => publicKey) };
  return verifySignatures(repository, subject, authority);
}

/** A bundle by `key` over any payload, as its envelope would carry it. */
function envelope(payload: Buffer, type = statementType) {
  const signature = signBytes(key, preAuthEncoding(type, payload));
  const bundle = JSON.parse(String(signedBundle(payload, key))) as Record<string, object>;
  return {
    ...bundle,
    dsseEnvelope: {
      payload: payload.toString('base64'),
      payloadType: type,
      signatures: [{ sig: signature.toString('base64') }],
    },
  };
}

describe.each(forms)('a signature as %s', (form) => {
  it('is verified with the public key', async () => {
    const signed = await sign(key, form);
    expect(signed).toMatchObject({ form, added: true, hint: key.publicKey.hint });
    expect(await verify()).toEqual({
      digest: subject.descriptor.digest,
      signatures: [
        { form, manifest: signed.manifest, signer: { kind: 'key', hint: key.publicKey.hint } },
      ],
      rejected: [],
    });
  });

  it('is made once by the same key', async () => {
    const first = await sign(key, form);
    expect(await sign(key, form)).toEqual({ ...first, added: false });
  });

  it('is none of another key, and one of those that may sign is enough', async () => {
    await sign(otherKey, form);
    await expect(verify()).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
      message: expect.stringContaining('by another key'),
    });
    await sign(key, form);
    const { signatures, rejected } = await verify();
    expect([signatures.length, rejected.length]).toEqual([1, 1]);
    expect((await verify([otherKey, key])).signatures).toHaveLength(2);
  });

  it('survives a copy that brings the referrers, and is missed in one that does not', async () => {
    await using work = await temporaryDirectory('oci-signed-');
    await sign(key, form);
    const source = { repository, reference: parseTag('1.0.0') };
    const authority = { keys: [key.publicKey] };
    const bare = await LayoutDirectory.open(`${work.path}/bare`, { create: true });
    await copy(source, { repository: bare }, { referrers: 'ignore' });
    await expect(verifySignatures(bare, subject, authority)).rejects.toMatchObject({
      code: 'SIGNATURE_MISSING',
    });
    const whole = await LayoutDirectory.open(`${work.path}/whole`, { create: true });
    await copy(source, { repository: whole }, { referrers: true });
    expect((await verifySignatures(whole, subject, authority)).signatures).toHaveLength(1);
  });
});

describe('nothing is taken for a signature of an artifact', () => {
  it('when there is none', async () => {
    await expect(verify()).rejects.toMatchObject({ code: 'SIGNATURE_MISSING' });
  });

  it('when nobody may sign', async () => {
    await sign();
    await expect(verify([])).rejects.toThrow(/by a key, and none was given/);
  });

  it('that is a good one of another artifact (CVE-2023-33959)', async () => {
    const other = await pushPackage('2.0.0');
    await attach(signedBundle(signStatement(other.descriptor.digest), key));
    await tagPayload(simpleSigningPayload(other.descriptor.digest, 'x'));
    const failure = await verify().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'SIGNATURE_INVALID' });
    expect(String(failure).match(/about another artifact/g)).toHaveLength(2);
  });

  it('whose manifest has another subject than the list of referrers says', async () => {
    const other = await pushPackage('2.0.0');
    await sign(key, 'bundle', other);
    const lying: SignatureSource = {
      resolve: (name, options) => repository.resolve(name, options),
      fetchManifest: (descriptor, options) => repository.fetchManifest(descriptor, options),
      fetchBlob: (descriptor, options) => repository.fetchBlob(descriptor, options),
      listReferrers: (_, options) => repository.listReferrers(other.descriptor, options),
    };
    const authority = { keys: [key.publicKey] };
    await expect(verifySignatures(lying, subject, authority)).rejects.toThrow(/another subject/);
  });

  it('that is an attestation of something else by the same key', async () => {
    const statement = JSON.parse(String(signStatement(subject.descriptor.digest))) as object;
    const provenance = { ...statement, predicateType: 'https://slsa.dev/provenance/v1' };
    await attach(envelope(Buffer.from(JSON.stringify(provenance))));
    await expect(verify()).rejects.toThrow(/attestation of .*slsa.*, not a signature/);
  });

  it('whose payload can not be read, though it is signed (CVE-2026-39395)', async () => {
    await attach(envelope(Buffer.from('not JSON')));
    await tagPayload(Buffer.from('not JSON either'));
    await expect(verify()).rejects.toThrow(/none of the 2 signatures/);
  });

  it('whose payload is of another type', async () => {
    await attach(envelope(signStatement(subject.descriptor.digest), 'text/plain'));
    await expect(verify()).rejects.toThrow(/payload is text\/plain/);
  });

  it('whose payload was changed after it was signed', async () => {
    const other = await pushPackage('2.0.0');
    const bundle = envelope(signStatement(other.descriptor.digest));
    const payload = signStatement(subject.descriptor.digest).toString('base64');
    await attach({ ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, payload } });
    await expect(verify()).rejects.toThrow(/by another key/);
  });

  it.each([
    ['two signatures', 2],
    ['no signature', 0],
  ])('whose envelope has %s', async (_, count) => {
    const bundle = envelope(signStatement(subject.descriptor.digest));
    const signatures = Array.from({ length: count }, () => bundle.dsseEnvelope.signatures[0]);
    await attach({ ...bundle, dsseEnvelope: { ...bundle.dsseEnvelope, signatures } });
    await expect(verify()).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it('that is no bundle at all, or has two layers', async () => {
    await attach({});
    await attach(Buffer.from('garbage'));
    const layer = await pushBytes(
      signedBundle(signStatement(subject.descriptor.digest), key),
      bundleType,
    );
    await attach({}, { change: { layers: [layer, layer] } });
    const failure = verify();
    await expect(failure).rejects.toThrow(/none of the 3 signatures/);
    await expect(failure).rejects.toThrow(/has not one layer/);
  });
});

test('what is broken does not hide what is good', async () => {
  await attach({});
  await sign();
  expect(await verify()).toMatchObject({ signatures: [{ form: 'bundle' }], rejected: [{}] });
});

test('a signature of another tool under the tag stays when one is added', async () => {
  await sign(otherKey, 'cosign-tag');
  await sign(key, 'cosign-tag');
  expect((await verify([otherKey])).signatures).toHaveLength(1);
  expect((await verify([key])).signatures).toHaveLength(1);
});

test('more signatures than anybody makes are not read', async () => {
  const payload = simpleSigningPayload(subject.descriptor.digest, 'x');
  const layer = await pushBytes(payload, simpleSigningType);
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    config: await pushBytes(Buffer.from('{}'), mediaTypes.imageConfig),
    layers: Array.from({ length: 1001 }, () => layer),
  };
  const manifest = describeManifest(Buffer.from(JSON.stringify(document)));
  await repository.pushManifest(manifest, { tag: signatureTag(subject.descriptor.digest) });
  await expect(verify()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});
