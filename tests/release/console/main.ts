import { config } from "./config";

declare const __API_URL__: string;
declare const __PROJECT_ID__: string;

// A minifier folds these: the placeholder becomes a part of a longer string.
export const health = `${__API_URL__}/api/internal/health`;
export const key = "\u{1f511}" + __PROJECT_ID__ + "\u{1f512} of ‘" + __API_URL__ + "’";

export function page(path: string): string {
  const parts = [config.apiUrl, "console", config.projectId, path];
  return `${parts.join("/")}\n${__PROJECT_ID__}`;
}

export function show(element: { textContent: string }) {
  element.textContent = page("sessions") + "\n" + key + " " + health;
}
