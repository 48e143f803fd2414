export type { ExtensionGraphSource, ExtensionRequest } from './depend/extension-graph.js';
export { type DefaultPlace, type KclSource, managerSource } from './depend/kcl-source.js';
export {
  type Candidates,
  extensionCandidates,
  newestWanted,
  kclCandidates,
} from './depend/newest.js';
export { isVersionRange, selectVersion } from './depend/version-range.js';
export {
  type ExtractOptions,
  type ExtractedTree,
  contentRoot,
  extractArchive,
} from './extract/extract.js';
export type { ExtractLimits } from './extract/limits.js';
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
export { inspectKclPackage } from './kcl/kcl-findings.js';
export { type VendorDirectory } from './kcl/vendor-directory.js';
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
export { type RecognisedArtifact, recogniseArtifact } from './recognise/recognise.js';
export { unpackArtifact } from './recognise/unpack-artifact.js';
export type { Runtime } from './validate/compatibility.js';
export type { Finding } from './validate/finding.js';
export { type ValidationProfile, parseProfiles } from './validate/profile.js';
export {
  type Extension,
  type ExtensionName,
  type Inspection,
  type ValidateOptions,
  type Validation,
  inspectDirectory,
  validateExtension,
} from './validate/validate.js';
