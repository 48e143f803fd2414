#!/usr/bin/env node
import { join } from 'node:path';

import { loadSettings, managerOptions } from '@oci/manager/config';
import { asOciError } from '@oci/spec-types';
import { Command, CommanderError } from 'commander';

import { parseListenAddress } from './listen-address.js';
import { type RunningServer, startServer } from './server.js';

interface ServeOptions {
  readonly config?: string;
  readonly listen?: string;
  readonly dataDir?: string;
  readonly allowPlainHttp?: boolean;
  readonly logLevel: string;
}

const program = new Command('oci-server')
  .description('A registry and an HTTP API for artifacts.')
  .exitOverride();
program
  .command('serve')
  .description('serve hosted repositories at /v2/ and the API at /api/v1/')
  .option('--config <file>', 'TOML file with [orchestrator.oci] (also OCI_CONFIG)')
  .option(
    '--listen <host:port>',
    'address to listen on (also OCI_SERVER_LISTEN); default 127.0.0.1:5000',
  )
  .option('--data-dir <dir>', 'where hosted repositories are kept (also OCI_SERVER_DATA_DIR)')
  .option('--allow-plain-http', 'listen where other machines reach it, without TLS')
  .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
  .action(serve);

async function serve(options: ServeOptions): Promise<void> {
  const settings = await loadSettings({
    configFile: options.config,
    flags: { 'server.listen': options.listen, 'server.data_dir': options.dataDir },
  });
  const { values, sources } = settings;
  const configured = (key: 'registry_url' | 'cache_dir'): boolean =>
    sources.get(key)?.from !== 'default';
  const dataDir = values['server.data_dir'];
  const manager = await managerOptions(settings);
  const server = await startServer({
    listen: parseListenAddress(values['server.listen']),
    dataDir: join(dataDir, 'registry'),
    manager: {
      ...manager,
      registryUrl: configured('registry_url') ? manager.registryUrl : undefined,
      cacheDir: configured('cache_dir') ? manager.cacheDir : join(dataDir, 'cache'),
    },
    allowPlainHttp: options.allowPlainHttp,
    logLevel: options.logLevel,
  });
  process.stdout.write(`oci-server listens on ${server.url}\n`);
  closeOnSignal(server);
}

function closeOnSignal(server: RunningServer): void {
  const stop = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    void server.close();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
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
