import type { CopyAllEvent } from '@oci/client/copy';
import { parseRegistryAddress } from '@oci/client/transport';
import { OciManager, type OciManagerOptions } from '@oci/manager';
import type { EventListener } from '@oci/spec-types';
import {
  type SettingKey,
  type Settings,
  describeSource,
  loadSettings,
  managerOptions,
} from '@oci/manager/config';

import type { GlobalOptions } from './command/global-options.js';
import type { Invocation } from './command/definition.js';
import { Output } from './output.js';
import { createProgress } from './progress/create-progress.js';
import { Registries, requestLines } from './registry/registries.js';

/** What a command works with. */
export interface Context {
  readonly settings: Settings;
  readonly output: Output;
  /** Shows what happens on stderr. */
  readonly progress: EventListener<CopyAllEvent>;
  readonly signal: AbortSignal;
  /** Opens nothing before its first call; closed when the command ends. */
  readonly manager: OciManager;
  /** Of the references that a command is given. */
  readonly registries: Registries;
}

/** Runs a command with the settings that its options, the environment and the file give. */
export async function withContext(
  { options, terminal }: Invocation,
  work: (context: Context) => Promise<void>,
): Promise<void> {
  const settings = await loadSettings({ ...inputs(options), env: terminal.env });
  const progress = await createProgress(terminal, options);
  const managed = await optionsOf(settings, options, (line) => progress.say(line));
  let made: OciManager | undefined;
  const registries = new Registries(managed, options);
  const context: Context = {
    settings,
    // Made when it is asked for: a registry that is written wrong must not keep `config show` from showing it.
    get manager() {
      return (made ??= new OciManager(managed));
    },
    registries,
    output: new Output(terminal, options, () => progress.clear()),
    // What ends after an interrupt is nothing to look at.
    progress: (event) => {
      if (terminal.signal.aborted) return;
      if (options.debug && event.type === 'skipped')
        progress.say(`debug: passed over ${event.reference}: ${event.reason}`);
      progress.add(event);
    },
    signal: terminal.signal,
  };
  terminal.signal.addEventListener('abort', () => progress.clear());
  try {
    await work(context);
  } catch (error) {
    const { withCacheHint } = await import('./cache-hint.js');
    throw withCacheHint(error, settings.values.cache_dir);
  } finally {
    progress.clear();
    await Promise.all([made?.close(), registries.close()]);
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

async function optionsOf(
  settings: Settings,
  options: GlobalOptions,
  say: (line: string) => void,
): Promise<OciManagerOptions> {
  const { offline = false, refresh = false, concurrency, debug } = options;
  const managed = await managerOptions(settings, { offline, refresh });
  const bodies = concurrency && { bodies: concurrency, mostBodies: concurrency };
  if (debug) sayWhereFrom(settings, say);
  return {
    ...managed,
    connection: {
      ...managed.connection,
      ...(bodies && { pace: bodies }),
      ...(debug && { observer: requestLines(say) }),
    },
  };
}

function sayWhereFrom(settings: Settings, say: (line: string) => void): void {
  const { registry_url: url, plain_http: plainHttp, cache_dir: cacheDir } = settings.values;
  const { scheme, host } = parseRegistryAddress(url, { plainHttp });
  const from = (key: SettingKey): string => {
    const source = settings.sources.get(key);
    return source ? describeSource(source) : 'default';
  };
  say(`debug: configuration ${settings.configFile ?? 'without a file'}`);
  say(`debug: registry ${scheme}://${host} (${from('registry_url')})`);
  for (const [pattern, registry] of settings.values.routes)
    say(`debug: registry of ${pattern} ${registry} (${from('routes')})`);
  say(`debug: cache ${cacheDir} (${from('cache_dir')})`);
}
