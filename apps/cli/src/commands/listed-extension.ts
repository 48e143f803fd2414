import type { InventoryEntry } from '@oci/extensions';
import { compareVersions } from '@oci/manager';

/** What is installed, and what the registry has of it. */
export interface ListedExtension extends InventoryEntry {
  /** Undefined when nobody asked; null when the registry has none. */
  readonly latest?: string | null;
  /** True when the tag of the version in use names other content now; undefined when the registry was not asked. */
  readonly republished?: boolean;
}

export function isOutdated(entry: ListedExtension): boolean {
  return entry.republished === true || hasNewer(entry);
}

export function hasNewer({ current, latest }: ListedExtension): boolean {
  return current !== null && latest != null && compareVersions(latest, current) > 0;
}
