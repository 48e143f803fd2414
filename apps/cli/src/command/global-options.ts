import { type OptionDefinition, flagOf, wholeNumber } from './options.js';

/** Options that every command takes, before or behind its name. */
export interface GlobalOptions {
  readonly config?: string;
  readonly registry?: string;
  readonly namespace?: string;
  readonly cacheDir?: string;
  readonly format: 'text' | 'json';
  readonly progress: 'auto' | 'tty' | 'plain' | 'json' | 'none';
  readonly offline?: boolean;
  readonly refresh?: boolean;
  readonly plainHttp?: boolean;
  readonly insecure?: boolean;
  readonly caFile?: string;
  /** 1 to 64. */
  readonly concurrency?: number;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}

export const globalOptions: readonly OptionDefinition<keyof GlobalOptions>[] = [
  {
    name: 'config',
    value: 'file',
    description: 'TOML file with [orchestrator.oci] (also OCI_CONFIG)',
    completes: 'file',
  },
  {
    name: 'registry',
    value: 'url',
    description: 'registry to use (also OCI_REGISTRY_URL)',
    completes: 'registry',
  },
  {
    name: 'namespace',
    value: 'name',
    description: 'namespace of extensions (also OCI_NAMESPACE)',
    completes: 'namespace',
  },
  {
    name: 'cacheDir',
    value: 'dir',
    description: 'cache directory (also OCI_CACHE_DIR)',
    completes: 'directory',
  },
  {
    name: 'format',
    value: 'format',
    description: 'form of the result on stdout',
    choices: ['text', 'json'],
    default: 'text',
  },
  {
    name: 'progress',
    value: 'mode',
    description: 'form of the progress on stderr',
    choices: ['auto', 'tty', 'plain', 'json', 'none'],
    default: 'auto',
  },
  { name: 'offline', description: 'never ask a registry', conflicts: 'refresh' },
  { name: 'refresh', description: 'always ask the registry, also for what is cached' },
  { name: 'plainHttp', description: 'HTTP for a registry without a scheme' },
  { name: 'insecure', description: 'do not verify TLS certificates' },
  {
    name: 'caFile',
    value: 'file',
    description: 'certificate authorities to trust, PEM',
    completes: 'file',
  },
  {
    name: 'concurrency',
    value: 'n',
    description: 'transfers at once; default: 16 to 24, as the registry bears',
    // Fewer than one moves nothing, and more than 64 is an attack.
    parse: wholeNumber({ from: 1, to: 64 }),
  },
  { name: 'quiet', short: 'q', description: 'results and errors only' },
  { name: 'debug', short: 'd', description: 'say each request on stderr, without secrets' },
];

/** The arguments that are neither options nor the values of those that every command takes. */
export function commandWords(args: readonly string[]): readonly string[] {
  const withValue = globalOptions.filter(({ value }) => value !== undefined);
  const flags = new Set(withValue.map(({ name }) => flagOf(name)));
  return args.filter((arg, at) => !arg.startsWith('-') && !flags.has(args[at - 1] ?? ''));
}
