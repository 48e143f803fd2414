export { readArchiveFiles } from './extract/archive-files.js';
export { type ArchiveRule, archiveRules } from './extract/archive-rule.js';
export { contentRoot } from './extract/content-root.js';
export {
  type ExtractOptions,
  type ExtractedTree,
  type LayerArchive,
  extractArchive,
  extractLayers,
} from './extract/extract.js';
export { type ExtractLimits, defaultExtractLimits } from './extract/limits.js';
export {
  type ExtensionSource,
  type InstallOptions,
  type InstalledExtension,
  installExtension,
} from './install/install.js';
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
export {
  type ExtensionSourceDirectory,
  extensionArtifactType,
  packExtension,
} from './pack/extension.js';
export { packKclPackage } from './pack/kcl-package.js';
export { type PackedArtifact, pushArtifact } from './pack/packed-artifact.js';
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
