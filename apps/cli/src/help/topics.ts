import { exitCodes } from '@oci/manager/program';

import { createProgram } from '../command/program.js';
import type { ProgramDefinition } from '../command/definition.js';
import type { Terminal } from '../terminal.js';

/** What `ocictl help <name>` prints, and a chapter of `docs/ocictl.md`. */
export interface Topic {
  readonly name: string;
  readonly summary: string;
  /** Lines of at most 78 columns. */
  text(about: { readonly program: ProgramDefinition; readonly terminal: Terminal }): string;
}

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'done',
  other: 'failed otherwise',
  usage: 'the command line or the configuration is wrong',
  notFound: 'not found',
  unauthorized: 'not logged in, or access is denied',
  rateLimited: 'the registry limits how often it is asked',
  network: 'no connection, TLS, timeout, or the registry has a problem of its own',
  integrity: 'content is not what its digest says',
  storage: 'the disk is full, read-only, or fails',
  refused: 'refused by a policy or a limit',
  interrupted: 'interrupted',
};

export const topics: readonly Topic[] = [
  {
    name: 'options',
    summary: 'the options of every command',
    text: ({ program, terminal }) => {
      const root = createProgram(program, terminal);
      const help = root.createHelp();
      help.prepareContext({ helpWidth: 80 });
      const options = help.visibleOptions(root);
      const width = Math.max(...options.map((option) => help.optionTerm(option).length));
      const lines = options.map((option) =>
        help.formatItem(help.optionTerm(option), width, help.optionDescription(option), help),
      );
      return `These stand before or behind the name of any command:\n\n${lines.join('\n')}`;
    },
  },
  {
    name: 'exit-codes',
    summary: 'what ocictl exits with',
    text: () =>
      Object.entries(exitCodes)
        .map(
          ([name, code]) =>
            `${String(code).padStart(3)}  ${meanings[name as keyof typeof meanings]}`,
        )
        .join('\n'),
  },
  {
    name: 'references',
    summary: 'how an artifact is named',
    text: () => `REPOSITORY VERSION   names an artifact of a configured registry:
                     ocictl manifest kcl/provisioning-core 1.0.0

REFERENCE            names one of any registry:
                     [HOST[:PORT]/]NAME[:TAG][@DIGEST]
                     ghcr.io/team/tool:1.2.0
                     localhost:5000/kcl/core@sha256:<64 hexadecimal digits>

Without a host it is of the registry that [orchestrator.oci.routes] has for its
name, or else of registry_url (--registry); see: ocictl config route NAME.
Write docker.io/ for Docker Hub. Without tag or digest it is "latest".
A digest decides, whatever the tag says. A "+" of a version is "_" in its tag.

A bare host means HTTPS; localhost and 127.0.0.1 mean HTTP. http:// or https://
in front of the --registry says otherwise, and so does --plain-http.`,
  },
  {
    name: 'credentials',
    summary: 'where user names and passwords come from',
    text: () => `Read for each registry, the first that knows it:

  DOCKER_AUTH_CONFIG          JSON as in docker's config.json
  REGISTRY_AUTH_FILE          names the only file to look into
  DOCKER_CONFIG/config.json   else ~/.docker/config.json
  containers/auth.json        of podman, in XDG_RUNTIME_DIR, then ~/.config
  ~/.dockercfg

In a file a credential helper ("credHelpers", "credsStore") comes before what
stands there. A helper keeps passwords in the keychain of the system. Where
config.json says nothing of credentials, the helper of the system is used if it
is installed: docker-credential-osxkeychain, -wincred, -pass or -secretservice.
Without one, ocictl login writes the password into config.json, readable by you
alone, and warns. When a helper is missing or fails, what is public is pulled
without a login, with a warning; a push fails.

The "HttpHeaders" of docker's config.json are sent to every registry.

ocictl logout says what a registry gets from then on.`,
  },
  {
    name: 'output',
    summary: 'stdout, stderr, and results for programs',
    text: () => `stdout is the result, and nothing else; stderr is progress, warnings, errors.

--format json     one JSON document in place of text, on stdout; an error is one
                  on stderr: {"error":{"code","message","hint"}}
--quiet           the one thing a script wants: a path, a digest; no progress

--progress auto   draws on a terminal, prints lines where CI is set, and
                  elsewhere says only what is unusual
           tty    draws wherever stderr goes
           plain  a line for what begins and ends, and for what takes long
           json   an event a line
           none   nothing

Keys are in snake_case, sizes in bytes, times in RFC 3339. Codes of errors and
what to do about them: docs/errors.md.`,
  },
];
