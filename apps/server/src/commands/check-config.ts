import { type SettingInputs, describeSource } from '@oci/manager/config';

import { loadConfiguration } from '../config/configuration.js';

/** Reads the configuration as `serve` does, opens nothing, and prints what is set and where. */
export async function checkConfig(inputs: SettingInputs): Promise<void> {
  const { options, settings } = await loadConfiguration(inputs);
  const { values, sources } = settings;
  const rows = [...sources]
    .filter(([, source]) => source.from !== 'default')
    .map(([key, source]) => `${key} = ${JSON.stringify(values[key])}  (${describeSource(source)})`);
  for (const row of rows) process.stdout.write(`${row}\n`);
  const { tokens = [], issuers = [], rules = [] } = options.access ?? {};
  const access =
    tokens.length + issuers.length + rules.length === 0
      ? 'everybody may do everything'
      : `${tokens.length} tokens, ${issuers.length} issuers, ${rules.length} rules`;
  process.stdout.write(`the configuration is valid; access: ${access}\n`);
}
