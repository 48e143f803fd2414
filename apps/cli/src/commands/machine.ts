import { type CommandDefinition, defineCommand } from '../command/definition.js';

/** What is about this machine and the command itself; the cache has a table of its own. */
export const machineCommands: readonly CommandDefinition[] = [
  defineCommand<object>({
    name: 'config show',
    summary: 'print every value and where it comes from',
    examples: ['ocictl config show', 'ocictl config show --format json'],
    json: 'config-show',
    load: async () => (await import('./config-show.js')).showConfig,
  }),
  defineCommand<{ name: string }>({
    name: 'config route',
    summary: 'say which registry a name belongs to, and why',
    description:
      'The most specific pattern of [orchestrator.oci.routes] decides; a name without one is of registry_url. Nobody is asked.',
    arguments: [
      {
        name: 'name',
        description: 'of a repository, e.g. kcl/provisioning-core, or of a namespace',
        completes: 'repository',
      },
    ],
    examples: ['ocictl config route kcl/team-net', 'ocictl config route kcl --format json'],
    json: 'config-route',
    load: async () => (await import('./config-route.js')).explainRoute,
  }),
  defineCommand<{ shell: string }>({
    name: 'completion',
    section: 'machine',
    summary: 'print the completion script of a shell',
    description:
      'bash: eval "$(ocictl completion bash)" in ~/.bashrc. zsh: source <(ocictl completion zsh) in ~/.zshrc, behind compinit. fish: ocictl completion fish > ~/.config/fish/completions/ocictl.fish. Names and versions come from the cache; no registry is asked.',
    arguments: [{ name: 'shell', description: 'whose script', choices: ['bash', 'zsh', 'fish'] }],
    examples: ['eval "$(ocictl completion bash)"'],
    load: async () => (await import('./completion.js')).showScript,
  }),
  defineCommand<{ words: readonly string[] }>({
    name: '__complete',
    summary: 'print what the last word may be',
    hidden: true,
    arguments: [{ name: 'words', description: 'behind ocictl', optional: true, variadic: true }],
    examples: ['ocictl __complete -- kcl pull ""'],
    load: async () => (await import('./completion.js')).complete,
  }),
  defineCommand<{ topic: readonly string[] }>({
    name: 'help',
    section: 'machine',
    summary: 'explain a command or a topic; without one, list them',
    arguments: [
      {
        name: 'topic',
        description: 'a command or a topic',
        optional: true,
        variadic: true,
        completes: 'topic',
      },
    ],
    examples: ['ocictl help exit-codes', 'ocictl help kcl pull'],
    load: async () => (await import('./help.js')).showHelp,
  }),
];
