import { piped, secretAnswer } from '../question.js';
import type { Terminal } from '../terminal.js';

/** The password of a private key: from standard input when told so, else COSIGN_PASSWORD, else by asking. */
export async function keyPassword(
  { passwordStdin }: { readonly passwordStdin?: boolean },
  terminal: Terminal,
  question = 'Password of the private key: ',
): Promise<string | undefined> {
  if (passwordStdin) return piped(terminal);
  return terminal.env['COSIGN_PASSWORD'] ?? (await secretAnswer(question, terminal));
}
