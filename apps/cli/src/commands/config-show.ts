import { settingEntries } from '@oci/manager/config';

import { withContext } from '../context.js';
import { table } from '../render/table.js';
import type { Invocation } from '../command/definition.js';

export async function showConfig(_input: object, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ output, settings }) => {
    const entries = settingEntries(settings);
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
