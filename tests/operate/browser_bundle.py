"""A bundle that does in a browser what the real ones do, and one thing after another that an intruder would."""

from __future__ import annotations

from pathlib import Path

PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>waiting</title>
    <link rel="stylesheet" href="/index.css" />
    <script src="/index.js" defer></script>
  </head>
  <body><div id="react-root" style="color: rgb(1, 2, 3)"></div></body>
</html>
"""
# PORT: of the proxies. What the policy blocks is collected in window.blocked.
SCRIPT = """
window.blocked = [];
document.addEventListener("securitypolicyviolation", event => window.blocked.push(event.effectiveDirective));
const loaded = image => new Promise((done, failed) => Object.assign(image, { onload: done, onerror: failed }));
async function usual() {
  const root = document.getElementById("react-root");
  const style = document.createElement("style");
  style.textContent = "#react-root { margin-left: 7px }";
  document.head.append(style);
  root.style.setProperty("margin-top", "8px");
  const dot = "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>";
  const picture = new Image();
  picture.src = "data:image/svg+xml," + encodeURIComponent(dot);
  await loaded(picture);
  const chosen = new Image();
  chosen.src = URL.createObjectURL(new Blob([dot], { type: "image/svg+xml" }));
  await loaded(chosen);
  await fetch("/api/internal/connect", { method: "POST", body: "{}" });
  await fetch("https://vault.console.example.com:PORT/api/internal/connect", { mode: "no-cors" });
  const looks = getComputedStyle(root);
  return [looks.marginLeft, looks.marginTop, looks.color];
}
const intrusions = {
  inline: () => { document.body.innerHTML = "<img src=none onerror='window.taken = 1'>"; },
  script: () => {
    document.head.append(Object.assign(document.createElement("script"), { text: "window.taken = 1" }));
  },
  other: () => {
    const src = "https://vault.console.example.com:PORT/index.js?other";
    document.head.append(Object.assign(document.createElement("script"), { src }));
  },
  evaluated: () => { try { eval("window.taken = 1"); } catch {} },
  frame: () => { document.body.append(Object.assign(document.createElement("iframe"), { src: "/framed" })); },
  base: () => { document.head.append(Object.assign(document.createElement("base"), { href: "https://x.example/" })); },
  form: () => {
    const form = Object.assign(document.createElement("form"), { action: "https://x.example/", method: "POST" });
    document.body.append(form);
    form.submit();
  },
};
"""


def write_bundle(folder: Path, port: int) -> None:
    """Write the bundle; ``port`` is that of the proxies."""
    folder.mkdir()
    (folder / "index.html").write_text(PAGE)
    (folder / "index.js").write_text(SCRIPT.replace("PORT", str(port)))
    (folder / "index.css").write_text("body { margin: 0 }\n")
