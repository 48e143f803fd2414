import type { Bundle } from '@sigstore/bundle';
import {
  type Descriptor,
  type Digest,
  type OciError,
  type ResolvedManifest,
  artifactTypeOf,
  emptyDescriptor,
} from '@oci/spec-types';

import { bundleAnnotations, bundleTypes, readBundle } from './bundle.js';
import type { Found, FoundSignature, SignaturePlace } from './found-signature.js';
import { type Search, contentOf, readable } from './signature-content.js';
import { ensureSigns, preAuthEncoding, statementType } from './statement.js';

/** What may be one by its type. @param others receives the rest */
export async function* bundlesOf(
  search: Search,
  others: Descriptor[],
): AsyncGenerator<Found, void, undefined> {
  const { source, subject, options } = search;
  if (!source.listReferrers) return;
  const unread: OciError[] = [];
  const onUnread = (error: OciError): void => void unread.push(error);
  for await (const referrer of source.listReferrers(subject.descriptor, { ...options, onUnread })) {
    if (isOfOther(referrer, search.predicateType)) continue;
    if (!mayBeBundle(referrer.artifactType)) others.push(referrer);
    else yield* bundleOf(search, referrer);
  }
  for (const error of unread)
    yield { form: 'bundle', error, mayBeMissing: error.code === 'DENIED' };
}

/** A bundle that the list names by another type; what cannot be read was none. */
export async function* mistypedBundle(
  search: Search,
  referrer: Descriptor,
): AsyncGenerator<Found, void, undefined> {
  for await (const found of bundleOf(search, referrer)) if (!('reason' in found)) yield found;
}

async function* bundleOf(
  { source, subject, options, budget, mostBytes }: Search,
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
    const bytes = await contentOf({ source, options, mostBytes }, layer);
    budget.spend({ bytes: bytes.byteLength });
    return { ...place, ...signedBy(readBundle(bytes), subject) };
  });
  if (found) yield found;
}

/** Where a registry has no referrers API, cosign lists what it attached by the type of its config. */
function mayBeBundle(artifactType: string = emptyDescriptor.mediaType): boolean {
  return artifactType === emptyDescriptor.mediaType || bundleTypes.includes(artifactType);
}

/** The list may say which predicate a bundle has; what it says wrongly is missing then, and lets nothing through. */
function isOfOther({ annotations = {} }: Descriptor, predicateType: string | undefined): boolean {
  const named = annotations[bundleAnnotations.predicateType];
  return predicateType !== undefined && named !== undefined && named !== predicateType;
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
    const statement = undefined;
    return { signature, bytes: artifact, bundle, artifact, statement, ensureAbout: () => {} };
  }
  const { payload, payloadType, signatures } = bundle.content.dsseEnvelope;
  const [first, ...others] = signatures;
  if (!first || others.length > 0) throw new Error('its envelope has not one signature');
  return {
    signature: first.sig,
    bytes: preAuthEncoding(payloadType, payload),
    bundle,
    artifact: undefined,
    statement: payloadType === statementType ? payload : undefined,
    ensureAbout: (digest) => {
      if (payloadType !== statementType) throw new Error(`its payload is ${payloadType}`);
      ensureSigns(payload, digest);
    },
  };
}
