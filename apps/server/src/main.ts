#!/usr/bin/env node
import type { SettingInputs } from '@oci/manager/config';
import { asOciError } from '@oci/spec-types';
import { Command, CommanderError } from 'commander';

import { checkConfig } from './commands/check-config.js';
import { createToken } from './commands/create-token.js';
import { serve } from './commands/serve.js';
import { verifyAuditLog } from './commands/verify-audit.js';

interface SettingOptions {
  readonly config?: string;
  readonly listen?: string;
  readonly dataDir?: string;
  readonly allowPlainHttp?: boolean;
  readonly logLevel?: string;
  readonly dir?: string;
  readonly keyFile?: string;
}

const program = new Command('oci-server')
  .description('A registry and an HTTP API for artifacts.')
  .exitOverride();

addSettings(
  program
    .command('serve')
    .description(
      'serve hosted repositories at /v2/ and the API at /api/v1/; SIGHUP reads the configuration again',
    ),
).action((options: SettingOptions) => serve(inputsOf(options)));

addSettings(
  program.command('check-config').description('check the configuration without opening anything'),
).action((options: SettingOptions) => checkConfig(inputsOf(options)));

const audit = program.command('audit').description('the audit log');
audit
  .command('verify')
  .description('find lines that were changed, removed or added; ends with 1 when there are any')
  .option('--config <file>', 'TOML file with [orchestrator.oci] (also OCI_CONFIG)')
  .option('--data-dir <dir>', 'the directory of the server (also OCI_SERVER_DATA_DIR)')
  .option('--dir <dir>', 'the directory of the log (also OCI_AUDIT_DIR)')
  .option('--key-file <file>', 'its key (also OCI_AUDIT_KEY_FILE)')
  .action((options: SettingOptions) => verifyAuditLog(inputsOf(options)));

const token = program.command('token').description('tokens of callers');
token
  .command('create')
  .argument('<name>', 'what rules and the audit log call it')
  .description('print a new token, and its hash for the configuration')
  .action((name: string) => createToken(name));

function addSettings(command: Command): Command {
  return command
    .option('--config <file>', 'TOML file with [orchestrator.oci] (also OCI_CONFIG)')
    .option(
      '--listen <host:port>',
      'address to listen on (also OCI_SERVER_LISTEN); default 127.0.0.1:5000',
    )
    .option('--data-dir <dir>', 'where hosted repositories are kept (also OCI_SERVER_DATA_DIR)')
    .option('--allow-plain-http', 'listen where other machines reach it, without TLS')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent; default info');
}

function inputsOf(options: SettingOptions): SettingInputs {
  return {
    configFile: options.config,
    flags: {
      'server.listen': options.listen,
      'server.data_dir': options.dataDir,
      'server.allow_plain_http': options.allowPlainHttp,
      'server.log_level': options.logLevel,
      'audit.dir': options.dir,
      'audit.key_file': options.keyFile,
    },
  };
}

try {
  await program.parseAsync();
} catch (thrown) {
  if (thrown instanceof CommanderError) process.exit(thrown.exitCode === 0 ? 0 : 2);
  const error = asOciError(thrown);
  process.stderr.write(`error: ${error.message} [${error.code}]\n`);
  if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
  process.exitCode = ['USAGE', 'CONFIG_INVALID', 'POLICY_REFUSED'].includes(error.code) ? 2 : 1;
}
