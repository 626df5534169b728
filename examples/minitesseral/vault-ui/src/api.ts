import { useCallback, useEffect, useState } from "react";

/** What is known of an answer of the api. */
export type Loaded<T> =
  | { state: "idle" }
  | { state: "loading" }
  | { state: "failed"; reason: string }
  | { state: "ready"; value: T };

async function getJSON(url: string): Promise<unknown> {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  if (!response.ok) {
    throw new Error(`it answered with status ${response.status}`);
  }
  // A server of static files may answer any path with its index.html.
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.includes("json")) {
    throw new Error("it answered with something else than JSON");
  }
  return response.json();
}

/**
 * Loads JSON from url, at once when immediate is set and else when load is
 * called. Failures become the state "failed" and are never thrown.
 */
export function useApi<T>(url: string, parse: (value: unknown) => T | null, immediate: boolean) {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "idle" });

  const load = useCallback(async () => {
    setLoaded({ state: "loading" });
    try {
      const value = parse(await getJSON(url));
      setLoaded(
        value === null
          ? { state: "failed", reason: "its answer has an unexpected shape" }
          : { state: "ready", value },
      );
    } catch (error) {
      setLoaded({ state: "failed", reason: error instanceof Error ? error.message : String(error) });
    }
  }, [url, parse]);

  useEffect(() => {
    if (immediate) {
      void load();
    }
  }, [immediate, load]);

  return { loaded, load };
}
