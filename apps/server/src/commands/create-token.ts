import type { Command } from 'commander';

import { createAccessToken } from '../access/access-token.js';
import { type Result, printNote, printResult } from '../output.js';
import { type CommonOptions, commandOf, example } from './command.js';

export function addToken(program: Command): void {
  const token = commandOf(program, 'token').description('tokens of callers');
  commandOf(token, 'create')
    .argument('<name>', 'what rules and the audit log call it')
    .description('print a new token, and its hash for the configuration')
    .addHelpText('after', example('token create ci'))
    .action((name: string, _: unknown, command: Command) => {
      printResult(createToken(name), command.optsWithGlobals<CommonOptions>().format);
    });
}

/** Makes a new token, which is shown once, and says what the configuration holds of it. */
function createToken(name: string): Result {
  const { secret, hash } = createAccessToken();
  printNote([
    'The token is shown only now. For the configuration:',
    '',
    '[[orchestrator.oci.access.tokens]]',
    `name = ${JSON.stringify(name)}`,
    `hash = "${hash}"`,
  ]);
  return { json: { name, token: secret, hash }, lines: [secret] };
}
