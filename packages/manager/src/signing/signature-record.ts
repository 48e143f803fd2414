import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ResolvedManifest,
  singleChunk,
  withoutProgress,
} from '@oci/spec-types';
import { descriptorSchema } from '@oci/spec-types/schemas';
import { readBytes, verified, verifyManifest } from '@oci/spec-types/node';

import type { SignatureSource } from './found-signature.js';
import { signatureTag } from './tag-search.js';
import type { VerifiedSignature } from './verify-signatures.js';

/** Bytes of a record; what is larger is not kept, and asked for again. */
const maxBytes = 1024 * 1024;

interface SignatureRecord {
  readonly form: VerifiedSignature['form'];
  /** Of the manifest that holds the signature. */
  readonly manifest: Descriptor;
  /** Base64 by digest: that manifest, and what it points to. */
  readonly content: Readonly<Record<string, string>>;
}

/**
 * Writes a signature down, with all that is read to verify it. Whoever can change the record can make it no
 * better: what is in it is verified again.
 *
 * @returns undefined for one that is too large
 */
export async function recordSignature(
  source: SignatureSource,
  { form, manifest: digest }: Pick<VerifiedSignature, 'form' | 'manifest'>,
  options: CallOptions,
): Promise<string | undefined> {
  const descriptor = await source.resolve(digest, options);
  const manifest = await source.fetchManifest(descriptor, options);
  const content: Record<string, string> = { [digest]: base64(manifest.bytes) };
  const quiet = { ...options, onEvent: withoutProgress(options.onEvent) };
  let size = manifest.bytes.byteLength;
  for (const layer of manifest.kind === 'image' ? manifest.document.layers : []) {
    size += layer.size;
    if (size > maxBytes) return undefined;
    const body = await source.fetchBlob(layer, quiet);
    content[layer.digest] = base64(
      await readBytes(body, { limit: layer.size, what: layer.digest }),
    );
  }
  const record: SignatureRecord = { form, manifest: manifest.descriptor, content };
  return JSON.stringify(record);
}

/** A source of the one signature in a record; undefined for a text that is no record. */
export function recordedSignature(
  text: string,
  subject: ResolvedManifest,
): SignatureSource | undefined {
  const record = parseRecord(text);
  if (!record) return undefined;
  const { form, manifest, content } = record;
  const bytesOf = (digest: Digest): Uint8Array => {
    const encoded = content[digest];
    if (typeof encoded === 'string') return Buffer.from(encoded, 'base64');
    throw new OciError('BLOB_UNKNOWN', `${digest} is not in the record of the signature`);
  };
  return {
    resolve: async (name) => {
      const isIt = form === 'cosign-tag' && name === signatureTag(subject.descriptor.digest);
      if (isIt) return manifest;
      throw new OciError('MANIFEST_UNKNOWN', `${name} is not in the record of the signature`);
    },
    fetchManifest: async (descriptor) => verifyManifest(bytesOf(descriptor.digest), descriptor),
    fetchBlob: async (descriptor) => verified(singleChunk(bytesOf(descriptor.digest)), descriptor),
    async *listReferrers() {
      await Promise.resolve();
      if (form === 'bundle') yield manifest;
    },
  };
}

function parseRecord(text: string): SignatureRecord | undefined {
  try {
    const record = JSON.parse(text) as Partial<SignatureRecord> | null;
    const { form, manifest, content } = record ?? {};
    const isRecord =
      (form === 'bundle' || form === 'cosign-tag') &&
      descriptorSchema.read(manifest) !== undefined &&
      typeof content === 'object' &&
      content !== null;
    return isRecord ? (record as SignatureRecord) : undefined;
  } catch {
    return undefined;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
