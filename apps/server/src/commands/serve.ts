import { asOciError } from '@oci/spec-types';
import type { Command } from 'commander';

import { loadConfiguration } from '../config/configuration.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { onClosedPipe } from '../output.js';
import { type RunningServer, startServer } from '../server.js';
import { type CommonOptions, commandOf, example, inputsOf, withConfiguration } from './command.js';

interface ServeOptions extends CommonOptions {
  readonly listen?: string;
  readonly allowPlainHttp?: boolean;
  readonly logLevel?: string;
}

export function addServe(program: Command): void {
  withServing(commandOf(program, 'serve'))
    .description(
      'serve hosted repositories at /v2/ and the API at /api/v1/; SIGHUP reads the configuration again',
    )
    .addHelpText('after', example('serve --listen 127.0.0.1:5000 --data-dir /var/lib/oci-server'))
    .action((_: unknown, command: Command) => serve(servingInputs(command)));
}

/** Adds the options of all that a server is told on its command line. */
export function withServing(command: Command): Command {
  return withConfiguration(command)
    .option(
      '--listen <host:port>',
      'address to listen on (also OCI_SERVER_LISTEN); default 127.0.0.1:5000',
    )
    .option('--allow-plain-http', 'listen where other machines reach it, without TLS')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent; default info');
}

/** What the settings are loaded from, given the options of {@link withServing}. */
export function servingInputs(command: Command): ServerSettingInputs {
  const options = command.optsWithGlobals<ServeOptions>();
  return inputsOf(options, {
    'server.listen': options.listen,
    'server.allow_plain_http': options.allowPlainHttp,
    'server.log_level': options.logLevel,
  });
}

/** Serves until SIGTERM or SIGINT; SIGHUP reads the configuration again. What happens is in the log. */
async function serve(inputs: ServerSettingInputs): Promise<void> {
  // Whoever read what we say may go; those whom we serve stay.
  onClosedPipe(() => {});
  const configuration = await loadConfiguration(inputs);
  const server = await startServer(configuration.options);
  reloadOnSignal(server, inputs);
  closeOnSignal(server);
}

function reloadOnSignal(server: RunningServer, inputs: ServerSettingInputs): void {
  let running: Promise<void> = Promise.resolve();
  process.on('SIGHUP', () => {
    running = running.then(() => reload(server, inputs));
  });
}

/** What is wrong is told, and nothing changes. */
async function reload(server: RunningServer, inputs: ServerSettingInputs): Promise<void> {
  try {
    await server.reload((await loadConfiguration(inputs)).options);
  } catch (thrown) {
    const { message, code, hint } = asOciError(thrown);
    server.log.error({ code, hint }, `the configuration stays as it is: ${message}`);
  }
}

function closeOnSignal(server: RunningServer): void {
  const stop = (): void => {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    // One more of them ends the process at once; SIGHUP has nothing to read again any more.
    process.removeAllListeners('SIGHUP').on('SIGHUP', () => {});
    void server.close().then(() => process.exit(0));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
}
