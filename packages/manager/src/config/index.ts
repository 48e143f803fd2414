export { parseByteSize } from './byte-size.js';
export {
  type SettingInputs,
  type SettingSource,
  type Settings,
  describeSource,
  loadSettings,
} from './load.js';
export { managerOptions, retentionPolicy } from './manager-options.js';
export { routeTable } from './configured-routes.js';
export type { Setting, SettingTable } from './setting.js';
export { type SettingEntry, settingEntries } from './setting-entries.js';
export { settingHint } from './setting-hints.js';
export type { SettingKey, SettingValues } from './settings.js';
export { type Table, isTable } from './table.js';
export { type TableFields, type TableValues, readTable } from './table-fields.js';
export { parseToml } from './toml.js';
export { trustRules } from './trust-settings.js';
export type { UserDirectories } from './user-directories.js';
export { type ValueKind, type ValuePlace, invalidValue } from './value-kind.js';
