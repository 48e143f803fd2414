import {
  type OptionalSettingKey,
  type SettingKey,
  describeSource,
  hostEntries,
} from '@oci/manager/config';

import { withContext } from '../context.js';
import { table } from '../render/table.js';
import type { Invocation } from '../command/invocation.js';

interface Entry {
  readonly key: string;
  readonly value: unknown;
  readonly source: string;
}

export async function showConfig(_input: object, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ output, settings }) => {
    const entries: Entry[] = [...settings.sources].map(([key, source]) => ({
      key,
      value: settings.values[key as Exclude<SettingKey, OptionalSettingKey>],
      source: describeSource(source),
    }));
    const source = `file ${settings.configFile ?? ''}`;
    entries.push(...hostEntries(settings.hosts).map((entry) => ({ ...entry, source })));
    output.print({
      json: {
        config_file: settings.configFile ?? null,
        settings: Object.fromEntries(entries.map(({ key, ...rest }) => [key, rest])),
      },
      text: table(
        ['KEY', 'VALUE', 'FROM'],
        entries.map(({ key, value, source }) => [key, JSON.stringify(value), source]),
      ),
    });
  });
}
