import { createHash } from 'node:crypto';

import { bundleFromJSON } from '@sigstore/bundle';
import type { Bundle } from '@sigstore/bundle';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  type OciError,
  type ReadableRepository,
  type ReferrerLister,
  type ResolvedManifest,
  type Tag,
  artifactTypeOf,
  asOciError,
  digestAlgorithm,
  digestEncoded,
  emptyDescriptor,
  isOciError,
  parseTag,
} from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

import { bundleOfLayer, bundleTypes, readBundle, signatureAnnotations } from './bundle.js';
import { SearchBudget, mostSignatureBytes } from './search-budget.js';
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

interface UnreadableSignature extends SignaturePlace {
  readonly reason: string;
}

/** Signatures that could not be read, so that nobody knows whether there is a good one among them. */
export interface UnreadPlace {
  readonly form: SignatureForm;
  readonly error: OciError;
  /** Whether the registry may mean that there is nothing (Artifactory's 403 for a tag that is not there). */
  readonly mayBeMissing: boolean;
}

export type SignatureSource = ReadableRepository & Partial<ReferrerLister>;

/** The tag under which cosign keeps signatures; undefined for a digest that leaves no room for it. */
export function signatureTag(digest: Digest): Tag | undefined {
  const base = `${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
  return base.length > 120 ? undefined : parseTag(`${base}.sig`);
}

export interface SearchOptions extends CallOptions {
  /** Says that what names another type need not be looked into, for there is a good signature. */
  readonly isEnough?: (() => boolean) | undefined;
}

type Found = FoundSignature | UnreadableSignature | UnreadPlace;

/**
 * The signatures of a manifest: bundles among its referrers, then those under cosign's tag. What is wrong
 * with one of them, or with one of the places, is told and decides nothing about the others.
 *
 * @throws OciError `ABORTED`
 */
export async function* findSignatures(
  source: SignatureSource,
  subject: ResolvedManifest,
  { isEnough = () => false, ...options }: SearchOptions = {},
): AsyncGenerator<Found, void, undefined> {
  const search = { source, subject, options };
  const others: Descriptor[] = [];
  yield* eachOf('bundle', bundlesOf({ ...search, budget: new SearchBudget(subject) }, others));
  yield* eachOf('cosign-tag', taggedOf({ ...search, budget: new SearchBudget(subject) }));
  const budget = new SearchBudget(subject);
  for (const referrer of others) {
    if (isEnough()) return;
    yield* eachOf('bundle', mistypedBundle({ ...search, budget }, referrer));
    if (budget.isSpent) return;
  }
}

/** The signatures of a place up to where it fails, and then why. */
async function* eachOf(
  form: SignatureForm,
  signatures: AsyncIterable<Found>,
): AsyncGenerator<Found, void, undefined> {
  try {
    yield* signatures;
  } catch (thrown) {
    const error = asOciError(thrown);
    if (error.code === 'ABORTED') throw error;
    yield { form, error, mayBeMissing: false };
  }
}

interface Search {
  readonly source: SignatureSource;
  readonly subject: ResolvedManifest;
  readonly options: CallOptions;
  readonly budget: SearchBudget;
}

/** What may be one by its type. @param others receives the rest */
async function* bundlesOf(
  search: Search,
  others: Descriptor[],
): AsyncGenerator<Found, void, undefined> {
  const { source, subject, options } = search;
  if (!source.listReferrers) return;
  const unread: OciError[] = [];
  const onUnread = (error: OciError): void => void unread.push(error);
  for await (const referrer of source.listReferrers(subject.descriptor, { ...options, onUnread })) {
    if (!mayBeBundle(referrer.artifactType)) others.push(referrer);
    else yield* bundleOf(search, referrer);
  }
  for (const error of unread)
    yield { form: 'bundle', error, mayBeMissing: error.code === 'DENIED' };
}

/** A bundle that the list names by another type; what cannot be read was none. */
async function* mistypedBundle(
  search: Search,
  referrer: Descriptor,
): AsyncGenerator<Found, void, undefined> {
  for await (const found of bundleOf(search, referrer)) if (!('reason' in found)) yield found;
}

async function* bundleOf(
  { source, subject, options, budget }: Search,
  referrer: Descriptor,
): AsyncGenerator<Found, void, undefined> {
  budget.spend({ signatures: 1 });
  const { mediaType, digest, size } = referrer;
  const place = { form: 'bundle', manifest: digest } as const;
  const found = await readable({ place, budget }, async () => {
    const manifest = await source.fetchManifest({ mediaType, digest, size }, options);
    budget.spend({ bytes: manifest.bytes.byteLength });
    if (!bundleTypes.includes(artifactTypeOf(manifest) ?? '')) return undefined;
    const layer = onlyBundle(manifest, subject.descriptor.digest);
    const bytes = await contentOf(source, layer, options);
    budget.spend({ bytes: bytes.byteLength });
    return { ...place, ...signedBy(readBundle(bytes), subject) };
  });
  if (found) yield found;
}

/** Where a registry has no referrers API, cosign lists what it attached by the type of its config. */
function mayBeBundle(artifactType: string = emptyDescriptor.mediaType): boolean {
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

async function* taggedOf(search: Search): AsyncGenerator<Found, void, undefined> {
  const { source, subject, options, budget } = search;
  const unread: OciError[] = [];
  const onUnread = (error: OciError): void => void unread.push(error);
  const { digest: signed } = subject.descriptor;
  const manifest = await signatureManifest(source, signed, { ...options, onUnread });
  for (const error of unread) yield { form: 'cosign-tag', error, mayBeMissing: true };
  if (manifest?.kind !== 'image') return;
  const place = { form: 'cosign-tag', manifest: manifest.descriptor.digest } as const;
  for (const layer of manifest.document.layers) {
    if (layer.mediaType !== simpleSigningType) continue;
    budget.spend({ signatures: 1 });
    yield await readable({ place, budget }, async () => {
      const payload = await contentOf(source, layer, options);
      budget.spend({ bytes: payload.byteLength });
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

/** What is under cosign's tag; undefined when there is nothing, or nothing that may be read. */
export async function signatureManifest(
  source: SignatureSource,
  subject: Digest,
  {
    onUnread,
    ...options
  }: CallOptions & { readonly onUnread?: ((error: OciError) => void) | undefined },
): Promise<ResolvedManifest | undefined> {
  const tag = signatureTag(subject);
  if (!tag) return undefined;
  try {
    return await source.fetchManifest(await source.resolve(tag, options), options);
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return undefined;
    if (!isOciError(error, 'DENIED')) throw error;
    onUnread?.(error);
    return undefined;
  }
}

/** What is wrong with one signature must not hide that another is good; that it cannot be had is told apart. */
async function readable<T extends FoundSignature | undefined>(
  { place, budget }: { readonly place: SignaturePlace; readonly budget: SearchBudget },
  read: () => Promise<T>,
): Promise<T | UnreadableSignature | UnreadPlace> {
  try {
    return await read();
  } catch (error) {
    if (budget.isSpent) throw error;
    if (!isOciError(error) || brokenContent.has(error.code))
      return { ...place, reason: error instanceof Error ? error.message : String(error) };
    if (error.code === 'ABORTED') throw error;
    return { form: place.form, error, mayBeMissing: false };
  }
}

const brokenContent: ReadonlySet<string> = new Set([
  'BLOB_UNKNOWN',
  'DIGEST_MISMATCH',
  'DIGEST_UNSUPPORTED',
  'DOCUMENT_INVALID',
  'LIMIT_EXCEEDED',
  'MANIFEST_UNKNOWN',
  'SIZE_MISMATCH',
  'UNSUPPORTED',
]);

async function contentOf(
  source: SignatureSource,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<Buffer> {
  if (descriptor.size > mostSignatureBytes)
    throw new Error(`it has ${descriptor.size} bytes, and ${mostSignatureBytes} at most are read`);
  return readBytes(await source.fetchBlob(descriptor, options), {
    limit: mostSignatureBytes,
    what: descriptor.digest,
  });
}
