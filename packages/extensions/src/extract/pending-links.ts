import { symlinkSync } from 'node:fs';

import { foldedPath, pathFault } from '@oci/spec-types/text';

import { brokenRule } from './archive-rule.js';

/** A symbolic link that is made once everything else is there. */
interface PendingLink {
  readonly parts: readonly string[];
  readonly target: string;
  /** Directories above which it must not lead. */
  readonly base: number;
}

/** Links that one path may pass, as on Linux. */
const maxHops = 40;

/** The symbolic links of archives: none is made before all files are, so that no file is written through one. */
export class PendingLinks {
  readonly #links = new Map<string, PendingLink>();

  /** @param link.base how many of the parts are the directory that it must not leave */
  add(link: PendingLink): void {
    this.#links.set(keyOf(link.parts), link);
  }

  /** What another archive replaces is no link. */
  delete(parts: readonly string[]): boolean {
    return this.#links.delete(keyOf(parts));
  }

  /** Makes them all. @throws OciError `ARCHIVE_UNSAFE` for one that leads out, before any is made */
  make(root: string): void {
    const outward = this.outward();
    if (outward) {
      const { path, target } = outward;
      throw brokenRule('link', path, `(to ${JSON.stringify(target.slice(0, 200))})`);
    }
    for (const { parts, target } of this.#links.values())
      symlinkSync(target, `${root}/${parts.join('/')}`);
  }

  /** Returns the first link that leads out of its directory. */
  outward(): { readonly path: string; readonly target: string } | undefined {
    for (const link of this.#links.values()) {
      if (this.#leadsOut(link)) return { path: link.parts.join('/'), target: link.target };
    }
    return undefined;
  }

  /** Follows a link as the system will, through the other links too. */
  #leadsOut({ parts, target, base }: PendingLink): boolean {
    const at = parts.slice(0, -1);
    const rest = target.split('/');
    let hops = 1;
    if (isForeign(target)) return true;
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (at.length <= base) return true;
        at.pop();
        continue;
      }
      const link = this.#links.get(keyOf([...at, name]));
      if (!link) {
        at.push(name);
        continue;
      }
      hops += 1;
      if (hops > maxHops || isForeign(link.target)) return true;
      rest.unshift(...link.target.split('/'));
    }
    return false;
  }
}

/** Absolute, of another system, or no name at all. */
function isForeign(target: string): boolean {
  const fault = pathFault(target);
  return target === '' || target.length > 1024 || (fault !== undefined && fault !== 'parent-path');
}

function keyOf(parts: readonly string[]): string {
  return foldedPath(parts.join('/'));
}
