import { createAccessToken } from '../access/access-token.js';
import { type Result, printNote } from '../output.js';

/** Makes a new token, which is shown once, and says what the configuration holds of it. */
export function createToken(name: string): Result {
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
