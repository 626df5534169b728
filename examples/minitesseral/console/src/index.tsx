import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";

const root = document.getElementById("react-root");
if (!root) {
  throw new Error("index.html holds no element with the id react-root");
}
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
