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

import type { SignatureForm, SignaturePlace, SignatureSource } from './found-signature.js';
import { signatureTag } from './tag-search.js';

/** Bytes of what a record holds; more is not kept, and asked for again. */
const maxBytes = 4 * 1024 * 1024;

interface SignatureRecord {
  /** The manifests that hold the signatures. */
  readonly signatures: readonly RecordedPlace[];
  /** Base64 by digest: those manifests, and what they point to. */
  readonly content: Readonly<Record<string, string>>;
}

interface RecordedPlace {
  readonly form: SignatureForm;
  readonly manifest: Descriptor;
}

/**
 * Writes signatures down, with all that is read to verify them. Whoever can change the record can make them no
 * better: what is in it is verified again.
 *
 * @returns undefined for what is too large
 */
export async function recordSignatures(
  source: SignatureSource,
  places: readonly SignaturePlace[],
  options: CallOptions,
): Promise<string | undefined> {
  const content: Record<string, string> = {};
  const signatures: RecordedPlace[] = [];
  const quiet = { ...options, onEvent: withoutProgress(options.onEvent) };
  let size = 0;
  for (const { form, manifest: digest } of places) {
    const manifest = await source.fetchManifest(await source.resolve(digest, options), options);
    signatures.push({ form, manifest: manifest.descriptor });
    content[digest] = base64(manifest.bytes);
    size += manifest.bytes.byteLength;
    for (const layer of manifest.kind === 'image' ? manifest.document.layers : []) {
      size += layer.size;
      if (size > maxBytes) return undefined;
      const body = await source.fetchBlob(layer, quiet);
      const bytes = await readBytes(body, { limit: layer.size, what: layer.digest });
      content[layer.digest] = base64(bytes);
    }
  }
  const record: SignatureRecord = { signatures, content };
  return JSON.stringify(record);
}

/** A source of the signatures in a record; undefined for a text that is no record. */
export function recordedSignatures(
  text: string,
  subject: ResolvedManifest,
): SignatureSource | undefined {
  const record = parseRecord(text);
  if (!record) return undefined;
  const { signatures, content } = record;
  const bytesOf = (digest: Digest): Uint8Array => {
    const encoded = content[digest];
    if (typeof encoded === 'string') return Buffer.from(encoded, 'base64');
    throw new OciError('BLOB_UNKNOWN', `${digest} is not in the record of the signature`);
  };
  return {
    resolve: async (name) => {
      const tagged = signatures.find(({ form }) => form === 'cosign-tag');
      if (tagged && name === signatureTag(subject.descriptor.digest)) return tagged.manifest;
      throw new OciError('MANIFEST_UNKNOWN', `${name} is not in the record of the signature`);
    },
    fetchManifest: async (descriptor) => verifyManifest(bytesOf(descriptor.digest), descriptor),
    fetchBlob: async (descriptor) => verified(singleChunk(bytesOf(descriptor.digest)), descriptor),
    async *listReferrers() {
      await Promise.resolve();
      for (const { form, manifest } of signatures) if (form === 'bundle') yield manifest;
    },
  };
}

function parseRecord(text: string): SignatureRecord | undefined {
  try {
    const { signatures, content } = Object(JSON.parse(text)) as Partial<SignatureRecord>;
    const isRecord =
      Array.isArray(signatures) &&
      signatures.every(isPlace) &&
      typeof content === 'object' &&
      content !== null;
    return isRecord ? { signatures, content } : undefined;
  } catch {
    return undefined;
  }
}

function isPlace(value: unknown): value is RecordedPlace {
  const { form, manifest } = Object(value) as Partial<RecordedPlace>;
  return (
    (form === 'bundle' || form === 'cosign-tag') && descriptorSchema.read(manifest) !== undefined
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
