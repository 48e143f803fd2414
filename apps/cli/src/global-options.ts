import { type Command, Option } from 'commander';

/** Options that every command takes, before or behind its name. */
export interface GlobalOptions {
  readonly config?: string;
  readonly registry?: string;
  readonly namespace?: string;
  readonly cacheDir?: string;
  readonly format: 'text' | 'json';
  readonly progress: 'auto' | 'plain' | 'json' | 'none';
  readonly offline?: boolean;
  readonly refresh?: boolean;
  readonly plainHttp?: boolean;
  readonly insecure?: boolean;
  readonly caFile?: string;
  readonly quiet?: boolean;
}

export function addGlobalOptions(program: Command): Command {
  return program
    .option('--config <file>', 'TOML file with [orchestrator.oci] (also OCI_CONFIG)')
    .option('--registry <url>', 'registry to use (also OCI_REGISTRY_URL)')
    .option('--namespace <name>', 'namespace of extensions (also OCI_NAMESPACE)')
    .option('--cache-dir <dir>', 'cache directory (also OCI_CACHE_DIR)')
    .addOption(
      new Option('--format <format>', 'form of the result')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addOption(
      new Option('--progress <mode>', 'form of the progress on stderr')
        .choices(['auto', 'plain', 'json', 'none'])
        .default('auto'),
    )
    .addOption(new Option('--offline', 'never ask a registry').conflicts('refresh'))
    .option('--refresh', 'always ask the registry, also for what is cached')
    .option('--plain-http', 'HTTP for a registry without a scheme')
    .option('--insecure', 'do not verify TLS certificates')
    .option('--ca-file <file>', 'certificate authorities to trust, PEM')
    .option('-q, --quiet', 'results and errors only');
}
