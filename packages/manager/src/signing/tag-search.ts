import { createHash } from 'node:crypto';

import { bundleFromJSON } from '@sigstore/bundle';
import {
  type CallOptions,
  type Digest,
  type OciError,
  type ResolvedManifest,
  type Tag,
  digestAlgorithm,
  digestEncoded,
  isOciError,
  parseTag,
} from '@oci/spec-types';

import { bundleOfLayer, signatureAnnotations } from './bundle.js';
import type { Found, SignatureSource } from './found-signature.js';
import { type Search, contentOf, readable } from './signature-content.js';
import { digestOfSimpleSigning, simpleSigningType } from './simple-signing.js';

/** The tag under which cosign keeps signatures; undefined for a digest that leaves no room for it. */
export function signatureTag(digest: Digest): Tag | undefined {
  const base = `${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
  return base.length > 120 ? undefined : parseTag(`${base}.sig`);
}

/** The signatures under cosign's tag. */
export async function* taggedOf(search: Search): AsyncGenerator<Found, void, undefined> {
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
      const payload = await contentOf(search, layer);
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
        statement: undefined,
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
