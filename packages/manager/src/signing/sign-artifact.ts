import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ReferrerLister,
  type Repository,
  type ResolvedManifest,
  mediaTypes,
} from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';

import { signatureAnnotations, signedBundle } from './bundle.js';
import type { SignatureForm } from './found-signature.js';
import { now, pushBundle, pushContent } from './push-bundle.js';
import { findSignatures } from './signature-search.js';
import { signatureManifest, signatureTag } from './tag-search.js';
import { type SigningKey, isSignedBy, signBytes } from './signing-key.js';
import { simpleSigningPayload, simpleSigningType } from './simple-signing.js';
import { signPredicate, signStatement } from './statement.js';

export interface SignOptions extends CallOptions {
  /** Default `bundle`, which cosign 2.5 and later read; `cosign-tag` is for older ones. */
  readonly form?: SignatureForm | undefined;
  /** `host/name`, for the payload of a `cosign-tag`; it binds nothing. */
  readonly repositoryName: string;
  /** RFC 3339; default now. */
  readonly created?: string | undefined;
}

export interface SignedArtifact {
  readonly form: SignatureForm;
  /** Of the manifest that holds the signature. */
  readonly manifest: Digest;
  readonly hint: string;
  /** False when this key had signed it already. */
  readonly added: boolean;
}

/**
 * Signs a manifest with a key, and pushes the signature beside it. One that is there already by the same
 * key, in the same form, is enough.
 */
export async function signArtifact(
  repository: Repository & Partial<ReferrerLister>,
  subject: ResolvedManifest,
  key: SigningKey,
  { form = 'bundle', created = now(), repositoryName, ...call }: SignOptions,
): Promise<SignedArtifact> {
  // What is written next depends on the answer, which a mirror may not know yet.
  const options = { ...call, forPush: true };
  const { hint } = key.publicKey;
  const earlier = await signedBefore(repository, subject, { key, form, options });
  if (earlier) return { form, manifest: earlier, hint, added: false };
  const manifest =
    form === 'bundle'
      ? await pushBundle(repository, subject, {
          bundle: signedBundle(signStatement(subject.descriptor.digest), key),
          predicateType: signPredicate,
          created,
          options,
        })
      : await pushTagged(repository, subject, { key, repositoryName, options });
  return { form, manifest, hint, added: true };
}

async function signedBefore(
  repository: Repository & Partial<ReferrerLister>,
  subject: ResolvedManifest,
  { key, form, options }: { key: SigningKey; form: SignatureForm; options: CallOptions },
): Promise<Digest | undefined> {
  const search = { ...options, isEnough: () => true };
  for await (const found of findSignatures(repository, subject, search)) {
    if (found.form !== form || 'reason' in found) continue;
    if ('error' in found) {
      if (found.mayBeMissing) continue;
      throw found.error;
    }
    if (!isSignedBy(key.publicKey, found.bytes, found.signature)) continue;
    try {
      found.ensureAbout(subject.descriptor.digest);
      return found.manifest;
    } catch {
      // By this key, about something else.
    }
  }
  return undefined;
}

/** How often another one may have signed at the same moment, before it is given up. */
const mostRounds = 5;

/** Adds a layer to what is under the tag: the signatures of others stay. */
async function pushTagged(
  repository: Repository,
  { descriptor: subject }: ResolvedManifest,
  {
    key,
    repositoryName,
    options,
  }: { key: SigningKey; repositoryName: string; options: CallOptions },
): Promise<Digest> {
  const tag = signatureTag(subject.digest);
  if (!tag) {
    throw new OciError('UNSUPPORTED', `a tag has no room for ${subject.digest}`, {
      hint: 'Sign it as a bundle.',
    });
  }
  const payload = simpleSigningPayload(subject.digest, repositoryName);
  const content = { bytes: payload, mediaType: simpleSigningType };
  const layer = {
    ...(await pushContent(repository, content, options)),
    annotations: { [signatureAnnotations.signature]: signBytes(key, payload).toString('base64') },
  };
  const holds = (manifest: ResolvedManifest | undefined): boolean =>
    manifest?.kind === 'image' && manifest.document.layers.some((one) => isSameLayer(one, layer));
  for (let round = 1; round <= mostRounds; round += 1) {
    const there = await signatureManifest(repository, subject.digest, options);
    if (there && holds(there)) return there.descriptor.digest;
    const before = there?.kind === 'image' ? there.document.layers : [];
    const manifest = await taggedManifest(repository, [...before, layer], options);
    await repository.pushManifest(manifest, { ...options, tag });
    if (holds(await signatureManifest(repository, subject.digest, options)))
      return manifest.descriptor.digest;
  }
  throw new OciError('TAG_EXISTS', `${tag} is changed by others all the time`, {
    hint: 'Sign again, or as a bundle, which nobody else changes.',
  });
}

function isSameLayer(one: Descriptor, other: Descriptor): boolean {
  const { signature } = signatureAnnotations;
  return (
    one.digest === other.digest && one.annotations?.[signature] === other.annotations?.[signature]
  );
}

async function taggedManifest(
  repository: Repository,
  layers: readonly Descriptor[],
  options: CallOptions,
): Promise<ResolvedManifest> {
  const config = {
    architecture: '',
    config: {},
    created: '0001-01-01T00:00:00Z',
    history: layers.map(() => ({ created: '0001-01-01T00:00:00Z' })),
    os: '',
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  };
  const content = {
    bytes: Buffer.from(JSON.stringify(config)),
    mediaType: mediaTypes.imageConfig,
  };
  return describeManifest(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.imageManifest,
        config: await pushContent(repository, content, options),
        layers,
      }),
    ),
  );
}
