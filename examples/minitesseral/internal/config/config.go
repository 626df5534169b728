// Package config reads the settings of the api from environment variables.
//
// The table Variables is the single description of them: Load takes the
// defaults from it and Usage prints it, so that the help never says anything
// else than what the program does.
package config

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// Variable describes one environment variable of the api.
type Variable struct {
	Name     string
	Default  string
	Required bool
	Help     string
}

// Variables lists every environment variable that the api reads.
var Variables = []Variable{
	{
		Name:    "API_SERVE_ADDR",
		Default: ":3001",
		Help:    "address to listen on, as host:port or :port",
	},
	{
		Name:     "API_DB_DSN",
		Required: true,
		Help:     "URL of the PostgreSQL database, such as postgres://user:password@host:5432/name",
	},
	{
		Name: "API_CONSOLE_DOMAIN",
		Help: "host name of the console; pages from there may call the api across origins",
	},
	{
		Name: "API_AUTH_APPS_ROOT_DOMAIN",
		Help: "host name under which the vaults of projects live",
	},
	{
		Name: "API_DOGFOOD_PROJECT_ID",
		Help: "id of the first project, as bootstrap printed it; starts with project_ (when empty, the one marked in the database)",
	},
	{
		Name: "API_SESSION_KMS_KEY_ID",
		Help: "id of the KMS key for session signing keys; this sample only records it",
	},
	{
		Name: "API_KMS_ENDPOINT_RESOLVER_URL",
		Help: "URL of a KMS other than the one of AWS; this sample only records it",
	},
}

// Config holds the settings of the api.
type Config struct {
	ServeAddr           string
	DBDSN               string
	ConsoleDomain       string
	AuthAppsRootDomain  string
	DogfoodProjectID    string
	SessionKMSKeyID     string
	KMSEndpointResolver string
}

// Load reads the settings through lookup (os.LookupEnv in production). An
// empty variable counts as one that isn't set. All faults are reported
// together, one sentence each.
func Load(lookup func(string) (string, bool)) (Config, error) {
	values := make(map[string]string, len(Variables))
	var faults []error
	for _, v := range Variables {
		value, _ := lookup(v.Name)
		value = strings.TrimSpace(value)
		if value == "" {
			value = v.Default
		}
		if value == "" && v.Required {
			faults = append(faults, fmt.Errorf("%s is not set: it must hold the %s", v.Name, v.Help))
		}
		values[v.Name] = value
	}

	c := Config{
		ServeAddr:           values["API_SERVE_ADDR"],
		DBDSN:               values["API_DB_DSN"],
		ConsoleDomain:       values["API_CONSOLE_DOMAIN"],
		AuthAppsRootDomain:  values["API_AUTH_APPS_ROOT_DOMAIN"],
		DogfoodProjectID:    values["API_DOGFOOD_PROJECT_ID"],
		SessionKMSKeyID:     values["API_SESSION_KMS_KEY_ID"],
		KMSEndpointResolver: values["API_KMS_ENDPOINT_RESOLVER_URL"],
	}

	for _, name := range []string{"API_CONSOLE_DOMAIN", "API_AUTH_APPS_ROOT_DOMAIN"} {
		if strings.Contains(values[name], "/") {
			faults = append(faults, fmt.Errorf("%s must be a host name without a scheme or path, not %q", name, values[name]))
		}
	}
	if c.DogfoodProjectID != "" && !strings.HasPrefix(c.DogfoodProjectID, "project_") {
		faults = append(faults, fmt.Errorf("API_DOGFOOD_PROJECT_ID must start with project_, but it is %q", c.DogfoodProjectID))
	}
	if c.KMSEndpointResolver != "" {
		u, err := url.Parse(c.KMSEndpointResolver)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			faults = append(faults, fmt.Errorf("API_KMS_ENDPOINT_RESOLVER_URL must be an http or https URL, not %q", c.KMSEndpointResolver))
		}
	}
	return c, errors.Join(faults...)
}

// Usage writes the help text of the api.
func Usage(w io.Writer) {
	fmt.Fprint(w, `Usage: api [--help]

Serves the HTTP api of the sample login service until SIGINT or SIGTERM.
It takes no arguments: all settings are environment variables.

Environment variables:
`)
	for _, v := range Variables {
		note := "default: empty"
		switch {
		case v.Required:
			note = "required"
		case v.Default != "":
			note = "default: " + v.Default
		}
		fmt.Fprintf(w, "  %s (%s)\n      %s\n", v.Name, note, v.Help)
	}
	fmt.Fprint(w, `
Exit status: 0 after a shutdown by signal, 1 when serving fails, 2 when a
setting is missing or wrong.
`)
}
