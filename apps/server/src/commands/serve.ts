import { asOciError } from '@oci/spec-types';

import { loadConfiguration } from '../config/configuration.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { onClosedPipe } from '../output.js';
import { type RunningServer, startServer } from '../server.js';

/** Serves until SIGTERM or SIGINT; SIGHUP reads the configuration again. What happens is in the log. */
export async function serve(inputs: ServerSettingInputs): Promise<void> {
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
