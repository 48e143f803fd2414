export { contentRoot } from './extract/content-root.js';
export { type ExtractOptions, type ExtractedTree, extractArchive } from './extract/extract.js';
export { type ExtractLimits, defaultExtractLimits } from './extract/limits.js';
export {
  type ExtensionSource,
  type InstallOptions,
  type InstalledExtension,
  installExtension,
} from './install/install.js';
export {
  type ExtensionSourceDirectory,
  extensionArtifactType,
  packExtension,
} from './pack/extension.js';
export { type KclMod, parseKclMod } from './pack/kcl-mod.js';
export { packKclPackage } from './pack/kcl-package.js';
export { kclSum } from './pack/kcl-sum.js';
export { type PackedArtifact, pushArtifact } from './pack/packed-artifact.js';
export { type DeclaredIdentity, declaredIdentity } from './validate/declared-identity.js';
export {
  type Extension,
  type ExtensionName,
  type Finding,
  type Validation,
  validateExtension,
} from './validate/validate.js';
