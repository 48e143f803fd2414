import { createHash } from 'node:crypto';

import { bundleFromJSON } from '@sigstore/bundle';
import type { Bundle } from '@sigstore/bundle';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ReadableRepository,
  type ReferrerLister,
  type ResolvedManifest,
  type Tag,
  artifactTypeOf,
  digestAlgorithm,
  digestEncoded,
  emptyDescriptor,
  isOciError,
  parseTag,
} from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

import { bundleOfLayer, bundleTypes, readBundle, signatureAnnotations } from './bundle.js';
import { digestOfSimpleSigning, simpleSigningType } from './simple-signing.js';
import { ensureSigns, preAuthEncoding, statementType } from './statement.js';

/** Where a signature is kept: in a bundle that refers to the artifact, or under a tag made of its digest. */
export type SignatureForm = 'bundle' | 'cosign-tag';

interface SignaturePlace {
  readonly form: SignatureForm;
  /** Of the manifest that holds it. */
  readonly manifest: Digest;
}

export interface FoundSignature extends SignaturePlace {
  readonly signature: Uint8Array;
  /** What the signature is over. */
  readonly bytes: Uint8Array;
  /** With a certificate, or the name of a key. */
  readonly bundle: Bundle | undefined;
  /** What the bundle's message signature is over. */
  readonly artifact: Buffer | undefined;
  /** To be called after the signature was verified. @throws Error that says what it is about instead */
  ensureAbout(digest: Digest): void;
}

export interface UnreadableSignature extends SignaturePlace {
  readonly reason: string;
}

export type SignatureSource = ReadableRepository & Partial<ReferrerLister>;

/** As cosign has it; a registry must not keep us busy for ever. */
const most = { signatures: 1000, bytes: 64 * 1024 * 1024, signatureBytes: 4 * 1024 * 1024 };

