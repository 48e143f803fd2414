import { createHash } from 'node:crypto';

import { mediaTypes } from '@oci/spec-types';

import { gzip } from '../archive/gzip.js';
import { bytesOf } from '../bytes.js';
import {
  type ArtifactBytes,
  artifactBytes,
  blobBytes,
  emptyConfigBytes,
} from './artifact-bytes.js';
import { type Files, tarOfFiles } from './files.js';

/** The versions of kpm since which packages have the same shape. */
export type KclEra = 'v0.2' | 'v0.3' | 'v0.12';

export interface KclPackageOptions {
  readonly name: string;
  readonly version: string;
  /** The default is {@link sampleKclFiles}. */
  readonly files?: Files | undefined;
  /** `v0.12`, which is today's, when it is missing. */
  readonly era?: KclEra | undefined;
  readonly description?: string | undefined;
  /** RFC 3339; a fixed time when it is missing. */
  readonly created?: string | undefined;
}

/** A package as kpm pushes it: a plain tar until v0.12, gzip since then. */
export function kclPackage(options: KclPackageOptions): ArtifactBytes {
  const { name, version, era = 'v0.12' } = options;
  const files = options.files ?? sampleKclFiles(name, version);
  const archive = tarOfFiles(files);
  const layerType = era === 'v0.12' ? mediaTypes.layerTarGzip : mediaTypes.layerTar;
  const layer = blobBytes(layerType, era === 'v0.12' ? gzip(archive) : archive, {
    annotations: { 'org.opencontainers.image.title': titleOf(options, era) },
  });
  const config = era === 'v0.2' ? blobBytes(mediaTypes.layerTar, '{}') : emptyConfigBytes();
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    ...(era !== 'v0.2' && { artifactType: layerType }),
    config: config.descriptor,
    layers: [layer.descriptor],
    annotations: annotationsOf(options, era, files),
  };
  return artifactBytes(document, { blobs: [config, layer] });
}

/** The files of a small package. */
export function sampleKclFiles(name: string, version: string): Files {
  return {
    'kcl.mod': `[package]\nname = "${name}"\nversion = "${version}"\n`,
    'kcl.mod.lock': '',
    'main.k': `import models\n\nserver = models.Server { name = "${name}" }\n`,
    'models/server.k': 'schema Server:\n    name: str\n    port: int = 8080\n',
  };
}

/**
 * The `org.kcllang.package.sum` of kpm: SHA-256 of all files' bytes, one after another, in the order
 * of their path components; paths with `.git` or `.tar` in them are left out.
 */
export function kclSum(files: Files): string {
  const hash = createHash('sha256');
  const paths = Object.keys(files).filter((path) => !/\.git|\.tar/.test(path));
  for (const path of paths.sort(byComponents)) {
    const content = files[path] ?? '';
    hash.update(typeof content === 'string' ? bytesOf(content) : content);
  }
  return hash.digest('base64');
}

/** NUL sorts before every character of a name, as the end of a component has to. */
function byComponents(left: string, right: string): number {
  return Buffer.compare(
    Buffer.from(left.replaceAll('/', '\0')),
    Buffer.from(right.replaceAll('/', '\0')),
  );
}

function titleOf({ name, version }: KclPackageOptions, era: KclEra): string {
  if (era === 'v0.2') return `${name}-${version}.tar`;
  return `${name}_${version}.${era === 'v0.12' ? 'tgz' : 'tar'}`;
}

function annotationsOf(
  options: KclPackageOptions,
  era: KclEra,
  files: Files,
): Record<string, string> {
  const created = options.created ?? '2023-10-23T06:24:49Z';
  if (era === 'v0.2') return { 'org.opencontainers.image.created': created };
  return {
    'org.kcllang.package.description': options.description ?? '',
    'org.kcllang.package.name': options.name,
    'org.kcllang.package.sum': kclSum(files),
    'org.kcllang.package.version': options.version,
    'org.opencontainers.image.created': created,
  };
}
