import { type MouseEvent, type ReactNode, useEffect, useState } from "react";

const changed = "navigation";

/** The path of the page, kept up to date when links of this app are followed. */
export function usePath(): string {
  const [path, setPath] = useState(window.location.pathname);
  useEffect(() => {
    const update = () => setPath(window.location.pathname);
    window.addEventListener("popstate", update);
    window.addEventListener(changed, update);
    return () => {
      window.removeEventListener("popstate", update);
      window.removeEventListener(changed, update);
    };
  }, []);
  return path;
}

/** Whether the address asks for data of the api at once, with ?live=1. */
export function isLive(): boolean {
  return new URLSearchParams(window.location.search).get("live") === "1";
}

/** A link inside this app: it changes the address without loading a page. */
export function Link(props: { to: string; current: string; children: ReactNode }) {
  function follow(event: MouseEvent) {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return;
    }
    event.preventDefault();
    window.history.pushState(null, "", props.to);
    window.dispatchEvent(new Event(changed));
  }
  const active = props.to === props.current;
  return (
    <a
      href={props.to}
      onClick={follow}
      aria-current={active ? "page" : undefined}
      className={
        "rounded-md px-3 py-1.5 text-sm font-medium hover:bg-slate-200 dark:hover:bg-slate-800 " +
        (active ? "bg-slate-200 dark:bg-slate-800" : "text-slate-600 dark:text-slate-300")
      }
    >
      {props.children}
    </a>
  );
}
