export {
  type ExtensionGraphSource,
  type ExtensionRequest,
  type ResolvedExtension,
  resolveExtensionGraph,
} from './depend/extension-graph.js';
export type { Graph, GraphNode, Requirement } from './depend/graph.js';
export { type KclGraph, type ResolvedPackage, resolveKclGraph } from './depend/kcl-graph.js';
export {
  type DefaultPlace,
  type KclSource,
  type PackagePlace,
  type PulledPackage,
  managerSource,
} from './depend/kcl-source.js';
export {
  type Candidates,
  extensionCandidates,
  newestWanted,
  kclCandidates,
} from './depend/newest.js';
export { isVersionRange, selectVersion } from './depend/version-range.js';
export { contentRoot } from './extract/content-root.js';
export { type ExtractOptions, type ExtractedTree, extractArchive } from './extract/extract.js';
export { type ExtractLimits, defaultExtractLimits } from './extract/limits.js';
export { askingSource, publishedDigest } from './install/asking-source.js';
export {
  type InstallGraphOptions,
  type InstalledGraph,
  installExtensionGraph,
} from './install/install-graph.js';
export {
  type ExtensionSource,
  type InstallOptions,
  type InstalledExtension,
  installExtension,
} from './install/install.js';
export { type InventoryEntry, type InstalledVersion, listInstalled } from './install/installed.js';
export { type RolledBack, rollbackExtension } from './install/rollback.js';
export {
  type Uninstalled,
  type UninstallOptions,
  uninstallExtension,
} from './install/uninstall.js';
export type {
  GitDependency,
  KclDependency,
  OciDependency,
  PathDependency,
} from './kcl/kcl-dependency.js';
export { inspectKclPackage } from './kcl/kcl-findings.js';
export { type KclMod, parseKclMod } from './kcl/kcl-mod.js';
export { type VendorLayout } from './kcl/vendor-layout.js';
export {
  type Vendored,
  type VendoredPackage,
  type VendorOptions,
  vendorKclPackage,
} from './kcl/vendor.js';
export { type ExtensionSourceDirectory, packExtension } from './pack/extension.js';
export { packKclPackage } from './pack/kcl-package.js';
export { type PackedArtifact, type PushedArtifact, pushArtifact } from './pack/packed-artifact.js';
export { type ExtensionPolicy, policyFromEnvironment } from './policy/extension-policy.js';
export { contentKind } from './recognise/content-kind.js';
export { unpackPackedDirectory } from './recognise/packed-directory.js';
export {
  type ArtifactKind,
  type ContentLayer,
  type RecognisedArtifact,
  recogniseArtifact,
} from './recognise/recognise.js';
export { unpackArtifact } from './recognise/unpack-artifact.js';
export type { Runtime } from './validate/compatibility.js';
export type { Finding } from './validate/finding.js';
export { type Declaration, type ExtensionMetadata } from './validate/metadata.js';
export { type ValidationProfile, defaultProfiles, parseProfiles } from './validate/profile.js';
export {
  type Extension,
  type ExtensionName,
  type Inspection,
  type ValidateOptions,
  type Validation,
  inspectDirectory,
  validateExtension,
} from './validate/validate.js';
