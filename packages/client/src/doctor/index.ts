export type {
  CertificateFacts,
  Probe,
  ProbeEvidence,
  ProbeName,
  ProbeOutcome,
  RegistryReport,
  TlsFacts,
} from './probe.js';
export { type ProbeOptions, probeRegistry } from './probe-registry.js';
