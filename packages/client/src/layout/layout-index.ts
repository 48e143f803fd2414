import {
  type Descriptor,
  type Digest,
  type ImageIndex,
  OciError,
  type Tag,
  annotations,
  isTag,
  mediaTypes,
  parseManifest,
} from '@oci/spec-types';

/**
 * The content of `index.json`: what a layout offers, each entry under its `ref.name` or under none
 * (image-spec `image-layout.md`).
 */
export type LayoutIndex = ImageIndex;

/** Bytes of an `index.json` that are read at most: room for some 60000 tags. */
export const maxLayoutIndexSize: number = 16 * 1024 * 1024;

export const emptyLayoutIndex: LayoutIndex = {
  schemaVersion: 2,
  mediaType: mediaTypes.imageIndex,
  manifests: [],
};

/** @throws OciError `DOCUMENT_INVALID` */
export function parseLayoutIndex(bytes: Uint8Array): LayoutIndex {
  const manifest = parseManifest(bytes, mediaTypes.imageIndex);
  if (manifest.kind === 'index') return manifest.document;
  throw new OciError('DOCUMENT_INVALID', 'index.json is no index');
}

export function formatLayoutIndex(index: LayoutIndex): Uint8Array {
  return Buffer.from(JSON.stringify(index));
}

/** The `ref.name` of an entry. */
export function nameOf(entry: Descriptor): string | undefined {
  const { refName } = annotations;
  const { annotations: own } = entry;
  return own && Object.hasOwn(own, refName) ? own[refName] : undefined;
}

/**
 * The entry of a name; undefined when there is none.
 *
 * @throws OciError `DOCUMENT_INVALID` when the name is that of several manifests
 */
export function findName(index: LayoutIndex, name: string): Descriptor | undefined {
  const [entry, ...others] = index.manifests.filter((known) => nameOf(known) === name);
  if (others.every(({ digest }) => digest === entry?.digest)) return entry;
  throw new OciError('DOCUMENT_INVALID', `index.json names several manifests ${name}`, {
    hint: 'Ask for one of them by its digest.',
  });
}

/** The names that are tags, each once. */
export function tagsOf(index: LayoutIndex): readonly Tag[] {
  const names = index.manifests.map(nameOf).filter((name) => name !== undefined);
  return [...new Set(names)].filter((name) => isTag(name));
}

/**
 * The index with a manifest under a tag, which loses what it named before, or under no name, when it is
 * not there under any.
 */
export function withManifest(
  index: LayoutIndex,
  descriptor: Descriptor,
  tag: string | undefined,
): LayoutIndex {
  const { digest } = descriptor;
  const isListed = index.manifests.some(
    (entry) => entry.digest === digest && (tag === undefined || nameOf(entry) === tag),
  );
  if (isListed) return index;
  if (tag === undefined) return replaced(index, [...index.manifests, descriptor]);
  const others = index.manifests.filter(
    (entry) => nameOf(entry) !== tag && !(entry.digest === digest && nameOf(entry) === undefined),
  );
  const named = { ...descriptor, annotations: { [annotations.refName]: tag } };
  return replaced(index, [...others, named]);
}

/** The index without a tag; its manifest stays, under no name when it had only this one. */
export function withoutTag(index: LayoutIndex, tag: string): LayoutIndex {
  const entry = findName(index, tag);
  if (!entry) return index;
  const others = index.manifests.filter((known) => nameOf(known) !== tag);
  const { annotations: _, ...unnamed } = entry;
  return withManifest(replaced(index, others), unnamed, undefined);
}

export function withoutManifest(index: LayoutIndex, digest: Digest): LayoutIndex {
  return replaced(
    index,
    index.manifests.filter((entry) => entry.digest !== digest),
  );
}

/** The index without the entries of no name that an index which is here leads to. */
export function withoutUnnamed(index: LayoutIndex, digests: ReadonlySet<Digest>): LayoutIndex {
  const manifests = index.manifests.filter(
    (entry) => nameOf(entry) !== undefined || !digests.has(entry.digest),
  );
  return manifests.length === index.manifests.length ? index : replaced(index, manifests);
}

/** Whatever else the document says stays. */
function replaced(index: LayoutIndex, manifests: readonly Descriptor[]): LayoutIndex {
  return { ...index, manifests };
}
