declare const __API_URL__: string;
declare const __PROJECT_ID__: string;

/** What the operator says. */
export const config = { apiUrl: __API_URL__, projectId: __PROJECT_ID__ };
