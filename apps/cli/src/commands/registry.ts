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
  defineCommand<{ registry?: string; repository?: string; write?: boolean }>({
    name: 'doctor',
    section: 'registries',
    summary: 'find out whether a registry can be reached and used, and what it can',
    description:
      'Looks at the connection, TLS, the clock, the proxy, the credential and where it comes from, what the registry can, and its mirrors; ends with a verdict, and exits with what is wrong.',
    arguments: [registryArgument],
    options: [
      {
        name: 'repository',
        value: 'name',
        description: 'look at tags, ranges and referrers there',
        completes: 'repository',
      },
      { name: 'write', description: 'push something small there, and delete it again' },
    ],
    examples: [
      'ocictl doctor ghcr.io',
      'ocictl doctor localhost:5000 --repository kcl/provisioning-core',
    ],
    json: 'doctor',
    load: async () => (await import('./doctor.js')).examine,
  }),
];
