import { mediaTypes } from '@oci/spec-types';

/** How to know a family of artifacts, and which of its layers are the content, as data. */
export interface ArtifactFamily {
  readonly name: string;
  readonly artifactTypes?: readonly string[];
  readonly configTypes?: readonly string[];
  readonly layerTypes?: readonly string[];
  /** Prefix of annotation keys of the manifest. */
  readonly annotationPrefix?: string;
  /** Media types of the layers that are the content; without them the layer that is an archive is. */
  readonly content?: readonly string[];
  /** Several content layers are laid over each other, in their order; otherwise there is one. */
  readonly isOverlay?: boolean;
  /** The content is a file, not an archive; the name that it gets without a title. */
  readonly fileName?: string;
}

const layer = mediaTypes.layerTarGzip;

/** The families of the neighbourhood, the more particular first. */
export const artifactFamilies: readonly ArtifactFamily[] = [
  {
    name: 'helm-chart',
    configTypes: ['application/vnd.cncf.helm.config.v1+json'],
    layerTypes: ['application/vnd.cncf.helm.chart.content.v1.tar+gzip'],
    content: ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'application/tar+gzip'],
  },
  { name: 'helm-plugin', artifactTypes: ['application/vnd.helm.plugin.v1+json'] },
  {
    name: 'flux',
    configTypes: ['application/vnd.cncf.flux.config.v1+json'],
    layerTypes: ['application/vnd.cncf.flux.content.v1.tar+gzip'],
    content: ['application/vnd.cncf.flux.content.v1.tar+gzip'],
  },
  {
    name: 'timoni-module',
    configTypes: ['application/vnd.timoni.config.v1+json'],
    content: ['application/vnd.timoni.content.v1.tar+gzip'],
    isOverlay: true,
  },
  {
    name: 'dev-container-collection',
    layerTypes: ['application/vnd.devcontainers.collection.layer.v1+json'],
    fileName: 'devcontainer-collection.json',
    content: ['application/vnd.devcontainers.collection.layer.v1+json'],
  },
  {
    name: 'dev-container-feature',
    configTypes: ['application/vnd.devcontainers'],
    // It says tar, and often is a gzip tar.
    layerTypes: ['application/vnd.devcontainers.layer.v1+tar'],
    content: ['application/vnd.devcontainers.layer.v1+tar'],
  },
  {
    name: 'opentofu-module',
    artifactTypes: ['application/vnd.opentofu.modulepkg'],
    content: ['archive/zip'],
  },
  {
    name: 'opentofu-provider',
    artifactTypes: ['application/vnd.opentofu.provider-target'],
    content: ['archive/zip'],
  },
  {
    name: 'cue-module',
    configTypes: ['application/vnd.cue.module.v1+json'],
    content: ['application/zip'],
  },
  {
    name: 'kusion-module',
    configTypes: ['application/vnd.io.kusion.config.v1+json'],
    content: ['application/vnd.io.kusion.content.v1.tar+gzip'],
  },
  {
    name: 'wasm',
    configTypes: ['application/vnd.wasm.config.v0+json', 'application/vnd.wasm.config.v1+json'],
    layerTypes: ['application/wasm', 'application/vnd.wasm.content.layer.v1+wasm'],
    content: ['application/wasm', 'application/vnd.wasm.content.layer.v1+wasm'],
    fileName: 'module.wasm',
  },
  {
    name: 'cosign',
    layerTypes: ['application/vnd.dev.cosign.simplesigning.v1+json'],
    fileName: 'signature.json',
  },
  {
    // Three eras of kpm: a typed config, a plain tar, a gzip tar.
    name: 'kcl',
    artifactTypes: [layer, mediaTypes.layerTar],
    configTypes: [mediaTypes.layerTar],
    annotationPrefix: 'org.kcllang.package.',
    content: [layer, mediaTypes.layerTar],
  },
];