/** The tag under which cosign keeps signatures; undefined for a digest that leaves no room for it. */
export function signatureTag(digest: Digest): Tag | undefined {
  const base = `${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
  return base.length > 120 ? undefined : parseTag(`${base}.sig`);
}

/**
 * The signatures of a manifest: bundles among its referrers, then those under cosign's tag.
 *
 * @throws OciError `LIMIT_EXCEEDED` for more than 1000 signatures, or 64 MiB of them
 */
export async function* findSignatures(
  source: SignatureSource,
  subject: ResolvedManifest,
  options: CallOptions = {},
): AsyncGenerator<FoundSignature | UnreadableSignature, void, undefined> {
  const budget = { signatures: 0, bytes: 0 };
  const spend = (descriptor: Descriptor): void => {
    budget.signatures += 1;
    budget.bytes += descriptor.size;
    if (budget.signatures > most.signatures || budget.bytes > most.bytes)
      throw new OciError('LIMIT_EXCEEDED', `${subject.descriptor.digest} has too many signatures`, {
        hint: `At most ${most.signatures} are read, and ${most.bytes} bytes of them.`,
      });
  };
  yield* bundlesOf(source, subject, { spend, options });
  yield* taggedOf(source, subject, { spend, options });
}

interface Search {
  readonly spend: (descriptor: Descriptor) => void;
  readonly options: CallOptions;
}

async function* bundlesOf(
  source: SignatureSource,
  subject: ResolvedManifest,
  { spend, options }: Search,
): AsyncGenerator<FoundSignature | UnreadableSignature, void, undefined> {
  if (!source.listReferrers) return;
  for await (const referrer of source.listReferrers(subject.descriptor, options)) {
    const { mediaType, digest, size, artifactType = emptyDescriptor.mediaType } = referrer;
    if (!mayBeBundle(artifactType)) continue;
    spend(referrer);
    const place = { form: 'bundle', manifest: digest } as const;
    const found = await readable(place, async () => {
      const manifest = await source.fetchManifest({ mediaType, digest, size }, options);
      if (!bundleTypes.includes(artifactTypeOf(manifest) ?? '')) return undefined;
      const layer = onlyBundle(manifest, subject.descriptor.digest);
      spend(layer);
      const bundle = readBundle(await contentOf(source, layer, options));
      return { ...place, ...signedBy(bundle, subject) };
    });
    if (found) yield found;
  }
}

/** Where a registry has no referrers API, cosign lists what it attached by the type of its config. */
function mayBeBundle(artifactType: string): boolean {
  return artifactType === emptyDescriptor.mediaType || bundleTypes.includes(artifactType);
}

function onlyBundle({ document, kind }: ResolvedManifest, subject: Digest): Descriptor {
  if (kind !== 'image') throw new Error('its manifest is an index');
  // The list of referrers only claims it (CVE-2023-33959 in kind).
  if (document.subject?.digest !== subject) throw new Error('its manifest has another subject');
  const [layer, ...others] = document.layers;
  if (!layer || others.length > 0) throw new Error('its manifest has not one layer');
  if (!bundleTypes.includes(layer.mediaType)) throw new Error(`its layer is ${layer.mediaType}`);
  return layer;
}

function signedBy(
  bundle: Bundle,
  subject: ResolvedManifest,
): Omit<FoundSignature, keyof SignaturePlace> {
  if (bundle.content.$case === 'messageSignature') {
    const artifact = Buffer.from(subject.bytes);
    const { signature } = bundle.content.messageSignature;
    return { signature, bytes: artifact, bundle, artifact, ensureAbout: () => {} };
  }
  const { payload, payloadType, signatures } = bundle.content.dsseEnvelope;
  const [first, ...others] = signatures;
  if (!first || others.length > 0) throw new Error('its envelope has not one signature');
  return {
    signature: first.sig,
    bytes: preAuthEncoding(payloadType, payload),
    bundle,
    artifact: undefined,
    ensureAbout: (digest) => {
      if (payloadType !== statementType) throw new Error(`its payload is ${payloadType}`);
      ensureSigns(payload, digest);
    },
  };
}

async function* taggedOf(
  source: SignatureSource,
  subject: ResolvedManifest,
  { spend, options }: Search,
): AsyncGenerator<FoundSignature | UnreadableSignature, void, undefined> {
  const manifest = await signatureManifest(source, subject.descriptor.digest, options);
  if (manifest?.kind !== 'image') return;
  const place = { form: 'cosign-tag', manifest: manifest.descriptor.digest } as const;
  for (const layer of manifest.document.layers) {
    if (layer.mediaType !== simpleSigningType) continue;
    spend(layer);
    yield await readable(place, async () => {
      const payload = await contentOf(source, layer, options);
      const { annotations = {} } = layer;
      const digest = createHash('sha256').update(payload).digest();
      const bundle = bundleOfLayer(digest, annotations);
      return {
        ...place,
        signature: Buffer.from(annotations[signatureAnnotations.signature] ?? '', 'base64'),
        bytes: payload,
        bundle: bundle === undefined ? undefined : bundleFromJSON(bundle),
        artifact: payload,
        ensureAbout: (about) => {
          if (digestOfSimpleSigning(payload) !== about) throw new Error(anotherArtifact);
        },
      };
    });
  }
}

const anotherArtifact = 'it is about another artifact';

/** What is under cosign's tag; undefined when there is nothing. */
export async function signatureManifest(
  source: SignatureSource,
  subject: Digest,
  options: CallOptions,
): Promise<ResolvedManifest | undefined> {
  const tag = signatureTag(subject);
  if (!tag) return undefined;
  try {
    return await source.fetchManifest(await source.resolve(tag, options), options);
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return undefined;
    throw error;
  }
}

/** What is wrong with one signature must not hide that another is good; that nobody answers must. */
async function readable<T extends FoundSignature | undefined>(
  place: SignaturePlace,
  read: () => Promise<T>,
): Promise<T | UnreadableSignature> {
  try {
    return await read();
  } catch (error) {
    if (isOciError(error) && !brokenContent.has(error.code)) throw error;
    return { ...place, reason: error instanceof Error ? error.message : String(error) };
  }
}

const brokenContent: ReadonlySet<string> = new Set([
  'BLOB_UNKNOWN',
  'DIGEST_MISMATCH',
  'DIGEST_UNSUPPORTED',
  'DOCUMENT_INVALID',
  'MANIFEST_UNKNOWN',
  'SIZE_MISMATCH',
  'UNSUPPORTED',
]);

async function contentOf(
  source: SignatureSource,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<Buffer> {
  if (descriptor.size > most.signatureBytes)
    throw new Error(`it has ${descriptor.size} bytes, and ${most.signatureBytes} at most are read`);
  return readBytes(await source.fetchBlob(descriptor, options), {
    limit: most.signatureBytes,
    what: descriptor.digest,
  });
}
