/** The predefined keys of image-spec `annotations.md`. */
export const annotations = {
  created: 'org.opencontainers.image.created',
  authors: 'org.opencontainers.image.authors',
  url: 'org.opencontainers.image.url',
  documentation: 'org.opencontainers.image.documentation',
  source: 'org.opencontainers.image.source',
  version: 'org.opencontainers.image.version',
  revision: 'org.opencontainers.image.revision',
  vendor: 'org.opencontainers.image.vendor',
  licenses: 'org.opencontainers.image.licenses',
  refName: 'org.opencontainers.image.ref.name',
  title: 'org.opencontainers.image.title',
  description: 'org.opencontainers.image.description',
  baseDigest: 'org.opencontainers.image.base.digest',
  baseName: 'org.opencontainers.image.base.name',
} as const;

/** Annotations of a layer that is a directory, as ORAS packs it: a gzip tar whose names begin with the title. */
export const directoryAnnotations = {
  /** `true` for a directory. */
  unpack: 'io.deis.oras.content.unpack',
  /** Digest of the tar without its compression. */
  digest: 'io.deis.oras.content.digest',
} as const;

/** Whether a layer is a directory that ORAS packed. */
export function isPackedDirectory(layer: {
  readonly annotations?: Annotations | undefined;
}): boolean {
  return layer.annotations?.[directoryAnnotations.unpack] === 'true';
}

/** Text by key. A key that a user chose is looked up with `Object.hasOwn`: none is special. */
export type Annotations = Readonly<Record<string, string>>;

const refNameGrammar =
  /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;

/** The grammar of `org.opencontainers.image.ref.name` (image-spec `annotations.md`). */
export function isRefName(text: string): boolean {
  return text.length <= 1024 && refNameGrammar.test(text);
}
