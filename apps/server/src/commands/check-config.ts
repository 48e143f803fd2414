import { settingEntries } from '@oci/manager/config';
import type { Command } from 'commander';

import { loadConfiguration } from '../config/configuration.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { type Result, printResult } from '../output.js';
import { type CommonOptions, commandOf, example } from './command.js';
import { servingInputs, withServing } from './serve.js';

export function addCheckConfig(program: Command): void {
  withServing(commandOf(program, 'check-config'))
    .description('check the configuration without opening anything')
    .addHelpText('after', example('check-config --config server.toml'))
    .action(async (_: unknown, command: Command) => {
      const { format } = command.optsWithGlobals<CommonOptions>();
      printResult(await checkConfig(servingInputs(command)), format);
    });
}

/** Reads the configuration as `serve` does, opens nothing, and says what is set and where. */
async function checkConfig(inputs: ServerSettingInputs): Promise<Result> {
  const { options, settings } = await loadConfiguration(inputs);
  const set = settingEntries(settings)
    .filter(({ source }) => source !== 'default')
    .map(({ key, value, source }) => ({ key, value, from: source }));
  const { tokens = [], issuers = [], rules = [] } = options.access ?? {};
  const counts = { tokens: tokens.length, issuers: issuers.length, rules: rules.length };
  const webhooks = options.events?.webhooks.length ?? 0;
  const access =
    tokens.length + issuers.length + rules.length === 0
      ? 'everybody may do everything'
      : `${tokens.length} tokens, ${issuers.length} issuers, ${rules.length} rules`;
  return {
    json: { valid: true, settings: set, access: counts, webhooks },
    lines: [
      ...set.map(({ key, value, from }) => `${key} = ${JSON.stringify(value)}  (${from})`),
      `the configuration is valid; access: ${access}${webhooks > 0 ? `; webhooks: ${webhooks}` : ''}`,
    ],
  };
}
