import { mediaTypes } from '@oci/spec-types';

import { gzip } from '../archive/gzip.js';
import {
  type ArtifactBytes,
  artifactBytes,
  blobBytes,
  emptyConfigBytes,
} from './artifact-bytes.js';
import { type Files, tarOfFiles } from './files.js';

export type ExtensionType = 'taskserv' | 'provider' | 'cluster';

export interface ExtensionArtifactOptions {
  readonly type: ExtensionType;
  readonly name: string;
  readonly version: string;
  /** The default is {@link sampleExtensionFiles}. */
  readonly files?: Files | undefined;
  /** {@link extensionArtifactType} when it is missing. */
  readonly artifactType?: string | undefined;
  /** RFC 3339; a fixed time when it is missing. */
  readonly created?: string | undefined;
}

/** The artifact type that the builder gives to extensions. */
export const extensionArtifactType = 'application/vnd.provisioning.extension.v1';

/** An extension as one gzip layer with an empty config. */
export function extensionArtifact(options: ExtensionArtifactOptions): ArtifactBytes {
  const { type, name, version, files = sampleExtensionFiles(type, name, version) } = options;
  const layer = blobBytes(mediaTypes.layerTarGzip, gzip(tarOfFiles(files)), {
    annotations: { 'org.opencontainers.image.title': `${name}_${version}.tgz` },
  });
  const config = emptyConfigBytes();
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    artifactType: options.artifactType ?? extensionArtifactType,
    config: config.descriptor,
    layers: [layer.descriptor],
    annotations: {
      'org.opencontainers.image.title': name,
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.description': `The ${name} ${type}`,
      'org.opencontainers.image.created': options.created ?? '2025-10-06T12:00:00Z',
    },
  };
  return artifactBytes(document, { blobs: [config, layer] });
}

/** The files of a small extension of each type. */
export function sampleExtensionFiles(type: ExtensionType, name: string, version: string): Files {
  const common: Files = {
    'README.md': `# ${name}\n`,
    'extension.toml': `[extension]\nname = "${name}"\nversion = "${version}"\ntype = "${type}"\n`,
    'kcl/kcl.mod': `[package]\nname = "${name}"\nversion = "${version}"\n`,
    [`kcl/${name}.k`]: `schema Config:\n    name: str = "${name}"\n`,
    'kcl/version.k': `version = "${version}"\n`,
  };
  switch (type) {
    case 'taskserv':
      return {
        ...common,
        'default/defs.toml': `name = "${name}"\n`,
        [`default/install-${name}.sh`]: '#!/bin/sh\nset -eu\n',
      };
    case 'provider':
      return { ...common, 'nulib/servers.nu': 'export def create-server [] {}\n' };
    case 'cluster':
      return { ...common, 'templates/cluster.j2': 'name: {{ name }}\n' };
  }
}
