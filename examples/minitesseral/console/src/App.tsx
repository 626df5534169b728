import { useApi } from "./api";
import { config, isConfigured } from "./config";
import { Link, isLive, usePath } from "./navigation";
import { Button, Card, Facts, Layout, Notice } from "./parts";

interface Project {
  id: string;
  displayName: string;
  vaultDomain: string;
}

/** Takes the list of projects out of an answer; null when it isn't one. */
function parseProjects(value: unknown): Project[] | null {
  const list = (value as { projects?: unknown } | null)?.projects;
  if (!Array.isArray(list)) {
    return null;
  }
  return list.map((item: Partial<Record<keyof Project, unknown>> | null) => ({
    id: String(item?.id ?? ""),
    displayName: String(item?.displayName ?? ""),
    vaultDomain: String(item?.vaultDomain ?? ""),
  }));
}

function Projects(props: { immediate: boolean }) {
  const url = config.apiUrl.replace(/\/+$/, "") + "/api/backend/v1/projects";
  const { loaded, load } = useApi(url, parseProjects, props.immediate);
  return (
    <Card title="Projects">
      {loaded.state === "loading" && <p>Loading …</p>}
      {loaded.state === "failed" && (
        <Notice title="The api is not reachable">
          {url}: {loaded.reason}.
        </Notice>
      )}
      {loaded.state === "ready" && loaded.value.length === 0 && <p>There is no project yet.</p>}
      {loaded.state === "ready" &&
        loaded.value.map((project) => (
          <div key={project.id} data-project={project.id}>
            <p className="font-semibold text-slate-900 dark:text-slate-100">
              {project.displayName}
              {project.id === config.dogfoodProjectId && " (this console logs in with it)"}
            </p>
            <Facts
              rows={[
                ["Project id", project.id],
                ["Vault", project.vaultDomain],
              ]}
            />
          </div>
        ))}
      <Button onClick={() => void load()} disabled={loaded.state === "loading"}>
        Load from api
      </Button>
    </Card>
  );
}

function NotConfigured() {
  return (
    <Notice title="This console is not configured yet">
      <p>
        The URL of the api and the id of the dogfood project are still missing from this bundle. Run bootstrap on your
        database, note the project id that it prints, fill both values in with the command that came with the bundle,
        and serve the result.
      </p>
    </Notice>
  );
}

function Settings() {
  return (
    <Card title="Settings">
      <p>These values are part of this bundle.</p>
      <Facts
        rows={[
          ["Api URL", config.apiUrl],
          ["Dogfood project id", config.dogfoodProjectId],
        ]}
      />
    </Card>
  );
}

function Page(props: { path: string; configured: boolean }) {
  switch (props.path) {
    case "/":
      return (
        <>
          <Card title="Welcome">
            <p>This is the admin console of a small sample of a login service.</p>
          </Card>
          {props.configured && <Projects immediate={isLive()} />}
        </>
      );
    case "/projects":
      return props.configured ? <Projects immediate /> : null;
    case "/settings":
      return <Settings />;
    default:
      return (
        <Card title="Page not found">
          <p>There is no page {props.path} in this console.</p>
        </Card>
      );
  }
}

export function App() {
  const path = usePath();
  const configured = isConfigured();
  return (
    <Layout
      title="Tesseral console (sample)"
      links={
        <>
          <Link to="/" current={path}>
            Start
          </Link>
          <Link to="/projects" current={path}>
            Projects
          </Link>
          <Link to="/settings" current={path}>
            Settings
          </Link>
        </>
      }
    >
      {!configured && <NotConfigured />}
      <Page key={path} path={path} configured={configured} />
    </Layout>
  );
}
