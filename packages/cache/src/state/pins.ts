import {
  type ReferenceKey,
  type ReferenceId,
  parseReferenceText,
  referenceId,
  referenceText,
} from '../cache-format.js';
import type { MarkerFiles } from './marker-files.js';

/** References that retention never removes. */
export class Pins {
  readonly #markers: MarkerFiles;

  constructor(markers: MarkerFiles) {
    this.#markers = markers;
  }

  async add(key: ReferenceKey): Promise<void> {
    await this.#markers.add(referenceId(key), referenceText(key));
  }

  async remove(key: ReferenceKey): Promise<void> {
    await this.#markers.remove(referenceId(key));
  }

  async has(id: ReferenceId): Promise<boolean> {
    return this.#markers.has(id);
  }

  async list(): Promise<readonly ReferenceKey[]> {
    const keys: ReferenceKey[] = [];
    for (const name of await this.#markers.names()) {
      const key = parseReferenceText((await this.#markers.read(name)) ?? '');
      if (key) keys.push(key);
    }
    return keys;
  }
}
