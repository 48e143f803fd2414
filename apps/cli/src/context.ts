import { OciManager, type OciManagerOptions } from '@oci/manager';
import type { EventListener } from '@oci/spec-types';
import { type Settings, loadSettings, managerOptions } from '@oci/manager/config';

import type { GlobalOptions } from './command/global-options.js';
import type { Invocation } from './command/invocation.js';
import { Output } from './output.js';
import { createProgress } from './progress/progress.js';

/** What a command works with. */
export interface Context {
  readonly settings: Settings;
  readonly output: Output;
  /** Shows what happens on stderr. */
  readonly progress: EventListener;
  readonly signal: AbortSignal;
  /** Opens nothing before its first call; closed when the command ends. */
  readonly manager: OciManager;
}

/** Runs a command with the settings that its options, the environment and the file give. */
export async function withContext(
  { options, terminal }: Invocation,
  work: (context: Context) => Promise<void>,
): Promise<void> {
  const settings = await loadSettings({ ...inputs(options), env: terminal.env });
  const manager = new OciManager(await optionsOf(settings, options));
  const progress = createProgress(terminal, options);
  const context: Context = {
    settings,
    manager,
    output: new Output(terminal, options, () => progress.clear()),
    // What ends after an interrupt is nothing to look at.
    progress: (event) => {
      if (!terminal.signal.aborted) progress.add(event);
    },
    signal: terminal.signal,
  };
  terminal.signal.addEventListener('abort', () => progress.clear());
  try {
    await work(context);
  } finally {
    progress.clear();
    await manager.close();
  }
}

function inputs(options: GlobalOptions): Parameters<typeof loadSettings>[0] {
  return {
    configFile: options.config,
    flags: {
      registry_url: options.registry,
      namespace: options.namespace,
      cache_dir: options.cacheDir,
      plain_http: options.plainHttp,
      insecure: options.insecure,
      ca_file: options.caFile,
    },
  };
}

function optionsOf(settings: Settings, options: GlobalOptions): Promise<OciManagerOptions> {
  const { offline = false, refresh = false } = options;
  return managerOptions(settings.values, { offline, refresh });
}
