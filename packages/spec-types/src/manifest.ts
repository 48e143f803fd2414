import type { Annotations } from './annotation.js';
import {
  type Descriptor,
  annotationsSchema,
  descriptorSchema,
  mediaTypeSchema,
} from './descriptor.js';
import {
  type DocumentSchema,
  isObject,
  listOrNone,
  literal,
  objectOf,
  optional,
  optionalText,
  validate,
} from './document-schema.js';
import { OciError } from './error.js';
import { type ReadingOptions, ignoreWrongFields } from './lenient-reading.js';
import {
  isImageManifestMediaType,
  isIndexMediaType,
  isMediaType,
  mediaTypes,
} from './media-type.js';
import { invalidDocument, parseLenientJson, parseStrictJson } from './strict-json.js';

/** A config and layers (image-spec `manifest.md`; Docker's schema 2 has the same shape). */
export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  /** Missing where an artifact needs none (image-spec 1.2). */
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Annotations;
}

/** A list of manifests (image-spec `image-index.md`; Docker's manifest list has the same shape). */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Annotations;
}

/** A document that a manifest URL serves, told apart by `kind`; `mediaType` is never missing. */
export type Manifest =
  | { readonly kind: 'image'; readonly mediaType: string; readonly document: ImageManifest }
  | { readonly kind: 'index'; readonly mediaType: string; readonly document: ImageIndex };

export const imageManifestSchema: DocumentSchema<ImageManifest> = objectOf({
  schemaVersion: literal(2),
  mediaType: optionalText(mediaTypeSchema),
  artifactType: optionalText(mediaTypeSchema),
  config: optional(descriptorSchema),
  layers: listOrNone(descriptorSchema),
  subject: optional(descriptorSchema),
  annotations: optional(annotationsSchema),
});

export const imageIndexSchema: DocumentSchema<ImageIndex> = objectOf({
  schemaVersion: literal(2),
  mediaType: optionalText(mediaTypeSchema),
  artifactType: optionalText(mediaTypeSchema),
  manifests: listOrNone(descriptorSchema),
  subject: optional(descriptorSchema),
  annotations: optional(annotationsSchema),
});

/** Bytes: what every registry accepts at least, and what this project reads at most. */
export const maxManifestSize: number = 4 * 1024 * 1024;

/**
 * Reads a manifest or an index out of its bytes.
 *
 * The type is the document's `mediaType`, else the one it was served with, else what its shape says
 * without doubt. Refused: a `mediaType` that differs from `servedAs`, a document that is both
 * manifest and index (CVE-2021-41190), duplicate names, Docker's schema 1.
 *
 * @param servedAs the media type of the `Content-Type` or descriptor that led here
 * @param reading strict unless it says `lenient`
 * @throws OciError `DOCUMENT_INVALID`, `UNSUPPORTED`
 */
export function parseManifest(
  bytes: Uint8Array,
  servedAs?: string,
  reading: ReadingOptions = {},
): Manifest {
  const { lenient = false, onIgnored } = reading;
  const value = withoutNulls(lenient ? parseLenientJson(bytes, onIgnored) : parseStrictJson(bytes));
  const mediaType = mediaTypeOf(value, servedAs, { mayDiffer: lenient });
  const read = <T>(schema: DocumentSchema<T>, what: string): T => {
    if (lenient) ignoreWrongFields(schema, value, onIgnored);
    return validate(schema, value, what);
  };
  if (isIndexMediaType(mediaType))
    return { kind: 'index', mediaType, document: read(imageIndexSchema, 'index') };
  if (isImageManifestMediaType(mediaType))
    return { kind: 'image', mediaType, document: read(imageManifestSchema, 'manifest') };
  throw new OciError('UNSUPPORTED', `manifests of type ${mediaType} are not supported`, {
    hint: 'Supported are OCI and Docker schema 2 manifests and indexes.',
  });
}

/** The artifact type: the manifest's own, else the media type of its config (image-spec `manifest.md`). */
export function artifactTypeOf(manifest: Manifest): string | undefined {
  const { document } = manifest;
  if (document.artifactType !== undefined) return document.artifactType;
  return manifest.kind === 'image' ? manifest.document.config?.mediaType : undefined;
}

/** The content that a manifest points to: config and layers, or the manifests of an index. */
export function childrenOf(manifest: Manifest): readonly Descriptor[] {
  if (manifest.kind === 'index') return manifest.document.manifests;
  const { config, layers } = manifest.document;
  return config ? [config, ...layers] : layers;
}

function mediaTypeOf(
  value: Record<string, unknown>,
  servedAs: string | undefined,
  { mayDiffer }: { readonly mayDiffer: boolean },
): string {
  const hasManifests = 'manifests' in value;
  const hasLayers = 'layers' in value || 'config' in value;
  if (hasManifests && hasLayers) {
    throw invalidDocument('the document has "manifests" beside "layers" or "config"');
  }
  if (value['schemaVersion'] === 1 || 'fsLayers' in value) {
    throw new OciError('UNSUPPORTED', 'the manifest is of Docker schema 1, which is obsolete', {
      hint: 'Push the artifact again with a current tool.',
    });
  }
  const declared = value['mediaType'] === '' ? undefined : value['mediaType'];
  if (declared !== undefined && !(typeof declared === 'string' && isMediaType(declared))) {
    throw invalidDocument('the mediaType of the manifest is not a media type');
  }
  const known = isKnownType(servedAs) ? servedAs : undefined;
  if (declared !== undefined && known !== undefined && declared !== known && !mayDiffer) {
    throw invalidDocument(`the manifest says ${declared}, but was served as ${known}`);
  }
  if (declared === undefined && known === undefined && !hasManifests && !hasLayers) {
    throw invalidDocument('the document is neither a manifest nor an index');
  }
  const mediaType =
    declared ?? known ?? (hasManifests ? mediaTypes.imageIndex : mediaTypes.imageManifest);
  if (
    isIndexMediaType(mediaType) ? hasLayers : isImageManifestMediaType(mediaType) && hasManifests
  ) {
    throw invalidDocument(`the document is not what its media type ${mediaType} says`);
  }
  return mediaType;
}

/** Old servers answer `application/json` or nothing that says more. */
function isKnownType(mediaType: string | undefined): mediaType is string {
  if (mediaType === undefined) return false;
  return !['application/json', 'text/plain', 'application/octet-stream'].includes(mediaType);
}

/** Null fields are missing ones, also those that only the other kind of document has. */
function withoutNulls(value: unknown): Record<string, unknown> {
  if (!isObject(value)) throw invalidDocument('the manifest is not a JSON object');
  const fields = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(fields);
}
