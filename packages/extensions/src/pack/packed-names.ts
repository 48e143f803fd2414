import { OciError } from '@oci/spec-types';
import { foldedPath, pathComponents } from '@oci/spec-types/text';

import { type ArchiveRule, archiveRules } from '../extract/archive-rule.js';
import { entryPathFault } from '../extract/entry-path.js';
import { defaultExtractLimits } from '../extract/limits.js';
import { PendingLinks } from '../extract/pending-links.js';
import type { SourceNode } from './source-tree.js';

/** The names of an archive that is being packed: what an extraction refuses is not published. */
export class PackedNames {
  readonly #byFolded = new Map<string, string>();
  readonly #links = new PendingLinks();

  readonly #under: string;

  /**
   * @param under the directory in the archive that all nodes are below
   * @throws OciError `USAGE`
   */
  constructor(under = '') {
    this.#under = under === '' ? '' : `${under}/`;
    refuseFault(under, under);
  }

  /** @throws OciError `USAGE` */
  add({ path, linkPath }: SourceNode): void {
    refuseFault(path, this.#under + path);
    const folded = foldedPath(path);
    const other = this.#byFolded.get(folded);
    if (other !== undefined) throw refused(path, 'same-path', `(${JSON.stringify(other)})`);
    this.#byFolded.set(folded, path);
    if (linkPath !== undefined)
      this.#links.add({ parts: pathComponents(path), target: linkPath, base: 0 });
  }

  /** Checks the links, once all names are known. @throws OciError `USAGE` */
  finish(): void {
    const outward = this.#links.outward();
    if (!outward) return;
    const target = JSON.stringify(outward.target.slice(0, 200));
    throw new OciError(
      'USAGE',
      `${outward.path} is a link that leads out of the directory, to ${target}`,
      { hint: 'Put a copy of the file there, or a relative link to a file in the directory.' },
    );
  }
}

function refuseFault(path: string, packed: string): void {
  const [rule, detail] = entryPathFault(packed, defaultExtractLimits) ?? [];
  if (rule !== undefined) throw refused(path, rule, detail);
}

function refused(path: string, rule: ArchiveRule, detail = ''): OciError {
  const message = `${JSON.stringify(path.slice(0, 200))} ${archiveRules[rule]} ${detail}`.trim();
  return new OciError('USAGE', `${message} (rule ${rule})`, {
    hint: 'Nothing was published, for it could not be unpacked everywhere. Rename the file.',
  });
}
