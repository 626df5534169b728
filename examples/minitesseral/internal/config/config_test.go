package config

import (
	"strings"
	"testing"
)

func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := env[name]
		return v, ok
	}
}

func TestLoadDefaults(t *testing.T) {
	c, err := Load(lookupIn(map[string]string{"API_DB_DSN": "postgres://db/x"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.ServeAddr != ":3001" || c.DBDSN != "postgres://db/x" {
		t.Errorf("unexpected settings: %+v", c)
	}
}

func TestLoadFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
	}{
		"no database":     {map[string]string{}, "API_DB_DSN is not set"},
		"project id":      {map[string]string{"API_DB_DSN": "x", "API_DOGFOOD_PROJECT_ID": "abc"}, "must start with project_"},
		"console as URL":  {map[string]string{"API_DB_DSN": "x", "API_CONSOLE_DOMAIN": "https://a.example"}, "without a scheme"},
		"kms not a URL":   {map[string]string{"API_DB_DSN": "x", "API_KMS_ENDPOINT_RESOLVER_URL": "kms"}, "http or https URL"},
		"blank is no DSN": {map[string]string{"API_DB_DSN": "  "}, "API_DB_DSN is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(lookupIn(tc.env))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestUsageListsEveryVariable(t *testing.T) {
	var b strings.Builder
	Usage(&b)
	for _, v := range Variables {
		if !strings.Contains(b.String(), v.Name+" (") || !strings.Contains(b.String(), v.Help) {
			t.Errorf("the usage doesn't describe %s", v.Name)
		}
	}
}
