import { createAccessToken } from '../access/access-token.js';

/** Prints a new token once, and what the configuration holds of it. */
export function createToken(name: string): void {
  const { secret, hash } = createAccessToken();
  process.stdout.write(`${secret}\n`);
  process.stderr.write(
    `It is shown only now. For the configuration:\n\n[[orchestrator.oci.access.tokens]]\nname = ${JSON.stringify(name)}\nhash = "${hash}"\n`,
  );
}
