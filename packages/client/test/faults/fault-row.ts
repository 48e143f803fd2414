import type { Socket } from 'node:net';

import type { Fault, RegistryOptions as TestRegistryOptions } from '@oci/testing';

import type { RegistryOptions } from '../../src/registry-options.js';
import type { FaultSite, operations } from './operations.js';

/** One thing that goes wrong, what is asked for meanwhile, and what has to come of it. */
export interface FaultRow {
  readonly fault: string;
  readonly operation: keyof typeof operations;
  /** What is wrong with the registry's answers. */
  readonly faults?: readonly Fault[];
  /** What the registry is like. */
  readonly registry?: TestRegistryOptions;
  /** Serves each connection in place of the registry. */
  readonly serve?: (socket: Socket, connection: number) => void;
  /** How it is asked, whatever it speaks. */
  readonly scheme?: 'http' | 'https';
  readonly client?: Partial<RegistryOptions>;
  /** Breaks what no answer can. */
  readonly prepare?: (site: FaultSite) => Promise<void> | void;
  /** What the operation gives when nothing is wrong, or the code that it fails with. */
  readonly outcome: string;
}

export interface FaultTable {
  readonly title: string;
  readonly rows: readonly FaultRow[];
}

/** What was seen of a row, as it stands in the table. */
export interface FaultResult {
  readonly did: string;
  readonly outcome: string;
}
