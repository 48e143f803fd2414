/** A file of its own, so that a pull loads this part of the extensions alone. */
export { inspectKclPackage as inspectPulled } from '@oci/extensions';
