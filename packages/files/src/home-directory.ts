import { homedir } from 'node:os';

/** The user's home directory; `/` for a user that the system does not know, as containers have them. */
export function homeDirectory(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}
