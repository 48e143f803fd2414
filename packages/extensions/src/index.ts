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
  kclCandidates,
  newestWanted,
} from './depend/newest.js';
export { isVersionRange, selectVersion } from './depend/version-range.js';
export { readArchiveFiles } from './extract/archive-files.js';
export { type ArchiveRule, archiveRules } from './extract/archive-rule.js';
export { contentRoot } from './extract/content-root.js';
export {
  type ExtractOptions,
  type ExtractedTree,
  extractArchive,
  extractLayers,
} from './extract/extract.js';
export type { LayerArchive } from './extract/layer-archive.js';
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
export { type LockedPackage, formatKclLock, parseKclLock } from './kcl/kcl-lock.js';
export { type KclMod, parseKclMod } from './kcl/kcl-mod.js';
export { kclSum } from './kcl/kcl-sum.js';
export { type VendorLayout, vendorLayouts } from './kcl/vendor-layout.js';
export {
  type Vendored,
  type VendoredPackage,
  type VendorOptions,
  vendorKclPackage,
} from './kcl/vendor.js';
export {
  type DirectoryArchive,
  type PackDirectoryOptions,
  packDirectory,
} from './pack/directory.js';
export {
  type ExtensionSourceDirectory,
  extensionArtifactType,
  packExtension,
} from './pack/extension.js';
export { packKclPackage } from './pack/kcl-package.js';
export { type PackedArtifact, type PushedArtifact, pushArtifact } from './pack/packed-artifact.js';
export {
  type ExtensionPolicy,
  type PolicySubject,
  enforcePolicy,
  policyFromEnvironment,
} from './policy/extension-policy.js';
export { type ArtifactFamily, artifactFamilies } from './recognise/artifact-family.js';
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
export { type Declaration, type ExtensionMetadata, readMetadata } from './validate/metadata.js';
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
