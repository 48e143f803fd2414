import { type ExtensionType, extensionTypes, selectContentLayer } from '@oci/manager';
import {
  type Descriptor,
  type ImageManifest,
  OciError,
  annotations,
  digestEncoded,
  directoryAnnotations,
  isPackedDirectory,
  mediaTypes,
} from '@oci/spec-types';

import { extensionArtifactType } from '../pack/extension.js';
import { type ArtifactFamily, artifactFamilies } from './artifact-family.js';

/** What an artifact is for this project: a KCL package, an extension of a type, or any other. */
export type ArtifactKind = 'kcl' | ExtensionType | 'artifact';

/** A layer that is (a part of) the content. */
interface ContentLayer {
  readonly descriptor: Descriptor;
  /** `unknown` is decided by the first bytes. */
  readonly form: 'archive' | 'file' | 'unknown';
  /** Where it goes, relative: the directory of an archive, the name of a file. */
  readonly path: string;
  /** Of the tar without its compression, when the publisher said (ORAS). */
  readonly tarDigest?: string | undefined;
  /** A directory that ORAS packed: the names in it begin with the path, and it may have links. */
  readonly isDirectory?: boolean | undefined;
}

export interface RecognisedArtifact {
  readonly kind: ArtifactKind;
  /** `kcl`, `extension`, `helm-chart`, …; `files` for titled files, `unknown` for what nobody knows. */
  readonly family: string;
  /** What told: in the order in which it is looked at. */
  readonly by: 'artifactType' | 'config' | 'annotation' | 'layer' | 'title' | 'nothing';
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** In the order in which they are laid over each other. */
  readonly content: readonly ContentLayer[];
}

/**
 * What an artifact is by its manifest, and which of its layers are the content. A kind that nobody knows is
 * no error; what is not clear is which of several archives is meant.
 *
 * @param selector a digest, title or media type of the layer, when there are several archives
 * @throws OciError `LAYER_AMBIGUOUS`, `UNSUPPORTED` when there is no layer
 */
export function recogniseArtifact(manifest: ImageManifest, selector?: string): RecognisedArtifact {
  const { kind, family, by } = recogniseFamily(manifest);
  return {
    kind,
    family: family.name,
    by,
    ...named(manifest, kind),
    content: contentOf(manifest, family, selector),
  };
}

/** Returns what an artifact is, whichever of its layers are the content. @throws OciError `UNSUPPORTED` */
export function recogniseFamily(manifest: ImageManifest): Found & { readonly kind: ArtifactKind } {
  const type = extensionTypes.find(
    (known) => manifest.artifactType === extensionArtifactType(known),
  );
  const found = type ? extension : (known(manifest) ?? unknown(manifest));
  return { ...found, kind: type ?? (found.family.name === 'kcl' ? 'kcl' : 'artifact') };
}

interface Found {
  readonly family: ArtifactFamily;
  readonly by: RecognisedArtifact['by'];
}

const extension: Found = { family: { name: 'extension' }, by: 'artifactType' };

function known(manifest: ImageManifest): Found | undefined {
  const layerTypes = new Set(manifest.layers.map(({ mediaType }) => mediaType));
  const keys = Object.keys(manifest.annotations ?? {});
  const tests: Readonly<
    Record<Exclude<Found['by'], 'title' | 'nothing'>, (family: ArtifactFamily) => boolean>
  > = {
    artifactType: ({ artifactTypes = [] }) => artifactTypes.includes(manifest.artifactType ?? ''),
    config: ({ configTypes = [] }) => configTypes.includes(manifest.config?.mediaType ?? ''),
    annotation: ({ annotationPrefix: prefix }) =>
      prefix !== undefined && keys.some((key) => key.startsWith(prefix)),
    layer: ({ layerTypes: types = [] }) => types.some((type) => layerTypes.has(type)),
  };
  for (const by of ['artifactType', 'config', 'annotation', 'layer'] as const) {
    const family = artifactFamilies.find(tests[by]);
    // A collection has the config of a feature: its layer says more.
    const sibling = by === 'config' ? artifactFamilies.find(tests.layer) : undefined;
    if (family) return { family: sibling ?? family, by };
  }
  return undefined;
}

function unknown(manifest: ImageManifest): Found {
  const layers = contentLayers(manifest);
  const isTitled = layers.length > 0 && layers.every((layer) => titleOf(layer) !== undefined);
  return isTitled
    ? { family: { name: 'files' }, by: 'title' }
    : { family: { name: 'unknown' }, by: 'nothing' };
}

function contentOf(
  manifest: ImageManifest,
  family: ArtifactFamily,
  selector: string | undefined,
): readonly ContentLayer[] {
  if (selector !== undefined) return [layerOf(selectContentLayer(manifest, selector), family)];
  const layers = contentLayers(manifest);
  const chosen = layers.filter(({ mediaType }) => family.content?.includes(mediaType));
  if (family.isOverlay && chosen.length > 0) return chosen.map((one) => layerOf(one, family));
  if (chosen.length === 1) return chosen.map((one) => layerOf(one, family));
  // Files by their titles are all of them; their names tell them apart.
  if (family.name === 'files') return layers.map((one) => layerOf(one, family));
  return [layerOf(selectContentLayer(manifest), family)];
}

function layerOf(descriptor: Descriptor, family: ArtifactFamily): ContentLayer {
  const title = titleOf(descriptor);
  if (isPackedDirectory(descriptor)) {
    const tarDigest = descriptor.annotations?.[directoryAnnotations.digest];
    return { descriptor, form: 'archive', path: title ?? '', tarDigest, isDirectory: true };
  }
  if (family.fileName !== undefined)
    return { descriptor, form: 'file', path: title ?? family.fileName };
  if (family.name === 'files') return { descriptor, form: 'file', path: title ?? '' };
  if (family.name !== 'unknown') return { descriptor, form: 'archive', path: '' };
  return { descriptor, form: 'unknown', path: title ?? digestEncoded(descriptor.digest) };
}

function contentLayers({ layers }: ImageManifest): readonly Descriptor[] {
  const found = layers.filter(({ mediaType }) => mediaType !== mediaTypes.empty);
  if (found.length > 0) return found;
  throw new OciError('UNSUPPORTED', 'the artifact has no layers, so there is nothing in it');
}

function titleOf(layer: Descriptor): string | undefined {
  return layer.annotations?.[annotations.title];
}

function named(
  manifest: ImageManifest,
  kind: ArtifactKind,
): Pick<RecognisedArtifact, 'name' | 'version'> {
  const said = manifest.annotations ?? {};
  if (kind === 'kcl')
    return { name: said['org.kcllang.package.name'], version: said['org.kcllang.package.version'] };
  return { name: said[annotations.title], version: said[annotations.version] };
}
