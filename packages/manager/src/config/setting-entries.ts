import { type SettingSource, describeSource } from './load.js';

/** A loaded value to show: settings hold no secrets, only where these are. */
export interface SettingEntry {
  /** Dotted path, e.g. `registries."registry.example".plain_http`. */
  readonly key: string;
  readonly value: unknown;
  /** See {@link describeSource}. */
  readonly source: string;
}

/** Returns every setting that has a value, the values of tables each on its own. */
export function settingEntries({ values, sources }: LoadedSettings): readonly SettingEntry[] {
  return [...sources].flatMap(([key, source]) =>
    valuesIn(key, values[key]).map((entry) => ({ ...entry, source: describeSource(source) })),
  );
}

/** The settings of any program. */
interface LoadedSettings {
  readonly values: Readonly<Record<string, unknown>>;
  readonly sources: ReadonlyMap<string, SettingSource>;
}

type Value = Omit<SettingEntry, 'source'>;

function valuesIn(key: string, value: unknown): readonly Value[] {
  if (!(value instanceof Map)) return [{ key, value }];
  return [...(value as ReadonlyMap<string, object | string>)].flatMap(([name, table]) => {
    const at = `${key}."${name}"`;
    if (typeof table === 'string') return [{ key: at, value: table }];
    if (!Array.isArray(table)) return fieldsOf(at, table);
    return (table as object[]).flatMap((item, index) => fieldsOf(`${at}[${index}]`, item));
  });
}

function fieldsOf(prefix: string, table: object): readonly Value[] {
  return Object.entries(table)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ key: `${prefix}.${name}`, value: value as unknown }));
}
