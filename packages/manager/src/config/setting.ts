import type { UserDirectories } from './user-directories.js';
import type { Kind, NamedKinds, ValueOf } from './value-kind.js';

/** A setting: the file, the environment and the flags are read, checked and shown by it alone. */
export type Setting = (NamedSetting | OtherSetting) & {
  readonly description: string;
  /** The flag that sets it, when that is not its key with dashes. */
  readonly flag?: string;
};

/** Without a default the value may be undefined. */
type NamedSetting = {
  readonly [N in keyof NamedKinds]: {
    readonly kind: N;
    readonly default?: NamedKinds[N] | DirectoryDefault;
  };
}[keyof NamedKinds];

interface OtherSetting {
  readonly kind: Exclude<Kind, keyof NamedKinds>;
  readonly default?: unknown;
}

/** The default of a directory, which depends on the user. */
export type DirectoryDefault = (directories: UserDirectories) => string;

/** Settings by their dotted path below `[orchestrator.oci]`. */
export type SettingTable = Readonly<Record<string, Setting>>;

/** The loaded values; what has no default may be undefined. */
export type ValuesOf<S extends SettingTable> = {
  readonly [K in keyof S]:
    ValueOf<S[K]['kind']> | (S[K] extends { readonly default: unknown } ? never : undefined);
};

/** Tables below `[orchestrator.oci]` that one program alone reads; the others pass over them. */
export const programTables = ['server', 'access', 'audit'] as const;

/** Refuses keys of a program's settings that are in none of {@link programTables}. */
export type InProgramTables<Own> = Own &
  Readonly<Record<Exclude<keyof Own, `${(typeof programTables)[number]}.${string}`>, never>>;

/** Returns `OCI_` and the key's path in capitals. */
export function environmentName(key: string): string {
  return `OCI_${key.replaceAll('.', '_').toUpperCase()}`;
}
