import { useApi } from "./api";
import { Link, isLive, usePath } from "./navigation";
import { Button, Card, Facts, Layout, Notice } from "./parts";

interface VaultConfig {
  consoleDomain: string;
  vaultDomain: string;
  dogfoodProjectId: string;
}

/** Takes the configuration out of an answer; null when it isn't one. */
function parseConfig(value: unknown): VaultConfig | null {
  if (typeof value !== "object" || value === null || !("vaultDomain" in value)) {
    return null;
  }
  const fields = value as Partial<Record<keyof VaultConfig, unknown>>;
  return {
    consoleDomain: String(fields.consoleDomain ?? ""),
    vaultDomain: String(fields.vaultDomain ?? ""),
    dogfoodProjectId: String(fields.dogfoodProjectId ?? ""),
  };
}

function Configuration(props: { immediate: boolean }) {
  const { loaded, load } = useApi("/api/config-api/v1/config", parseConfig, props.immediate);
  return (
    <Card title="Configuration">
      {loaded.state === "loading" && <p>Loading …</p>}
      {loaded.state === "failed" && (
        <Notice title="The api is not reachable">/api of this host: {loaded.reason}.</Notice>
      )}
      {loaded.state === "ready" && (
        <Facts
          rows={[
            ["Console domain", loaded.value.consoleDomain],
            ["Vault domain", loaded.value.vaultDomain],
            ["Project id", loaded.value.dogfoodProjectId],
          ]}
        />
      )}
      <Button onClick={() => void load()} disabled={loaded.state === "loading"}>
        Load from api
      </Button>
    </Card>
  );
}

const inputClass =
  "mt-1 block w-full rounded-md border border-slate-300 bg-white px-3 py-2 dark:border-slate-700 dark:bg-slate-950";

/** A form for show: the sample logs nobody in. */
function Login() {
  return (
    <Card title="Log in">
      <form className="space-y-4" onSubmit={(event) => event.preventDefault()}>
        <label className="block">
          E-mail
          <input type="email" name="email" autoComplete="username" className={inputClass} />
        </label>
        <label className="block">
          Password
          <input type="password" name="password" autoComplete="current-password" className={inputClass} />
        </label>
        <p>This sample logs nobody in: nothing that you type is sent.</p>
      </form>
    </Card>
  );
}

function Page(props: { path: string }) {
  switch (props.path) {
    case "/":
      return (
        <>
          <Card title="Welcome">
            <p>These are the login pages of a small sample of a login service.</p>
          </Card>
          <Configuration immediate={isLive()} />
        </>
      );
    case "/login":
      return <Login />;
    case "/config":
      return <Configuration immediate />;
    default:
      return (
        <Card title="Page not found">
          <p>There is no page {props.path} in this vault.</p>
        </Card>
      );
  }
}

export function App() {
  const path = usePath();
  return (
    <Layout
      title="Tesseral vault (sample)"
      links={
        <>
          <Link to="/" current={path}>
            Start
          </Link>
          <Link to="/login" current={path}>
            Log in
          </Link>
          <Link to="/config" current={path}>
            Configuration
          </Link>
        </>
      }
    >
      <Page key={path} path={path} />
    </Layout>
  );
}
