import { type CommandDefinition, defineCommand } from '../command/definition.js';

const registryArgument = {
  name: 'registry',
  description: 'host or URL; default: the configured one',
  optional: true,
  completes: 'registry',
} as const;

export const registryCommands: readonly CommandDefinition[] = [
  defineCommand<{
    registry?: string;
    username?: string;
    passwordStdin?: boolean;
    identityTokenStdin?: boolean;
  }>({
    name: 'login',
    section: 'registries',
    summary: 'store a credential, after the registry accepted it',
    description:
      "It goes where docker keeps it: into the credential helper that is configured there, else into docker's config.json, readable by you alone, and then ocictl says so.",
    arguments: [registryArgument],
    options: [
      { name: 'username', short: 'u', value: 'name', description: 'asked for when it is missing' },
      { name: 'passwordStdin', description: 'read the password from standard input' },
      {
        name: 'identityTokenStdin',
        description: 'read an identity token from standard input',
        conflicts: 'passwordStdin',
      },
    ],
    examples: [
      'ocictl login ghcr.io',
      'ocictl login ghcr.io --username alice --password-stdin < token.txt',
    ],
    json: 'login',
    load: async () => (await import('./login.js')).logIn,
  }),
  defineCommand<{ registry?: string }>({
    name: 'logout',
    section: 'registries',
    summary: 'take the credential of a registry away again',
    arguments: [registryArgument],
    examples: ['ocictl logout ghcr.io'],
    json: 'logout',
    load: async () => (await import('./login.js')).logOut,
  }),
];
