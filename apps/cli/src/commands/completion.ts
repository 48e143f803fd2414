import { type CommandDefinition, defineCommand } from '../command/definition.js';

export const completionCommands: readonly CommandDefinition[] = [
  defineCommand<{ shell: string }>({
    name: 'completion',
    section: 'machine',
    summary: 'print the completion script of a shell',
    description:
      'bash: eval "$(ocictl completion bash)" in ~/.bashrc. zsh: source <(ocictl completion zsh) in ~/.zshrc, behind compinit. fish: ocictl completion fish > ~/.config/fish/completions/ocictl.fish. Names and versions come from the cache; no registry is asked.',
    arguments: [{ name: 'shell', description: 'whose script', choices: ['bash', 'zsh', 'fish'] }],
    examples: ['eval "$(ocictl completion bash)"'],
    load: async () => (await import('./completion-show.js')).showScript,
  }),
  defineCommand<{ words: readonly string[] }>({
    name: '__complete',
    summary: 'print what the last word may be',
    hidden: true,
    arguments: [{ name: 'words', description: 'behind ocictl', optional: true, variadic: true }],
    examples: ['ocictl __complete -- kcl pull ""'],
    load: async () => (await import('./completion-show.js')).complete,
  }),
];
