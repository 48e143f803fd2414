import { settingEntries } from '@oci/manager/config';

import { loadConfiguration } from '../config/configuration.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import type { Result } from '../output.js';

/** Reads the configuration as `serve` does, opens nothing, and says what is set and where. */
export async function checkConfig(inputs: ServerSettingInputs): Promise<Result> {
  const { options, settings } = await loadConfiguration(inputs);
  const set = settingEntries(settings)
    .filter(({ source }) => source !== 'default')
    .map(({ key, value, source }) => ({ key, value, from: source }));
  const { tokens = [], issuers = [], rules = [] } = options.access ?? {};
  const counts = { tokens: tokens.length, issuers: issuers.length, rules: rules.length };
  const access =
    tokens.length + issuers.length + rules.length === 0
      ? 'everybody may do everything'
      : `${tokens.length} tokens, ${issuers.length} issuers, ${rules.length} rules`;
  return {
    json: { valid: true, settings: set, access: counts },
    lines: [
      ...set.map(({ key, value, from }) => `${key} = ${JSON.stringify(value)}  (${from})`),
      `the configuration is valid; access: ${access}`,
    ],
  };
}
