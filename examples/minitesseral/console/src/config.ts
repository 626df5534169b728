declare const __REPLACED_BY_ESBUILD_API_URL__: string;
declare const __REPLACED_BY_ESBUILD_DOGFOOD_PROJECT_ID__: string;

/**
 * The two values that are compiled in. They live in one object, which esbuild
 * doesn't inline, so each value stands exactly once in the bundle and can be
 * replaced there after the build.
 */
export const config = {
  apiUrl: __REPLACED_BY_ESBUILD_API_URL__,
  dogfoodProjectId: __REPLACED_BY_ESBUILD_DOGFOOD_PROJECT_ID__,
};

// The brackets keep the marker word itself out of the bundle and of its map:
// only values that still wait to be filled in may contain it.
const unfilled = /PLACE[H]OLDER|^$/;

/** Whether both values have been filled in. */
export function isConfigured(): boolean {
  return !unfilled.test(config.apiUrl) && !unfilled.test(config.dogfoodProjectId);
}
