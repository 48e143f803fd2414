export { parseByteSize } from './byte-size.js';
export { hostEntries } from './host-entries.js';
export type {
  CredentialSettings,
  HostSettings,
  HostTables,
  MirrorSettings,
} from './host-settings.js';
export { type SettingInputs, type Settings, describeSource, loadSettings } from './load.js';
export { settingHint } from './setting-hints.js';
export { trustRules } from './trust-settings.js';
export { managerOptions, retentionPolicy } from './manager-options.js';
export {
  type OptionalSettingKey,
  type SettingKey,
  type SettingSource,
  type SettingTable,
  type SettingValue,
  type SettingValues,
  environmentName,
  settingDefinitions,
} from './settings.js';
