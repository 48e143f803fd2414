import { Command } from 'commander';

import manifest from '../package.json' with { type: 'json' };
import { addGlobalOptions } from './global-options.js';
import type { Terminal } from './terminal.js';

/** The whole of `ocictl`: names, arguments and help; what a command does is loaded when it runs. */
export function createProgram(terminal: Terminal): Command {
  const program = addGlobalOptions(new Command('ocictl'))
    .description('Pull, list and install KCL packages and platform extensions from OCI registries.')
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
    })
    .addHelpText(
      'after',
      examples(['ocictl kcl pull provisioning-core 1.0.0', 'ocictl list kcl --format json']),
    );
  addKclCommands(program, terminal);
  addExtensionCommands(program, terminal);
  addArtifactCommands(program, terminal);
  addMaintenanceCommands(program, terminal);
  return program;
}

const layerOption = [
  '--layer <layer>',
  'digest, title or media type, when there are several archives',
] as const;

function addKclCommands(program: Command, terminal: Terminal): void {
  const kcl = program.command('kcl').description('KCL packages');
  kcl
    .command('pull <name> <version>')
    .description('download a KCL package into the cache and print where it is')
    .option(...layerOption)
    .addHelpText(
      'after',
      examples([
        'ocictl kcl pull provisioning-core 1.0.0',
        'tar -xzf "$(ocictl -q kcl pull provisioning-core 1.0.0)"',
      ]),
    )
    .action(
      async (name: string, version: string, options: { layer?: string }, command: Command) => {
        const { pullKcl } = await import('./commands/pull.js');
        await pullKcl({ name, version, ...options }, { command, terminal });
      },
    );
  kcl
    .command('push <dir>')
    .description('pack a directory with a kcl.mod and push it as kpm does')
    .option('--force', 'replace the version when it is already published')
    .addHelpText('after', examples(['ocictl kcl push ./provisioning-core']))
    .action(async (dir: string, options: { force?: boolean }, command: Command) => {
      const { pushKcl } = await import('./commands/push.js');
      await pushKcl({ dir, ...options }, { command, terminal });
    });
}

function addExtensionCommands(program: Command, terminal: Terminal): void {
  const extension = program
    .command('extension')
    .description('extensions of the platform: providers, taskservs, clusters');
  extension
    .command('pull <type> <name> <version>')
    .description('download an extension into the cache and print where it is')
    .option(...layerOption)
    .addHelpText('after', examples(['ocictl extension pull taskserv kubernetes 1.28.0']))
    .action(
      async (
        type: string,
        name: string,
        version: string,
        options: { layer?: string },
        command: Command,
      ) => {
        const { pullExtension } = await import('./commands/pull.js');
        await pullExtension({ type, name, version, ...options }, { command, terminal });
      },
    );
  extension
    .command('install <type> <name> <version>')
    .description('download, unpack, validate and install an extension')
    .option('--install-dir <dir>', 'where extensions are installed (also OCI_INSTALL_DIR)')
    .addHelpText(
      'after',
      examples(['ocictl extension install taskserv kubernetes 1.28.0 --install-dir ./extensions']),
    )
    .action(
      async (
        type: string,
        name: string,
        version: string,
        options: { installDir?: string },
        command: Command,
      ) => {
        const { install } = await import('./commands/install.js');
        await install({ type, name, version, ...options }, { command, terminal });
      },
    );
  extension
    .command('push <type> <dir>')
    .description('pack an extension directory and push it')
    .option('--force', 'replace the version when it is already published')
    .addHelpText('after', examples(['ocictl extension push taskserv ./kubernetes']))
    .action(async (type: string, dir: string, options: { force?: boolean }, command: Command) => {
      const { pushExtension } = await import('./commands/push.js');
      await pushExtension({ type, dir, ...options }, { command, terminal });
    });
}

function addArtifactCommands(program: Command, terminal: Terminal): void {
  program
    .command('list [namespace]')
    .description('list every version of every artifact of a namespace')
    .addHelpText('after', examples(['ocictl list kcl', 'ocictl list --format json']))
    .action(async (namespace: string | undefined, _options: object, command: Command) => {
      const { list } = await import('./commands/list.js');
      await list(namespace, { command, terminal });
    });
  program
    .command('exists <repository> <version>')
    .description('ask the registry whether a version exists: exit 0, or 3 when it does not')
    .addHelpText('after', examples(['ocictl exists kcl/provisioning-core 1.0.0']))
    .action(async (repository: string, version: string, _options: object, command: Command) => {
      const { exists } = await import('./commands/exists.js');
      await exists({ repository, version }, { command, terminal });
    });
  program
    .command('manifest <repository> <version>')
    .description('print the manifest of a version, byte for byte with --raw')
    .option('--raw', 'the bytes as published')
    .addHelpText('after', examples(['ocictl manifest kcl/provisioning-core 1.0.0']))
    .action(
      async (repository: string, version: string, options: { raw?: boolean }, command: Command) => {
        const { manifest } = await import('./commands/manifest.js');
        await manifest({ repository, version, ...options }, { command, terminal });
      },
    );
}

function addMaintenanceCommands(program: Command, terminal: Terminal): void {
  program
    .command('cache')
    .description('the cache directory')
    .command('clear')
    .description('remove everything that was downloaded')
    .action(async (_options: object, command: Command) => {
      const { clearCache } = await import('./commands/cache.js');
      await clearCache({ command, terminal });
    });
  program
    .command('config')
    .description('the configuration')
    .command('show')
    .description('print every value and where it comes from')
    .action(async (_options: object, command: Command) => {
      const { showConfig } = await import('./commands/config.js');
      await showConfig({ command, terminal });
    });
}

function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
