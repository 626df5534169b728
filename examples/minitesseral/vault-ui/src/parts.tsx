import type { ReactNode } from "react";

/** A box with a heading. */
export function Card(props: { title: string; children: ReactNode }) {
  return (
    <section className="rounded-xl border border-slate-200 bg-white p-6 shadow-sm dark:border-slate-800 dark:bg-slate-900">
      <h2 className="text-lg font-semibold">{props.title}</h2>
      <div className="mt-3 space-y-3 text-sm leading-6 text-slate-700 dark:text-slate-300">{props.children}</div>
    </section>
  );
}

/** A message that stands out. */
export function Notice(props: { title: string; children: ReactNode }) {
  return (
    <div
      role="alert"
      className="rounded-lg border border-amber-300 bg-amber-50 p-4 text-sm leading-6 text-amber-900 dark:border-amber-700 dark:bg-amber-950 dark:text-amber-100"
    >
      <p className="font-semibold">{props.title}</p>
      <div>{props.children}</div>
    </div>
  );
}

/** A button that starts something. */
export function Button(props: { onClick: () => void; disabled?: boolean; children: ReactNode }) {
  return (
    <button
      type="button"
      onClick={props.onClick}
      disabled={props.disabled}
      className="rounded-md bg-indigo-600 px-4 py-2 text-sm font-semibold text-white hover:bg-indigo-500 disabled:opacity-50"
    >
      {props.children}
    </button>
  );
}

/** Names and values, one pair a row. */
export function Facts(props: { rows: [name: string, value: string][] }) {
  return (
    <dl className="divide-y divide-slate-200 dark:divide-slate-800">
      {props.rows.map(([name, value]) => (
        <div key={name} className="flex flex-wrap gap-x-4 py-2">
          <dt className="w-44 font-medium text-slate-500 dark:text-slate-400">{name}</dt>
          <dd className="font-mono break-all">{value === "" ? "(none)" : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The frame of every page. */
export function Layout(props: { title: string; links: ReactNode; children: ReactNode }) {
  return (
    <div className="mx-auto max-w-3xl px-6 py-10">
      <header className="flex flex-wrap items-center justify-between gap-4">
        <h1 className="text-2xl font-bold tracking-tight">{props.title}</h1>
        <nav className="flex gap-1">{props.links}</nav>
      </header>
      <main className="mt-8 space-y-6">{props.children}</main>
    </div>
  );
}
