export {
  type ArtifactJson,
  type ErrorJson,
  type ListArtifactsRequest,
  type ListArtifactsResponse,
  type PullJson,
  artifactJsonSchema,
  errorJson,
  errorJsonSchema,
  listArtifactsRequestSchema,
  listArtifactsResponseSchema,
  pullJsonSchema,
} from './artifact-json.js';
